// The example that does to a directory what was done in an overlay of it: afterwards the directory is what the overlay
// showed.

import nodeFs from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { applyChanges } from '../../examples/apply-changes.js';
import { createOverlay, type FileSystem } from '../../lib/index.ts';
import { Dice } from '../dice.ts';
import { useDirectories } from '../writeback/directories.ts';

const newDirectory = useDirectories();

/** A directory with some things in it. */
function project(): string {
  const directory = newDirectory();
  for (const path of ['a/x', 'a/in/y', 'b/x', 'b/z', 'c', 'd']) {
    nodeFs.mkdirSync(join(directory, path, '..'), { recursive: true });
    nodeFs.writeFileSync(join(directory, path), `content of ${path}`);
  }
  nodeFs.symlinkSync('a/x', join(directory, 'link'));
  // The disk is told of times in fractions that are not exact.
  for (const name of nodeFs.readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    nodeFs.lutimesSync(join(directory, name), 1000, 1000);
  }
  return directory;
}

/** All that lies at a path, but for when directories were changed. */
function shown(fs: typeof nodeFs, root: string): string[] {
  const names = fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  return names.map((name) => {
    const path = join(root, name);
    const stats = fs.lstatSync(path);
    if (stats.isDirectory()) return `${name} ${stats.mode}`;
    const content = stats.isSymbolicLink() ? fs.readlinkSync(path) : fs.readFileSync(path, 'utf8');
    return `${name} ${stats.mode} ${stats.mtimeMs} ${content}`;
  });
}

/** Has it done, and looks. */
function expectApplied(change: (fs: FileSystem) => unknown): void {
  const directory = project();
  let seconds = 2000;
  const overlay = createOverlay({ lower: directory, clock: () => ++seconds * 1000 });
  change(overlay.fs);
  const wanted = shown(overlay.fs, '/');
  applyChanges(overlay, directory);
  expect(shown(nodeFs, directory)).toEqual(wanted);
}

it.each<[string, (fs: FileSystem) => unknown]>([
  ['nothing', () => {}],
  ['a new file in a new directory', (fs) => fs.mkdirSync('/new/deep', { recursive: true })],
  ['a file made longer, another shorter', (fs) => [fs.appendFileSync('/c', '+'), fs.truncateSync('/d', 3)]],
  ['attributes', (fs) => [fs.chmodSync('/a', 0o700), fs.utimesSync('/c', 5, 5), fs.chmodSync('/b/x', 0o600)]],
  [
    'files that change places',
    (fs) => [fs.renameSync('/c', '/t'), fs.renameSync('/d', '/c'), fs.renameSync('/t', '/d')],
  ],
  [
    'directories that change places, with changes in them',
    (fs) => {
      fs.renameSync('/a', '/t');
      fs.renameSync('/b', '/a');
      fs.renameSync('/t', '/b');
      fs.appendFileSync('/a/x', ' more');
      fs.rmSync('/b/in', { recursive: true });
    },
  ],
  ['a directory over another', (fs) => [fs.rmSync('/b', { recursive: true }), fs.renameSync('/a', '/b')]],
  ['a file that becomes a directory', (fs) => [fs.rmSync('/c'), fs.mkdirSync('/c'), fs.writeFileSync('/c/in', '')]],
  ['a directory that becomes a link', (fs) => [fs.rmSync('/a', { recursive: true }), fs.symlinkSync('b', '/a')]],
  ['a link that becomes a file', (fs) => [fs.rmSync('/link'), fs.writeFileSync('/link', 'file')]],
  [
    'a directory made anew',
    (fs) => [fs.rmSync('/a', { recursive: true }), fs.mkdirSync('/a'), fs.writeFileSync('/a/x', '')],
  ],
])('%s', (_, change) => expectApplied(change));

it('writing to a file that has another name elsewhere leaves that as it is', () => {
  const [directory, store] = [project(), newDirectory()];
  nodeFs.linkSync(join(directory, 'c'), join(store, 'package'));
  const overlay = createOverlay({ lower: directory });
  overlay.fs.writeFileSync('/c', 'mine');
  applyChanges(overlay, directory);
  expect(nodeFs.readFileSync(join(directory, 'c'), 'utf8')).toBe('mine');
  expect(nodeFs.readFileSync(join(store, 'package'), 'utf8')).toBe('content of c');
});

it.each(Array.from({ length: 60 }, (_, seed) => seed))('anything (seed %i)', (seed) => {
  const dice = new Dice(seed);
  expectApplied((fs) => {
    const path = () => `/${dice.pick(['a', 'b', 'c', 'd', 'link'])}${dice.pick(['', '', '/x', '/in', '/in/y'])}`;
    for (let i = 0; i < 25; i++) {
      const change = dice.pick<() => void>([
        () => fs.renameSync(path(), path()),
        () => fs.writeFileSync(path(), `${i}`),
        () => fs.appendFileSync(path(), `${i}`),
        () => fs.mkdirSync(path()),
        () => fs.rmSync(path(), { recursive: dice.chance(0.3) }),
        () => fs.symlinkSync('c', path()),
        () => fs.copyFileSync(path(), path()),
        () => fs.chmodSync(path(), 0o700),
      ]);
      try {
        change();
      } catch (thrown) {
        expect(thrown).toHaveProperty('syscall');
      }
    }
  });
});
