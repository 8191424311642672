/** Directories: making and removing them, and every way to list one. */

import { expect } from 'vitest';
import type { Face } from '../face.ts';
import { fails, failsWith, modeOf, type Scenario, scenario, text } from '../scenario.ts';
import { dir, hard, LONG_AGO, link, type Tree } from '../tree.ts';

/** No links: Node's synchronous recursive listing follows them, the others do not. */
const LINKLESS: Tree = { d: dir({ a: 'A', b: dir({ c: 'C', e: dir({ f: 'F' }) }), z: dir() }) };

const FAMILY: Tree = {
  d: dir({ a: 'A', b: dir({ c: 'C', e: dir({ f: 'F' }) }), l: link('a'), m: link('b'), z: dir() }),
};

export const making: Scenario[] = [
  scenario('L4 mkdir makes an empty directory', { d: dir() }, async (fs, root) => {
    await fs.mkdir(`${root}/d/new`);
    expect(await fs.readdir(`${root}/d/new`)).toEqual([]);
    expect((await fs.stat(`${root}/d/new`)).isDirectory()).toBe(true);
    expect(await modeOf(fs, `${root}/d/new`)).toBe(0o755);
    await fs.writeFile(`${root}/d/new/new`, 'inside');
    expect(await text(fs, `${root}/d/new/new`)).toBe('inside');
  }),
  scenario('N4 mkdir takes a mode, less the umask', {}, async (fs, root) => {
    await fs.mkdir(`${root}/new`, 0o770);
    expect(await modeOf(fs, `${root}/new`)).toBe(0o750);
    await fs.mkdir(`${root}/new2`, { mode: 0o1777 });
    expect(await modeOf(fs, `${root}/new2`)).toBe(0o1755);
    await fs.mkdir(`${root}/new3`, '700');
    expect(await modeOf(fs, `${root}/new3`)).toBe(0o700);
  }),
  scenario('mkdir with a trailing slash', {}, async (fs, root) => {
    await fs.mkdir(`${root}/new/`);
    expect(await fs.readdir(root)).toEqual(['new']);
  }),
  scenario('N2 mkdir where something is', { a: 'A', d: dir(), l: link('no') }, async (fs, root) => {
    for (const name of ['a', 'd', 'l', 'd/', 'd/.', 'd/..', 'l/', 'a/']) {
      await fails(fs.mkdir(`${root}/${name}`), 'EEXIST', 'mkdir', `${root}/${name}`);
    }
    await fails(fs.mkdir('/'), 'EEXIST', 'mkdir', '/');
  }),
  scenario('N2 mkdir where no directory can be', { a: 'A' }, async (fs, root) => {
    await fails(fs.mkdir(`${root}/no/new`), 'ENOENT', 'mkdir', `${root}/no/new`);
    await fails(fs.mkdir(`${root}/a/new`), 'ENOTDIR', 'mkdir', `${root}/a/new`);
    await fails(fs.mkdir(`${root}/no/.`), 'ENOENT', 'mkdir', `${root}/no/.`);
  }),
  scenario('recursive mkdir makes all and returns the first directory made', { d: dir() }, async (fs, root) => {
    expect(await fs.mkdir(`${root}/d/new/x/y`, { recursive: true })).toBe(`${root}/d/new`);
    expect((await fs.stat(`${root}/d/new/x/y`)).isDirectory()).toBe(true);
    expect(await fs.mkdir(`${root}/d/new/x/y`, { recursive: true })).toBe(undefined);
    expect(await fs.mkdir(`${root}/d/new/x/z`, { recursive: true })).toBe(`${root}/d/new/x/z`);
    expect(await fs.mkdir('/', { recursive: true })).toBe(undefined);
  }),
  scenario('recursive mkdir goes through links to directories', { d: dir(), l: link('d') }, async (fs, root) => {
    await fs.mkdir(`${root}/l/new/x`, { recursive: true });
    expect(await fs.readdir(`${root}/d/new`)).toEqual(['x']);
    expect(await fs.mkdir(`${root}/l`, { recursive: true })).toBe(undefined);
  }),
  scenario('recursive mkdir out of what it makes', { a: 'A', d: dir({ b: 'B' }), l: link('no') }, async (fs, root) => {
    expect(await fs.mkdir(`${root}/new/../d/new2/`, { recursive: true })).toBe(`${root}/new`);
    expect(await fs.readdir(`${root}/d`)).toEqual(['b', 'new2']);
    await fails(fs.mkdir(`${root}/new3/../a`, { recursive: true }), 'EEXIST', 'mkdir', `${root}/new3/../a`);
    await failsWith(fs.mkdir(`${root}/new3/../l`, { recursive: true }), 'ENOENT');
    await failsWith(fs.mkdir(`${root}/new3/../a/x`, { recursive: true }), 'ENOTDIR');
    expect([await text(fs, `${root}/a`), await fs.readlink(`${root}/l`)]).toEqual(['A', 'no']);
  }),
  scenario('N2 recursive mkdir at and below a dangling link', { l: link('no'), m: link('no/no') }, async (fs, root) => {
    await fails(fs.mkdir(`${root}/l`, { recursive: true }), 'ENOENT', 'mkdir', `${root}/l`);
    await fails(fs.mkdir(`${root}/m/`, { recursive: true }), 'ENOENT', 'mkdir', `${root}/m/`);
    // Node says ENOTDIR of the link in the other forms.
    if (fs.form === 'sync') await fails(fs.mkdir(`${root}/l/x`, { recursive: true }), 'ENOENT', 'mkdir', `${root}/l/x`);
    expect(await fs.readdir(root)).toEqual(['l', 'm']);
    expect(await fs.readlink(`${root}/l`)).toBe('no');
  }),
  scenario('N2 recursive mkdir over or below a file', { a: 'A', l: link('no') }, async (fs, root) => {
    await fails(fs.mkdir(`${root}/a`, { recursive: true }), 'EEXIST', 'mkdir', `${root}/a`);
    await fails(fs.mkdir(`${root}/a/new`, { recursive: true }), 'ENOTDIR', 'mkdir', `${root}/a/new`);
    await fails(fs.mkdir(`${root}/a/new/x`, { recursive: true }), 'ENOTDIR', 'mkdir', `${root}/a/new/x`);
  }),
  scenario('mkdir makes the mtime of its parent new', { d: dir({ a: 'A' }) }, async (fs, root) => {
    await fs.mkdir(`${root}/d/new`);
    expect((await fs.stat(`${root}/d`)).mtimeMs).toBeGreaterThan(LONG_AGO.getTime());
  }),
  scenario('mkdtemp makes a directory of its own each time', { d: dir() }, async (fs, root) => {
    const one = await fs.mkdtemp(`${root}/d/x-`);
    const two = await fs.mkdtemp(`${root}/d/x-`);
    expect(one).toMatch(new RegExp(`^${root}/d/x-[A-Za-z0-9]{6}$`));
    expect(one).not.toBe(two);
    expect((await fs.stat(one)).mode & 0o777).toBe(0o700);
    expect((await fs.readdir(`${root}/d`)).length).toBe(2);
  }),
  scenario('N2 mkdtemp where no directory can be', { a: 'A' }, async (fs, root) => {
    await failsWith(fs.mkdtemp(`${root}/no/x-`), 'ENOENT');
    await failsWith(fs.mkdtemp(`${root}/a/x-`), 'ENOTDIR');
  }),
];

