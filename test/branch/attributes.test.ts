// Stats of either kind become attributes, and compare equal as long as nothing has changed.

import nodeFs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attributesOf,
  printsButNumber,
  type StatsLike,
  sameButNumber,
  sameNumber,
  statsIn,
} from '../../lib/branch/attributes.ts';
import { scratch } from './rig.ts';

const S_IFREG = nodeFs.constants.S_IFREG;
const S_IFDIR = nodeFs.constants.S_IFDIR;

/** Stats as Node makes them of one file: by numbers, and by bigints. */
function nodeStats(seconds: number, nanoseconds: number): { numbers: StatsLike; bigints: StatsLike } {
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  const ms = seconds * 1000 + nanoseconds / 1e6;
  const both = { ino: 12, mode: S_IFREG | 0o644, nlink: 1, uid: 3, gid: 4, size: 5, dev: 1, rdev: 0, blocks: 8 };
  return {
    numbers: { ...both, atimeMs: ms, mtimeMs: ms, ctimeMs: ms, birthtimeMs: ms },
    bigints: {
      ...Object.fromEntries(Object.entries(both).map(([name, value]) => [name, BigInt(value)])),
      ...{ atimeMs: ns / 1_000_000n, mtimeMs: ns / 1_000_000n, ctimeMs: ns / 1_000_000n },
      ...{ atimeNs: ns, mtimeNs: ns, ctimeNs: ns, birthtimeNs: ns },
    },
  };
}

const anySeconds = fc.oneof(
  fc.integer({ min: -(2 ** 34), max: 2 ** 34 }),
  fc.integer({ min: -2, max: 2 }),
  fc.integer({ min: 1_700_000_000, max: 1_900_000_000 }),
);
const anyNanoseconds = fc.oneof(fc.integer({ min: 0, max: 999_999_999 }), fc.constantFrom(0, 1, 999_999_999));

