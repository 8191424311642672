// Uppers that answer later only: they are mounted before anything in them is looked at (L13, W11).

import nodeFs, { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { useDirectories } from '../directories.ts';
import { Fault, forgetLock, leftovers, mount, survey, type UpperFs, whichOf } from '../rig.ts';
import { WORKLOADS } from '../workloads.ts';

const newDirectory = useDirectories();

/** The functions of `node:fs` that take a callback. */
const callbacks: object = Object.fromEntries(
  Object.entries(nodeFs).filter(([name, value]) => typeof value === 'function' && `${name}Sync` in nodeFs),
);

/** The promise functions of `node:fs`, of which `mkdir` fails so many times. */
function failing(times: number): object {
  let left = times;
  const mkdir = async (...given: Parameters<typeof nodeFs.promises.mkdir>) => {
    if (left-- > 0) throw Object.assign(new Error('broken'), { code: 'EIO' });
    return nodeFs.promises.mkdir(...given);
  };
  return { promises: { ...nodeFs.promises, mkdir } };
}

/** An upper on the disk that was left by a crash right behind the journal; answers what it holds when that is heeded. */
function crashed(directory: string): string[] {
  const overlay = mount(directory);
  for (const phase of WORKLOADS.removals ?? []) {
    phase(overlay.fs);
    if (phase !== WORKLOADS.removals?.at(-1)) overlay.syncSync();
  }
  const fault = new Fault(overlay);
  overlay.on('command', (command) => {
    if (command.kind === 'rename' && command.to.endsWith('/journal'))
      fault.arm(2, Number.POSITIVE_INFINITY, new Error('cut'));
  });
  expect(() => overlay.syncSync()).toThrow();
  fault.disarm();
  forgetLock(nodeFs as UpperFs, directory);
  return survey(overlay.fs);
}

it.each([
  ['promises', { promises: nodeFs.promises }],
  ['callbacks', callbacks],
])(
  'L13, W11: an upper of %s only is mounted before it is first read, and what a crash interrupted is ended',
  async (_, fs) => {
    const directory = newDirectory();
    const wanted = crashed(directory);
    const overlay = mount({ fs, root: directory });
    const names = wanted.flatMap((line) => /^\/([^/ ]+) /.exec(line)?.[1] ?? []);
    expect(await overlay.fs.promises.readdir('/')).toEqual(names);
    await overlay.preload('/');
    expect(whichOf(survey(overlay.fs), wanted, wanted)).toBe('after');
    expect(leftovers(nodeFs as UpperFs, directory)).toEqual([]);
    await overlay[Symbol.asyncDispose]();
  },
);

it('L13: synchronous calls before that are refused, and work once it is mounted', async () => {
  const directory = newDirectory();
  nodeFs.writeFileSync(join(directory, 'file'), 'bytes');
  const overlay = mount({ fs: { promises: nodeFs.promises }, root: directory });
  const notLoaded = expect.objectContaining({ code: 'ERR_OVERFS_NOT_LOADED' });
  expect(() => overlay.fs.existsSync('/file') || overlay.fs.statSync('/file')).toThrow(notLoaded);
  expect(() => overlay.fs.writeFileSync('/new', '')).toThrow(notLoaded);
  expect(() => overlay.fs.readdirSync('/')).toThrow(notLoaded);
  expect(() => [...overlay.changes()]).toThrow(notLoaded);
  expect(() => overlay.syncSync()).toThrow(notLoaded);
  expect(existsSync(join(directory, '.overfs'))).toBe(false);
  await overlay.preload('/file');
  expect(overlay.fs.readFileSync('/file', 'utf8')).toBe('bytes');
  overlay.fs.appendFileSync('/file', '!');
  await overlay[Symbol.asyncDispose]();
  expect(nodeFs.readFileSync(join(directory, 'file'), 'utf8')).toBe('bytes!');
});

it('L13: what was written back is known without asking: synchronous calls go on, in merged directories too', async () => {
  const directory = newDirectory();
  const lower = new Volume();
  lower.fromJSON({ '/d/old': 'old', '/d/inner/old': 'old', '/both/old': 'old', '/e/inner/old': 'old' });
  nodeFs.mkdirSync(join(directory, 'both'));
  const upper = { fs: { promises: nodeFs.promises }, root: directory };
  const overlay = createOverlay({ lower: { fs: lower }, upper });
  const { fs } = overlay;
  await fs.promises.writeFile('/d/inner/new', 'new');
  await fs.promises.chmod('/d', 0o700);
  await fs.promises.mkdir('/made/deep', { recursive: true });
  await fs.promises.rename('/made', '/moved');
  await fs.promises.writeFile('/both/new', 'new');
  await fs.promises.appendFile('/e/inner/old', ', appended');
  await overlay.sync();
  const asked: string[] = [];
  overlay.on('command', ({ kind }) => asked.push(kind));
  expect(fs.readdirSync('/', { recursive: true }).sort()).toEqual([
    'both',
    'both/new',
    'both/old',
    'd',
    'd/inner',
    'd/inner/new',
    'd/inner/old',
    'd/old',
    'e',
    'e/inner',
    'e/inner/old',
    'moved',
    'moved/deep',
  ]);
  expect(fs.statSync('/e/inner').isDirectory()).toBe(true);
  expect(fs.readFileSync('/e/inner/old', 'utf8')).toBe('old, appended');
  fs.chmodSync('/e', 0o711);
  expect(fs.statSync('/d').mode & 0o777).toBe(0o700);
  expect(fs.readFileSync('/d/inner/new', 'utf8')).toBe('new');
  expect(fs.readFileSync('/d/inner/old', 'utf8')).toBe('old');
  expect(fs.existsSync('/d/inner/none')).toBe(false);
  fs.writeFileSync('/d/inner/more', 'more');
  fs.renameSync('/d/inner', '/both/inner');
  expect([...overlay.changes()].length).toBeGreaterThan(0);
  expect(asked).toEqual([]);
  await overlay.sync();
  expect(fs.readdirSync('/both/inner')).toEqual(['more', 'new', 'old']);
  expect(fs.readdirSync('/d')).toEqual(['old']);
  lower.writeFileSync('/d/later', 'later');
  expect(fs.readFileSync('/d/later', 'utf8')).toBe('later');
  await overlay[Symbol.asyncDispose]();
});

it('calls that come together mount it once; one whose mount failed fails, and the next tries again', async () => {
  const directory = newDirectory();
  const overlay = mount({ fs: failing(1), root: directory });
  const kinds: string[] = [];
  overlay.on('command', (command) => kinds.push(command.kind));
  const first = await Promise.allSettled([overlay.fs.promises.stat('/src'), overlay.fs.promises.readdir('/')]);
  expect(first.map((result) => result.status === 'rejected' && result.reason.code)).toEqual(['EIO', 'EIO']);
  expect(kinds).toEqual(['mkdir']);
  await Promise.all([overlay.fs.promises.stat('/src'), overlay.fs.promises.readdir('/'), overlay.preload('/src')]);
  // The lock, the format, and the room that is set aside.
  expect(kinds.filter((kind) => kind === 'create').length).toBe(3);
  await overlay[Symbol.asyncDispose]();
});

it('the lock of a failed mount counts as free, even if it could not be removed', async () => {
  const directory = newDirectory();
  let isRefusing = true;
  const refusing = async (given: (...all: never[]) => Promise<unknown>, all: unknown[]): Promise<unknown> => {
    if (isRefusing) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    return Reflect.apply(given, nodeFs.promises, all);
  };
  const { rename, unlink } = nodeFs.promises;
  const promises = {
    ...nodeFs.promises,
    rename: (...all: unknown[]) => refusing(rename, all),
    unlink: (...all: unknown[]) => refusing(unlink, all),
  };
  const overlay = mount({ fs: { promises }, root: directory });
  await expect(overlay.fs.promises.readdir('/')).rejects.toMatchObject({ code: 'EIO' });
  expect(readdirSync(`${directory}/.overfs`)).toContain('lock');
  isRefusing = false;
  expect(await overlay.fs.promises.readdir('/')).toContain('src');
  await overlay[Symbol.asyncDispose]();
  expect(readdirSync(`${directory}/.overfs`)).not.toContain('lock');
});

it('one that is in use is EBUSY for the first call', async () => {
  const directory = newDirectory();
  const other = mount(directory);
  const overlay = mount({ fs: { promises: nodeFs.promises }, root: directory });
  await expect(overlay.fs.promises.readdir('/')).rejects.toMatchObject({ code: 'EBUSY' });
  other.close();
  expect(await overlay.fs.promises.readdir('/')).toContain('src');
  await overlay[Symbol.asyncDispose]();
});

it('one that was never asked anything is left alone', async () => {
  const directory = newDirectory();
  await mount({ fs: { promises: nodeFs.promises }, root: directory })[Symbol.asyncDispose]();
  mount({ fs: { promises: nodeFs.promises }, root: directory }).close();
  expect(readdirSync(directory)).toEqual([]);
});

it.each(Object.entries(WORKLOADS))(
  'L13: %s, synced without blocking to an overlay in memory, is the same when mounted again',
  async (_, phases) => {
    const inner = createOverlay({ lower: [] });
    for (const phase of phases) {
      const overlay = mount({ fs: { promises: inner.fs.promises } });
      await overlay.fs.promises.readdir('/');
      await overlay.preload('/');
      phase(overlay.fs);
      await overlay.sync();
      await overlay.preload('/');
      const wanted = survey(overlay.fs);
      await overlay[Symbol.asyncDispose]();
      const next = mount(inner.fs);
      expect(whichOf(survey(next.fs), wanted, wanted)).toBe('after');
      next.close();
    }
  },
);

it('L13: what is to be written at once is refused with what to do instead', async () => {
  const overlay = mount({ fs: { promises: nodeFs.promises }, root: newDirectory() });
  await overlay.fs.promises.writeFile('/file', 'bytes');
  for (const write of [() => overlay.syncSync(), () => overlay.close()]) {
    expect(write).toThrow(
      'The branch "upper" has only promise functions and cannot be written to at once: use the callback or promise form, ' +
        'and sync() and `await using` of the overlay',
    );
  }
  await overlay[Symbol.asyncDispose]();
});
