/** Descriptors that outlive names: unlinked, renamed and replaced files, closed descriptors, O_TMPFILE. */

import { constants } from 'node:fs';
import { expect } from 'vitest';
import type { Handle } from '../face.ts';
import { fails, failsWith, type Scenario, scenario, text } from '../scenario.ts';
import { dir, file, hard } from '../tree.ts';

/** Linux's number; Node has no name for it. It includes O_DIRECTORY. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

async function all(handle: Handle): Promise<string> {
  const buffer = Buffer.alloc(100);
  return buffer.toString('utf8', 0, await handle.read(buffer, 0, 100, 0));
}

export const nameless: Scenario[] = [
  scenario('T4 an unlinked file can be read until the last close', { a: 'alpha' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r');
    await fs.unlink(`${root}/a`);
    expect(await all(handle)).toBe('alpha');
    expect((await handle.stat()).nlink).toBe(0);
    expect(await fs.exists(`${root}/a`)).toBe(false);
  }),
  scenario('T4 an unlinked file can be written, truncated and given attributes', { a: 'alpha' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await fs.unlink(`${root}/a`);
    await handle.write('AL', 0);
    await handle.write('!', 5);
    expect(await all(handle)).toBe('ALpha!');
    await handle.truncate(2);
    await handle.chmod(0o600);
    await handle.utimes(5, 6);
    const stats = await handle.stat();
    expect([stats.size, stats.mode & 0o777, stats.mtimeMs, stats.nlink]).toEqual([2, 0o600, 6000, 0]);
    expect(await fs.readdir(root)).toEqual([]);
  }),
  scenario('T4 a new file takes the name of one that is still open', { a: 'old' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await fs.unlink(`${root}/a`);
    await fs.writeFile(`${root}/a`, 'new');
    expect((await handle.stat()).ino).not.toBe((await fs.stat(`${root}/a`)).ino);
    await handle.write('OLD', 0);
    expect(await text(fs, `${root}/a`)).toBe('new');
    expect(await all(handle)).toBe('OLD');
  }),
  scenario(
    'T4 a file that was never read before it was unlinked',
    { d: dir({ a: file('x'.repeat(50_000)) }) },
    async (fs, root) => {
      const handle = await fs.open(`${root}/d/a`, 'r');
      await fs.rm(`${root}/d`, { recursive: true });
      expect(((await handle.readFile('latin1')) as string).length).toBe(50_000);
    },
  ),
  scenario('a replaced file goes on behind its descriptor', { a: 'A', b: 'B' }, async (fs, root) => {
    const old = await fs.open(`${root}/b`, 'r+');
    await fs.rename(`${root}/a`, `${root}/b`);
    expect(await all(old)).toBe('B');
    expect((await old.stat()).nlink).toBe(0);
    await old.write('?', 0);
    expect(await text(fs, `${root}/b`)).toBe('A');
  }),
  scenario('a descriptor follows its file through renames', { a: 'A', d: dir() }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await fs.rename(`${root}/a`, `${root}/d/new`);
    await handle.write('moved', 0);
    expect(await text(fs, `${root}/d/new`)).toBe('moved');
    await fs.rename(`${root}/d`, `${root}/new`);
    await handle.write('again', 0);
    expect(await text(fs, `${root}/new/new`)).toBe('again');
  }),
  scenario('C2 nlink sinks as names go', { a: 'A', b: hard('a'), c: hard('a') }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r');
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      expect((await handle.stat()).nlink).toBe(3 - index);
      await fs.unlink(`${root}/${name}`);
    }
    expect((await handle.stat()).nlink).toBe(0);
  }),
  scenario('an open directory that was removed is empty and takes no names', { d: dir() }, async (fs, root) => {
    const handle = await fs.open(`${root}/d`, 'r');
    await fs.rmdir(`${root}/d`);
    expect((await handle.stat()).isDirectory()).toBe(true);
    await fails(fs.writeFile(`${root}/d/new`, ''), 'ENOENT', 'open', `${root}/d/new`);
  }),
];

export const anonymous: Scenario[] = [
  scenario('T1 O_TMPFILE gives a file with no name', { d: dir() }, async (fs, root) => {
    const handle = await fs.open(`${root}/d`, O_TMPFILE | constants.O_RDWR, 0o640);
    const stats = await handle.stat();
    expect([stats.isFile(), stats.nlink, stats.size, stats.mode & 0o777]).toEqual([true, 0, 0, 0o640]);
    await handle.write('secret');
    expect(await all(handle)).toBe('secret');
    expect(await fs.readdir(`${root}/d`)).toEqual([]);
    await handle.close();
    expect(await fs.readdir(`${root}/d`)).toEqual([]);
  }),
  scenario('T1 anonymous files are apart from each other', { d: dir() }, async (fs, root) => {
    const one = await fs.open(`${root}/d`, O_TMPFILE | constants.O_RDWR);
    const two = await fs.open(`${root}/d`, O_TMPFILE | constants.O_WRONLY);
    await one.write('1');
    expect((await two.stat()).size).toBe(0);
    expect((await one.stat()).ino).not.toBe((await two.stat()).ino);
    await fails(two.read(Buffer.alloc(1)), 'EBADF', 'read');
  }),
  scenario('T2 O_TMPFILE wants write access and a directory that exists', { a: 'A', d: dir() }, async (fs, root) => {
    await fails(fs.open(`${root}/d`, O_TMPFILE), 'EINVAL', 'open', `${root}/d`);
    await fails(fs.open(`${root}/no`, O_TMPFILE | constants.O_RDWR), 'ENOENT', 'open', `${root}/no`);
    await fails(fs.open(`${root}/a`, O_TMPFILE | constants.O_RDWR), 'ENOTDIR', 'open', `${root}/a`);
    await fails(fs.open(`${root}/a/no`, O_TMPFILE | constants.O_RDWR), 'ENOTDIR', 'open', `${root}/a/no`);
  }),
];

/** A closed descriptor: Node words it differently for a FileHandle, which knows that it is closed. */
async function failsClosed(promise: Promise<unknown>, syscall: string): Promise<void> {
  await failsWith(promise, 'EBADF');
  await promise.catch((error) => expect(error.syscall).toBe(syscall));
}

