/** Modes, owners, times and numbers of files, and what changes them. */

import { expect } from 'vitest';
import { fails, failsWith, modeOf, type Scenario, scenario, text } from '../scenario.ts';
import { dir, file, hard, LONG_AGO, link } from '../tree.ts';

const ROOT = process.getuid?.() === 0;

export const modes: Scenario[] = [
  scenario('C5 chmod changes the mode and nothing else', { a: file('alpha', { mode: 0o644 }) }, async (fs, root) => {
    const before = await fs.stat(`${root}/a`);
    await fs.chmod(`${root}/a`, 0o600);
    const after = await fs.stat(`${root}/a`);
    expect(after.mode).toBe((before.mode & ~0o7777) | 0o600);
    expect([after.ino, after.size, after.mtimeMs, after.uid]).toEqual([
      before.ino,
      before.size,
      before.mtimeMs,
      before.uid,
    ]);
    expect(after.ctimeMs).toBeGreaterThanOrEqual(before.ctimeMs);
    expect(await text(fs, `${root}/a`)).toBe('alpha');
  }),
  scenario(
    'chmod of a directory keeps its names and times',
    { d: dir({ a: 'A' }, { mode: 0o755 }) },
    async (fs, root) => {
      await fs.chmod(`${root}/d`, 0o1700);
      expect(await modeOf(fs, `${root}/d`)).toBe(0o1700);
      expect(await fs.readdir(`${root}/d`)).toEqual(['a']);
      expect((await fs.stat(`${root}/d`)).mtime).toEqual(LONG_AGO);
    },
  ),
  scenario('N4 chmod takes octal strings, and no umask', { a: 'A' }, async (fs, root) => {
    await fs.chmod(`${root}/a`, '666');
    expect(await modeOf(fs, `${root}/a`)).toBe(0o666);
    await failsWith(fs.chmod(`${root}/a`, '8'), 'ERR_INVALID_ARG_VALUE');
    await failsWith(fs.chmod(`${root}/a`, undefined as never), 'ERR_INVALID_ARG_TYPE');
  }),
  scenario('chmod follows a link; its own mode stays', { a: 'A', l: link('a') }, async (fs, root) => {
    const { mode } = await fs.lstat(`${root}/l`);
    await fs.chmod(`${root}/l`, 0o600);
    expect(await modeOf(fs, `${root}/a`)).toBe(0o600);
    expect((await fs.lstat(`${root}/l`)).mode).toBe(mode);
  }),
  scenario('fchmod through a descriptor that only reads', { a: 'A' }, async (fs, root) => {
    await (await fs.open(`${root}/a`, 'r')).chmod(0o640);
    expect(await modeOf(fs, `${root}/a`)).toBe(0o640);
  }),
  scenario('fchmod of a directory', { d: dir() }, async (fs, root) => {
    await (await fs.open(`${root}/d`, 'r')).chmod(0o711);
    expect(await modeOf(fs, `${root}/d`)).toBe(0o711);
  }),
  scenario('N2 attributes of what is not there', { a: 'A', l: link('no') }, async (fs, root) => {
    for (const [name, code] of [
      ['no', 'ENOENT'],
      ['a/no', 'ENOTDIR'],
      ['l', 'ENOENT'],
      ['a/', 'ENOTDIR'],
    ] as const) {
      const path = `${root}/${name}`;
      await fails(fs.chmod(path, 0o600), code, 'chmod', path);
      await fails(fs.chown(path, 0, 0), code, 'chown', path);
      await fails(fs.utimes(path, 0, 0), code, 'utime', path);
      await fails(fs.stat(path), code, 'stat', path);
    }
    await fails(fs.lchown(`${root}/no`, 0, 0), 'ENOENT', 'lchown', `${root}/no`);
    await fails(fs.lutimes(`${root}/no`, 0, 0), 'ENOENT', 'lutime', `${root}/no`);
    await fails(fs.lstat(`${root}/no`), 'ENOENT', 'lstat', `${root}/no`);
  }),
  scenario('N4 stat with throwIfNoEntry: false', { a: 'A' }, async (fs, root) => {
    expect(fs.raw.statSync(`${root}/no`, { throwIfNoEntry: false })).toBe(undefined);
    expect(fs.raw.lstatSync(`${root}/no/no`, { throwIfNoEntry: false })).toBe(undefined);
    expect(fs.raw.statSync(`${root}/a`, { throwIfNoEntry: false })?.size).toBe(1);
  }),
];

