// The `nlink` of directories: 2 and one for each subdirectory, as on the disk; 1, which is "not counted", where several
// branches have them.

import nodeFs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';

type Fs = typeof nodeFs;

let base = '';

beforeEach(() => {
  base = nodeFs.mkdtempSync(join(os.tmpdir(), 'overfs-'));
});

afterEach(() => nodeFs.rmSync(base, { recursive: true }));

/** Makes directories, of which each is told by its path, in a directory of the disk that it makes. */
function disk(name: string, ...paths: string[]): string {
  const root = join(base, name);
  for (const path of ['', ...paths]) nodeFs.mkdirSync(join(root, path), { recursive: true });
  return root;
}

/** The `nlink` of all directories, by their paths. */
function links(fs: Fs, root: string): Record<string, number> {
  const found: Record<string, number> = { '/': fs.statSync(root).nlink };
  for (const path of fs.readdirSync(root, { recursive: true })) {
    found[`/${path}`] = fs.statSync(join(root, String(path))).nlink;
  }
  return found;
}

const NAMES = ['a', 'b', 'c'];
const GIVEN = NAMES.flatMap((one) => [one, ...NAMES.map((two) => `${one}/${two}`), `${one}/a/c/b`]);
const path = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const command = fc.tuple(fc.constantFrom('mkdir', 'rmdir', 'rm', 'rename'), path, path);

function play(fs: Fs, root: string, [call, from, to]: [string, string, string]): string {
  try {
    if (call === 'rename') fs.renameSync(join(root, from), join(root, to));
    else if (call === 'rm') fs.rmSync(join(root, from), { recursive: true });
    else if (call === 'mkdir') fs.mkdirSync(join(root, from));
    else fs.rmdirSync(join(root, from));
    return 'done';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    // POSIX rename lets the disk choose (XFS).
    return call === 'rename' && code === 'EEXIST' ? 'ENOTEMPTY' : code;
  }
}

it('C2 counts subdirectories as the disk does, whatever is made, moved and removed, looked at or not', () => {
  const property = fc.property(fc.array(command, { maxLength: 12 }), (commands) => {
    const lower = disk('lower', ...GIVEN);
    const model = disk('model', ...GIVEN);
    const { fs } = createOverlay({ lower, cwd: '/' });
    try {
      for (const each of commands) expect(play(fs, '/', each)).toBe(play(nodeFs, model, each));
      expect(links(fs, '/')).toEqual(links(nodeFs, model));
    } finally {
      nodeFs.rmSync(model, { recursive: true });
    }
  });
  // Where the disk counts none there is nothing to compare.
  if (nodeFs.statSync(disk('counted', 'a')).nlink === 3) fc.assert(property, { numRuns: 20 });
});

it('C2 shows 1 for a directory of several branches, whatever becomes of what is in it, and the same when the upper is mounted again', () => {
  const upper = disk('upper');
  const mount = (): Overlay =>
    createOverlay({ lower: [disk('one', 'd/a/x'), disk('two', 'd/b', 'd/c', 'e/f')], upper, cwd: '/' });
  const first = mount();
  const { fs } = first;
  expect(links(fs, '/')).toMatchObject({ '/': 1, '/d': 1 });
  for (const name of ['a', 'b', 'c']) fs.rmSync(`/d/${name}`, { recursive: true });
  expect(fs.statSync('/d').nlink).toBe(1);
  fs.mkdirSync('/d/new/sub', { recursive: true });
  fs.mkdirSync('/e/g');
  first.syncSync();
  const before = links(fs, '/');
  expect(before).toMatchObject({ '/': 1, '/d': 1, '/d/new': 3, '/d/new/sub': 2, '/e': 1 });
  first.close();
  const again = mount();
  // As the upper's disk has them: on one that counts none (btrfs), all are 1.
  const isCounted = nodeFs.statSync(disk('counted', 'a')).nlink === 3;
  const uncounted = Object.fromEntries(Object.keys(before).map((path) => [path, 1]));
  expect(links(again.fs, '/')).toEqual(isCounted ? before : uncounted);
  again.close();
});

it('C2 does not count the work area of an upper in the root', () => {
  const upper = disk('upper', 'a', 'b');
  const expected = nodeFs.statSync(upper).nlink;
  for (const _ of ['new', 'mounted again']) {
    const overlay = createOverlay({ lower: [], upper });
    expect(overlay.fs.statSync('/').nlink).toBe(expected);
    overlay.close();
  }
});