describe('attributes', () => {
  it('keep nanoseconds, before 1970 too', () => {
    fc.assert(
      fc.property(anySeconds, anyNanoseconds, (seconds, nanoseconds) => {
        const attributes = attributesOf(nodeStats(seconds, nanoseconds).bigints, 'keep');
        expect(attributes).toMatchObject({ mtimeSec: seconds, mtimeNsec: nanoseconds });
        expect(attributes).toMatchObject({ birthtimeSec: seconds, birthtimeNsec: nanoseconds });
      }),
    );
  });

  it('got by bigints compare equal with the same file by numbers, and by bigints', () => {
    fc.assert(
      fc.property(anySeconds, anyNanoseconds, (seconds, nanoseconds) => {
        const { numbers, bigints } = nodeStats(seconds, nanoseconds);
        const remembered = attributesOf(bigints, 'keep');
        expect(sameButNumber(numbers, remembered)).toBe(true);
        expect(sameButNumber(bigints, remembered)).toBe(true);
        expect(printsButNumber(numbers, remembered)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('of a branch of numbers compare equal whatever its times are', () => {
    const anyTime = fc.oneof(
      fc.double({ min: -1e15, max: 1e15, noNaN: true }),
      fc.double(),
      fc.constantFrom(-1e-9, 999.9999999, -0),
    );
    fc.assert(
      fc.property(anyTime, (ms) => {
        const stats = { ...nodeStats(1, 1).numbers, mtimeMs: ms };
        const remembered = attributesOf(stats, 'keep');
        expect(sameButNumber(stats, remembered)).toBe(true);
        expect(Object.is(remembered.mtimeNsec, -0)).toBe(false);
        expect(remembered.mtimeNsec).toBeGreaterThanOrEqual(0);
        expect(remembered.mtimeNsec).toBeLessThan(1e9);
      }),
      { numRuns: 1000 },
    );
  });

  it.each(['size', 'mtimeMs', 'ctimeMs', 'atimeMs', 'mode', 'nlink', 'uid', 'gid'] as const)(
    'differ when %s does',
    (field) => {
      const { numbers, bigints } = nodeStats(1_750_000_000, 123_456_789);
      const remembered = attributesOf(bigints, 'keep');
      const changed = { ...numbers, [field]: (numbers[field] as number) + 1 };
      expect(sameButNumber(changed, remembered)).toBe(false);
    },
  );

  it('differ by a microsecond', () => {
    const remembered = attributesOf(nodeStats(1_750_000_000, 123_456_789).bigints, 'keep');
    expect(sameButNumber(nodeStats(1_750_000_000, 123_457_789).numbers, remembered)).toBe(false);
    expect(sameButNumber(nodeStats(1_750_000_000, 123_456_790).bigints, remembered)).toBe(false);
    expect(printsButNumber(nodeStats(1_750_000_000, 123_457_789).numbers, remembered)).toBe(false);
  });

  it('compare inode numbers to the digits that are there', () => {
    const large = 2n ** 60n + 1n;
    expect(attributesOf({ ...nodeStats(0, 0).bigints, ino: large }, 'keep').ino).toBe(large);
    expect(sameNumber({ ino: large }, large)).toBe(true);
    expect(sameNumber({ ino: Number(large) }, large)).toBe(true);
    expect(sameNumber({ ino: large + 1n }, large)).toBe(false);
    expect(sameNumber({ ino: 7 }, 7)).toBe(true);
    expect(sameNumber({ ino: 7n }, 7)).toBe(true);
    expect(sameNumber({ ino: 8 }, 7)).toBe(false);
    expect(sameNumber({ ino: 8 }, 0)).toBe(true);
    expect(attributesOf(nodeStats(0, 0).bigints, 'drop').ino).toBe(0);
  });

  it('of the disk are the same when asked for again, whatever the time of the file', () => {
    const file = path.join(scratch(), 'file');
    nodeFs.writeFileSync(file, 'x');
    const times = [new Date(-86_400_500), new Date(1), new Date('1950-01-02T03:04:05.678Z'), 1_750_000_000.123456];
    for (const time of times) {
      nodeFs.utimesSync(file, time, time);
      const remembered = attributesOf(nodeFs.lstatSync(file, { bigint: true }), 'keep');
      expect(sameButNumber(nodeFs.lstatSync(file), remembered)).toBe(true);
      expect(remembered.mtimeSec * 1000 + remembered.mtimeNsec / 1e6).toBe(nodeFs.lstatSync(file).mtimeMs);
    }
  });
});

describe('attributes of stats with little in them', () => {
  it('L12 take the type from the questions, and everybody may read', () => {
    const stats = { isFile: () => false, isDirectory: () => true, size: 3 };
    const attributes = attributesOf(stats, 'keep');
    expect(attributes).toMatchObject({ mode: S_IFDIR | 0o755, size: 3, nlink: 1, ino: 0, blocks: 1, mtimeSec: 0 });
    expect(attributes.uid).toBe(process.getuid?.() ?? 0);
    expect(sameButNumber(stats, attributes)).toBe(true);
    expect(attributesOf({ isFile: () => true }, 'keep').mode).toBe(S_IFREG | 0o644);
    expect(attributesOf({ mode: 0o600, isFile: () => true }, 'keep').mode).toBe(S_IFREG | 0o600);
  });

  it('L12 take the time from a Date', () => {
    const stats = { isFile: () => true, mtime: new Date(1_234_567) };
    const attributes = attributesOf(stats, 'keep');
    expect(attributes).toMatchObject({ mtimeSec: 1234, mtimeNsec: 567_000_000 });
    expect(sameButNumber(stats, attributes)).toBe(true);
    expect(sameButNumber({ ...stats, mtime: new Date(1_234_568) }, attributes)).toBe(false);
  });

  it('survive nonsense', () => {
    const stats = { mode: S_IFREG, size: Number.NaN, mtimeMs: Number.POSITIVE_INFINITY, mtime: new Date(Number.NaN) };
    const attributes = attributesOf(stats, 'keep');
    expect(attributes).toMatchObject({ size: 0, mtimeSec: 0, mtimeNsec: 0 });
    expect(sameButNumber(stats, attributes)).toBe(true);
  });

  it.each([-1, -5n, 1.5, Number.POSITIVE_INFINITY, Number.NaN, 'many', {}, null])('count %s as nothing', (count) => {
    const counts = { size: count, nlink: count, ino: count, dev: count, blocks: count, rdev: count };
    const attributes = attributesOf({ mode: S_IFREG, ...counts }, 'keep');
    expect(attributes).toMatchObject({ size: 0, nlink: 1, ino: 0, dev: 0, blocks: 0, rdev: 0 });
  });

  it('are refused without a type', () => {
    expect(() => attributesOf({ size: 1 }, 'keep')).toThrow(TypeError);
    expect(() => statsIn('stats')).toThrow(TypeError);
    expect(statsIn(undefined)).toBeUndefined();
    expect(statsIn(null)).toBeUndefined();
  });
});