export const times: Scenario[] = [
  scenario('utimes sets both times from numbers, dates and strings', { a: 'A' }, async (fs, root) => {
    await fs.utimes(`${root}/a`, 1.5, 1234567890.25);
    let stats = await fs.stat(`${root}/a`);
    expect([stats.atimeMs, stats.mtimeMs]).toEqual([1500, 1234567890250]);
    await fs.utimes(`${root}/a`, new Date(5000), new Date('2020-01-02T03:04:05.678Z'));
    stats = await fs.stat(`${root}/a`);
    expect([stats.atimeMs, stats.mtime.toISOString()]).toEqual([5000, '2020-01-02T03:04:05.678Z']);
    await fs.utimes(`${root}/a`, '7', '8');
    stats = await fs.stat(`${root}/a`);
    expect([stats.atimeMs, stats.mtimeMs]).toEqual([7000, 8000]);
  }),
  scenario('utimes sets a size and content untouched, and the ctime new', { a: 'alpha' }, async (fs, root) => {
    const before = Date.now() - 2000;
    await fs.utimes(`${root}/a`, 1, 2);
    const stats = await fs.stat(`${root}/a`);
    expect(stats.ctimeMs).toBeGreaterThan(before);
    expect([stats.size, await text(fs, `${root}/a`)]).toEqual([5, 'alpha']);
  }),
  scenario('utimes of a directory', { d: dir({ a: 'A' }) }, async (fs, root) => {
    await fs.utimes(`${root}/d`, 10, 20);
    expect((await fs.stat(`${root}/d`)).mtimeMs).toBe(20_000);
    await fs.writeFile(`${root}/d/new`, '');
    expect((await fs.stat(`${root}/d`)).mtimeMs).toBeGreaterThan(20_000);
  }),
  scenario('futimes through a descriptor that only reads', { a: 'A' }, async (fs, root) => {
    await (await fs.open(`${root}/a`, 'r')).utimes(3, 4);
    expect((await fs.stat(`${root}/a`)).mtimeMs).toBe(4000);
  }),
  scenario('lutimes of a file that is no link', { a: 'A' }, async (fs, root) => {
    await fs.lutimes(`${root}/a`, 5, 6);
    expect((await fs.stat(`${root}/a`)).mtimeMs).toBe(6000);
  }),
  scenario('times before 1970 and after 2038', { a: 'A' }, async (fs, root) => {
    await fs.utimes(`${root}/a`, 0, 4_000_000_000);
    expect((await fs.stat(`${root}/a`)).mtimeMs).toBe(4_000_000_000_000);
    await fs.utimes(`${root}/a`, new Date(0), new Date('1960-05-05T00:00:00Z'));
    expect((await fs.stat(`${root}/a`)).mtime.toISOString()).toBe('1960-05-05T00:00:00.000Z');
  }),
  scenario('N1 times that are none are refused', { a: 'A' }, async (fs, root) => {
    await failsWith(fs.utimes(`${root}/a`, 'x', 0), 'ERR_INVALID_ARG_TYPE');
    await failsWith(fs.utimes(`${root}/a`, 0, {} as never), 'ERR_INVALID_ARG_TYPE');
    expect((await fs.stat(`${root}/a`)).mtime).toEqual(LONG_AGO);
  }),
  scenario(
    'C3 nanoseconds are kept as declared',
    { a: file('A', { mtime: new Date(1_600_000_000_125) }) },
    async (fs, root) => {
      expect((await fs.precise(`${root}/a`)).mtimeNs).toBe(1_600_000_000_125_000_000n);
      await fs.chmod(`${root}/a`, 0o600);
      expect((await fs.precise(`${root}/a`)).mtimeNs).toBe(1_600_000_000_125_000_000n);
    },
  ),
  scenario('birth time stays while others change', { a: 'A' }, async (fs, root) => {
    const { birthtimeMs } = await fs.stat(`${root}/a`);
    await fs.writeFile(`${root}/a`, 'B');
    expect((await fs.stat(`${root}/a`)).birthtimeMs).toBe(birthtimeMs);
  }),
];

