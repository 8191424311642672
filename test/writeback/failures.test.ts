// W2, W3, W4, W5: every command of a sync failing in turn: the failure is told to who must hear it, nothing is lost,
// and a later sync without failures brings the upper exactly up to date.

import nodeFs from 'node:fs';
import { join } from 'node:path';
import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import type { Overlay } from '../../lib/index.ts';
import { useDirectories } from './directories.ts';
import {
  bytesTold,
  Fault,
  type FileSystem,
  failing,
  forgetLock,
  leftovers,
  mount,
  newLower,
  survey,
  type UpperFs,
  whichOf,
} from './rig.ts';
import { type Phase, WORKLOADS } from './workloads.ts';

const newDirectory = useDirectories();

const STRIDE = process.env.OVERFS_SOAK === 'long' ? 1 : 11;

/** Plays a workload; the last sync but one has its `k`-th command fail. Answers whether there was such a command. */
function play(phases: readonly Phase[], last: number, k: number, what: unknown): 'struck' | 'spared' {
  const volume = new Volume();
  const lower = newLower();
  const overlay = mount(volume, { lower });
  for (const phase of phases.slice(0, last)) {
    phase(overlay.fs);
    overlay.syncSync();
  }
  phases[last]?.(overlay.fs);
  const wanted = survey(overlay.fs);
  const told: string[] = [];
  overlay.on('writeback-error', ({ path }) => told.push(path));
  const fault = new Fault(overlay);
  fault.arm(k, k, what);
  let thrown: unknown;
  try {
    overlay.syncSync();
  } catch (failure) {
    thrown = failure;
  }
  const struck = fault.count >= k ? 'struck' : 'spared';
  fault.disarm();
  if (thrown !== undefined) expect(told.length, 'paths told by the event').toBeGreaterThan(0);
  expect(survey(overlay.fs), 'readable meanwhile').toEqual(wanted);
  overlay.syncSync();
  expect(survey(overlay.fs)).toEqual(wanted);
  expect(leftovers(volume as unknown as UpperFs)).toEqual([]);
  overlay.close();
  const next = mount(volume, { lower });
  const state = whichOf(survey(next.fs), wanted, wanted);
  expect(state).toBe('after');
  next.close();
  return struck;
}

const STRANGE: readonly (readonly [string, () => unknown])[] = [
  ['EIO', () => failing('EIO')],
  ['ENOSPC', () => failing('ENOSPC')],
  ['EROFS', () => failing('EROFS')],
  ['EACCES', () => failing('EACCES')],
  ['EPERM', () => failing('EPERM')],
  ['a thrown string', () => 'no reason'],
];

it.each(Object.entries(WORKLOADS))('W2, W5: %s, every command failing in turn', (_, phases) => {
  let turn = 0;
  for (let last = 0; last < phases.length; last++) {
    for (let k = 1 + (last % STRIDE); ; k += STRIDE) {
      const [name, make] = STRANGE[turn++ % STRANGE.length] as (typeof STRANGE)[number];
      try {
        if (play(phases, last, k, make()) === 'spared') break;
      } catch (thrown) {
        throw new Error(`phase ${last}, command ${k} fails with ${name}`, { cause: thrown });
      }
    }
  }
});

it('W3: "not now" is neither an error nor a loss', () => {
  const volume = new Volume();
  const overlay = mount(volume);
  overlay.fs.writeFileSync('/new', 'new');
  const told: unknown[] = [];
  overlay.on('writeback-error', (failure) => told.push(failure));
  const fault = new Fault(overlay);
  for (const code of ['EAGAIN', 'EBUSY']) {
    overlay.fs.appendFileSync('/new', code);
    fault.arm(2, 4, failing(code));
    overlay.syncSync();
  }
  expect(told).toEqual([]);
  expect(volume.readFileSync('/new', 'utf8')).toBe('newEAGAINEBUSY');
  overlay.close();
});

/** An upper that is full while `isFull` says so. */
function fillable(volume: InstanceType<typeof Volume>, isFull: () => boolean): object {
  return new Proxy(volume, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name);
      if (typeof found !== 'function') return found;
      return (...given: unknown[]) => {
        if (name === 'writeSync' && isFull()) throw failing('ENOSPC');
        return found.apply(target, given);
      };
    },
  });
}

function errorOf(run: () => unknown): NodeJS.ErrnoException {
  try {
    run();
  } catch (thrown) {
    return thrown as NodeJS.ErrnoException;
  }
  throw new Error('nothing was thrown');
}

