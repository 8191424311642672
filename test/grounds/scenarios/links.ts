/** Hard and symbolic links, and how names are resolved through them (L11). */

import { expect } from 'vitest';
import { fails, type Scenario, scenario, text } from '../scenario.ts';
import { dir, file, hard, LONG_AGO, link } from '../tree.ts';

export const hardLinks: Scenario[] = [
  scenario('C2 link gives a file a second name', { a: 'alpha', d: dir() }, async (fs, root) => {
    await fs.link(`${root}/a`, `${root}/d/new`);
    const [one, two] = [await fs.stat(`${root}/a`), await fs.stat(`${root}/d/new`)];
    expect([one.nlink, two.nlink]).toEqual([2, 2]);
    expect(one.ino).toBe(two.ino);
    expect(await text(fs, `${root}/d/new`)).toBe('alpha');
    await fs.appendFile(`${root}/d/new`, '!');
    expect(await text(fs, `${root}/a`)).toBe('alpha!');
  }),
  scenario(
    'C2 declared hard links are one file, and looking adds none',
    { a: 'A', b: hard('a'), d: dir({ c: hard('a') }) },
    async (fs, root) => {
      for (let round = 0; round < 3; round++) {
        for (const name of ['a', 'b', 'd/c']) expect((await fs.stat(`${root}/${name}`)).nlink).toBe(3);
      }
      await fs.writeFile(`${root}/d/c`, 'one file');
      expect(await text(fs, `${root}/a`)).toBe('one file');
      expect(await text(fs, `${root}/b`)).toBe('one file');
      expect((await fs.stat(`${root}/b`)).nlink).toBe(3);
    },
  ),
  scenario('C2 attributes are shared by all names', { a: 'A', b: hard('a') }, async (fs, root) => {
    await fs.chmod(`${root}/a`, 0o604);
    await fs.utimes(`${root}/b`, 10, 20);
    expect((await fs.stat(`${root}/b`)).mode & 0o777).toBe(0o604);
    expect((await fs.stat(`${root}/a`)).mtimeMs).toBe(20_000);
  }),
  scenario('C2 removing one name leaves the other', { a: 'A', b: hard('a') }, async (fs, root) => {
    await fs.unlink(`${root}/a`);
    expect(await text(fs, `${root}/b`)).toBe('A');
    expect((await fs.stat(`${root}/b`)).nlink).toBe(1);
    await fs.writeFile(`${root}/a`, 'another');
    expect(await text(fs, `${root}/b`)).toBe('A');
  }),
  scenario('link of a link names the link itself', { a: 'A', l: link('a') }, async (fs, root) => {
    await fs.link(`${root}/l`, `${root}/new`);
    expect(await fs.readlink(`${root}/new`)).toBe('a');
    expect((await fs.lstat(`${root}/l`)).nlink).toBe(2);
  }),
  scenario('N2 link over what exists', { a: 'A', b: 'B', d: dir(), l: link('no') }, async (fs, root) => {
    for (const name of ['a', 'b', 'd', 'l']) {
      await fails(fs.link(`${root}/a`, `${root}/${name}`), 'EEXIST', 'link', `${root}/a`, `${root}/${name}`);
    }
    expect((await fs.stat(`${root}/a`)).nlink).toBe(1);
  }),
  scenario('N2 link of or into what cannot be', { a: 'A', d: dir() }, async (fs, root) => {
    await fails(fs.link(`${root}/no`, `${root}/new`), 'ENOENT', 'link', `${root}/no`, `${root}/new`);
    await fails(fs.link(`${root}/d`, `${root}/new`), 'EPERM', 'link', `${root}/d`, `${root}/new`);
    await fails(fs.link(`${root}/a`, `${root}/no/new`), 'ENOENT', 'link', `${root}/a`, `${root}/no/new`);
    await fails(fs.link(`${root}/a`, `${root}/a/new`), 'ENOTDIR', 'link', `${root}/a`, `${root}/a/new`);
    await fails(fs.link(`${root}/a/x`, `${root}/new`), 'ENOTDIR', 'link', `${root}/a/x`, `${root}/new`);
    await fails(fs.link(`${root}/a`, `${root}/new/`), 'ENOENT', 'link', `${root}/a`, `${root}/new/`);
  }),
  scenario('link touches the directory, not the mtime of the file', { a: 'A', d: dir() }, async (fs, root) => {
    await fs.link(`${root}/a`, `${root}/d/new`);
    expect((await fs.stat(`${root}/a`)).mtime).toEqual(LONG_AGO);
    expect((await fs.stat(`${root}/d`)).mtimeMs).toBeGreaterThan(LONG_AGO.getTime());
  }),
];

