/** Bytes at positions: read, write, their vectors, holes, truncation, and who sees what (C1, C4, C6, P). */

import { expect } from 'vitest';
import type { Handle } from '../face.ts';
import { fails, failsWith, type Scenario, scenario, text } from '../scenario.ts';
import { dir, file, hard, LONG_AGO, link } from '../tree.ts';

/** Four default pages and a little more, every byte telling its place. */
const PAGES = Buffer.from(
  Uint8Array.from({ length: 4 * 16384 + 100 }, (_, index) => (index * 7 + (index >> 8)) & 0xff),
);

async function readAt(handle: Handle, position: number | null, length: number): Promise<string> {
  const buffer = Buffer.alloc(length);
  const count = await handle.read(buffer, 0, length, position);
  return buffer.toString('utf8', 0, count);
}

function patched(...changes: readonly (readonly [at: number, bytes: string])[]): Buffer {
  const copy = Buffer.from(PAGES);
  for (const [at, bytes] of changes) copy.write(bytes, at);
  return copy;
}

export const positions: Scenario[] = [
  scenario('read goes on from where it was', { a: 'alphabet' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r');
    expect(await readAt(handle, null, 3)).toBe('alp');
    expect(await readAt(handle, null, 3)).toBe('hab');
    expect(await readAt(handle, null, 3)).toBe('et');
    expect(await readAt(handle, null, 3)).toBe('');
  }),
  scenario('a positioned read leaves the position alone', { a: 'alphabet' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r');
    expect(await readAt(handle, 5, 3)).toBe('bet');
    expect(await readAt(handle, null, 5)).toBe('alpha');
    expect(await readAt(handle, 100, 5)).toBe('');
  }),
  scenario('read fills only the part of the buffer it was given', { a: 'alphabet' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r');
    const buffer = Buffer.from('..........');
    expect(await handle.read(buffer, 2, 4, 0)).toBe(4);
    expect(buffer.toString()).toBe('..alph....');
    expect(await handle.read(buffer, 8, 2, 7)).toBe(1);
    expect(buffer.toString()).toBe('..alph..t.');
    expect(await handle.read(buffer, 0, 0, 0)).toBe(0);
  }),
  scenario('read takes bigint positions', { a: 'alphabet' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r');
    // The promise form of Node 20 takes a bigint for "the current position".
    const buffer = Buffer.alloc(3);
    expect(fs.raw.readSync(handle.fd, buffer, 0, 3, 5n)).toBe(3);
    expect(buffer.toString()).toBe('bet');
  }),
  scenario('N1 read outside its buffer is refused', { a: 'alphabet' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r');
    const buffer = Buffer.alloc(4);
    await failsWith(handle.read(buffer, 5, 1, 0), 'ERR_OUT_OF_RANGE');
    await failsWith(handle.read(buffer, 2, 3, 0), 'ERR_OUT_OF_RANGE');
    await failsWith(handle.read(buffer, -1, 1, 0), 'ERR_OUT_OF_RANGE');
    await failsWith(handle.read(Buffer.alloc(0), 0, 1, 0), 'ERR_INVALID_ARG_VALUE');
  }),
  scenario('write goes on from where it was, reading too', { a: 'alphabet' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await handle.write('AL');
    await handle.write(Buffer.from('PH'));
    expect(await readAt(handle, null, 2)).toBe('ab');
    expect(await text(fs, `${root}/a`)).toBe('ALPHabet');
  }),
  scenario('a positioned write leaves the position alone', { a: 'alphabet' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    expect(await handle.write('BET', 5)).toBe(3);
    await handle.write('A');
    expect(await text(fs, `${root}/a`)).toBe('AlphaBET');
  }),
  scenario('C4 one byte written in the middle of pages', { a: file(PAGES) }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await handle.write('!', 20000);
    expect((await fs.readFile(`${root}/a`)).equals(patched([20000, '!']))).toBe(true);
    expect((await fs.stat(`${root}/a`)).size).toBe(PAGES.length);
  }),
  scenario('writes across page borders', { a: file(PAGES) }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await handle.write('border', 16381);
    await handle.write('x'.repeat(20000), 30000);
    const whole = await fs.readFile(`${root}/a`);
    expect(whole.equals(patched([16381, 'border'], [30000, 'x'.repeat(20000)]))).toBe(true);
  }),
  scenario('a write over the end of the last page grows the file', { a: file(PAGES) }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await handle.write('z'.repeat(200), PAGES.length - 50);
    const whole = await fs.readFile(`${root}/a`);
    expect(whole.length).toBe(PAGES.length + 150);
    expect(whole.equals(Buffer.concat([PAGES.subarray(0, -50), Buffer.alloc(200, 'z')]))).toBe(true);
  }),
  scenario('writes of nothing do nothing', { a: 'A' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    expect(await handle.write(Buffer.alloc(0), 100)).toBe(0);
    expect((await handle.stat()).size).toBe(1);
    expect((await handle.stat()).mtime).toEqual(LONG_AGO);
  }),
  scenario('readv fills buffer after buffer', { a: 'alphabet' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r');
    const buffers = [Buffer.alloc(3), Buffer.alloc(0), Buffer.alloc(4), Buffer.alloc(4)];
    expect(await handle.readv(buffers)).toBe(8);
    expect(buffers.map(String)).toEqual(['alp', '', 'habe', 't\0\0\0']);
    expect(await handle.readv([Buffer.alloc(2)])).toBe(0);
    const again = [Buffer.alloc(2), Buffer.alloc(1)];
    expect(await handle.readv(again, 5)).toBe(3);
    expect(again.map(String)).toEqual(['be', 't']);
  }),
  scenario('writev writes buffer after buffer', { a: 'alphabet' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    expect(await handle.writev([Buffer.from('AL'), Buffer.from('PHA')])).toBe(5);
    expect(await handle.writev([Buffer.from('T'), Buffer.from('S!')], 7)).toBe(3);
    expect(await handle.writev([Buffer.from('B')])).toBe(1);
    expect(await text(fs, `${root}/a`)).toBe('ALPHABeTS!');
  }),
  scenario('readFile and writeFile of a handle begin at its position', { a: 'alphabet' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await readAt(handle, null, 5);
    expect(await handle.readFile('utf8')).toBe('bet');
    expect(await handle.readFile('utf8')).toBe('');
    await handle.writeFile('!!');
    expect(await text(fs, `${root}/a`)).toBe('alphabet!!');
    await handle.appendFile('?');
    expect(await text(fs, `${root}/a`)).toBe('alphabet!!?');
  }),
];

