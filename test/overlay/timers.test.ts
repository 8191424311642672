// An overlay waits by its own timers only: here nothing waits at all, and time passes when the test says so.

import nodeFs from 'node:fs';
import { Volume } from 'memfs';
import { afterEach, expect, it, vi } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { useDirectories } from '../writeback/directories.ts';
import { Hand } from './hand.ts';

const newDirectory = useDirectories();
afterEach(() => {
  vi.unstubAllGlobals();
});

/** From here on nobody may use the timers of the process. */
function forbidOthers(): void {
  const refuse = (name: string) => () => {
    throw new Error(`${name} of the process was used`);
  };
  for (const name of ['setTimeout', 'setInterval']) vi.stubGlobal(name, refuse(name));
  vi.stubGlobal('Atomics', { ...Atomics, wait: refuse('Atomics.wait') });
}

/** Calls of an fs-like object that are refused before the real function is asked, and with what. */
function refusing(name: string, refusals: string[]): Record<string, unknown> {
  const refuse = (real: (...given: unknown[]) => unknown) => {
    return (...given: unknown[]) => {
      const code = refusals.shift();
      const done = given.at(-1);
      if (code === undefined) return real(...given);
      const error = Object.assign(new Error(code), { code });
      if (typeof done !== 'function') throw error;
      setImmediate(() => done(error));
      return undefined;
    };
  };
  const real = nodeFs as unknown as Record<string, (...given: unknown[]) => unknown>;
  const fs: Record<string, unknown> = { ...nodeFs };
  for (const each of [name, `${name}Sync`]) {
    const found = real[each];
    if (found !== undefined) fs[each] = refuse(found);
  }
  return fs;
}

it('a change expires by them', async () => {
  const upper = newDirectory();
  const timers = new Hand();
  const overlay = createOverlay({ lower: [], upper, timers, writeback: { expire: 86_400_000 } });
  forbidOthers();
  overlay.fs.writeFileSync('/file', 'bytes');
  expect(timers.waiting.map(({ ms }) => ms)).toEqual([86_400_000]);
  timers.fire();
  await overlay.sync();
  expect(nodeFs.readFileSync(`${upper}/file`, 'utf8')).toBe('bytes');
  overlay.close();
  expect(timers.waiting).toEqual([]);
});

it('a change that may stay dirty for longer than a timer can wait stays so', async () => {
  const upper = newDirectory();
  const warned: unknown[] = [];
  const note = (warning: Error) => void warned.push(warning.name);
  process.on('warning', note);
  using overlay = createOverlay({ lower: [], upper, writeback: { expire: 2 ** 31 } });
  overlay.fs.writeFileSync('/file', 'bytes');
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(nodeFs.existsSync(`${upper}/file`)).toBe(false);
  expect(warned).toEqual([]);
  process.off('warning', note);
});

it('an upper that is written only on request is not tried again by itself', () => {
  const timers = new Hand();
  const upper = { fs: nodeFs, root: newDirectory(), as: () => nodeFs };
  const overlay = createOverlay({ lower: [], upper, timers, writeback: 'manual', credentials: { uid: 0, gid: 0 } });
  overlay.fs.writeFileSync('/file', 'bytes');
  for (const path of ['/', '/file']) overlay.fs.chmodSync(path, 0o777);
  overlay.on('command', () => {
    throw Object.assign(new Error('full'), { code: 'EDQUOT' });
  });
  // It takes the place of what somebody else has written, who is to write it back first.
  overlay.as({ uid: 1, gid: 1 }).writeFileSync('/file', 'BYTES', { flag: 'r+' });
  expect(timers.waiting).toEqual([]);
  overlay.removeAllListeners();
  overlay.close();
});

it('W3: an upper that says "not now" is waited for by them, each time longer', async () => {
  const root = newDirectory();
  const timers = new Hand();
  const refusals: string[] = [];
  const upper = { fs: refusing('rename', refusals), root };
  const overlay = createOverlay({ lower: [], upper, timers, writeback: 'manual' });
  forbidOthers();
  overlay.fs.writeFileSync('/now', 'now');
  refusals.push('EBUSY', 'EAGAIN', 'EBUSY');
  overlay.syncSync();
  expect(timers.slept).toEqual([1, 2, 5]);
  overlay.fs.writeFileSync('/later', 'later');
  refusals.push('EAGAIN', 'EBUSY');
  await overlay.sync();
  expect(timers.waited).toEqual([1, 2]);
  expect(timers.slept).toHaveLength(3);
  expect(nodeFs.readdirSync(root).filter((name) => !name.startsWith('.'))).toEqual(['later', 'now']);
  overlay.close();
});

it('rm waits by them before it tries again', async () => {
  const timers = new Hand();
  const { fs } = createOverlay({ lower: [], timers });
  forbidOthers();
  for (const name of ['/now', '/later']) fs.writeFileSync(name, '');
  let refusals = 0;
  const mayRefuse = () => {
    if (refusals-- > 0) throw Object.assign(new Error('EBUSY'), { code: 'EBUSY' });
  };
  // `rm` is a sequence of calls of the object as it is then.
  const { unlinkSync } = fs;
  const { unlink } = fs.promises;
  fs.unlinkSync = (path) => {
    mayRefuse();
    unlinkSync(path);
  };
  fs.promises.unlink = async (path) => {
    mayRefuse();
    await unlink(path);
  };
  const options = { maxRetries: 5, retryDelay: 1000 };
  refusals = 2;
  fs.rmSync('/now', options);
  expect(timers.slept).toEqual([1000, 2000]);
  refusals = 3;
  await fs.promises.rm('/later', options);
  expect(timers.waited).toEqual([1000, 2000, 3000]);
  expect(fs.readdirSync('/')).toEqual([]);
});