export const closing: Scenario[] = [
  scenario('N2 a closed descriptor is EBADF', { a: 'A' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await handle.close();
    if (fs.form === 'promise') return failsClosed(handle.stat(), 'fstat');
    await fails(handle.stat(), 'EBADF', 'fstat');
    await fails(handle.read(Buffer.alloc(1)), 'EBADF', 'read');
    await fails(handle.readv([Buffer.alloc(1)]), 'EBADF', 'read');
    await fails(handle.write('x'), 'EBADF', 'write');
    await fails(handle.writev([Buffer.from('x')]), 'EBADF', 'write');
    await fails(handle.truncate(0), 'EBADF', 'ftruncate');
    await fails(handle.chmod(0o600), 'EBADF', 'fchmod');
    await fails(handle.chown(0, 0), 'EBADF', 'fchown');
    await fails(handle.utimes(0, 0), 'EBADF', 'futime');
    await fails(handle.sync(), 'EBADF', 'fsync');
    await fails(handle.datasync(), 'EBADF', 'fdatasync');
    await fails(handle.close(), 'EBADF', 'close');
  }),
  scenario('fsync and fdatasync succeed on files and directories', { a: 'A', d: dir() }, async (fs, root) => {
    for (const handle of [await fs.open(`${root}/a`, 'r+'), await fs.open(`${root}/d`, 'r')]) {
      await handle.sync();
      await handle.datasync();
    }
  }),
  scenario('fstat tells the same as stat', { a: file('alpha', { mode: 0o604 }) }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r');
    const { atime, atimeMs, ...byHandle } = await handle.stat();
    expect(await fs.stat(`${root}/a`)).toMatchObject(byHandle);
    expect((await handle.stat({ bigint: true })).size).toBe(5n);
  }),
  scenario('writeFile and appendFile by descriptor neither truncate nor seek', { a: 'alphabet' }, async (fs, root) => {
    const handle = await fs.open(`${root}/a`, 'r+');
    await handle.writeFile('XY');
    await handle.appendFile('Z');
    expect(await text(fs, `${root}/a`)).toBe('XYZhabet');
  }),
];
