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

describe('Slabs', () => {
  it('gives out cells that never overlap, whatever is taken and given back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 3000 })), { maxLength: 200 }), (steps) => {
        const slabs = new Slabs();
        const taken: { slab: Slab; start: number; mark: number; length: number }[] = [];
        for (const [takes, number] of steps) {
          if (takes || taken.length === 0) {
            const { slab, start } = slabs.take(number);
            const mark = taken.length % 251;
            slab.bytes.fill(mark, start, start + number);
            taken.push({ slab, start, mark, length: number });
          } else {
            const [one] = taken.splice(number % taken.length, 1);
            if (one !== undefined) slabs.giveBack(one.slab, one.start);
          }
        }
        for (const { slab, start, mark, length } of taken) {
          expect(slab.bytes.subarray(start, start + length).every((byte) => byte === mark)).toBe(true);
        }
      }),
    );
  });

  it('uses a cell again that was given back', () => {
    const slabs = new Slabs();
    const first = slabs.take(100);
    slabs.take(100);
    slabs.giveBack(first.slab, first.start);
    expect(slabs.take(100)).toEqual(first);
  });
});
