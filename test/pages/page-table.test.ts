import fc from 'fast-check';
import { expect, it } from 'vitest';
import { newPage, type Page } from '../../lib/pages/page.ts';
import { PageTable } from '../../lib/pages/page-table.ts';
import { Slabs } from '../../lib/pages/slab.ts';

it('a table of pages holds what a Map would, near and far', () => {
  const slabs = new Slabs(() => 0);
  const places = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 40 + 5));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), places), { maxLength: 300 }), (steps) => {
      const table = new PageTable();
      const model = new Map<number, Page>();
      for (const [sets, index] of steps) {
        if (sets) {
          const page = newPage(slabs, 64, 4096);
          table.set(index, page);
          model.set(index, page);
        } else {
          table.delete(index);
          model.delete(index);
        }
        expect(table.get(index)).toBe(model.get(index));
        expect(table.size).toBe(model.size);
      }
      const byIndex = (one: readonly [number, Page], other: readonly [number, Page]) => one[0] - other[0];
      expect([...table].sort(byIndex)).toEqual([...model].sort(byIndex));
    }),
  );
});