export const numbers: Scenario[] = [
  scenario('C3 ino and dev stay over every change', { a: 'alpha', d: dir() }, async (fs, root) => {
    const { ino, dev } = await fs.stat(`${root}/a`);
    const same = async (path: string): Promise<void> => {
      const stats = await fs.stat(path);
      expect([stats.ino, stats.dev]).toEqual([ino, dev]);
      expect((await fs.precise(path)).ino).toBe(BigInt(ino));
    };
    await fs.chmod(`${root}/a`, 0o600);
    await same(`${root}/a`);
    await fs.writeFile(`${root}/a`, 'B');
    await same(`${root}/a`);
    await fs.rename(`${root}/a`, `${root}/d/new`);
    await same(`${root}/d/new`);
    await fs.truncate(`${root}/d/new`, 0);
    await same(`${root}/d/new`);
    expect((await (await fs.open(`${root}/d/new`, 'r')).stat()).ino).toBe(ino);
  }),
  scenario(
    'C3 two files never share a number',
    { a: 'A', b: 'B', d: dir({ a: 'A', b: 'B', e: dir() }), l: link('a') },
    async (fs, root) => {
      await fs.writeFile(`${root}/new`, '');
      await fs.copyFile(`${root}/a`, `${root}/new2`);
      const names = ['a', 'b', 'd', 'd/a', 'd/b', 'd/e', 'l', 'new', 'new2'];
      const numbers = await Promise.all(names.map(async (name) => (await fs.precise(`${root}/${name}`)).ino));
      expect(new Set(numbers).size).toBe(names.length);
      expect(new Set(await Promise.all(names.map(async (name) => (await fs.lstat(`${root}/${name}`)).dev))).size).toBe(
        1,
      );
    },
  ),
  scenario(
    'stat tells type, size and links',
    { a: file('alpha', { mode: 0o604 }), b: hard('a'), d: dir(), l: link('a') },
    async (fs, root) => {
      const stats = await fs.stat(`${root}/l`);
      expect([stats.isFile(), stats.isDirectory(), stats.isSymbolicLink(), stats.isFIFO()]).toEqual([
        true,
        false,
        false,
        false,
      ]);
      expect([stats.size, stats.mode & 0o7777, stats.nlink, stats.mtimeMs]).toEqual([5, 0o604, 2, LONG_AGO.getTime()]);
      expect((await fs.stat(`${root}/d`)).isDirectory()).toBe(true);
      expect((await fs.stat(`${root}/d`)).nlink).toBeGreaterThan(0);
      expect((await fs.stat(`${root}/a`)).blksize).toBeGreaterThan(0);
    },
  ),
  scenario('N4 stat with bigint agrees with stat', { a: 'alpha' }, async (fs, root) => {
    const [plain, big] = [await fs.stat(`${root}/a`), await fs.stat(`${root}/a`, { bigint: true })];
    for (const key of ['dev', 'ino', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'size', 'blksize', 'blocks'] as const) {
      expect(big[key]).toBe(BigInt(plain[key]));
    }
    expect(big.mtimeMs).toBe(BigInt(Math.floor(plain.mtimeMs)));
    expect(big.mtime).toEqual(plain.mtime);
  }),
];

const rootOnly: Scenario[] = [
  scenario(
    'C5 chown changes the owner and nothing else',
    { a: file('A', { mode: 0o644 }), d: dir() },
    async (fs, root) => {
      await fs.chown(`${root}/a`, 11, 12);
      await fs.chown(`${root}/d`, 13, 14);
      const [a, d] = [await fs.stat(`${root}/a`), await fs.stat(`${root}/d`)];
      expect([a.uid, a.gid, d.uid, d.gid]).toEqual([11, 12, 13, 14]);
      expect([a.mode & 0o7777, a.mtimeMs]).toEqual([0o644, LONG_AGO.getTime()]);
      await fs.chown(`${root}/a`, -1 as never, 15).catch(() => fs.chown(`${root}/a`, 0xffffffff, 15));
      const after = await fs.stat(`${root}/a`);
      expect([after.uid, after.gid]).toEqual([11, 15]);
    },
  ),
  scenario('lchown changes the link, chown what it leads to', { a: 'A', l: link('a') }, async (fs, root) => {
    await fs.lchown(`${root}/l`, 21, 22);
    await fs.chown(`${root}/l`, 31, 32);
    expect((await fs.lstat(`${root}/l`)).uid).toBe(21);
    expect((await fs.stat(`${root}/a`)).uid).toBe(31);
  }),
  scenario('fchown through a descriptor', { a: 'A' }, async (fs, root) => {
    await (await fs.open(`${root}/a`, 'r')).chown(41, 42);
    expect((await fs.stat(`${root}/a`)).gid).toBe(42);
  }),
  scenario(
    'chown clears the set-id bits of a file',
    { a: file('A', { mode: 0o6755 }), d: dir({}, { mode: 0o2755 }) },
    async (fs, root) => {
      await fs.chown(`${root}/a`, 11, 12);
      await fs.chown(`${root}/d`, 11, 12);
      expect(await modeOf(fs, `${root}/a`)).toBe(0o755);
      expect(await modeOf(fs, `${root}/d`)).toBe(0o2755);
    },
  ),
  scenario(
    'what is made in a set-gid directory takes its group',
    { d: dir({}, { mode: 0o2755, owner: { uid: 0, gid: 77 } }) },
    async (fs, root) => {
      await fs.writeFile(`${root}/d/new`, '');
      await fs.mkdir(`${root}/d/new2`);
      expect((await fs.stat(`${root}/d/new`)).gid).toBe(77);
      expect((await fs.stat(`${root}/d/new2`)).gid).toBe(77);
      expect(await modeOf(fs, `${root}/d/new2`)).toBe(0o2755);
    },
  ),
];

/** Only root may give files away, so nobody else makes these. */
export const owners: Scenario[] = ROOT ? rootOnly : [];
