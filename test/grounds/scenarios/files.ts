/** Whole files: reading, writing, appending, and what they do to the names and times around them. */

import { expect } from 'vitest';
import { fails, failsWith, modeOf, type Scenario, scenario, text } from '../scenario.ts';
import { dir, file, LONG_AGO, link } from '../tree.ts';

const BINARY = Uint8Array.from({ length: 256 }, (_, index) => index);
const LARGE = 'overfs '.repeat(30_000);

export const reading: Scenario[] = [
  scenario('L2 readFile gives what the tree holds', { a: 'alpha', d: dir({ b: 'beta' }) }, async (fs, root) => {
    expect(await text(fs, `${root}/a`)).toBe('alpha');
    expect(await text(fs, `${root}/d/b`)).toBe('beta');
  }),
  scenario('N3 readFile takes a Buffer or a file URL as path', { a: 'alpha' }, async (fs, root) => {
    expect(await fs.readFile(Buffer.from(`${root}/a`), 'utf8')).toBe('alpha');
    expect(await fs.readFile(new URL(`file://${root}/a`), 'utf8')).toBe('alpha');
  }),
  scenario('readFile without an encoding gives a Buffer of its own', { a: 'alpha' }, async (fs, root) => {
    const first = await fs.readFile(`${root}/a`);
    first.fill(0);
    expect((await fs.readFile(`${root}/a`)).toString()).toBe('alpha');
  }),
  scenario('N4 readFile decodes every encoding', { a: 'äé' }, async (fs, root) => {
    expect(await fs.readFile(`${root}/a`, { encoding: 'utf8' })).toBe('äé');
    expect(await fs.readFile(`${root}/a`, 'latin1')).toBe('Ã¤Ã©');
    expect(await fs.readFile(`${root}/a`, 'hex')).toBe('c3a4c3a9');
    expect(await fs.readFile(`${root}/a`, 'base64')).toBe('w6TDqQ==');
    expect(await fs.readFile(`${root}/a`, 'utf16le')).toBe(Buffer.from('äé').toString('utf16le'));
  }),
  scenario('readFile keeps bytes that are no text', { a: file(BINARY) }, async (fs, root) => {
    expect([...(await fs.readFile(`${root}/a`))]).toEqual([...BINARY]);
  }),
  scenario('readFile of a file of many pages', { a: LARGE }, async (fs, root) => {
    expect((await text(fs, `${root}/a`)) === LARGE).toBe(true);
  }),
  scenario('readFile of an empty file', { a: '' }, async (fs, root) => {
    expect(await text(fs, `${root}/a`)).toBe('');
    expect((await fs.readFile(`${root}/a`)).length).toBe(0);
  }),
  scenario('readFile of a directory is EISDIR on read', { d: dir() }, async (fs, root) => {
    // Later versions of Node add the path in two of the forms.
    await failsWith(fs.readFile(`${root}/d`), 'EISDIR');
  }),
  scenario('N2 readFile of what is not there', { a: 'A' }, async (fs, root) => {
    await fails(fs.readFile(`${root}/no`), 'ENOENT', 'open', `${root}/no`);
    await fails(fs.readFile(`${root}/no/no`), 'ENOENT', 'open', `${root}/no/no`);
    await fails(fs.readFile(`${root}/a/no`), 'ENOTDIR', 'open', `${root}/a/no`);
    await fails(fs.readFile(`${root}/a/`), 'ENOTDIR', 'open', `${root}/a/`);
  }),
  scenario('N4 readFile with a flag that creates', {}, async (fs, root) => {
    expect(await fs.readFile(`${root}/new`, { encoding: 'utf8', flag: 'a+' })).toBe('');
    expect(await fs.readdir(root)).toEqual(['new']);
  }),
  scenario('a read changes no mtime', { d: dir({ a: 'A' }) }, async (fs, root) => {
    await fs.readFile(`${root}/d/a`);
    await fs.readdir(`${root}/d`);
    expect((await fs.stat(`${root}/d/a`)).mtime).toEqual(LONG_AGO);
    expect((await fs.stat(`${root}/d`)).mtime).toEqual(LONG_AGO);
  }),
];

