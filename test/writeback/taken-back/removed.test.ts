// W7, C2: a directory that is removed whole and that the upper refuses to let go is there again with all that nobody
// has looked at in it.

import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { Fault, type FileSystem, failing } from '../rig.ts';

const FURTHER = Number.POSITIVE_INFINITY;

/** Two directories that hold three names of one file, and something else. */
function furnish(fs: Pick<FileSystem, 'mkdirSync' | 'writeFileSync' | 'linkSync'>): void {
  for (const path of ['/d', '/d/in', '/e']) fs.mkdirSync(path);
  fs.writeFileSync('/d/file', 'file');
  fs.linkSync('/d/file', '/d/in/twin');
  fs.linkSync('/d/file', '/e/third');
  fs.writeFileSync('/d/in/other', 'other');
}

/** What shows of the names of the file, and of the other one. */
function shownBy(fs: FileSystem): string[] {
  const paths = ['/d/file', '/d/in/twin', '/e/third', '/d/in/other'];
  return paths.map((path) => `${fs.readFileSync(path, 'utf8')} ${fs.statSync(path).nlink}`);
}

it.each([
  ['the upper has', 'looked at'],
  ['the upper has', 'written'],
  ['the lower has', 'looked at'],
  ['the lower has', 'written'],
] as const)('W7, C2: of what %s only one name was %s', (where, before) => {
  const [lower, upper] = [new Volume(), new Volume()];
  const mount = () => createOverlay({ lower: { fs: lower, immutable: true }, upper, writeback: 'through' });
  if (where === 'the lower has') furnish(lower as never);
  else {
    using first = mount();
    furnish(first.fs);
  }
  const overlay = mount();
  const { fs } = overlay;
  if (before === 'written') fs.writeFileSync('/d/file', 'new!');
  else fs.statSync('/d/file');
  const fault = new Fault(overlay);
  fault.arm(1, FURTHER, failing('EIO'));
  for (let i = 0; i < 2; i++) expect(() => fs.rmSync('/d', { recursive: true })).toThrow('EIO');
  fault.disarm();
  const text = before === 'written' ? 'new!' : 'file';
  expect(fs.readdirSync('/d', { recursive: true })).toEqual(['file', 'in', 'in/other', 'in/twin']);
  expect(shownBy(fs)).toEqual([`${text} 3`, `${text} 3`, `${text} 3`, 'other 1']);
  fs.rmSync('/d', { recursive: true });
  expect(fs.statSync('/e/third').nlink).toBe(1);
  overlay.close();
  using again = mount();
  expect(again.fs.readdirSync('/', { recursive: true })).toEqual(['e', 'e/third']);
  expect(again.fs.statSync('/e/third').nlink).toBe(1);
});