export const listing: Scenario[] = [
  scenario(
    'L10 readdir is sorted and shows each name once',
    { d: dir({ b: '', a: '', C: '', '1': '', é: '', '.x': '' }) },
    async (fs, root) => {
      expect(await fs.readdir(`${root}/d`)).toEqual(['.x', '1', 'C', 'a', 'b', 'é']);
    },
  ),
  scenario('readdir of an empty directory', { d: dir() }, async (fs, root) => {
    expect(await fs.readdir(`${root}/d`)).toEqual([]);
    expect(await fs.readdir(`${root}/d/`)).toEqual([]);
  }),
  scenario('L10 names made and removed show at once', { d: dir({ a: '', b: '', c: '' }) }, async (fs, root) => {
    await fs.writeFile(`${root}/d/new`, '');
    await fs.unlink(`${root}/d/b`);
    expect(await fs.readdir(`${root}/d`)).toEqual(['a', 'c', 'new']);
    await fs.writeFile(`${root}/d/b`, '');
    await fs.unlink(`${root}/d/new`);
    expect(await fs.readdir(`${root}/d`)).toEqual(['a', 'b', 'c']);
  }),
  scenario('N4 readdir withFileTypes tells types without following', FAMILY, async (fs, root) => {
    const entries = await fs.readdir(`${root}/d`, { withFileTypes: true });
    expect(entries.map((entry) => entry.name)).toEqual(['a', 'b', 'l', 'm', 'z']);
    expect(entries.map((entry) => entry.isFile())).toEqual([true, false, false, false, false]);
    expect(entries.map((entry) => entry.isDirectory())).toEqual([false, true, false, false, true]);
    expect(entries.map((entry) => entry.isSymbolicLink())).toEqual([false, false, true, true, false]);
    expect(new Set(entries.map((entry) => entry.parentPath))).toEqual(new Set([`${root}/d`]));
  }),
  scenario('N4 recursive readdir gives paths from the directory', LINKLESS, async (fs, root) => {
    const names = await fs.readdir(`${root}/d`, { recursive: true });
    expect([...names].sort()).toEqual(['a', 'b', 'b/c', 'b/e', 'b/e/f', 'z']);
  }),
  scenario('N4 recursive readdir withFileTypes', LINKLESS, async (fs, root) => {
    const entries = await fs.readdir(`${root}/d`, { recursive: true, withFileTypes: true });
    const told = entries.map((entry) => `${entry.parentPath}/${entry.name} ${entry.isDirectory()}`).sort();
    expect(told).toEqual(
      ['a false', 'b true', 'b/c false', 'b/e true', 'b/e/f false', 'z true'].map((line) => `${root}/d/${line}`),
    );
  }),
  scenario('N4 readdir as buffers', { d: dir({ é: '', a: '' }) }, async (fs, root) => {
    const names = await fs.readdir(`${root}/d`, 'buffer');
    expect(names.map((name) => [Buffer.isBuffer(name), name.toString()])).toEqual([
      [true, 'a'],
      [true, 'é'],
    ]);
    const [entry] = await fs.readdir(`${root}/d`, { encoding: 'buffer', withFileTypes: true });
    expect(Buffer.isBuffer(entry?.name)).toBe(true);
  }),
  scenario('readdir goes through links', { d: dir({ a: '' }), l: link('d') }, async (fs, root) => {
    expect(await fs.readdir(`${root}/l`)).toEqual(['a']);
    expect(await fs.readdir(`${root}/l/../d/.`)).toEqual(['a']);
  }),
  scenario('N2 readdir of what is no directory', { a: 'A', l: link('no'), m: link('a') }, async (fs, root) => {
    await fails(fs.readdir(`${root}/a`), 'ENOTDIR', 'scandir', `${root}/a`);
    await fails(fs.readdir(`${root}/m`), 'ENOTDIR', 'scandir', `${root}/m`);
    await fails(fs.readdir(`${root}/l`), 'ENOENT', 'scandir', `${root}/l`);
    await fails(fs.readdir(`${root}/no`), 'ENOENT', 'scandir', `${root}/no`);
    await fails(fs.readdir(`${root}/a/no`), 'ENOTDIR', 'scandir', `${root}/a/no`);
    await fails(fs.readdir(`${root}/a`, { withFileTypes: true }), 'ENOTDIR', 'scandir', `${root}/a`);
  }),
];