export const writing: Scenario[] = [
  scenario('L4 writeFile creates a file', { d: dir() }, async (fs, root) => {
    await fs.writeFile(`${root}/d/new`, 'fresh');
    expect(await text(fs, `${root}/d/new`)).toBe('fresh');
    expect(await fs.readdir(`${root}/d`)).toEqual(['new']);
  }),
  scenario('L1 writeFile replaces the content of a file', { a: 'a long old content' }, async (fs, root) => {
    await fs.writeFile(`${root}/a`, 'short');
    expect(await text(fs, `${root}/a`)).toBe('short');
    expect((await fs.stat(`${root}/a`)).size).toBe(5);
  }),
  scenario(
    'writeFile keeps the number and the mode of the file',
    { a: file('A', { mode: 0o640 }) },
    async (fs, root) => {
      const before = await fs.stat(`${root}/a`);
      await fs.writeFile(`${root}/a`, 'other', { mode: 0o777 });
      const after = await fs.stat(`${root}/a`);
      expect(after.ino).toBe(before.ino);
      expect(after.mode & 0o777).toBe(0o640);
    },
  ),
  scenario('writeFile of many pages', { a: 'A' }, async (fs, root) => {
    await fs.writeFile(`${root}/a`, LARGE);
    expect((await text(fs, `${root}/a`)) === LARGE).toBe(true);
  }),
  scenario('writeFile of nothing empties the file', { a: LARGE }, async (fs, root) => {
    await fs.writeFile(`${root}/a`, '');
    expect((await fs.stat(`${root}/a`)).size).toBe(0);
    expect(await text(fs, `${root}/a`)).toBe('');
  }),
  scenario('writeFile takes typed arrays and views', {}, async (fs, root) => {
    await fs.writeFile(`${root}/new`, new Uint8Array([104, 105]));
    expect(await text(fs, `${root}/new`)).toBe('hi');
    const whole = new TextEncoder().encode('..middle..');
    await fs.writeFile(`${root}/new`, new DataView(whole.buffer, 2, 6));
    expect(await text(fs, `${root}/new`)).toBe('middle');
    await fs.writeFile(`${root}/new`, new Uint16Array([0x6968]));
    expect(await text(fs, `${root}/new`)).toBe('hi');
  }),
  scenario('a buffer changed after writeFile leaves the file alone', {}, async (fs, root) => {
    const data = Buffer.from('before');
    await fs.writeFile(`${root}/new`, data);
    data.fill('x');
    expect(await text(fs, `${root}/new`)).toBe('before');
  }),
  scenario('N4 writeFile encodes', {}, async (fs, root) => {
    await fs.writeFile(`${root}/new`, 'c3a4', 'hex');
    expect(await text(fs, `${root}/new`)).toBe('ä');
    await fs.writeFile(`${root}/new`, 'ä', { encoding: 'latin1' });
    expect([...(await fs.readFile(`${root}/new`))]).toEqual([0xe4]);
  }),
  scenario('N4 a new file has mode 0666 less the umask', {}, async (fs, root) => {
    await fs.writeFile(`${root}/new`, '');
    expect(await modeOf(fs, `${root}/new`)).toBe(0o644);
    await fs.writeFile(`${root}/new2`, '', { mode: 0o777 });
    expect(await modeOf(fs, `${root}/new2`)).toBe(0o755);
  }),
  scenario('N4 writeFile with the flags wx, a, r+', { a: 'alpha' }, async (fs, root) => {
    await fails(fs.writeFile(`${root}/a`, 'X', { flag: 'wx' }), 'EEXIST', 'open', `${root}/a`);
    await fs.writeFile(`${root}/a`, '+', { flag: 'a' });
    expect(await text(fs, `${root}/a`)).toBe('alpha+');
    await fs.writeFile(`${root}/a`, 'AL', { flag: 'r+' });
    expect(await text(fs, `${root}/a`)).toBe('ALpha+');
    await fails(fs.writeFile(`${root}/new`, '', { flag: 'r+' }), 'ENOENT', 'open', `${root}/new`);
    await fs.writeFile(`${root}/new`, 'once', { flag: 'wx' });
    expect(await text(fs, `${root}/new`)).toBe('once');
  }),
  scenario('N2 writeFile where no file can be', { a: 'A', d: dir() }, async (fs, root) => {
    await fails(fs.writeFile(`${root}/d`, ''), 'EISDIR', 'open', `${root}/d`);
    await fails(fs.writeFile(`${root}/no/new`, ''), 'ENOENT', 'open', `${root}/no/new`);
    await fails(fs.writeFile(`${root}/a/new`, ''), 'ENOTDIR', 'open', `${root}/a/new`);
    await fails(fs.writeFile(`${root}/new/`, ''), 'EISDIR', 'open', `${root}/new/`);
    await fails(fs.writeFile(`${root}/d/`, ''), 'EISDIR', 'open', `${root}/d/`);
    await fails(fs.writeFile(`${root}/a/`, ''), 'EISDIR', 'open', `${root}/a/`);
  }),
  scenario(
    'a write makes the mtime of the file new and leaves the directory alone',
    { d: dir({ a: 'A' }) },
    async (fs, root) => {
      await fs.writeFile(`${root}/d/a`, 'B');
      expect((await fs.stat(`${root}/d/a`)).mtimeMs).toBeGreaterThan(LONG_AGO.getTime());
      expect((await fs.stat(`${root}/d`)).mtime).toEqual(LONG_AGO);
    },
  ),
  scenario('creating a file makes the mtime of its directory new', { d: dir({ a: 'A' }) }, async (fs, root) => {
    await fs.writeFile(`${root}/d/new`, '');
    expect((await fs.stat(`${root}/d`)).mtimeMs).toBeGreaterThan(LONG_AGO.getTime());
    expect((await fs.stat(`${root}/d/a`)).mtime).toEqual(LONG_AGO);
  }),
  scenario('L11 writeFile through a symbolic link changes its target', { a: 'A', l: link('a') }, async (fs, root) => {
    await fs.writeFile(`${root}/l`, 'through');
    expect(await text(fs, `${root}/a`)).toBe('through');
    expect(await fs.readlink(`${root}/l`)).toBe('a');
  }),
  scenario('writeFile through a dangling link creates its target', { d: dir(), l: link('d/new') }, async (fs, root) => {
    await fs.writeFile(`${root}/l`, 'made');
    expect(await text(fs, `${root}/d/new`)).toBe('made');
    expect((await fs.lstat(`${root}/l`)).isSymbolicLink()).toBe(true);
  }),
];

