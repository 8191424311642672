// Every kind of upper: a directory, a volume, another overlay, promises only, what another tool wrote; a damaged one;
// locks.

import nodeFs, { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import { useDirectories } from './directories.ts';
import { bytesOf, leftovers, mount, numbersOf, PAGE, survey, type UpperFs, whichOf } from './rig.ts';
import { WORKLOADS } from './workloads.ts';

const newClosedDirectory = useDirectories();

function newDirectory(): string {
  const directory = newClosedDirectory();
  nodeFs.chmodSync(directory, 0o777);
  return directory;
}

/** Asks without waiting for all that the synchronous calls after it ask. */
async function load(fs: Overlay['fs'], path: string): Promise<void> {
  const stats = await fs.promises.lstat(path);
  if (stats.isFile()) await fs.promises.readFile(path);
  if (stats.isSymbolicLink()) await fs.promises.readlink(path);
  if (!stats.isDirectory()) return;
  for (const name of await fs.promises.readdir(path)) await load(fs, path === '/' ? `/${name}` : `${path}/${name}`);
}

const PHASES = Object.entries(WORKLOADS);

it.each(PHASES)('C3, W8: %s, synced to a directory, is the same when it is mounted again', (_, phases) => {
  const directory = newDirectory();
  for (const phase of phases) {
    const overlay = mount(directory);
    phase(overlay.fs);
    overlay.syncSync();
    const [wanted, numbers] = [survey(overlay.fs), numbersOf(overlay.fs)];
    overlay.close();
    const next = mount(directory);
    expect(whichOf(survey(next.fs), wanted, wanted)).toBe('after');
    expect(numbersOf(next.fs)).toEqual(numbers);
    expect(leftovers(nodeFs as UpperFs, directory)).toEqual([]);
    next.close();
  }
});

it.each(PHASES)('L13: %s, synced to an upper of promises only', async (_, phases) => {
  const directory = newDirectory();
  const upper = { fs: { promises: nodeFs.promises }, root: directory };
  const overlay = mount(upper);
  for (const phase of phases) {
    await load(overlay.fs, '/');
    phase(overlay.fs);
    await overlay.sync();
  }
  await load(overlay.fs, '/');
  const wanted = survey(overlay.fs);
  await overlay[Symbol.asyncDispose]();
  const next = mount(directory);
  expect(whichOf(survey(next.fs), wanted, wanted)).toBe('after');
  next.close();
});

it('W8: a link that the upper has already gets the times and the owner that it is given later', () => {
  const directory = newDirectory();
  const overlay = mount(directory);
  overlay.fs.writeFileSync('/file', 'content', { mode: 0o640 });
  overlay.fs.symlinkSync('file', '/link');
  overlay.syncSync();
  const { uid, gid } = overlay.fs.lstatSync('/link');
  const owner = process.getuid?.() === 0 ? { uid: 21, gid: 22 } : { uid, gid };
  overlay.fs.lutimesSync('/link', 5, 6);
  overlay.fs.lchownSync('/link', owner.uid, owner.gid);
  overlay.close();
  expect(nodeFs.lstatSync(join(directory, 'link'))).toMatchObject({ ...owner, mtimeMs: 6000 });
  expect(nodeFs.lstatSync(join(directory, 'file'))).toMatchObject({ uid, gid, mode: 0o100640 });
});

it('C3: a directory that the upper gets on the way to a changed file keeps its number', () => {
  const directory = newDirectory();
  const overlay = createOverlay({ lower: { fs: makeVolume() }, upper: directory });
  const { ino } = overlay.fs.statSync('/d');
  overlay.fs.chmodSync('/d/file', 0o600);
  overlay.syncSync();
  expect(overlay.fs.statSync('/d').ino).toBe(ino);
  expect(overlay.fs.readdirSync('/', { withFileTypes: true }).map(({ name }) => name)).toEqual(['d']);
  overlay.close();
});

function makeVolume(): InstanceType<typeof Volume> {
  const volume = new Volume();
  volume.mkdirSync('/d');
  volume.writeFileSync('/d/file', 'content');
  return volume;
}

it('without an upper the first sync makes a volume in memory', () => {
  const overlay = createOverlay({ lower: new Volume() });
  expect(overlay.upper).toBeUndefined();
  overlay.fs.writeFileSync('/file', 'bytes');
  overlay.fs.mkdirSync('/dir');
  overlay.syncSync();
  expect((overlay.upper as InstanceType<typeof Volume>).readFileSync('/file', 'utf8')).toBe('bytes');
  overlay.fs.renameSync('/file', '/dir/file');
  overlay.syncSync();
  expect((overlay.upper as InstanceType<typeof Volume>).readFileSync('/dir/file', 'utf8')).toBe('bytes');
  overlay.close();
});

it.each([{ writeback: 'through' as const }, {}])(
  'W8: a volume made before anybody looked leaves the root as its lower shows it, %o',
  (options) => {
    const lower = new Volume();
    lower.chmodSync('/', 0o751);
    lower.chownSync('/', 5, 6);
    const overlay = createOverlay({ lower, ...options });
    overlay.syncSync();
    const { mode, uid, gid } = overlay.fs.statSync('/');
    expect([mode & 0o777, uid, gid]).toEqual([0o751, 5, 6]);
    overlay.close();
  },
);

it('an OCI layer that another tool wrote is read and written on', () => {
  const directory = newDirectory();
  mkdirSync(join(directory, 'src'));
  writeFileSync(join(directory, 'src/.wh.f0'), '');
  writeFileSync(join(directory, 'src/mine'), 'mine');
  mkdirSync(join(directory, 'lib'));
  writeFileSync(join(directory, 'lib/.wh..wh..opq'), '');
  const overlay = mount(directory);
  expect(overlay.fs.existsSync('/src/f0')).toBe(false);
  expect(overlay.fs.readdirSync('/lib')).toEqual([]);
  overlay.fs.writeFileSync('/src/f0', 'again');
  overlay.fs.unlinkSync('/src/mine');
  overlay.close();
  expect(readFileSync(join(directory, 'src/f0'), 'utf8')).toBe('again');
  expect(existsSync(join(directory, 'src/.wh.f0'))).toBe(false);
  expect(existsSync(join(directory, 'src/.wh.mine'))).toBe(false);
});

it.each([
  ['a directory', newDirectory],
  ['a volume', () => ''],
])('L4: in %s a whiteout that is a directory itself is removed like any other', (_, make) => {
  const root = make();
  const fs = (root === '' ? new Volume() : nodeFs) as UpperFs & Pick<typeof nodeFs, 'mkdirSync'>;
  for (const name of ['f0', 'other']) fs.mkdirSync(`${root}/.wh.${name}/inner`, { recursive: true });
  fs.writeFileSync(`${root}/.wh.f0/inner/file`, '');
  const upper = root === '' ? fs : root;
  const lower = Volume.fromJSON({ '/f0': 'below' });
  const overlay = createOverlay({ lower, upper });
  expect(overlay.fs.readdirSync('/')).toEqual([]);
  overlay.fs.writeFileSync('/f0', 'again');
  overlay.fs.mkdirSync('/other');
  overlay.close();
  expect(fs.readdirSync(root || '/').filter((name) => name !== '.overfs')).toEqual(['f0', 'other']);
  const next = createOverlay({ lower, upper });
  expect(next.fs.readFileSync('/f0', 'utf8')).toBe('again');
  next.close();
});

it.each(['format', 'journal'])('a damaged %s is an error that says how to repair it, and loses nothing', (name) => {
  const directory = newDirectory();
  const overlay = mount(directory);
  overlay.fs.writeFileSync('/file', 'bytes');
  overlay.close();
  for (const text of ['', '{', '{"version":99}', 'null', '[]']) {
    writeFileSync(join(directory, '.overfs', name), text);
    expect(() => mount(directory), text).toThrow(
      expect.objectContaining({ code: 'ERR_OVERFS_UPPER', message: expect.stringContaining(`.overfs/${name}`) }),
    );
  }
  rmSync(join(directory, '.overfs', name));
  const next = mount(directory);
  expect(next.fs.readFileSync('/file', 'utf8')).toBe('bytes');
  next.close();
});

it('an upper in use is refused, and why; one of a process that is gone, or of another with its number, is not', () => {
  const directory = newDirectory();
  const overlay: Overlay = mount(directory);
  expect(() => mount(directory)).toThrow(
    expect.objectContaining({ code: 'EBUSY', message: expect.stringContaining('another overlay of this process') }),
  );
  const path = join(directory, '.overfs/lock');
  const lock = JSON.parse(readFileSync(path, 'utf8'));
  overlay.close();
  expect(existsSync(path)).toBe(false);
  for (const stale of [{ ...lock, pid: 2 ** 30 }, { ...lock, began: '1', token: 'another' }, lock]) {
    writeFileSync(path, JSON.stringify(stale));
    mount(directory).close();
  }
  // The parent process is alive.
  writeFileSync(path, JSON.stringify({ ...lock, pid: process.ppid, began: '' }));
  expect(() => mount(directory)).toThrow(expect.objectContaining({ code: 'EBUSY' }));
});

it('C7: a file whose times the upper keeps less exactly is not taken for another one when it changes again', () => {
  const [lower, upper] = [newDirectory(), newDirectory()];
  nodeFs.mkdirSync(join(lower, 'd'));
  nodeFs.writeFileSync(join(lower, 'd/file'), bytesOf(1, 3 * PAGE));
  const options = { lower, upper, clock: () => 1e12 + 0.123456, pageSize: PAGE, cache: { maxBytes: 0 } };
  const overlay = createOverlay(options);
  overlay.fs.renameSync('/d', '/e');
  overlay.syncSync();
  overlay.fs.chmodSync('/e/file', 0o600);
  expect(overlay.fs.readFileSync('/e/file')).toEqual(bytesOf(1, 3 * PAGE));
  overlay.close();
});
