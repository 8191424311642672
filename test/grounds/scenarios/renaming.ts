/** rename, in every combination of what is moved and what stands at the target (L8, L9). */

import { expect } from 'vitest';
import { fails, type Scenario, scenario, text } from '../scenario.ts';
import { dir, file, hard, LONG_AGO, link, type Tree } from '../tree.ts';

const DEEP: Tree = { d: dir({ a: 'A', e: dir({ b: 'B', f: dir({ c: 'C' }), g: dir() }) }), l: link('d/e/b'), t: dir() };

export const renamingFiles: Scenario[] = [
  scenario('L8 rename moves a file with all it has', { a: file('alpha', { mode: 0o604 }) }, async (fs, root) => {
    const before = await fs.stat(`${root}/a`);
    await fs.rename(`${root}/a`, `${root}/new`);
    const after = await fs.stat(`${root}/new`);
    expect([after.ino, after.mode, after.mtimeMs, after.size]).toEqual([before.ino, before.mode, before.mtimeMs, 5]);
    expect(await text(fs, `${root}/new`)).toBe('alpha');
    await fails(fs.stat(`${root}/a`), 'ENOENT', 'stat', `${root}/a`);
    expect(await fs.readdir(root)).toEqual(['new']);
  }),
  scenario('L8 rename into another directory and back', { d: dir({ a: 'A' }), e: dir() }, async (fs, root) => {
    await fs.rename(`${root}/d/a`, `${root}/e/new`);
    expect([await fs.readdir(`${root}/d`), await fs.readdir(`${root}/e`)]).toEqual([[], ['new']]);
    await fs.rename(`${root}/e/new`, `${root}/d/a`);
    expect([await fs.readdir(`${root}/d`), await fs.readdir(`${root}/e`)]).toEqual([['a'], []]);
    expect(await text(fs, `${root}/d/a`)).toBe('A');
  }),
  scenario('L9 rename onto an existing file', { a: 'A', b: 'B' }, async (fs, root) => {
    const moved = (await fs.stat(`${root}/a`)).ino;
    await fs.rename(`${root}/a`, `${root}/b`);
    expect(await text(fs, `${root}/b`)).toBe('A');
    expect((await fs.stat(`${root}/b`)).ino).toBe(moved);
    expect(await fs.readdir(root)).toEqual(['b']);
  }),
  scenario('L9 rename onto itself', { a: 'A', d: dir({ b: 'B' }) }, async (fs, root) => {
    await fs.rename(`${root}/a`, `${root}/a`);
    await fs.rename(`${root}/d`, `${root}/d`);
    await fs.rename(`${root}/a`, `${root}/d/../a`);
    expect(await text(fs, `${root}/a`)).toBe('A');
    expect(await text(fs, `${root}/d/b`)).toBe('B');
    expect((await fs.stat(root)).mtimeMs).toBeGreaterThan(0);
  }),
  scenario(
    'L9 rename onto another name of the same file does nothing',
    { a: 'A', b: hard('a'), d: dir({ c: hard('a') }) },
    async (fs, root) => {
      await fs.rename(`${root}/a`, `${root}/b`);
      await fs.rename(`${root}/a`, `${root}/d/c`);
      expect(await fs.readdir(root)).toEqual(['a', 'b', 'd']);
      expect((await fs.stat(`${root}/a`)).nlink).toBe(3);
    },
  ),
  scenario('C2 renaming one name of a file leaves the others', { a: 'A', b: hard('a') }, async (fs, root) => {
    await fs.rename(`${root}/a`, `${root}/new`);
    await fs.writeFile(`${root}/new`, 'both');
    expect(await text(fs, `${root}/b`)).toBe('both');
    expect((await fs.stat(`${root}/b`)).nlink).toBe(2);
  }),
  scenario(
    'C2 a file replaced under one name lives on under the other',
    { a: 'A', b: hard('a'), c: 'C' },
    async (fs, root) => {
      await fs.rename(`${root}/c`, `${root}/a`);
      expect([await text(fs, `${root}/a`), await text(fs, `${root}/b`)]).toEqual(['C', 'A']);
      expect((await fs.stat(`${root}/b`)).nlink).toBe(1);
    },
  ),
  scenario(
    'L11 rename moves a link, and replaces one, without following',
    { a: 'A', b: 'B', l: link('a'), m: link('b') },
    async (fs, root) => {
      await fs.rename(`${root}/l`, `${root}/new`);
      expect(await fs.readlink(`${root}/new`)).toBe('a');
      await fs.rename(`${root}/a`, `${root}/m`);
      expect(await text(fs, `${root}/m`)).toBe('A');
      expect(await text(fs, `${root}/b`)).toBe('B');
      expect((await fs.lstat(`${root}/m`)).isFile()).toBe(true);
    },
  ),
  scenario('L4 the old name can be taken again at once', { a: 'A' }, async (fs, root) => {
    await fs.rename(`${root}/a`, `${root}/new`);
    await fs.writeFile(`${root}/a`, 'again', { flag: 'wx' });
    expect([await text(fs, `${root}/a`), await text(fs, `${root}/new`)]).toEqual(['again', 'A']);
    await fs.rename(`${root}/new`, `${root}/a`);
    expect(await text(fs, `${root}/a`)).toBe('A');
  }),
  scenario('rename of a changed file keeps the change', { a: 'alpha' }, async (fs, root) => {
    await fs.appendFile(`${root}/a`, '!');
    await fs.rename(`${root}/a`, `${root}/new`);
    await fs.appendFile(`${root}/new`, '?');
    expect(await text(fs, `${root}/new`)).toBe('alpha!?');
  }),
  scenario('a file renamed before it was ever read', { d: dir({ a: file('x'.repeat(40_000)) }) }, async (fs, root) => {
    await fs.rename(`${root}/d/a`, `${root}/new`);
    await fs.rm(`${root}/d`, { recursive: true });
    await fs.appendFile(`${root}/new`, 'y');
    expect((await text(fs, `${root}/new`)) === `${'x'.repeat(40_000)}y`).toBe(true);
  }),
  scenario(
    'rename makes the mtimes of both directories new',
    { d: dir({ a: 'A' }), e: dir(), f: dir() },
    async (fs, root) => {
      await fs.rename(`${root}/d/a`, `${root}/e/new`);
      for (const name of ['d', 'e'])
        expect((await fs.stat(`${root}/${name}`)).mtimeMs).toBeGreaterThan(LONG_AGO.getTime());
      expect((await fs.stat(`${root}/e/new`)).mtime).toEqual(LONG_AGO);
      expect((await fs.stat(`${root}/f`)).mtime).toEqual(LONG_AGO);
    },
  ),
];

