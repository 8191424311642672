import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellSize, type Slab, Slabs } from '../../lib/pages/slab.ts';

describe('cellSize', () => {
  it.each([
    [1, 64],
    [64, 64],
    [65, 128],
    [1000, 1024],
    [1024, 1024],
    [1025, 1152],
    [4096, 4096],
  ])('of %i bytes is %i', (length, cell) => {
    expect(cellSize(length)).toBe(cell);
  });

  it('holds the bytes and wastes at most an eighth and a bit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1 << 20 }), (length) => {
        const cell = cellSize(length);
        expect(cell).toBeGreaterThanOrEqual(length);
        expect(cell - length).toBeLessThan(Math.max(64, length / 8 + 1));
      }),
    );
  });
});

/** The bytes of a cell. */
function cell({ slab, start }: { slab: Slab; start: number }): Buffer {
  const bytes = slab.bytesOf(start);
  const at = start - bytes.byteOffset;
  return bytes.subarray(at, at + slab.cell);
}

describe('Slabs', () => {
  it('gives out cells that never overlap, whatever is taken and given back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 6000 })), { maxLength: 200 }), (steps) => {
        const slabs = new Slabs(() => 1000);
        const taken: { slab: Slab; start: number; mark: number; length: number }[] = [];
        for (const [takes, number] of steps) {
          if (takes || taken.length === 0) {
            const { slab, start } = slabs.take(number);
            const mark = taken.length % 251;
            cell({ slab, start }).fill(mark, 0, number);
            taken.push({ slab, start, mark, length: number });
          } else {
            const [one] = taken.splice(number % taken.length, 1);
            if (one !== undefined) slabs.giveBack(one.slab, one.start);
          }
        }
        for (const { slab, start, mark, length } of taken) {
          expect(cell({ slab, start }).every((byte, at) => at >= length || byte === mark)).toBe(true);
        }
      }),
    );
  });

  it('uses a cell again that was given back', () => {
    const slabs = new Slabs(() => 0);
    for (const length of [100, 10_000]) {
      const first = slabs.take(length);
      slabs.take(length);
      slabs.giveBack(first.slab, first.start);
      expect(slabs.take(length)).toEqual(first);
    }
  });

  it('keeps empty slabs for the next cells, and not more than it may', () => {
    const most = 512 * 1024;
    const slabs = new Slabs(() => most);
    const takeMany = () => Array.from({ length: 200 }, () => slabs.take(16_384));
    const first = takeMany();
    expect(slabs.idle).toBe(0);
    for (const { slab, start } of first) slabs.giveBack(slab, start);
    expect(slabs.idle).toBeGreaterThan(0);
    expect(slabs.idle).toBeLessThanOrEqual(most);
    const known = new Set(first.map(({ slab }) => slab));
    const again = takeMany();
    expect(slabs.idle).toBe(0);
    expect(again.some(({ slab }) => known.has(slab))).toBe(true);
    expect(new Set(again.map(({ slab }) => slab)).size).toBeLessThan(10);
  });

  it('keeps one little slab of a size whatever it may keep', () => {
    const slabs = new Slabs(() => 0);
    const { slab, start } = slabs.take(100);
    slabs.giveBack(slab, start);
    expect(slabs.idle).toBe(0);
    expect(slabs.take(100)).toEqual({ slab, start });
  });
});