it('W4, W5: a failed fsync is reported once to every descriptor open then, to one later opener if none heard, and cleans nothing', () => {
  let isFull = false;
  const volume = new Volume();
  const overlay = mount(fillable(volume, () => isFull));
  const { fs } = overlay;
  fs.writeFileSync('/file', 'old');
  overlay.syncSync();
  const [one, other] = [fs.openSync('/file', 'r+'), fs.openSync('/file', 'r')];
  fs.writeSync(one, 'new');
  isFull = true;
  expect(errorOf(() => fs.fsyncSync(one)).code).toBe('ENOSPC');
  isFull = false;
  fs.fsyncSync(one);
  expect(volume.readFileSync('/file', 'utf8')).toBe('new');
  expect(errorOf(() => fs.fsyncSync(other)).code).toBe('ENOSPC');
  fs.fsyncSync(other);
  fs.fsyncSync(fs.openSync('/file', 'r'));
  // Nobody hears of this one but who opens afterwards.
  fs.closeSync(one);
  fs.closeSync(other);
  fs.writeFileSync('/file', 'newer');
  isFull = true;
  expect(errorOf(() => overlay.syncSync())).toBeInstanceOf(Error);
  const later = fs.openSync('/file', 'r');
  isFull = false;
  expect(errorOf(() => fs.fsyncSync(later)).code).toBe('ENOSPC');
  fs.fsyncSync(later);
  expect(volume.readFileSync('/file', 'utf8')).toBe('newer');
  overlay.close();
});

it('W5: fsync does not say that a file is written while every attempt fails', () => {
  let isFull = false;
  const volume = new Volume();
  const { fs, ...rest } = open(fillable(volume, () => isFull));
  const fd = fs.openSync('/file', 'w');
  fs.writeSync(fd, 'bytes');
  isFull = true;
  for (let i = 0; i < 3; i++) expect(errorOf(() => fs.fsyncSync(fd)).code).toBe('ENOSPC');
  isFull = false;
  fs.fsyncSync(fd);
  expect(volume.readFileSync('/file', 'utf8')).toBe('bytes');
  rest.overlay.close();
});

function open(upper: object): { overlay: Overlay; fs: Overlay['fs'] } {
  const overlay = mount(upper);
  return { overlay, fs: overlay.fs };
}

it('W4: sync() rejects with an AggregateError that names the files, and writes the others', async () => {
  const volume = new Volume();
  const { overlay, fs } = open(volume);
  fs.writeFileSync('/one', 'one');
  fs.writeFileSync('/two', 'two');
  const fault = new Fault(overlay);
  // The first write of a content.
  overlay.prependListener('command', (command) => {
    if (bytesTold(command)?.toString() === 'one') throw failing('ENOSPC');
  });
  const thrown = await overlay.sync().then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(thrown).toBeInstanceOf(AggregateError);
  expect((thrown as AggregateError).errors.map(({ code, path }) => [code, path])).toEqual([['ENOSPC', '/one']]);
  expect(volume.readFileSync('/two', 'utf8')).toBe('two');
  expect(fs.readFileSync('/one', 'utf8')).toBe('one');
  overlay.removeAllListeners('command');
  fault.disarm();
  await overlay.sync();
  expect(volume.readFileSync('/one', 'utf8')).toBe('one');
  overlay.close();
});

it('W2, W11: a new content that does not fit leaves the name what it had', () => {
  let isFull = false;
  const volume = new Volume();
  const lower = newLower();
  const overlay = mount(
    fillable(volume, () => isFull),
    { lower },
  );
  const { fs } = overlay;
  fs.writeFileSync('/file', 'old');
  fs.mkdirSync('/dir');
  overlay.syncSync();
  fs.writeFileSync('/tmp', 'new');
  fs.renameSync('/tmp', '/file');
  fs.writeFileSync('/src/f0', 'over a lower');
  fs.unlinkSync('/big');
  isFull = true;
  errorOf(() => overlay.syncSync());
  isFull = false;
  expect(volume.readFileSync('/file', 'utf8')).toBe('old');
  forgetLock(volume as unknown as UpperFs);
  overlay.syncSync();
  expect(volume.readFileSync('/file', 'utf8')).toBe('new');
  expect(volume.readFileSync('/src/f0', 'utf8')).toBe('over a lower');
  overlay.close();
});

it('W11: what could not be flushed in a new directory is not missed by whoever finishes the batch after a crash', () => {
  const directory = newDirectory();
  const dying = mount(directory);
  dying.fs.mkdirSync('/new');
  for (const path of ['/new/one', '/new/two']) {
    dying.fs.writeFileSync(path, path);
    // No process has a umask that lets it make such a file, so it is not written by one command.
    dying.fs.chmodSync(path, 0o4777);
  }
  dying.fs.unlinkSync('/big');
  let isDead = false;
  dying.on('command', (command) => {
    if (command.kind === 'flushAt' && command.path.endsWith('/one')) throw failing('EIO');
    // Behind the journal, when the new directory is in its place.
    isDead ||= command.kind === 'rename' && command.to === join(directory, 'new');
    if (isDead && command.kind !== 'rename') throw failing('EIO');
  });
  errorOf(() => dying.syncSync());
  expect(isDead).toBe(true);
  forgetLock(nodeFs, directory);
  const overlay = mount(directory);
  expect(overlay.fs.readdirSync('/new')).toEqual(['two']);
  expect(overlay.fs.existsSync('/big')).toBe(false);
  overlay.close();
});

/** What a survey says of a path. */
function lineOf(lines: readonly string[], path: string): string | undefined {
  return lines.find((line) => line.startsWith(`${path} `));
}

