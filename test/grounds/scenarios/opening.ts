/** open: what its flags ask for, what they refuse, and which access the descriptor then gives. */

import { constants } from 'node:fs';
import { expect } from 'vitest';
import { fails, failsWith, modeOf, type Scenario, scenario, text } from '../scenario.ts';
import { dir, file, LONG_AGO, link } from '../tree.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_SYNC } = constants;
const bytes = (length: number): Buffer => Buffer.alloc(length);

export const opening: Scenario[] = [
  scenario('N4 r reads and does not write', { a: 'alpha' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r');
    expect(await handle.read(bytes(9))).toBe(5);
    await fails(handle.write('x'), 'EBADF', 'write');
    await fails(handle.truncate(0), 'EINVAL', 'ftruncate');
  }),
  scenario('N4 w writes and does not read', { a: 'alpha' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'w');
    await fails(handle.read(bytes(9)), 'EBADF', 'read');
    expect(await handle.write('x')).toBe(1);
    expect(await text(fs, `${root}/a`)).toBe('x');
  }),
  scenario('N4 r+ reads and writes and keeps the content', { a: 'alpha' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    expect(await handle.write('AL')).toBe(2);
    const rest = bytes(9);
    expect(await handle.read(rest)).toBe(3);
    expect(rest.toString('utf8', 0, 3)).toBe('pha');
  }),
  scenario('N4 w+ empties the file and then reads what it wrote', { a: 'alpha' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'w+');
    expect((await handle.stat()).size).toBe(0);
    await handle.write('new');
    const all = bytes(9);
    expect(await handle.read(all, 0, 9, 0)).toBe(3);
  }),
  scenario('N4 a+ reads from the start and writes at the end', { a: 'alpha' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'a+');
    const start = bytes(2);
    await handle.read(start);
    expect(start.toString()).toBe('al');
    await handle.write('!');
    expect(await text(fs, `${root}/a`)).toBe('alpha!');
  }),
  scenario(
    'N4 wx, wx+, ax, ax+ create and refuse what exists',
    { a: 'A', d: dir(), l: link('no') },
    async (fs, root) => {
      for (const flags of ['wx', 'wx+', 'ax', 'ax+', 'xw', 'xa+']) {
        for (const name of ['a', 'd', 'l']) {
          await fails(fs.open(`${root}/${name}`, flags), 'EEXIST', 'open', `${root}/${name}`);
        }
        await (await fs.open(`${root}/new`, flags)).close();
        await fs.unlink(`${root}/new`);
      }
      expect(await fs.exists(`${root}/no`)).toBe(false);
    },
  ),
  scenario('N1 unknown flags are refused', { a: 'A' }, async (fs, root) => {
    await failsWith(fs.open(`${root}/a`, 'rw'), 'ERR_INVALID_ARG_VALUE');
    await failsWith(fs.open(`${root}/a`, 'R'), 'ERR_INVALID_ARG_VALUE');
    await failsWith(fs.open(`${root}/a`, ''), 'ERR_INVALID_ARG_VALUE');
    await failsWith(fs.open(`${root}/a`, {} as never), 'ERR_INVALID_ARG_VALUE');
  }),
  scenario('N2 r and r+ of what is not there', { a: 'A', l: link('no') }, async (fs, root) => {
    for (const flags of ['r', 'r+', 'rs+', O_WRONLY, O_TRUNC, O_DIRECTORY]) {
      await fails(fs.open(`${root}/no`, flags), 'ENOENT', 'open', `${root}/no`);
      await fails(fs.open(`${root}/l`, flags), 'ENOENT', 'open', `${root}/l`);
      await fails(fs.open(`${root}/a/no`, flags), 'ENOTDIR', 'open', `${root}/a/no`);
    }
    expect(await fs.readdir(root)).toEqual(['a', 'l']);
  }),
  scenario('a directory opens for reading only', { d: dir() }, async (fs, root) => {
    const handle = await fs.open(`${root}/d`, 'r');
    expect((await handle.stat()).isDirectory()).toBe(true);
    await fails(handle.read(bytes(9)), 'EISDIR', 'read');
    for (const flags of ['r+', 'w', 'w+', 'a', 'a+', O_WRONLY, O_RDWR, O_CREAT]) {
      await fails(fs.open(`${root}/d`, flags), 'EISDIR', 'open', `${root}/d`);
    }
  }),
  scenario('N4 O_DIRECTORY wants a directory', { a: 'A', d: dir(), l: link('d'), m: link('a') }, async (fs, root) => {
    expect((await (await fs.open(`${root}/d`, O_DIRECTORY)).stat()).isDirectory()).toBe(true);
    expect((await (await fs.open(`${root}/l`, O_DIRECTORY)).stat()).isDirectory()).toBe(true);
    await fails(fs.open(`${root}/a`, O_DIRECTORY), 'ENOTDIR', 'open', `${root}/a`);
    await fails(fs.open(`${root}/m`, O_DIRECTORY), 'ENOTDIR', 'open', `${root}/m`);
    await fails(fs.open(`${root}/l`, O_DIRECTORY | O_NOFOLLOW), 'ENOTDIR', 'open', `${root}/l`);
  }),
  scenario(
    'N4 O_NOFOLLOW refuses a link as the last name only',
    { d: dir({ a: 'A' }), l: link('d/a'), m: link('d') },
    async (fs, root) => {
      await fails(fs.open(`${root}/l`, O_NOFOLLOW), 'ELOOP', 'open', `${root}/l`);
      await fails(fs.open(`${root}/l`, O_NOFOLLOW | O_RDWR | O_TRUNC), 'ELOOP', 'open', `${root}/l`);
      await fails(fs.open(`${root}/l`, O_NOFOLLOW | O_WRONLY | O_CREAT), 'ELOOP', 'open', `${root}/l`);
      expect((await (await fs.open(`${root}/m/a`, O_NOFOLLOW)).stat()).size).toBe(1);
      expect((await (await fs.open(`${root}/d/a`, O_NOFOLLOW)).stat()).size).toBe(1);
    },
  ),
  scenario('L4 O_CREAT creates, and leaves what exists as it is', { a: 'alpha' }, async (fs, root) => {
    await fs.open(`${root}/new`, O_CREAT | O_RDONLY, 0o640);
    expect(await modeOf(fs, `${root}/new`)).toBe(0o640);
    const before = await fs.stat(`${root}/a`);
    await fs.open(`${root}/a`, O_CREAT | O_RDWR, 0o600);
    expect(await text(fs, `${root}/a`)).toBe('alpha');
    expect((await fs.stat(`${root}/a`)).mode).toBe(before.mode);
    expect((await fs.stat(`${root}/a`)).mtime).toEqual(LONG_AGO);
  }),
  scenario(
    'a file created with a mode that forbids writing is writable through its descriptor',
    {},
    async (fs, root) => {
      const handle = await fs.open(`${root}/new`, 'w', 0o400);
      await handle.write('once');
      expect(await text(fs, `${root}/new`)).toBe('once');
      expect(await modeOf(fs, `${root}/new`)).toBe(0o400);
    },
  ),
  scenario(
    'O_CREAT | O_EXCL does not follow a link, dangling or not',
    { a: 'A', l: link('a'), m: link('new') },
    async (fs, root) => {
      await fails(fs.open(`${root}/l`, O_CREAT | O_EXCL | O_WRONLY), 'EEXIST', 'open', `${root}/l`);
      await fails(fs.open(`${root}/m`, O_CREAT | O_EXCL | O_WRONLY), 'EEXIST', 'open', `${root}/m`);
      expect(await fs.exists(`${root}/new`)).toBe(false);
    },
  ),
  scenario('C4 O_TRUNC empties, also by a descriptor that only reads', { a: 'alpha', b: 'beta' }, async (fs, root) => {
    await fs.open(`${root}/a`, O_WRONLY | O_TRUNC);
    expect((await fs.stat(`${root}/a`)).size).toBe(0);
    await fs.open(`${root}/b`, O_RDONLY | O_TRUNC);
    expect((await fs.stat(`${root}/b`)).size).toBe(0);
  }),
  scenario('O_TRUNC makes the mtime new, opening for writing alone does not', { a: 'A', b: 'B' }, async (fs, root) => {
    await fs.open(`${root}/a`, 'r+');
    expect((await fs.stat(`${root}/a`)).mtime).toEqual(LONG_AGO);
    await fs.open(`${root}/b`, 'w');
    expect((await fs.stat(`${root}/b`)).mtimeMs).toBeGreaterThan(LONG_AGO.getTime());
  }),
  scenario('C12 O_APPEND writes at the end whatever position is given', { a: 'alpha' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, O_RDWR | O_APPEND);
    await handle.write('1', 0);
    await handle.write('2', 2);
    await handle.write('3');
    expect(await text(fs, `${root}/a`)).toBe('alpha123');
  }),
  scenario('C12 two appending descriptors take turns at the end', { a: '' }, async (fs, root) => {
    const one = await fs.open(`${root}/a`, 'a');
    const two = await fs.open(`${root}/a`, 'a');
    await one.write('1');
    await two.write('2');
    await one.write('3');
    expect(await text(fs, `${root}/a`)).toBe('123');
  }),
  scenario('O_SYNC writes like any other', { a: 'A' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, O_WRONLY | O_SYNC);
    await handle.write('B');
    expect(await text(fs, `${root}/a`)).toBe('B');
  }),
  scenario('N4 numbers and words for flags mean the same', { a: 'A' }, async (fs, root) => {
    await (await fs.open(`${root}/new`, O_WRONLY | O_CREAT | O_TRUNC)).write('x');
    expect(await text(fs, `${root}/new`)).toBe('x');
    const handle = await fs.open(`${root}/a`);
    expect(await handle.read(bytes(3))).toBe(1);
  }),
  scenario('a trailing slash wants a directory', { a: 'A', d: dir(), l: link('d') }, async (fs, root) => {
    await fails(fs.open(`${root}/a/`, 'r'), 'ENOTDIR', 'open', `${root}/a/`);
    await fails(fs.open(`${root}/new/`, 'w'), 'EISDIR', 'open', `${root}/new/`);
    await fails(fs.open(`${root}/new/`, 'wx'), 'EISDIR', 'open', `${root}/new/`);
    await fails(fs.open(`${root}/no/`, 'r'), 'ENOENT', 'open', `${root}/no/`);
    expect((await (await fs.open(`${root}/l/`, O_NOFOLLOW)).stat()).isDirectory()).toBe(true);
  }),
  scenario('every descriptor has a position of its own', { a: 'alpha' }, async (fs, root) => {
    const one = await fs.open(`${root}/a`, 'r');
    const two = await fs.open(`${root}/a`, 'r');
    expect(one.fd).not.toBe(two.fd);
    const piece = bytes(2);
    await one.read(piece);
    await two.read(piece);
    expect(piece.toString()).toBe('al');
    await one.read(piece);
    expect(piece.toString()).toBe('ph');
  }),
  scenario('a failed open changes nothing', { d: dir({ a: file('A') }) }, async (fs, root) => {
    await fails(fs.open(`${root}/d/a`, 'wx'), 'EEXIST', 'open', `${root}/d/a`);
    await fails(fs.open(`${root}/d/a/new`, 'w'), 'ENOTDIR', 'open', `${root}/d/a/new`);
    await fails(fs.open(`${root}/d/no`, 'r+'), 'ENOENT', 'open', `${root}/d/no`);
    expect(await fs.readdir(`${root}/d`)).toEqual(['a']);
    expect((await fs.stat(`${root}/d`)).mtime).toEqual(LONG_AGO);
  }),
];
