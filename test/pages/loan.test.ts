// P8: pages that overlays have in common, cell by cell: to whom they go back, and when a loan is of no use any more.

import { describe, expect, it } from 'vitest';
import type { Fingerprint } from '../../lib/branch/branch.ts';
import {
  dropContents,
  fillPages,
  pageAt,
  readContents,
  truncateContents,
  writeContents,
} from '../../lib/pages/contents.ts';
import { type Lent, PageLoan } from '../../lib/pages/loan.ts';
import { Memory } from '../../lib/pages/memory.ts';
import { cellOf } from '../../lib/pages/page.ts';
import type { Slab } from '../../lib/pages/slab.ts';
import { collect } from './collector.ts';

const PAGE = 4096;

function memoryOf(maxBytes = Number.POSITIVE_INFINITY, pageSize = PAGE): Memory {
  return new Memory(pageSize, {}, maxBytes);
}

function fileOf(size: number): Lent {
  return { number: 7, size, supplied: size, pages: undefined, mtimeSec: 5, mtimeNsec: 6 };
}

/** How a borrower knows the file. */
function printOf({ number, size, mtimeSec, mtimeNsec }: Lent): Fingerprint {
  return { ino: number, size, mtimeSec, mtimeNsec };
}

/** A file below, filled with a letter, and the same file above with nothing in memory. */
function pair(length: number) {
  const [below, above] = [memoryOf(), memoryOf()];
  const [lent, file] = [fileOf(length), fileOf(length)];
  fillPages(below, lent, 0, Buffer.alloc(length, 'a'));
  return { below, above, lent, file, loan: new PageLoan(below, lent), print: printOf(lent) };
}

function bytesOf(memory: Memory, file: Lent): string {
  const bytes = Buffer.alloc(file.size, '?');
  readContents(memory, file, 0, file.size, bytes, 0);
  return bytes.toString('latin1');
}

/** The slabs seen so far: a slab is told by its place here. */
const seen: Slab[] = [];

/** Tells cells apart. */
function told(slab: Slab, start: number): string {
  if (!seen.includes(slab)) seen.push(slab);
  return `slab ${seen.indexOf(slab)} at ${start}`;
}

/** The cell of a page. */
function cell(file: Lent, index: number): string | undefined {
  const page = pageAt(file, index);
  return page && told(page.slab, cellOf(page));
}

/** The cell that a new page gets: the one that was given back last, where there is any. */
function takeCell(memory: Memory, length: number): string {
  const { slab, start } = memory.slabs.take(length);
  return told(slab, start);
}