/** Reads an open directory to its end by the form's own function, and closes it. */
async function drain(fs: Face, path: string): Promise<string[]> {
  const directory = await fs.opendir(path);
  const names: string[] = [];
  for (;;) {
    const entry = fs.form === 'sync' ? directory.readSync() : await directory.read();
    if (entry === null) break;
    names.push(entry.name);
  }
  await (fs.form === 'sync' ? directory.closeSync() : directory.close());
  return names.sort();
}

export const walking: Scenario[] = [
  scenario('opendir reads every name once', FAMILY, async (fs, root) => {
    expect(await drain(fs, `${root}/d`)).toEqual(['a', 'b', 'l', 'm', 'z']);
    expect(await drain(fs, `${root}/d/z`)).toEqual([]);
  }),
  scenario('opendir is iterated, which closes it', FAMILY, async (fs, root) => {
    const directory = await fs.opendir(`${root}/d`, { bufferSize: 2 });
    expect(directory.path).toBe(`${root}/d`);
    const types: Record<string, boolean> = {};
    for await (const entry of directory) types[entry.name] = entry.isDirectory();
    expect(types).toEqual({ a: false, b: true, l: false, m: false, z: true });
    await failsWith((async () => directory.read())(), 'ERR_DIR_CLOSED');
  }),
  scenario(
    'L10 an open Dir goes on while what it lists is removed',
    { d: dir({ a: '', b: '', c: '' }) },
    async (fs, root) => {
      const directory = await fs.opendir(`${root}/d`);
      const seen: string[] = [];
      for await (const entry of directory) {
        seen.push(entry.name);
        await fs.unlink(`${root}/d/${entry.name}`);
      }
      expect(seen.sort()).toEqual(['a', 'b', 'c']);
      await fs.rmdir(`${root}/d`);
    },
  ),
  scenario('N2 opendir of what is no directory', { a: 'A' }, async (fs, root) => {
    await failsWith(fs.opendir(`${root}/a`), 'ENOTDIR');
    await failsWith(fs.opendir(`${root}/no`), 'ENOENT');
    await failsWith(fs.opendir(`${root}/a/no`), 'ENOTDIR');
  }),
  scenario('a file with two names is listed under both', { d: dir({ a: 'A', b: hard('d/a') }) }, async (fs, root) => {
    expect(await fs.readdir(`${root}/d`)).toEqual(['a', 'b']);
    expect((await fs.stat(`${root}/d/a`)).ino).toBe((await fs.stat(`${root}/d/b`)).ino);
  }),
];