/** Lets the upper refuse the content that a file has now. */
function refuse(overlay: Overlay, path: string): void {
  const content = overlay.fs.readFileSync(path);
  overlay.on('command', (command) => {
    if (bytesTold(command)?.equals(content)) throw failing('ENOSPC');
  });
}

/** What is done to a file of a lower that the upper refuses, where it was, and where it is then. */
const MOVES: readonly (readonly [what: string, move: (fs: FileSystem) => void, from: string, to: string])[] = [
  ['a file', (fs) => fs.renameSync('/src/f2', '/moved'), '/src/f2', '/moved'],
  [
    'a file out of a directory that is removed',
    (fs) => {
      fs.renameSync('/src/f2', '/moved');
      fs.rmSync('/src', { recursive: true });
    },
    '/src/f2',
    '/moved',
  ],
  ['a directory', (fs) => fs.renameSync('/src', '/moved'), '/src/f2', '/moved/f2'],
  ['one of two names', (fs) => fs.renameSync('/src/f1', '/src/moved'), '/src/f1', '/src/moved'],
];

it.each(MOVES)(
  'W2, W11: %s of a lower that cannot be written where it is moved to is there after a crash',
  (_, move, from, to) => {
    const volume = new Volume();
    const lower = newLower();
    const dying = mount(volume, { lower });
    const wanted = lineOf(survey(dying.fs), from);
    move(dying.fs);
    dying.fs.unlinkSync('/big');
    const shown = survey(dying.fs);
    refuse(dying, to);
    errorOf(() => dying.syncSync());
    expect(survey(dying.fs)).toEqual(shown);
    forgetLock(volume as unknown as UpperFs);
    const overlay = mount(volume, { lower });
    expect(lineOf(survey(overlay.fs), from)).toBe(wanted);
    expect(overlay.fs.existsSync('/big')).toBe(false);
    overlay.close();
  },
);

it.each(MOVES)(
  'W2: %s of a lower that was refused where it is moved to arrives when it is taken',
  (_, move, from, to) => {
    const volume = new Volume();
    const lower = newLower();
    let overlay = mount(volume, { lower });
    survey(overlay.fs);
    move(overlay.fs);
    const shown = survey(overlay.fs);
    refuse(overlay, to);
    errorOf(() => overlay.syncSync());
    overlay.removeAllListeners('command');
    overlay.syncSync();
    expect(survey(overlay.fs)).toEqual(shown);
    overlay.close();
    overlay = mount(volume, { lower });
    expect(survey(overlay.fs)).toEqual(shown);
    expect(overlay.fs.existsSync(from)).toBe(false);
    expect(leftovers(volume as unknown as UpperFs)).toEqual([]);
    overlay.close();
  },
);

it('W1, W2: a short write of the upper is continued', () => {
  const volume = new Volume();
  const short = new Proxy(volume, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name);
      if (typeof found !== 'function') return found;
      if (name !== 'writeSync') return found.bind(target);
      return (fd: number, bytes: Uint8Array, at: number, length: number, position: number) =>
        target.writeSync(fd, bytes, at, Math.min(length, 7), position);
    },
  });
  const { overlay, fs } = open(short);
  fs.writeFileSync('/file', 'longer than seven bytes');
  overlay.syncSync();
  expect(volume.readFileSync('/file', 'utf8')).toBe('longer than seven bytes');
  overlay.close();
});

it('W2: what cannot be cleared out of the staging directory yet is in nothing’s way', () => {
  const volume = new Volume();
  const overlay = mount(volume);
  overlay.fs.mkdirSync('/new');
  overlay.fs.writeFileSync('/new/file', 'kept');
  let refused = 'rename';
  overlay.on('command', ({ kind }) => {
    if (kind === refused) throw failing('ENOTEMPTY');
  });
  // Nothing is decided, and what was staged is left there.
  expect(() => overlay.syncSync()).toThrow('ENOTEMPTY');
  refused = 'rmdir';
  overlay.syncSync();
  expect(volume.readFileSync('/new/file', 'utf8')).toBe('kept');
  expect(leftovers(volume as unknown as UpperFs)).not.toEqual([]);
  refused = '';
  overlay.syncSync();
  expect(leftovers(volume as unknown as UpperFs)).toEqual([]);
  overlay.close();
});

it('W2: an upper that vanishes and comes back loses nothing', () => {
  let isGone = false;
  const volume = new Volume();
  const away = new Proxy(volume, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name);
      if (typeof found !== 'function') return found;
      return (...given: unknown[]) => {
        if (isGone) throw failing('EIO');
        return found.apply(target, given);
      };
    },
  });
  const { overlay, fs } = open(away);
  fs.writeFileSync('/kept', 'kept');
  overlay.syncSync();
  fs.writeFileSync('/new', 'new');
  isGone = true;
  for (let i = 0; i < 3; i++) errorOf(() => overlay.syncSync());
  expect(fs.readFileSync('/new', 'utf8')).toBe('new');
  isGone = false;
  overlay.syncSync();
  expect(volume.readFileSync('/new', 'utf8')).toBe('new');
  expect(volume.readFileSync('/kept', 'utf8')).toBe('kept');
  overlay.close();
});
