/** How paths are spelled and resolved: realpath, access, odd spellings, limits, refused arguments. */

import { constants } from 'node:fs';
import { expect } from 'vitest';
import type { Face } from '../face.ts';
import { fails, failsWith, type Scenario, scenario, text } from '../scenario.ts';
import { dir, file, link } from '../tree.ts';

/** Node's own realpath reports the lstat it made; the native and promise ones the call itself. */
const realpathCall = (fs: Face): string => (fs.form === 'promise' ? 'realpath' : 'lstat');

export const spelling: Scenario[] = [
  scenario('N3 slashes and dots in paths', { d: dir({ e: dir({ a: 'A' }) }) }, async (fs, root) => {
    for (const path of ['/d/e/a', '//d///e//a', '/./d/./e/./a', '/d/../d/e/a', '/d/e/../../d/e/a', '/d/e/.././/e/a']) {
      expect(await text(fs, `${root}${path}`)).toBe('A');
    }
    expect((await fs.stat(`${root}/d/e/.`)).isDirectory()).toBe(true);
    expect((await fs.stat(`${root}/d/e/..`)).ino).toBe((await fs.stat(`${root}/d`)).ino);
  }),
  scenario(
    'N3 a trailing slash means a directory',
    { a: 'A', d: dir(), l: link('d'), m: link('a') },
    async (fs, root) => {
      expect((await fs.stat(`${root}/d/`)).isDirectory()).toBe(true);
      expect((await fs.lstat(`${root}/l/`)).isDirectory()).toBe(true);
      expect((await fs.lstat(`${root}/l`)).isSymbolicLink()).toBe(true);
      for (const name of ['a/', 'm/', 'a//', 'a/.']) {
        await fails(fs.stat(`${root}/${name}`), 'ENOTDIR', 'stat', `${root}/${name}`);
        await fails(fs.lstat(`${root}/${name}`), 'ENOTDIR', 'lstat', `${root}/${name}`);
        await fails(fs.access(`${root}/${name}`), 'ENOTDIR', 'access', `${root}/${name}`);
      }
    },
  ),
  scenario('N3 null bytes are refused', { a: 'A' }, async (fs, root) => {
    const path = `${root}/a\0b`;
    await failsWith(fs.stat(path), 'ERR_INVALID_ARG_VALUE');
    await failsWith(fs.readFile(Buffer.from(path)), 'ERR_INVALID_ARG_VALUE');
    await failsWith(fs.rename(`${root}/a`, path), 'ERR_INVALID_ARG_VALUE');
    await failsWith(fs.symlink(path, `${root}/new`), 'ERR_INVALID_ARG_VALUE');
    expect(await fs.readdir(root)).toEqual(['a']);
  }),
  scenario('N1 paths of wrong types are refused', { a: 'A' }, async (fs, root) => {
    for (const path of [5, null, undefined, {}, [], true] as never[]) {
      await failsWith(fs.stat(path), 'ERR_INVALID_ARG_TYPE');
      await failsWith(fs.mkdir(path), 'ERR_INVALID_ARG_TYPE');
      await failsWith(fs.rename(`${root}/a`, path), 'ERR_INVALID_ARG_TYPE');
    }
    await failsWith(fs.stat(new URL('http://example.org/a')), 'ERR_INVALID_URL_SCHEME');
    await failsWith(fs.stat(new URL('file://host/a')), 'ERR_INVALID_FILE_URL_HOST');
  }),
  scenario('N3 file URLs are decoded', { 'a b%c#d?e é': 'A' }, async (fs, root) => {
    expect(await fs.readFile(new URL(`file://${root}/a%20b%25c%23d%3Fe%20%C3%A9`), 'utf8')).toBe('A');
    await failsWith(fs.readFile(new URL(`file://${root}/a%2Fb`)), 'ERR_INVALID_FILE_URL_PATH');
  }),
  scenario('N3 255 bytes a name, not one more', {}, async (fs, root) => {
    const [fits, wide, long] = ['n'.repeat(255), 'é'.repeat(127), 'n'.repeat(256)];
    await fs.writeFile(`${root}/${fits}`, '1');
    await fs.mkdir(`${root}/${wide}`);
    expect(await fs.readdir(root)).toEqual([fits, wide]);
    for (const name of [long, 'é'.repeat(128), `${long}/x`]) {
      const path = `${root}/${name}`;
      await fails(fs.stat(path), 'ENAMETOOLONG', 'stat', path);
      await fails(fs.writeFile(path, ''), 'ENAMETOOLONG', 'open', path);
      await fails(fs.mkdir(path), 'ENAMETOOLONG', 'mkdir', path);
      await fails(fs.rename(`${root}/${fits}`, path), 'ENAMETOOLONG', 'rename', `${root}/${fits}`, path);
    }
  }),
  scenario('N3 4095 bytes a path, not one more', { a: 'A' }, async (fs, root) => {
    const slashes = (length: number): string => `${root}${'/'.repeat(length - Buffer.byteLength(root) - 1)}a`;
    expect(await text(fs, slashes(4095))).toBe('A');
    await fails(fs.stat(slashes(4096)), 'ENAMETOOLONG', 'stat', slashes(4096));
  }),
  scenario('an empty path is ENOENT', { a: 'A' }, async (fs, root) => {
    await fails(fs.stat(''), 'ENOENT', 'stat', '');
    await fails(fs.readFile(''), 'ENOENT', 'open', '');
    await fails(fs.mkdir(''), 'ENOENT', 'mkdir', '');
    await fails(fs.rename(`${root}/a`, ''), 'ENOENT', 'rename', `${root}/a`, '');
    expect(await fs.exists('')).toBe(false);
  }),
  scenario(
    'names are case-sensitive and not normalised',
    { a: 'lower', A: 'upper', '\u00e9': 'one', 'e\u0301': 'two' },
    async (fs, root) => {
      expect([await text(fs, `${root}/a`), await text(fs, `${root}/A`)]).toEqual(['lower', 'upper']);
      expect([await text(fs, `${root}/\u00e9`), await text(fs, `${root}/e\u0301`)]).toEqual(['one', 'two']);
    },
  ),
  scenario('names that mean something elsewhere are plain names here', {}, async (fs, root) => {
    for (const name of ['...', '.wh', '__proto__', 'constructor', 'a\\b', 'a\nb', ' ', '~', '*', 'hasOwnProperty']) {
      await fs.writeFile(`${root}/${name}`, name);
      expect(await text(fs, `${root}/${name}`)).toBe(name);
      expect(await fs.readdir(root)).toEqual([name]);
      await fs.unlink(`${root}/${name}`);
    }
  }),
  scenario('N3 a relative path starts at the current directory', { d: dir({ a: 'A' }) }, async (fs, root) => {
    const steps = fs.start
      .split('/')
      .filter(Boolean)
      .map(() => '..');
    const relative = [...steps, ...root.split('/').filter(Boolean)].join('/');
    expect(await text(fs, `${relative}/d/a`)).toBe('A');
    await fails(fs.stat(`${relative}/no`), 'ENOENT', 'stat', `${relative}/no`);
  }),
];

