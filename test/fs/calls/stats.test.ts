// N7: Stats, BigIntStats, StatFs and Dirent are what Node's are.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';

const root = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
afterAll(() => nodeFs.rmSync(root, { recursive: true }));

const file = path.join(root, 'file');
nodeFs.writeFileSync(file, 'content', { mode: 0o640 });
nodeFs.symlinkSync('file', path.join(root, 'link'));
nodeFs.utimesSync(file, 1234.567, 1_700_000_000.123456);

const { fs } = createOverlay();

/** Names of everything that can be read from an object, its prototypes included. */
function members(object: object): string[] {
  const names = new Set<string>();
  for (let at: object | null = object; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  // Ours shows so the dates that theirs have of their own on Node 20.
  names.delete('toJSON');
  return [...names].sort();
}

const OWN_DATES = Object.hasOwn(nodeFs.statSync(file), 'atime');
const TIMES = ['atime', 'mtime', 'ctime', 'birthtime'] as const;

describe('N7 Stats', () => {
  const ours = fs.statSync(file);
  const theirs = nodeFs.statSync(file);

  it('are instances of the real class, with its members', () => {
    expect(ours).toBeInstanceOf(nodeFs.Stats);
    expect(ours).toBeInstanceOf(fs.Stats);
    expect(members(ours)).toEqual(members(theirs));
    expect(inspect(ours)).toMatch(/^Stats \{/);
  });

  it('have the numbers of the file in a lower, but for the identity', () => {
    const { dev: _dev, ino: _ino, ...known } = { ...theirs };
    expect(ours).toMatchObject(
      Object.fromEntries(Object.entries(known).filter(([, value]) => typeof value === 'number')),
    );
  });

  it('make their dates when asked, once, and let them be set', () => {
    const stats = fs.statSync(file);
    for (const time of TIMES) {
      expect(stats[time]).toEqual(theirs[time]);
      expect(stats[time]).toBe(stats[time]);
    }
    const other = fs.statSync(file);
    other.mtime = new Date(5);
    expect(other.mtime).toEqual(new Date(5));
    expect(fs.statSync(file).mtime).toEqual(theirs.mtime);
  });

  it.each([false, true])('have the properties that the real ones have of their own, bigint: %s', (bigint) => {
    const look = (stats: nodeFs.Stats | nodeFs.BigIntStats) => {
      const own = Object.entries(Object.getOwnPropertyDescriptors(stats));
      const all: string[] = [];
      for (const name in stats) all.push(name);
      return {
        own: own.map(([name, { value, get, enumerable, configurable, writable }]) =>
          [name, typeof value, value instanceof Date, typeof get, enumerable, configurable, writable].join(' '),
        ),
        keys: Object.keys(stats),
        all: all.sort(),
        json: Object.keys(
          JSON.parse(JSON.stringify(stats, (_, value) => (typeof value === 'bigint' ? `${value}` : value))),
        ),
        clone: Object.keys(structuredClone({ ...stats })),
      };
    };
    const [mine, real] = [fs.statSync(file, { bigint }), nodeFs.statSync(file, { bigint })];
    // On Node 20 theirs have the dates from the beginning.
    if (OWN_DATES) for (const time of TIMES) expect(mine[time]).toEqual(real[time]);
    expect(look(mine)).toEqual(look(real));
    for (const time of TIMES) {
      expect(mine[time]).toEqual(real[time]);
      expect(look(mine)).toEqual(look(real));
    }
    mine.mtime = new Date(5);
    real.mtime = new Date(5);
    expect(look(mine)).toEqual(look(real));
  });

  it.each([false, true])('show their dates in JSON and when they are printed, bigint: %s', (bigint) => {
    const json = (stats: object) =>
      Object.keys(JSON.parse(JSON.stringify(stats, (_, value) => (typeof value === 'bigint' ? `${value}` : value))));
    const named = (stats: object) => inspect(stats, { depth: 0 }).match(/\w+(?=: )/g);
    const both = () => [fs.statSync(file, { bigint }), nodeFs.statSync(file, { bigint })] as const;
    const [mine, real] = both();
    expect(json(mine)).toEqual(json(real));
    const [other, theirs] = both();
    expect(named(other)).toEqual(named(theirs));
  });

  it('know the type', () => {
    const types = (stats: nodeFs.Stats | nodeFs.BigIntStats | nodeFs.Dirent) => [
      stats.isFile(),
      stats.isDirectory(),
      stats.isSymbolicLink(),
      stats.isFIFO(),
      stats.isSocket(),
      stats.isBlockDevice(),
      stats.isCharacterDevice(),
    ];
    for (const name of [file, root, path.join(root, 'link'), '/dev/null']) {
      expect(types(fs.lstatSync(name))).toEqual(types(nodeFs.lstatSync(name)));
      expect(types(fs.lstatSync(name, { bigint: true }))).toEqual(types(nodeFs.lstatSync(name, { bigint: true })));
    }
    const real = nodeFs.readdirSync(root, { withFileTypes: true }).map((entry) => [entry.name, types(entry)]);
    expect(fs.readdirSync(root, { withFileTypes: true }).map((entry) => [entry.name, types(entry)])).toEqual(real);
  });

  it('can be copied and compared', () => {
    expect({ ...fs.statSync(file) }).toEqual({ ...fs.statSync(file) });
    expect(structuredClone({ ...ours })).toEqual({ ...ours });
    expect(fs.statSync(file)).toEqual(fs.statSync(file));
  });

  const hasInstants = 'mtimeInstant' in nodeFs.Stats.prototype && 'Temporal' in globalThis;
  it(hasInstants ? 'have the instants of Temporal' : 'have no instants here', () => {
    type WithInstants = Record<string, { readonly epochNanoseconds: bigint } | undefined>;
    const [mine, real] = [fs.statSync(file), nodeFs.statSync(file)] as unknown as [WithInstants, WithInstants];
    const [precise] = [fs.statSync(file, { bigint: true })] as unknown as [WithInstants];
    const truth = nodeFs.statSync(file, { bigint: true }).mtimeNs;
    expect(mine.mtimeInstant?.epochNanoseconds).toBe(real.mtimeInstant?.epochNanoseconds);
    expect(precise.mtimeInstant?.epochNanoseconds).toBe(hasInstants ? truth : undefined);
  });
});

describe('N7 BigIntStats', () => {
  const ours = fs.statSync(file, { bigint: true });
  const theirs = nodeFs.statSync(file, { bigint: true });

  it('have the prototype and the members of the real ones', () => {
    expect(Object.getPrototypeOf(Object.getPrototypeOf(ours))).toBe(Object.getPrototypeOf(theirs));
    expect(members(ours)).toEqual(members(theirs));
  });

  it('have the nanoseconds of the file in a lower', () => {
    for (const time of TIMES) {
      expect(ours[`${time}Ns`]).toBe(theirs[`${time}Ns`]);
      expect(ours[`${time}Ms`]).toBe(theirs[`${time}Ms`]);
      expect(ours[time]).toEqual(theirs[time]);
    }
    expect([ours.mode, ours.size, ours.nlink, ours.uid, ours.blksize]).toEqual([
      theirs.mode,
      theirs.size,
      theirs.nlink,
      theirs.uid,
      theirs.blksize,
    ]);
  });

  it('agree with Stats, fstat and Dirent about the file', () => {
    const fd = fs.openSync(file, 'r');
    expect(fs.fstatSync(fd, { bigint: true })).toEqual(fs.statSync(file, { bigint: true }));
    expect(BigInt(fs.statSync(file).ino)).toBe(ours.ino);
    fs.closeSync(fd);
  });
});

describe('N7 StatFs', () => {
  it('are of the real class, with its fields in their order', () => {
    for (const bigint of [false, true]) {
      const [ours, theirs] = [fs.statfsSync(root, { bigint }), nodeFs.statfsSync(root, { bigint })];
      expect(Object.getPrototypeOf(ours)).toBe(Object.getPrototypeOf(theirs));
      expect(Object.keys(ours)).toEqual(Object.keys(theirs));
      for (const value of Object.values(ours)) expect(typeof value).toBe(bigint ? 'bigint' : 'number');
    }
  });
});

describe('N7 Dirent', () => {
  it('are of the real class, with the directory as it was given', () => {
    for (const given of [root, `${root}/`, Buffer.from(root)]) {
      const [ours, theirs] = [fs, nodeFs].map((each) => each.readdirSync(given, { withFileTypes: true }));
      expect(ours?.[0]).toBeInstanceOf(nodeFs.Dirent);
      expect(inspect(ours)).toBe(inspect(theirs));
    }
  });
});