export const renamingDirectories: Scenario[] = [
  scenario('L8 rename moves a directory with all below it', DEEP, async (fs, root) => {
    const before = await fs.stat(`${root}/d/e/f/c`);
    await fs.rename(`${root}/d`, `${root}/new`);
    expect([...(await fs.readdir(`${root}/new`, { recursive: true }))].sort()).toEqual([
      'a',
      'e',
      'e/b',
      'e/f',
      'e/f/c',
      'e/g',
    ]);
    expect(await text(fs, `${root}/new/e/f/c`)).toBe('C');
    expect((await fs.stat(`${root}/new/e/f/c`)).ino).toBe(before.ino);
    await fails(fs.stat(`${root}/d/a`), 'ENOENT', 'stat', `${root}/d/a`);
  }),
  scenario('L8 changes before and after the move of a directory', DEEP, async (fs, root) => {
    await fs.writeFile(`${root}/d/e/b`, 'changed');
    await fs.unlink(`${root}/d/a`);
    await fs.rename(`${root}/d`, `${root}/t/new`);
    await fs.writeFile(`${root}/t/new/e/f/c`, 'later');
    await fs.rename(`${root}/t/new/e`, `${root}/new`);
    expect([await text(fs, `${root}/new/b`), await text(fs, `${root}/new/f/c`)]).toEqual(['changed', 'later']);
    expect(await fs.readdir(`${root}/t/new`)).toEqual([]);
    expect(await fs.readdir(`${root}/new`)).toEqual(['b', 'f', 'g']);
  }),
  scenario('L9 rename onto an empty directory', DEEP, async (fs, root) => {
    await fs.rename(`${root}/d`, `${root}/t`);
    expect(await fs.readdir(`${root}/t`)).toEqual(['a', 'e']);
    expect(await fs.readdir(root)).toEqual(['l', 't']);
  }),
  scenario('L6 rename onto a directory that has been emptied', DEEP, async (fs, root) => {
    await fs.unlink(`${root}/d/e/b`);
    await fs.rm(`${root}/d/e/f`, { recursive: true });
    await fs.rmdir(`${root}/d/e/g`);
    await fs.rename(`${root}/t`, `${root}/d/e`);
    expect(await fs.readdir(`${root}/d/e`)).toEqual([]);
    expect(await fs.readdir(root)).toEqual(['d', 'l']);
  }),
  scenario('L5 a directory made at the old name is empty', DEEP, async (fs, root) => {
    await fs.rename(`${root}/d`, `${root}/new`);
    await fs.mkdir(`${root}/d`);
    expect(await fs.readdir(`${root}/d`)).toEqual([]);
    await fs.mkdir(`${root}/d/e`);
    expect(await fs.readdir(`${root}/d/e`)).toEqual([]);
    await fails(fs.stat(`${root}/d/e/b`), 'ENOENT', 'stat', `${root}/d/e/b`);
    expect(await text(fs, `${root}/new/e/b`)).toBe('B');
  }),
  scenario(
    'directories swap their names',
    { d: dir({ a: 'D', e: dir() }), t: dir({ a: 'T', f: dir() }) },
    async (fs, root) => {
      await fs.rename(`${root}/d`, `${root}/new`);
      await fs.rename(`${root}/t`, `${root}/d`);
      await fs.rename(`${root}/new`, `${root}/t`);
      expect([await text(fs, `${root}/d/a`), await text(fs, `${root}/t/a`)]).toEqual(['T', 'D']);
      expect([await fs.readdir(`${root}/d`), await fs.readdir(`${root}/t`)]).toEqual([
        ['a', 'f'],
        ['a', 'e'],
      ]);
    },
  ),
  scenario('a directory moved there and back', DEEP, async (fs, root) => {
    await fs.rename(`${root}/d`, `${root}/t/new`);
    await fs.writeFile(`${root}/t/new/x`, 'X');
    await fs.rename(`${root}/t/new`, `${root}/d`);
    expect(await fs.readdir(`${root}/d`)).toEqual(['a', 'e', 'x']);
    expect(await fs.readdir(`${root}/t`)).toEqual([]);
    expect(await text(fs, `${root}/d/e/f/c`)).toBe('C');
  }),
  scenario(
    '.. of a moved directory is where it is now',
    { d: dir({ e: dir() }), t: dir({ a: 'T' }) },
    async (fs, root) => {
      await fs.rename(`${root}/d/e`, `${root}/t/new`);
      expect(await text(fs, `${root}/t/new/../a`)).toBe('T');
    },
  ),
  scenario('rename of a directory with trailing slashes', { d: dir({ a: 'A' }) }, async (fs, root) => {
    await fs.rename(`${root}/d/`, `${root}/new/`);
    expect(await fs.readdir(`${root}/new`)).toEqual(['a']);
  }),
  scenario('names replaced inside a moved directory', DEEP, async (fs, root) => {
    await fs.rename(`${root}/d`, `${root}/new`);
    await fs.rename(`${root}/new/a`, `${root}/new/e/b`);
    expect(await text(fs, `${root}/new/e/b`)).toBe('A');
    await fs.rename(`${root}/new/e/f`, `${root}/new/e/g`);
    expect(await fs.readdir(`${root}/new/e`)).toEqual(['b', 'g']);
    expect(await fs.readdir(`${root}/new/e/g`)).toEqual(['c']);
  }),
];