export const resolving: Scenario[] = [
  scenario(
    'L11 realpath resolves links, dots and slashes',
    { d: dir({ e: dir({ a: 'A' }), l: link('e') }), m: link('d/l/a'), n: link((root) => `${root}/d`) },
    async (fs, root) => {
      expect(await fs.realpath(`${root}/m`)).toBe(`${root}/d/e/a`);
      expect(await fs.realpath(`${root}//n/l/.//a`)).toBe(`${root}/d/e/a`);
      expect(await fs.realpath(`${root}/n`)).toBe(`${root}/d`);
      expect(await fs.realpath(root)).toBe(root);
      expect(await fs.realpath('/')).toBe('/');
      expect(await fs.realpath(`${root}/m`, 'buffer')).toEqual(Buffer.from(`${root}/d/e/a`));
      expect(fs.raw.realpathSync.native(`${root}/m`)).toBe(`${root}/d/e/a`);
    },
  ),
  scenario('L11 realpath follows renames', { d: dir({ a: 'A' }), l: link('new/a') }, async (fs, root) => {
    await fs.rename(`${root}/d`, `${root}/new`);
    expect(await fs.realpath(`${root}/l`)).toBe(`${root}/new/a`);
    await fs.unlink(`${root}/l`);
    await fs.symlink('new', `${root}/l`);
    expect(await fs.realpath(`${root}/l/a`)).toBe(`${root}/new/a`);
  }),
  scenario('N2 realpath of what is not there', { a: 'A', l: link('no') }, async (fs, root) => {
    await fails(fs.realpath(`${root}/no`), 'ENOENT', realpathCall(fs), `${root}/no`);
    await failsWith(fs.realpath(`${root}/l`), 'ENOENT');
    await failsWith(fs.realpath(`${root}/a/no`), 'ENOTDIR');
  }),
  scenario(
    'access of files, directories and links',
    { a: file('A', { mode: 0o755 }), d: dir(), l: link('a') },
    async (fs, root) => {
      for (const name of ['a', 'd', 'l']) {
        await fs.access(`${root}/${name}`);
        await fs.access(`${root}/${name}`, constants.R_OK | constants.W_OK | constants.X_OK);
      }
      await fails(fs.access(`${root}/no`), 'ENOENT', 'access', `${root}/no`);
      await fails(fs.access(`${root}/a/no`, constants.W_OK), 'ENOTDIR', 'access', `${root}/a/no`);
      await failsWith(fs.access(`${root}/a`, 8), 'ERR_OUT_OF_RANGE');
    },
  ),
  scenario('X_OK wants an execute bit, of root too', { a: file('A', { mode: 0o644 }) }, async (fs, root) => {
    await fails(fs.access(`${root}/a`, constants.X_OK), 'EACCES', 'access', `${root}/a`);
    await fs.chmod(`${root}/a`, 0o744);
    await fs.access(`${root}/a`, constants.X_OK);
  }),
  scenario('exists never fails', { a: 'A', d: dir(), l: link('no'), m: link('m') }, async (fs, root) => {
    const paths = ['/a', '/d', '/d/', '/a/', '/l', '/m', '/no/no', '/a/no', '\0'];
    const told = await Promise.all(paths.map((path) => fs.exists(`${root}${path}`)));
    expect(told).toEqual([true, true, true, false, false, false, false, false, false]);
  }),
  scenario('statfs tells of room', { a: 'A' }, async (fs, root) => {
    const stats = await fs.statfs(`${root}/a`);
    expect(stats.bsize).toBeGreaterThan(0);
    expect(stats.bfree).toBeLessThanOrEqual(stats.blocks);
    expect(typeof (await fs.statfs(root, { bigint: true })).blocks).toBe('bigint');
    await fails(fs.statfs(`${root}/no`), 'ENOENT', 'statfs', `${root}/no`);
  }),
];