describe('a loan of pages', () => {
  it('P8 puts pages into the same cells, and each counts them', () => {
    const { below, above, lent, file, loan, print } = pair(3 * PAGE);
    expect(loan.take(above, file, 0, 3 * PAGE, print)).toBe(true);
    for (let i = 0; i < 3; i++) expect(cell(file, i)).toEqual(cell(lent, i));
    expect(bytesOf(above, file)).toBe('a'.repeat(3 * PAGE));
    expect([below.clean.bytes, above.clean.bytes]).toEqual([3 * PAGE, 3 * PAGE]);
    expect(above.slabs.borrowed.bytes).toBe(3 * PAGE);
    expect(above.clean.fills).toBe(3);
  });

  it('P8 keeps pages that are there, and ends a file where it was cut', () => {
    const { above, file, loan, print } = pair(3 * PAGE);
    writeContents(above, file, Buffer.alloc(PAGE, 'b'), PAGE);
    truncateContents(above, file, 2 * PAGE + 10);
    truncateContents(above, file, 3 * PAGE);
    expect(loan.take(above, file, 0, 2 * PAGE + 10, print)).toBe(true);
    expect(bytesOf(above, file)).toBe('a'.repeat(PAGE) + 'b'.repeat(PAGE) + 'a'.repeat(10) + '\0'.repeat(PAGE - 10));
  });

  it('P8 has whoever writes copy first, on either side, also after the other has let go', () => {
    const { below, above, lent, file, loan, print } = pair(2 * PAGE);
    loan.take(above, file, 0, 2 * PAGE, print);
    writeContents(below, lent, Buffer.from('below'), 0);
    writeContents(above, file, Buffer.from('above'), PAGE);
    expect(bytesOf(below, lent)).toBe(`below${'a'.repeat(2 * PAGE - 5)}`);
    expect(bytesOf(above, file)).toBe(`${'a'.repeat(PAGE)}above${'a'.repeat(PAGE - 5)}`);
    // Page 0 is only above now; what is dirty lies in a cell of its own overlay all the same.
    const before = cell(file, 0);
    writeContents(above, file, Buffer.from('again'), 0);
    expect(cell(file, 0)).not.toEqual(before);
    expect(pageAt(file, 0)?.slab.owner).toBe(above.slabs);
    expect(above.slabs.borrowed.bytes).toBe(0);
    expect(takeCell(below, PAGE)).toEqual(before);
  });

  it.each([
    ['below', 'above'],
    ['above', 'below'],
  ])('P8 gives a cell back to where it came from: first %s lets go, then %s', (first) => {
    const { below, above, lent, file, loan, print } = pair(PAGE);
    loan.take(above, file, 0, PAGE, print);
    const taken = cell(lent, 0);
    const ends = [() => dropContents(below, lent), () => dropContents(above, file)];
    if (first === 'above') ends.reverse();
    ends[0]?.();
    expect(takeCell(below, PAGE)).not.toEqual(taken);
    ends[1]?.();
    expect(takeCell(below, PAGE)).toEqual(taken);
    expect([below.clean.bytes, above.clean.bytes, above.slabs.borrowed.bytes]).toEqual([0, 0, 0]);
  });

  it('P8 is handed on: three overlays have one cell, which goes back to the first', () => {
    const { below, above, lent, file, loan, print } = pair(PAGE);
    loan.take(above, file, 0, PAGE, print);
    const highest = memoryOf();
    const third = fileOf(PAGE);
    expect(new PageLoan(above, file).take(highest, third, 0, PAGE, print)).toBe(true);
    const taken = cell(lent, 0);
    expect(cell(third, 0)).toEqual(taken);
    dropContents(below, lent);
    dropContents(above, file);
    expect(bytesOf(highest, third)).toBe('a'.repeat(PAGE));
    expect(takeCell(below, PAGE)).not.toEqual(taken);
    dropContents(highest, third);
    expect(takeCell(below, PAGE)).toEqual(taken);
  });

  it('P6 lets the lender forget what it lends', () => {
    const { above, file, print } = pair(2 * PAGE);
    const below = memoryOf(PAGE);
    const lent = fileOf(2 * PAGE);
    fillPages(below, lent, 0, Buffer.alloc(2 * PAGE, 'z'));
    new PageLoan(below, lent).take(above, file, 0, 2 * PAGE, print);
    expect(below.clean.bytes).toBeLessThanOrEqual(PAGE);
    expect(bytesOf(above, file)).toBe('z'.repeat(2 * PAGE));
  });

  it('P8 copies little pages, and those of which most is room to grow', () => {
    const { above, file, loan, print } = pair(100);
    expect(loan.take(above, file, 0, 100, print)).toBe(true);
    expect(above.slabs.borrowed.bytes).toBe(0);
    const below = memoryOf();
    const growing = fileOf(0);
    writeContents(below, growing, Buffer.alloc(PAGE + 300, 'g'), 0);
    const copy = fileOf(PAGE + 300);
    const grown = { ...copy, supplied: PAGE + 300 };
    expect(new PageLoan(below, growing).take(above, grown, 0, PAGE + 300, printOf(growing))).toBe(true);
    expect(above.slabs.borrowed.bytes).toBe(PAGE);
    expect(bytesOf(above, grown)).toBe('g'.repeat(PAGE + 300));
  });

  it('C6 P8 of a hole takes next to nothing', () => {
    const [below, above] = [memoryOf(), memoryOf()];
    const lent = fileOf(0);
    writeContents(below, lent, Buffer.from('x'), 2 * PAGE);
    const file = fileOf(2 * PAGE + 1);
    expect(new PageLoan(below, lent).take(above, file, 0, 2 * PAGE + 1, printOf(lent))).toBe(true);
    expect(above.clean.bytes).toBeLessThan(300);
    expect(bytesOf(above, file)).toBe(`${'\0'.repeat(2 * PAGE)}x`);
  });

  it('C7 P8 is of no use when the file has changed or a page was forgotten meanwhile', () => {
    const { below, above, lent, file, loan, print } = pair(2 * PAGE);
    const none = () => expect(file.pages).toBeUndefined();
    for (const other of [{ ino: 8 }, { size: 5 }, { mtimeSec: 6 }, { mtimeNsec: 7 }]) {
      expect(loan.take(above, file, 0, 2 * PAGE, { ...print, ...other })).toBe(false);
      none();
    }
    expect(loan.take(memoryOf(PAGE, 2 * PAGE), file, 0, 2 * PAGE, print)).toBe(false);
    expect(loan.take(above, file, 0, 2 * PAGE + 1, print)).toBe(false);
    none();
    // A branch without lasting numbers has 0.
    expect(loan.take(above, file, 0, PAGE, { ...print, ino: 0 })).toBe(true);
    dropContents(above, file);
    dropContents(below, lent);
    expect(loan.take(above, file, 0, 2 * PAGE, print)).toBe(false);
    none();
  });

  it('P8 is ended by the collector where an overlay is let go', async () => {
    const { below, lent, loan, print } = pair(PAGE);
    const taken = cell(lent, 0);
    const borrow = () => {
      for (let i = 0; i < 3; i++) loan.take(memoryOf(), fileOf(PAGE), 0, PAGE, print);
    };
    borrow();
    expect(pageAt(lent, 0)?.holders?.count).toBe(4);
    while (pageAt(lent, 0)?.holders?.count !== 1) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    // And where the lender has forgotten the page before.
    borrow();
    dropContents(below, lent);
    while (takeCell(below, PAGE) !== taken) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});