export const holes: Scenario[] = [
  scenario('C6 a write past the end leaves zeros between', { a: 'A' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await handle.write('Z', 5);
    expect(await text(fs, `${root}/a`)).toBe('A\0\0\0\0Z');
  }),
  scenario('C6 a write far past the end leaves pages of zeros', { a: 'A' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await handle.write('Z', 100_000);
    const whole = await fs.readFile(`${root}/a`);
    expect(whole.length).toBe(100_001);
    expect(whole.subarray(1, 100_000).every((byte) => byte === 0)).toBe(true);
    expect(whole[0]).toBe(65);
    expect(whole[100_000]).toBe(90);
  }),
  scenario('C6 a hole costs nothing', {}, async (fs, root) => {
    const handle = await fs.open(`${root}/new`, 'w+');
    await handle.write('Z', 4_000_000);
    const stats = await handle.stat();
    expect(stats.size).toBe(4_000_001);
    expect(stats.blocks * 512).toBeLessThan(1_000_000);
    expect(await readAt(handle, 2_000_000, 4)).toBe('\0\0\0\0');
  }),
  scenario('C6 truncate down then up reads zeros', { a: 'alphabet' }, async (fs, root) => {
    await fs.truncate(`${root}/a`, 3);
    expect(await text(fs, `${root}/a`)).toBe('alp');
    await fs.truncate(`${root}/a`, 6);
    expect(await text(fs, `${root}/a`)).toBe('alp\0\0\0');
  }),
  scenario('C6 truncate down then up over pages reads zeros', { a: file(PAGES) }, async (fs, root) => {
    await fs.truncate(`${root}/a`, 20_000);
    await fs.truncate(`${root}/a`, 60_000);
    const whole = await fs.readFile(`${root}/a`);
    expect(whole.equals(Buffer.concat([PAGES.subarray(0, 20_000), Buffer.alloc(40_000)]))).toBe(true);
  }),
  scenario(
    'C6 truncate then write past the new end: zeros where the old bytes were',
    { a: file(PAGES) },
    async (fs, root) => {
      const handle = await fs.open(`${root}/a`, 'r+');
      await handle.truncate(10);
      await handle.write('Z', 40_000);
      const whole = await fs.readFile(`${root}/a`);
      expect(whole.subarray(0, 10).equals(PAGES.subarray(0, 10))).toBe(true);
      expect(whole.subarray(10, 40_000).every((byte) => byte === 0)).toBe(true);
      expect(whole.length).toBe(40_001);
    },
  ),
  scenario('P5 truncate to zero and up again brings nothing back', { a: file(PAGES) }, async (fs, root) => {
    await fs.readFile(`${root}/a`);
    await fs.truncate(`${root}/a`);
    await fs.truncate(`${root}/a`, PAGES.length);
    expect((await fs.readFile(`${root}/a`)).every((byte) => byte === 0)).toBe(true);
  }),
  scenario('truncate to the size it has changes no content', { a: file(PAGES) }, async (fs, root) => {
    await fs.truncate(`${root}/a`, PAGES.length);
    expect((await fs.readFile(`${root}/a`)).equals(PAGES)).toBe(true);
  }),
  scenario('reads beyond the end are short or empty', { a: file(PAGES) }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r');
    expect(await handle.read(Buffer.alloc(500), 0, 500, PAGES.length - 7)).toBe(7);
    expect(await handle.read(Buffer.alloc(500), 0, 500, PAGES.length)).toBe(0);
    expect(await handle.read(Buffer.alloc(500), 0, 500, PAGES.length + 9999)).toBe(0);
  }),
];