export const symbolicLinks: Scenario[] = [
  scenario('L4 symlink keeps its target as given', { d: dir() }, async (fs, root) => {
    for (const target of ['x', './x/../y', '../..', '/', 'with space', 'é', 'trailing/']) {
      await fs.symlink(target, `${root}/d/new`);
      expect(await fs.readlink(`${root}/d/new`)).toBe(target);
      const stats = await fs.lstat(`${root}/d/new`);
      expect([stats.isSymbolicLink(), stats.size, stats.mode & 0o777]).toEqual([
        true,
        Buffer.byteLength(target),
        0o777,
      ]);
      await fs.unlink(`${root}/d/new`);
    }
  }),
  scenario('N4 readlink as a buffer, and by a Buffer path', { l: link('é') }, async (fs, root) => {
    expect(await fs.readlink(`${root}/l`, 'buffer')).toEqual(Buffer.from('é'));
    expect(await fs.readlink(Buffer.from(`${root}/l`))).toBe('é');
  }),
  scenario(
    'L11 links to files and directories are followed',
    { d: dir({ a: 'A' }), l: link('d'), m: link('l/a') },
    async (fs, root) => {
      expect(await text(fs, `${root}/l/a`)).toBe('A');
      expect(await text(fs, `${root}/m`)).toBe('A');
      expect((await fs.stat(`${root}/l`)).isDirectory()).toBe(true);
      expect((await fs.lstat(`${root}/l`)).isSymbolicLink()).toBe(true);
      expect((await fs.lstat(`${root}/l/`)).isDirectory()).toBe(true);
    },
  ),
  scenario(
    'L11 an absolute target begins at the root of the view',
    { d: dir({ a: 'A' }), l: link((root) => `${root}/d/a`), m: link((root) => `${root}/d`) },
    async (fs, root) => {
      expect(await text(fs, `${root}/l`)).toBe('A');
      expect(await text(fs, `${root}/m/a`)).toBe('A');
      await fs.writeFile(`${root}/m/new`, 'N');
      expect(await text(fs, `${root}/d/new`)).toBe('N');
    },
  ),
  scenario(
    'L11 .. is physical: the parent of what the link leads to',
    { d: dir({ e: dir(), a: 'inner' }), a: 'outer', l: link('d/e') },
    async (fs, root) => {
      expect(await text(fs, `${root}/l/../a`)).toBe('inner');
      expect(await text(fs, `${root}/d/e/../../a`)).toBe('outer');
      await fs.writeFile(`${root}/l/../new`, 'N');
      expect(await fs.readdir(`${root}/d`)).toEqual(['a', 'e', 'new']);
    },
  ),
  scenario(
    '.. in a target begins at the directory of the link',
    { d: dir({ l: link('../a'), m: link('../e/./b') }), a: 'A', e: dir({ b: 'B' }) },
    async (fs, root) => {
      expect(await text(fs, `${root}/d/l`)).toBe('A');
      expect(await text(fs, `${root}/d/m`)).toBe('B');
      await fs.rename(`${root}/d/l`, `${root}/e/new`);
      expect(await text(fs, `${root}/e/new`)).toBe('A');
    },
  ),
  scenario('.. above the root stays at the root', { a: 'A' }, async (fs, root) => {
    expect(await text(fs, `/../..${root}/a`)).toBe('A');
    expect((await fs.stat('/..')).ino).toBe((await fs.stat('/')).ino);
  }),
  scenario('.. of what is no directory', { a: 'A' }, async (fs, root) => {
    await fails(fs.stat(`${root}/a/..`), 'ENOTDIR', 'stat', `${root}/a/..`);
    await fails(fs.stat(`${root}/a/.`), 'ENOTDIR', 'stat', `${root}/a/.`);
    await fails(fs.stat(`${root}/no/..`), 'ENOENT', 'stat', `${root}/no/..`);
  }),
  scenario(
    'L11 loops are ELOOP',
    { l: link('l'), m: link('n'), n: link('m'), d: dir({ o: link('../d/o/x') }) },
    async (fs, root) => {
      for (const path of [`${root}/l`, `${root}/m`, `${root}/l/x`, `${root}/d/o`]) {
        await fails(fs.stat(path), 'ELOOP', 'stat', path);
        await fails(fs.readFile(path), 'ELOOP', 'open', path);
        await fails(fs.readdir(path), 'ELOOP', 'scandir', path);
      }
      expect((await fs.lstat(`${root}/l`)).isSymbolicLink()).toBe(true);
      await fails(fs.writeFile(`${root}/m`, ''), 'ELOOP', 'open', `${root}/m`);
    },
  ),
  scenario('L11 forty hops are the last that work', { a: 'A' }, async (fs, root) => {
    await fs.symlink('a', `${root}/l1`);
    for (let hop = 2; hop <= 41; hop++) await fs.symlink(`l${hop - 1}`, `${root}/l${hop}`);
    expect(await text(fs, `${root}/l40`)).toBe('A');
    await fails(fs.readFile(`${root}/l41`), 'ELOOP', 'open', `${root}/l41`);
  }),
  scenario('dangling links', { l: link('no'), m: link('no/no') }, async (fs, root) => {
    await fails(fs.stat(`${root}/l`), 'ENOENT', 'stat', `${root}/l`);
    await fails(fs.stat(`${root}/m`), 'ENOENT', 'stat', `${root}/m`);
    expect(await fs.readlink(`${root}/l`)).toBe('no');
    expect(await fs.exists(`${root}/l`)).toBe(false);
    await fails(fs.mkdir(`${root}/l/x`), 'ENOENT', 'mkdir', `${root}/l/x`);
    await fails(fs.writeFile(`${root}/m`, ''), 'ENOENT', 'open', `${root}/m`);
    await fs.writeFile(`${root}/no`, 'now');
    expect(await text(fs, `${root}/l`)).toBe('now');
  }),
  scenario('a link through a file is ENOTDIR', { a: 'A', l: link('a'), m: link('a/') }, async (fs, root) => {
    await fails(fs.stat(`${root}/l/x`), 'ENOTDIR', 'stat', `${root}/l/x`);
    await fails(fs.stat(`${root}/m`), 'ENOTDIR', 'stat', `${root}/m`);
    await fails(fs.stat(`${root}/l/`), 'ENOTDIR', 'stat', `${root}/l/`);
  }),
  scenario('N2 symlink where no link can be', { a: 'A', d: dir(), l: link('no') }, async (fs, root) => {
    for (const name of ['a', 'd', 'l']) {
      await fails(fs.symlink('x', `${root}/${name}`), 'EEXIST', 'symlink', 'x', `${root}/${name}`);
    }
    await fails(fs.symlink('x', `${root}/no/new`), 'ENOENT', 'symlink', 'x', `${root}/no/new`);
    await fails(fs.symlink('x', `${root}/a/new`), 'ENOTDIR', 'symlink', 'x', `${root}/a/new`);
    await fails(fs.symlink('x', `${root}/new/`), 'ENOENT', 'symlink', 'x', `${root}/new/`);
    await fails(fs.symlink('', `${root}/new`), 'ENOENT', 'symlink', '', `${root}/new`);
  }),
  scenario('N2 readlink of what is no link', { a: 'A', d: dir(), l: link('d') }, async (fs, root) => {
    await fails(fs.readlink(`${root}/a`), 'EINVAL', 'readlink', `${root}/a`);
    await fails(fs.readlink(`${root}/d`), 'EINVAL', 'readlink', `${root}/d`);
    await fails(fs.readlink(`${root}/l/`), 'EINVAL', 'readlink', `${root}/l/`);
    await fails(fs.readlink(`${root}/no`), 'ENOENT', 'readlink', `${root}/no`);
    await fails(fs.readlink(`${root}/a/no`), 'ENOTDIR', 'readlink', `${root}/a/no`);
  }),
  scenario(
    'L11 a link to what was replaced leads to the new one',
    { a: 'A', b: file('B'), l: link('a') },
    async (fs, root) => {
      await fs.rename(`${root}/b`, `${root}/a`);
      expect(await text(fs, `${root}/l`)).toBe('B');
      await fs.unlink(`${root}/a`);
      await fails(fs.stat(`${root}/l`), 'ENOENT', 'stat', `${root}/l`);
      await fs.mkdir(`${root}/a`);
      expect(await fs.readdir(`${root}/l`)).toEqual([]);
    },
  ),
  scenario('L11 changing a link changes no target', { a: 'A', l: link('a') }, async (fs, root) => {
    await fs.lutimes(`${root}/l`, 5, 6);
    expect((await fs.lstat(`${root}/l`)).mtimeMs).toBe(6000);
    expect((await fs.stat(`${root}/a`)).mtime).toEqual(LONG_AGO);
    await fs.unlink(`${root}/l`);
    expect(await text(fs, `${root}/a`)).toBe('A');
  }),
];