export const renameErrors: Scenario[] = [
  scenario('L9 N2 rename of what is not there, or to where nothing can be', { a: 'A', d: dir() }, async (fs, root) => {
    const [to, no] = [`${root}/new`, `${root}/no`];
    await fails(fs.rename(no, to), 'ENOENT', 'rename', no, to);
    await fails(fs.rename(`${root}/a/x`, to), 'ENOTDIR', 'rename', `${root}/a/x`, to);
    await fails(fs.rename(`${root}/a`, `${no}/x`), 'ENOENT', 'rename', `${root}/a`, `${no}/x`);
    await fails(fs.rename(`${root}/d`, `${root}/a/x`), 'ENOTDIR', 'rename', `${root}/d`, `${root}/a/x`);
    await fails(fs.rename(`${root}/a/`, to), 'ENOTDIR', 'rename', `${root}/a/`, to);
    await fails(fs.rename(`${root}/a`, `${to}/`), 'ENOTDIR', 'rename', `${root}/a`, `${to}/`);
    expect(await fs.readdir(root)).toEqual(['a', 'd']);
  }),
  scenario('L9 rename of a directory over a file is ENOTDIR', { a: 'A', d: dir(), l: link('d') }, async (fs, root) => {
    await fails(fs.rename(`${root}/d`, `${root}/a`), 'ENOTDIR', 'rename', `${root}/d`, `${root}/a`);
    await fails(fs.rename(`${root}/d`, `${root}/l`), 'ENOTDIR', 'rename', `${root}/d`, `${root}/l`);
    expect(await fs.readdir(root)).toEqual(['a', 'd', 'l']);
  }),
  scenario('L9 rename of a file over a directory is EISDIR', { a: 'A', d: dir(), l: link('a') }, async (fs, root) => {
    await fails(fs.rename(`${root}/a`, `${root}/d`), 'EISDIR', 'rename', `${root}/a`, `${root}/d`);
    await fails(fs.rename(`${root}/l`, `${root}/d`), 'EISDIR', 'rename', `${root}/l`, `${root}/d`);
  }),
  scenario(
    'L9 rename over a directory that is not empty is ENOTEMPTY',
    { d: dir(), e: dir({ a: 'A' }) },
    async (fs, root) => {
      await fails(fs.rename(`${root}/d`, `${root}/e`), 'ENOTEMPTY', 'rename', `${root}/d`, `${root}/e`);
      await fs.unlink(`${root}/e/a`);
      await fs.rename(`${root}/d`, `${root}/e`);
      expect(await fs.readdir(root)).toEqual(['e']);
    },
  ),
  scenario('L9 rename into its own subtree is EINVAL', { d: dir({ e: dir({ f: dir() }) }) }, async (fs, root) => {
    for (const to of [`${root}/d/new`, `${root}/d/e/new`, `${root}/d/e/f`, `${root}/d/e/f/new`]) {
      await fails(fs.rename(`${root}/d`, to), 'EINVAL', 'rename', `${root}/d`, to);
    }
    await fails(fs.rename(`${root}/d/e/f`, `${root}/d`), 'ENOTEMPTY', 'rename', `${root}/d/e/f`, `${root}/d`);
  }),
  scenario('L9 rename of or over the root is EBUSY', { a: 'A', d: dir() }, async (fs, root) => {
    const code = (await fs.stat('/')).dev === (await fs.stat(root)).dev ? 'EBUSY' : 'EXDEV';
    await fails(fs.rename('/', `${root}/new`), code, 'rename', '/', `${root}/new`);
    await fails(fs.rename(`${root}/d`, '/'), code, 'rename', `${root}/d`, '/');
  }),
  scenario('rename by the names . and .. is EBUSY', { d: dir({ e: dir() }) }, async (fs, root) => {
    for (const from of [`${root}/d/.`, `${root}/d/e/..`]) {
      await fails(fs.rename(from, `${root}/new`), 'EBUSY', 'rename', from, `${root}/new`);
      await fails(fs.rename(`${root}/d`, from), 'EBUSY', 'rename', `${root}/d`, from);
    }
  }),
];