it('C9: a joiner loses patience by the given timers', async () => {
  const timers = new Hand();
  const volume = Volume.fromJSON({ '/file': 'bytes' });
  let asked = 0;
  const promises = Object.create(volume.promises) as typeof volume.promises;
  promises.lstat = ((path: string, options: object) => {
    const isFirst = path === '/file' && asked++ === 0;
    return isFirst ? new Promise(() => {}) : volume.promises.lstat(path, options);
  }) as typeof promises.lstat;
  const overlay = createOverlay({ lower: [{ fs: { promises }, immutable: true }], timers });
  forbidOthers();
  await overlay.fs.promises.readdir('/');
  void overlay.fs.promises.lstat('/file');
  const second = overlay.fs.promises.lstat('/file');
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  expect(asked).toBe(1);
  expect(timers.fire()).toBeGreaterThan(0);
  expect((await second).size).toBe(5);
  expect(asked).toBe(2);
  overlay.close();
});

it('N8: watchFile polls by them, until nothing is watched', async () => {
  const timers = new Hand();
  const volume = Volume.fromJSON({ '/file': 'one' });
  // A lower that cannot be watched.
  const asked = ['lstatSync', 'readdirSync', 'readFileSync'] as const;
  const lower = Object.fromEntries(asked.map((name) => [name, volume[name].bind(volume)]));
  const { fs } = createOverlay({ lower: [lower], timers });
  forbidOthers();
  const told: { size: number; heard?: () => void } = { size: 3 };
  const listener = ({ size }: { size: number }) => {
    told.size = size;
    told.heard?.();
  };
  const settle = async () => {
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  };
  fs.watchFile('/file', { interval: 86_400_000 }, listener);
  await settle();
  for (const text of ['three', 'seventeen']) {
    volume.writeFileSync('/file', text);
    await settle();
    expect(told.size).not.toBe(text.length);
    const heard = new Promise<void>((resolve) => {
      told.heard = resolve;
    });
    expect(timers.waiting.map(({ ms }) => ms)).toEqual([86_400_000]);
    timers.fire();
    await heard;
    expect(told.size).toBe(text.length);
  }
  fs.unwatchFile('/file', listener);
  expect(timers.waiting).toEqual([]);
});

it('each that is left out is of the process', async () => {
  const slept: number[] = [];
  const refusals: string[] = [];
  const upper = { fs: refusing('rename', refusals), root: newDirectory() };
  const timers = { sleep: (ms: number) => void slept.push(ms) };
  const overlay = createOverlay({ lower: [], upper, timers, writeback: 'manual' });
  overlay.fs.writeFileSync('/file', '');
  refusals.push('EBUSY');
  overlay.syncSync();
  expect(slept).toEqual([1]);
  overlay.fs.writeFileSync('/file', 'more');
  refusals.push('EBUSY');
  await overlay.sync();
  overlay.close();
});

/** What nobody has caught in a process in which `act` runs. */
async function uncaughtIn(act: () => unknown): Promise<unknown[]> {
  const listeners = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
  const caught: unknown[] = [];
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => caught.push(error));
  try {
    await act();
    await new Promise(setImmediate);
    return caught;
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const each of listeners) process.on('uncaughtException', each);
  }
}

const FAILURES: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error('broken timer');
  },
  rejects: () => Promise.reject(new Error('broken timer')),
};

it.each([
  ['wait', 'throws', 'sync'],
  ['wait', 'rejects', 'sync'],
  ['sleep', 'throws', 'syncSync'],
  ['after', 'throws', 'sync'],
] as const)('W2: %s that %s is told, and nothing is lost', async (timer, how, form) => {
  const root = newDirectory();
  const refusals: string[] = [];
  const upper = { fs: refusing('rename', refusals), root };
  const overlay = createOverlay({ lower: [], upper, timers: { [timer]: FAILURES[how] } });
  const caught = await uncaughtIn(async () => {
    overlay.fs.writeFileSync('/file', 'text');
    if (timer !== 'after') refusals.push('EBUSY');
    await overlay[form]();
  });
  expect(caught).toEqual([expect.objectContaining({ message: 'broken timer' })]);
  expect(nodeFs.readFileSync(`${root}/file`, 'utf8')).toBe('text');
  overlay.close();
});

it('a timer that cannot be stopped is told, and changes nothing of what is done', async () => {
  const after = (() => 5) as unknown as () => () => void;
  const overlay = createOverlay({ lower: [], upper: newDirectory(), timers: { after } });
  const caught = await uncaughtIn(() => {
    overlay.fs.writeFileSync('/file', 'text');
    overlay.close();
  });
  expect(caught).toEqual([expect.objectContaining({ message: expect.stringContaining('"timers.after"') })]);
});