export const appending: Scenario[] = [
  scenario('L1 appendFile adds at the end of a file', { a: 'alpha' }, async (fs, root) => {
    await fs.appendFile(`${root}/a`, '-one');
    await fs.appendFile(`${root}/a`, Buffer.from('-two'));
    expect(await text(fs, `${root}/a`)).toBe('alpha-one-two');
  }),
  scenario('appendFile creates a missing file', {}, async (fs, root) => {
    await fs.appendFile(`${root}/new`, 'first', { mode: 0o600 });
    expect(await text(fs, `${root}/new`)).toBe('first');
    expect(await modeOf(fs, `${root}/new`)).toBe(0o600);
  }),
  scenario('appendFile at the end of many pages', { a: LARGE }, async (fs, root) => {
    await fs.appendFile(`${root}/a`, 'tail');
    const whole = await text(fs, `${root}/a`);
    expect(whole.length).toBe(LARGE.length + 4);
    expect(whole === `${LARGE}tail`).toBe(true);
  }),
  scenario('appendFile of nothing changes no content', { a: 'A' }, async (fs, root) => {
    await fs.appendFile(`${root}/a`, '');
    expect(await text(fs, `${root}/a`)).toBe('A');
  }),
  scenario('C12 two appendFile calls at once lose nothing', { a: '' }, async (fs, root) => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => fs.appendFile(`${root}/a`, `<${index}>`)));
    const parts = (await text(fs, `${root}/a`)).match(/<\d+>/g) ?? [];
    expect(new Set(parts).size).toBe(20);
    expect((await fs.stat(`${root}/a`)).size).toBe(parts.join('').length);
  }),
  scenario('N2 appendFile where no file can be', { a: 'A', d: dir() }, async (fs, root) => {
    await fails(fs.appendFile(`${root}/d`, ''), 'EISDIR', 'open', `${root}/d`);
    await fails(fs.appendFile(`${root}/a/new`, ''), 'ENOTDIR', 'open', `${root}/a/new`);
    await fails(fs.appendFile(`${root}/no/new`, ''), 'ENOENT', 'open', `${root}/no/new`);
  }),
  scenario('N1 data of a wrong type is refused and changes nothing', { a: 'A' }, async (fs, root) => {
    await failsWith(fs.writeFile(`${root}/a`, 5 as never), 'ERR_INVALID_ARG_TYPE');
    await failsWith(fs.appendFile(`${root}/a`, {} as never), 'ERR_INVALID_ARG_TYPE');
    expect(await text(fs, `${root}/a`)).toBe('A');
  }),
];
