/** copyFile and cp. */

import { constants } from 'node:fs';
import { expect } from 'vitest';
import { fails, failsWith, modeOf, type Scenario, scenario, text } from '../scenario.ts';
import { dir, file, hard, LONG_AGO, link, type Tree } from '../tree.ts';

const BIG = Buffer.from(Uint8Array.from({ length: 70_000 }, (_, index) => (index * 13) & 0xff));
const TREE: Tree = {
  d: dir({ a: file('A', { mode: 0o640 }), e: dir({ b: 'B' }), l: link('a'), z: dir() }),
  t: dir({ a: 'old' }),
};

export const copyFile: Scenario[] = [
  scenario('P8 copyFile gives content and mode to a new file', { a: file(BIG, { mode: 0o640 }) }, async (fs, root) => {
    await fs.copyFile(`${root}/a`, `${root}/new`);
    expect((await fs.readFile(`${root}/new`)).equals(BIG)).toBe(true);
    expect(await modeOf(fs, `${root}/new`)).toBe(0o640);
    const [from, to] = [await fs.stat(`${root}/a`), await fs.stat(`${root}/new`)];
    expect(from.ino).not.toBe(to.ino);
    expect(to.mtimeMs).toBeGreaterThan(LONG_AGO.getTime());
    expect(from.mtime).toEqual(LONG_AGO);
  }),
  scenario('P8 copies go apart when one side changes', { a: file(BIG) }, async (fs, root) => {
    await fs.copyFile(`${root}/a`, `${root}/new`);
    await fs.copyFile(`${root}/new`, `${root}/new2`);
    await (await fs.open(`${root}/a`, 'r+')).write('first', 20_000);
    await (await fs.open(`${root}/new`, 'r+')).write('second', 20_000);
    expect((await fs.readFile(`${root}/a`)).toString('latin1', 20_000, 20_005)).toBe('first');
    expect((await fs.readFile(`${root}/new`)).toString('latin1', 20_000, 20_006)).toBe('second');
    expect((await fs.readFile(`${root}/new2`)).equals(BIG)).toBe(true);
    await fs.truncate(`${root}/new2`, 5);
    expect((await fs.stat(`${root}/a`)).size).toBe(BIG.length);
  }),
  scenario('P8 a copy outlives its source', { a: file(BIG) }, async (fs, root) => {
    await fs.copyFile(`${root}/a`, `${root}/new`);
    await fs.writeFile(`${root}/a`, 'gone');
    await fs.unlink(`${root}/a`);
    expect((await fs.readFile(`${root}/new`)).equals(BIG)).toBe(true);
  }),
  scenario(
    'copyFile onto an existing file keeps its number and mode',
    { a: file('A', { mode: 0o600 }), b: file('long content', { mode: 0o644 }), c: hard('b') },
    async (fs, root) => {
      const before = await fs.stat(`${root}/b`);
      await fs.copyFile(`${root}/a`, `${root}/b`);
      const after = await fs.stat(`${root}/b`);
      expect([after.ino, after.size, after.nlink]).toEqual([before.ino, 1, 2]);
      expect(await text(fs, `${root}/c`)).toBe('A');
    },
  ),
  scenario('copyFile onto itself leaves the content', { a: 'alpha', b: hard('a'), l: link('a') }, async (fs, root) => {
    for (const to of ['a', 'b', 'l']) await fs.copyFile(`${root}/a`, `${root}/${to}`);
    expect(await text(fs, `${root}/a`)).toBe('alpha');
  }),
  scenario(
    'copyFile follows links on both sides',
    { a: 'A', b: 'B', l: link('a'), m: link('b'), n: link('new') },
    async (fs, root) => {
      await fs.copyFile(`${root}/l`, `${root}/m`);
      expect(await text(fs, `${root}/b`)).toBe('A');
      await fs.copyFile(`${root}/l`, `${root}/n`);
      expect(await text(fs, `${root}/new`)).toBe('A');
      expect((await fs.lstat(`${root}/m`)).isSymbolicLink()).toBe(true);
    },
  ),
  scenario('N4 COPYFILE_EXCL refuses what exists', { a: 'A', b: 'B', l: link('no') }, async (fs, root) => {
    for (const name of ['b', 'a', 'l']) {
      const to = `${root}/${name}`;
      await fails(fs.copyFile(`${root}/a`, to, constants.COPYFILE_EXCL), 'EEXIST', 'copyfile', `${root}/a`, to);
    }
    await fs.copyFile(`${root}/a`, `${root}/new`, constants.COPYFILE_EXCL);
    expect([await text(fs, `${root}/b`), await text(fs, `${root}/new`)]).toEqual(['B', 'A']);
  }),
  scenario('N4 COPYFILE_FICLONE copies, cloned or not', { a: 'A' }, async (fs, root) => {
    await fs.copyFile(`${root}/a`, `${root}/new`, constants.COPYFILE_FICLONE);
    expect(await text(fs, `${root}/new`)).toBe('A');
  }),
  scenario('N2 copyFile of and to what is no file', { a: 'A', d: dir() }, async (fs, root) => {
    const [a, no, to] = [`${root}/a`, `${root}/no`, `${root}/new`];
    await fails(fs.copyFile(no, to), 'ENOENT', 'copyfile', no, to);
    await fails(fs.copyFile(a, `${no}/x`), 'ENOENT', 'copyfile', a, `${no}/x`);
    await fails(fs.copyFile(a, `${a}/x`), 'ENOTDIR', 'copyfile', a, `${a}/x`);
    await fails(fs.copyFile(a, `${root}/d`), 'EISDIR', 'copyfile', a, `${root}/d`);
    expect(await fs.readdir(root)).toEqual(['a', 'd']);
  }),
];

