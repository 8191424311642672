import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CLEAN, DIRTY, newPage, Page } from '../../lib/pages/page.ts';
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

it('a table knows its dirty pages, however they became that', () => {
  const slabs = new Slabs(() => 0);
  const kinds = fc.constantFrom('clean', 'dirty', 'written', 'deleted', 'asked');
  fc.assert(
    fc.property(fc.array(fc.tuple(kinds, fc.integer({ min: 0, max: 300 })), { maxLength: 300 }), (steps) => {
      const table = new PageTable();
      const model = new Map<number, Page>();
      const check = () => {
        const dirty = [...model].filter(([, { state }]) => state === DIRTY).map(([index]) => index);
        expect([...table.dirtyPages()].map(([index]) => index).sort((a, b) => a - b)).toEqual(
          dirty.sort((a, b) => a - b),
        );
      };
      for (const [kind, index] of steps) {
        const known = model.get(index);
        if (kind === 'deleted') {
          table.delete(index);
          model.delete(index);
        } else if (kind === 'asked') check();
        else if (kind === 'written') {
          if (known === undefined || known.state === DIRTY) continue;
          known.state = DIRTY;
          table.noteDirty(index);
        } else {
          const page = newPage(slabs, 64, 4096);
          page.state = kind === 'dirty' ? DIRTY : CLEAN;
          table.set(index, page);
          model.set(index, page);
        }
      }
      check();
    }),
  );
});

it('who asks for the dirty pages of a large file does not look at all the others', () => {
  const slabs = new Slabs(() => 0);
  let looks = 0;
  class WatchedPage extends Page {
    constructor() {
      const { slab, start } = slabs.take(64);
      super(slab, start, 64);
      let state: Page['state'] = CLEAN;
      Object.defineProperty(this, 'state', {
        get: () => {
          looks++;
          return state;
        },
        set: (value: Page['state']) => {
          state = value;
        },
      });
    }
  }
  const table = new PageTable();
  const pages = 64 * 100;
  for (let i = 0; i < pages; i++) table.set(i, new WatchedPage());
  const page = table.get(1000) as Page;
  page.state = DIRTY;
  table.noteDirty(1000);
  looks = 0;
  expect([...table.dirtyPages()]).toEqual([[1000, page]]);
  expect(looks).toBeLessThan(pages / 50);
  page.state = CLEAN;
  expect([...table.dirtyPages()]).toEqual([]);
  looks = 0;
  expect([...table.dirtyPages()]).toEqual([]);
  expect(looks).toBe(0);
});
