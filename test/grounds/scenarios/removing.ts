/** unlink, rmdir, rm, and what may then stand at the name again (L3 to L7). */

import { expect } from 'vitest';
import { fails, failsWith, type Scenario, scenario, text } from '../scenario.ts';
import { dir, file, hard, LONG_AGO, link, type Tree } from '../tree.ts';

const DEEP: Tree = { d: dir({ a: 'A', e: dir({ b: 'B', f: dir({ c: 'C' }) }) }), x: 'X' };

export const unlinking: Scenario[] = [
  scenario('L3 unlink removes a name', { d: dir({ a: 'A', b: 'B' }) }, async (fs, root) => {
    await fs.unlink(`${root}/d/a`);
    await fails(fs.stat(`${root}/d/a`), 'ENOENT', 'stat', `${root}/d/a`);
    await fails(fs.readFile(`${root}/d/a`), 'ENOENT', 'open', `${root}/d/a`);
    await fails(fs.unlink(`${root}/d/a`), 'ENOENT', 'unlink', `${root}/d/a`);
    expect(await fs.readdir(`${root}/d`)).toEqual(['b']);
  }),
  scenario('L3 what was just made can be removed, and made again', { d: dir() }, async (fs, root) => {
    for (let round = 0; round < 3; round++) {
      await fs.writeFile(`${root}/d/new`, `round ${round}`, { flag: 'wx' });
      expect(await text(fs, `${root}/d/new`)).toBe(`round ${round}`);
      await fs.unlink(`${root}/d/new`);
      expect(await fs.readdir(`${root}/d`)).toEqual([]);
    }
    await fs.rmdir(`${root}/d`);
  }),
  scenario(
    'L11 unlink removes the link, not its target',
    { a: 'A', d: dir(), l: link('a'), m: link('d'), n: link('no') },
    async (fs, root) => {
      for (const name of ['l', 'm', 'n']) await fs.unlink(`${root}/${name}`);
      expect(await fs.readdir(root)).toEqual(['a', 'd']);
    },
  ),
  scenario('N2 unlink of what is no file', { a: 'A', d: dir(), l: link('d') }, async (fs, root) => {
    await fails(fs.unlink(`${root}/d`), 'EISDIR', 'unlink', `${root}/d`);
    await fails(fs.unlink(`${root}/d/`), 'EISDIR', 'unlink', `${root}/d/`);
    await fails(fs.unlink(`${root}/a/`), 'ENOTDIR', 'unlink', `${root}/a/`);
    await fails(fs.unlink(`${root}/l/`), 'ENOTDIR', 'unlink', `${root}/l/`);
    await fails(fs.unlink(`${root}/no`), 'ENOENT', 'unlink', `${root}/no`);
    await fails(fs.unlink(`${root}/a/no`), 'ENOTDIR', 'unlink', `${root}/a/no`);
    await fails(fs.unlink(`${root}/d/.`), 'EISDIR', 'unlink', `${root}/d/.`);
    expect(await fs.readdir(root)).toEqual(['a', 'd', 'l']);
  }),
  scenario('unlink touches the directory and no other file', { d: dir({ a: 'A', b: 'B' }) }, async (fs, root) => {
    await fs.unlink(`${root}/d/a`);
    expect((await fs.stat(`${root}/d`)).mtimeMs).toBeGreaterThan(LONG_AGO.getTime());
    expect((await fs.stat(`${root}/d/b`)).mtime).toEqual(LONG_AGO);
  }),
  scenario('unlink needs no right to read the file', { a: file('A', { mode: 0 }) }, async (fs, root) => {
    await fs.unlink(`${root}/a`);
    expect(await fs.readdir(root)).toEqual([]);
  }),
];