export const cp: Scenario[] = [
  scenario('cp copies a file', { a: file('A', { mode: 0o640 }), d: dir() }, async (fs, root) => {
    await fs.cp(`${root}/a`, `${root}/d/new/deep`);
    expect(await text(fs, `${root}/d/new/deep`)).toBe('A');
    expect(await modeOf(fs, `${root}/d/new/deep`)).toBe(0o640);
  }),
  scenario('cp -r copies a tree', TREE, async (fs, root) => {
    await fs.cp(`${root}/d`, `${root}/new`, { recursive: true });
    expect(await fs.readdir(`${root}/new`)).toEqual(['a', 'e', 'l', 'z']);
    expect(await text(fs, `${root}/new/e/b`)).toBe('B');
    expect(await modeOf(fs, `${root}/new/a`)).toBe(0o640);
    expect((await fs.lstat(`${root}/new/l`)).isSymbolicLink()).toBe(true);
    expect(await fs.readlink(`${root}/new/l`)).toBe(`${root}/d/a`);
    expect(await fs.readdir(`${root}/new/z`)).toEqual([]);
  }),
  scenario('cp -r with verbatimSymlinks keeps targets', TREE, async (fs, root) => {
    await fs.cp(`${root}/d`, `${root}/new`, { recursive: true, verbatimSymlinks: true });
    expect(await fs.readlink(`${root}/new/l`)).toBe('a');
  }),
  scenario('cp -r into a directory that exists merges', TREE, async (fs, root) => {
    await fs.cp(`${root}/d`, `${root}/t`, { recursive: true });
    expect(await fs.readdir(`${root}/t`)).toEqual(['a', 'e', 'l', 'z']);
    expect(await text(fs, `${root}/t/a`)).toBe('A');
  }),
  scenario('cp with force: false keeps what exists, errorOnExist refuses', TREE, async (fs, root) => {
    await fs.cp(`${root}/d`, `${root}/t`, { recursive: true, force: false });
    expect(await text(fs, `${root}/t/a`)).toBe('old');
    await failsWith(fs.cp(`${root}/d/a`, `${root}/t/a`, { force: false, errorOnExist: true }), 'ERR_FS_CP_EEXIST');
  }),
  scenario('cp with preserveTimestamps keeps times', TREE, async (fs, root) => {
    await fs.cp(`${root}/d/a`, `${root}/new`, { preserveTimestamps: true });
    expect((await fs.stat(`${root}/new`)).mtime).toEqual(LONG_AGO);
  }),
  scenario('cp with a filter', TREE, async (fs, root) => {
    await fs.cp(`${root}/d`, `${root}/new`, {
      recursive: true,
      filter: (from) => !from.endsWith('/e') && !from.endsWith('/l'),
    });
    expect(await fs.readdir(`${root}/new`)).toEqual(['a', 'z']);
  }),
  scenario('cp with dereference copies what links lead to', TREE, async (fs, root) => {
    await fs.cp(`${root}/d`, `${root}/new`, { recursive: true, dereference: true });
    // The cpSync of Node 22 and 24 keeps the links below the top.
    if (fs.form !== 'sync') expect((await fs.lstat(`${root}/new/l`)).isFile()).toBe(true);
    expect(await text(fs, `${root}/new/l`)).toBe('A');
  }),
  scenario('N2 cp refuses what makes no sense', TREE, async (fs, root) => {
    await failsWith(fs.cp(`${root}/d`, `${root}/new`), 'ERR_FS_EISDIR');
    await failsWith(fs.cp(`${root}/d/a`, `${root}/d/a`), 'ERR_FS_CP_EINVAL');
    await failsWith(fs.cp(`${root}/d`, `${root}/d/e/new`, { recursive: true }), 'ERR_FS_CP_EINVAL');
    await failsWith(fs.cp(`${root}/d`, `${root}/t/a`, { recursive: true }), 'ERR_FS_CP_DIR_TO_NON_DIR');
    await failsWith(fs.cp(`${root}/d/a`, `${root}/t`), 'ERR_FS_CP_NON_DIR_TO_DIR');
    await failsWith(fs.cp(`${root}/no`, `${root}/new`), 'ENOENT');
  }),
];