export const truncating: Scenario[] = [
  scenario('truncate makes the mtime new', { a: 'A' }, async (fs, root) => {
    await fs.truncate(`${root}/a`, 0);
    expect((await fs.stat(`${root}/a`)).mtimeMs).toBeGreaterThan(LONG_AGO.getTime());
  }),
  scenario('truncate follows a link', { a: 'alpha', l: link('a') }, async (fs, root) => {
    await fs.truncate(`${root}/l`, 2);
    expect(await text(fs, `${root}/a`)).toBe('al');
  }),
  scenario('ftruncate through a descriptor, and its default length', { a: 'alpha' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await handle.truncate(2);
    expect(await text(fs, `${root}/a`)).toBe('al');
    await handle.truncate();
    expect(await text(fs, `${root}/a`)).toBe('');
  }),
  scenario('a position past the new end stays, and writes there leave a hole', { a: 'alpha' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await readAt(handle, null, 4);
    await handle.truncate(1);
    expect(await readAt(handle, null, 4)).toBe('');
    await handle.write('Z');
    expect(await text(fs, `${root}/a`)).toBe('a\0\0\0Z');
  }),
  scenario('N2 truncate of what is no file', { d: dir(), a: 'A', l: link('no') }, async (fs, root) => {
    await failsWith(fs.truncate(`${root}/d`), 'EISDIR');
    await failsWith(fs.truncate(`${root}/no`), 'ENOENT');
    await failsWith(fs.truncate(`${root}/a/no`), 'ENOTDIR');
    await failsWith(fs.truncate(`${root}/l`), 'ENOENT');
  }),
  scenario('N2 ftruncate of a descriptor that only reads', { a: 'alpha' }, async (fs, root) => {
    await fails((await fs.open(`${root}/a`, 'r')).truncate(1), 'EINVAL', 'ftruncate');
    expect(await text(fs, `${root}/a`)).toBe('alpha');
  }),
];

export const sharing: Scenario[] = [
  scenario('C1 a descriptor opened before the write sees it', { a: 'alpha' }, async (fs, root) => {
    const early = await fs.open(`${root}/a`, 'r');
    expect(await readAt(early, 0, 9)).toBe('alpha');
    await fs.writeFile(`${root}/a`, 'after');
    expect(await readAt(early, 0, 9)).toBe('after');
    await fs.appendFile(`${root}/a`, '!');
    expect(await readAt(early, 0, 9)).toBe('after!');
    expect((await early.stat()).size).toBe(6);
  }),
  scenario('C1 descriptors see each other at once', { a: 'alpha' }, async (fs, root) => {
    const reader = await fs.open(`${root}/a`, 'r');
    const writer = await fs.open(`${root}/a`, 'r+');
    const other = await fs.open(`${root}/a`, 'r+');
    await writer.write('A', 0);
    await other.write('Z', 4);
    for (const handle of [reader, writer, other]) expect(await readAt(handle, 0, 9)).toBe('AlphZ');
    await writer.truncate(2);
    expect(await readAt(reader, 0, 9)).toBe('Al');
  }),
  scenario(
    'C2 a write through one name of a file shows at the other',
    { a: 'alpha', b: hard('a') },
    async (fs, root) => {
      const early = await fs.open(`${root}/b`, 'r');
      await fs.writeFile(`${root}/a`, 'both');
      expect(await text(fs, `${root}/b`)).toBe('both');
      expect(await readAt(early, 0, 9)).toBe('both');
    },
  ),
  scenario(
    'C10 a size seen by path and by descriptor agree after every write',
    { a: file(PAGES) },
    async (fs, root) => {
      const handle = await fs.open(`${root}/a`, 'r+');
      for (const size of [70_000, 10, 40_000, 0, 16_384]) {
        await handle.truncate(size);
        expect((await handle.stat()).size).toBe(size);
        expect((await fs.stat(`${root}/a`)).size).toBe(size);
        expect((await fs.readFile(`${root}/a`)).length).toBe(size);
      }
    },
  ),
];
