import fc from 'fast-check';
import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import type { Branch } from '../../lib/branch/branch.ts';
import { PLAIN } from '../../lib/branch/whiteout.ts';
import { createOverlay } from '../../lib/index.ts';
import { Numbers } from '../../lib/tree/numbers.ts';
import { PROCESS_TIMERS } from '../../lib/waiting/timers.ts';

function branch(id: number): Branch {
  const rest = { immutable: true, layered: false, spelling: PLAIN, sync: undefined, async: undefined };
  return { id, name: `b${id}`, ...rest, timers: PROCESS_TIMERS, close: () => {}, closeThrough: () => {} };
}

describe('inode numbers', () => {
  it('C3 are the same for the same file and differ for others, in whatever order files are met', () => {
    const branches = [branch(1), branch(2), branch(3)];
    const file = fc.tuple(
      fc.nat(2),
      fc.nat(3),
      fc.oneof(
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom(2 ** 40, 2 ** 41 + 5, 2 ** 52, 2 ** 52 + 7, 2n ** 60n, 2n ** 60n + 1n),
      ),
    );
    fc.assert(
      fc.property(fc.array(file, { maxLength: 100 }), (files) => {
        const numbers = new Numbers();
        const known = new Map<string, number>();
        for (const [which, dev, ino] of files) {
          const number = numbers.of(branches[which] as Branch, dev, ino, '/ignored');
          const key = `${which}:${dev}:${ino}`;
          expect(known.get(key) ?? number).toBe(number);
          known.set(key, number);
          expect(Number.isSafeInteger(number)).toBe(true);
        }
        expect(new Set(known.values()).size).toBe(known.size);
      }),
    );
  });

  it('C3 do not depend on the order in which files are met', () => {
    const met: [number, number, number | bigint][] = [];
    for (const id of [0, 1])
      for (const dev of [7, 8]) for (const ino of [5, 2 ** 40, 3 * 2 ** 40 + 5, 2n ** 60n]) met.push([id, dev, ino]);
    const numbersIn = (order: typeof met): Map<string, number> => {
      const numbers = new Numbers();
      numbers.noteRoot(branch(1), 7);
      return new Map(order.map((file) => [String(file), numbers.of(branch(file[0]), file[1], file[2], '/')]));
    };
    const first = numbersIn(met);
    expect(new Set(first.values()).size).toBe(met.length);
    for (const [file, number] of numbersIn(met.toReversed())) expect(number).toBe(first.get(file));
  });

  it("C3 on the device of a branch's root are the same when that has another number", () => {
    const numberAt = (dev: number, ino: number | bigint): number => {
      const numbers = new Numbers();
      numbers.noteRoot(branch(1), dev);
      return numbers.of(branch(1), dev, ino, '/');
    };
    for (const ino of [5, 2 ** 40, 2n ** 60n]) expect(numberAt(8, ino)).toBe(numberAt(7, ino));
  });

  it("C3 given to files that share their lower's number with another are not given again after a mount", () => {
    const other = new Numbers().another();
    const numbers = new Numbers();
    numbers.remember(77, other, undefined);
    expect(numbers.another()).not.toBe(other);
  });

  it('C3 of a branch without lasting numbers go by the path', () => {
    const numbers = new Numbers();
    const a = numbers.of(branch(1), 0, 0, '/a');
    expect(numbers.of(branch(1), 0, 0, '/a')).toBe(a);
    expect(numbers.of(branch(1), 0, 0, '/b')).not.toBe(a);
    expect(numbers.of(branch(2), 0, 0, '/a')).not.toBe(a);
  });

  it('C3 of what is born never meet those from below', () => {
    const numbers = new Numbers();
    const born = Array.from({ length: 100 }, () => numbers.born());
    const below = Array.from({ length: 100 }, (_, i) => numbers.of(branch(1), 7, i + 1, '/'));
    expect(new Set([...born, ...below]).size).toBe(200);
  });

  it('C3 are those of the last mount for files of the upper', () => {
    const numbers = new Numbers();
    numbers.remember(77, 12, undefined);
    expect(numbers.of(branch(0), 1, 77, '/x')).toBe(12);
    expect(numbers.born()).toBe(13);
  });
});

describe('inode numbers of lowers that change', () => {
  it('C3 two files never share one, also when a lower gives the number of a file that is owned here to another', () => {
    const volume = Volume.fromJSON({ '/a': 'first', '/keep': '' });
    const ino = volume.statSync('/a').ino;
    const { fs } = createOverlay({ lower: volume });
    fs.appendFileSync('/a', '!');
    const owned = fs.statSync('/a').ino;
    volume.renameSync('/a', '/b');
    expect(volume.statSync('/b').ino).toBe(ino);
    expect(fs.statSync('/a').ino).toBe(owned);
    expect(fs.statSync('/b').ino).not.toBe(owned);
    fs.unlinkSync('/a');
    expect(fs.readFileSync('/b', 'utf8')).toBe('first');
  });

  it('C3 nor do two directories, when a lower moves one away in which something is ours', () => {
    for (const looked of [
      ['/d', '/moved'],
      ['/moved', '/d'],
      ['/d/sub', '/moved/sub'],
      ['/moved/sub', '/d/sub'],
    ]) {
      const volume = Volume.fromJSON({ '/d/sub/x': 'x', '/other/y': 'y' });
      const { fs } = createOverlay({ lower: [Volume.fromJSON({ '/other/z': 'z' }), volume] });
      fs.writeFileSync('/d/sub/ours', 'ours');
      const before = fs.statSync('/d/sub').ino;
      volume.renameSync('/d', '/moved');
      for (const path of looked) fs.statSync(path);
      expect(fs.readdirSync('/d/sub')).toEqual(['ours']);
      expect(fs.readdirSync('/moved/sub')).toEqual(['x']);
      const numbers = ['/d', '/d/sub', '/moved', '/moved/sub', '/other'].map((path) => fs.statSync(path).ino);
      expect(new Set(numbers).size).toBe(5);
      expect(fs.statSync('/d/sub').ino).toBe(before);
    }
  });
});