export const removingDirectories: Scenario[] = [
  scenario('L3 rmdir removes an empty directory', { d: dir({ e: dir() }) }, async (fs, root) => {
    await fs.rmdir(`${root}/d/e`);
    await fs.rmdir(`${root}/d/`);
    expect(await fs.readdir(root)).toEqual([]);
  }),
  scenario('L6 rmdir of a directory whose names were all removed', DEEP, async (fs, root) => {
    await fails(fs.rmdir(`${root}/d/e/f`), 'ENOTEMPTY', 'rmdir', `${root}/d/e/f`);
    await fs.unlink(`${root}/d/e/f/c`);
    await fs.rmdir(`${root}/d/e/f`);
    await fails(fs.rmdir(`${root}/d/e`), 'ENOTEMPTY', 'rmdir', `${root}/d/e`);
    await fs.unlink(`${root}/d/e/b`);
    await fs.rmdir(`${root}/d/e`);
    expect(await fs.readdir(`${root}/d`)).toEqual(['a']);
  }),
  scenario('L6 a name moved away leaves the directory empty', { d: dir({ a: 'A' }) }, async (fs, root) => {
    await fs.rename(`${root}/d/a`, `${root}/new`);
    await fs.rmdir(`${root}/d`);
    expect(await fs.readdir(root)).toEqual(['new']);
  }),
  scenario('N2 rmdir of what is no empty directory', { a: 'A', d: dir({ b: 'B' }), l: link('d') }, async (fs, root) => {
    await fails(fs.rmdir(`${root}/a`), 'ENOTDIR', 'rmdir', `${root}/a`);
    await fails(fs.rmdir(`${root}/l`), 'ENOTDIR', 'rmdir', `${root}/l`);
    await fails(fs.rmdir(`${root}/l/`), 'ENOTDIR', 'rmdir', `${root}/l/`);
    await fails(fs.rmdir(`${root}/no`), 'ENOENT', 'rmdir', `${root}/no`);
    await fails(fs.rmdir(`${root}/a/no`), 'ENOTDIR', 'rmdir', `${root}/a/no`);
    await fails(fs.rmdir(`${root}/d`), 'ENOTEMPTY', 'rmdir', `${root}/d`);
    await fails(fs.rmdir(`${root}/d/.`), 'EINVAL', 'rmdir', `${root}/d/.`);
    await fails(fs.rmdir(`${root}/d/..`), 'ENOTEMPTY', 'rmdir', `${root}/d/..`);
    await fails(fs.rmdir('/'), 'EBUSY', 'rmdir', '/');
  }),
  scenario('L5 a directory made where one was removed is empty at every depth', DEEP, async (fs, root) => {
    await fs.rm(`${root}/d`, { recursive: true });
    await fs.mkdir(`${root}/d/e/f`, { recursive: true });
    expect([...(await fs.readdir(`${root}/d`, { recursive: true }))].sort()).toEqual(['e', 'e/f']);
    await fails(fs.stat(`${root}/d/e/f/c`), 'ENOENT', 'stat', `${root}/d/e/f/c`);
    await fs.writeFile(`${root}/d/e/b`, 'new B', { flag: 'wx' });
    expect(await text(fs, `${root}/d/e/b`)).toBe('new B');
  }),
  scenario('L7 nothing can be made below a removed directory', DEEP, async (fs, root) => {
    await fs.rm(`${root}/d`, { recursive: true });
    await fails(fs.writeFile(`${root}/d/new`, ''), 'ENOENT', 'open', `${root}/d/new`);
    await fails(fs.writeFile(`${root}/d/e/b`, ''), 'ENOENT', 'open', `${root}/d/e/b`);
    await fails(fs.readFile(`${root}/d/e/b`), 'ENOENT', 'open', `${root}/d/e/b`);
    await fails(fs.mkdir(`${root}/d/e`), 'ENOENT', 'mkdir', `${root}/d/e`);
  }),
  scenario('L4 a name takes another type each time', { a: 'A', d: dir({ b: 'B' }) }, async (fs, root) => {
    await fs.unlink(`${root}/a`);
    await fs.mkdir(`${root}/a`);
    await fs.writeFile(`${root}/a/b`, 'below');
    expect(await text(fs, `${root}/a/b`)).toBe('below');
    await fs.rm(`${root}/d`, { recursive: true });
    await fs.writeFile(`${root}/d`, 'a file now');
    expect(await text(fs, `${root}/d`)).toBe('a file now');
    await fails(fs.stat(`${root}/d/b`), 'ENOTDIR', 'stat', `${root}/d/b`);
    await fs.unlink(`${root}/d`);
    await fs.symlink('a', `${root}/d`);
    expect(await text(fs, `${root}/d/b`)).toBe('below');
    await fs.unlink(`${root}/d`);
    await fs.mkdir(`${root}/d`);
    expect(await fs.readdir(`${root}/d`)).toEqual([]);
  }),
  scenario(
    'L4 every way to create works where something was removed',
    { a: 'A', b: 'B', c: 'C', d: dir({ x: '' }), e: 'E', f: 'F', g: 'G' },
    async (fs, root) => {
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await fs.rm(`${root}/${name}`, { recursive: true });
      await fs.writeFile(`${root}/a`, '1', { flag: 'wx' });
      await fs.symlink('g', `${root}/b`);
      await fs.link(`${root}/g`, `${root}/c`);
      await fs.mkdir(`${root}/d`);
      await fs.copyFile(`${root}/g`, `${root}/e`, fs.raw.constants.COPYFILE_EXCL);
      await fs.rename(`${root}/g`, `${root}/f`);
      expect(await fs.readdir(root)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
      expect(await fs.readdir(`${root}/d`)).toEqual([]);
      expect([await text(fs, `${root}/c`), await text(fs, `${root}/e`), await text(fs, `${root}/f`)]).toEqual([
        'G',
        'G',
        'G',
      ]);
    },
  ),
];

export const rm: Scenario[] = [
  scenario('L3 rm -r removes a tree, links unfollowed', { ...DEEP, l: dir({ m: link('../d') }) }, async (fs, root) => {
    await fs.rm(`${root}/l`, { recursive: true });
    expect(await text(fs, `${root}/d/a`)).toBe('A');
    await fs.rm(`${root}/d`, { recursive: true });
    expect(await fs.readdir(root)).toEqual(['x']);
  }),
  scenario('rm of a file, and of a link', { a: 'A', l: link('a'), m: link('no') }, async (fs, root) => {
    await fs.rm(`${root}/l`);
    await fs.rm(`${root}/m`, { recursive: true });
    await fs.rm(`${root}/a`);
    expect(await fs.readdir(root)).toEqual([]);
  }),
  scenario('N2 rm without recursive refuses a directory', DEEP, async (fs, root) => {
    await failsWith(fs.rm(`${root}/d`), 'ERR_FS_EISDIR');
    await failsWith(fs.rm(`${root}/d`, { force: true }), 'ERR_FS_EISDIR');
    expect(await text(fs, `${root}/d/a`)).toBe('A');
  }),
  scenario('N4 rm with force accepts what is not there', { a: 'A' }, async (fs, root) => {
    await fs.rm(`${root}/no`, { force: true });
    await fs.rm(`${root}/no/no`, { force: true, recursive: true });
    await failsWith(fs.rm(`${root}/no`), 'ENOENT');
    await failsWith(fs.rm(`${root}/no`, { recursive: true }), 'ENOENT');
  }),
  scenario(
    'C2 rm -r with hard links inside and outside',
    { d: dir({ a: 'A', b: hard('d/a') }), c: hard('d/a') },
    async (fs, root) => {
      await fs.rm(`${root}/d`, { recursive: true });
      expect(await text(fs, `${root}/c`)).toBe('A');
      expect((await fs.stat(`${root}/c`)).nlink).toBe(1);
    },
  ),
  scenario('rm -r of a changed tree', DEEP, async (fs, root) => {
    await fs.writeFile(`${root}/d/new`, '');
    await fs.unlink(`${root}/d/a`);
    await fs.chmod(`${root}/d/e`, 0o700);
    await fs.rename(`${root}/x`, `${root}/d/e/f/x`);
    await fs.rm(`${root}/d`, { recursive: true });
    expect(await fs.readdir(root)).toEqual([]);
  }),
];
