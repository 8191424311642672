/**
 * Pages that stacked overlays share: an overlay that is a branch of another one lends its pages, so that what both have
 * in memory is there once (P8).
 *
 *     page of the overlay above ──┐                                                    each copies it before it writes
 *                                 ├──► one cell, in a slab of the one that filled it   (`ownBytes`)
 *     page of the overlay below ──┘
 *
 * A loan holds no page: it only names the file, whose pages are in memory when the loan is made, and it is taken
 * without a stop. If a page has been forgotten by then, or the file is no longer the right one, the borrower reads the
 * bytes as from any branch. So a loan that is never taken, because its call was aborted or found its answer elsewhere,
 * need not be given back.
 *
 * Each of the two overlays counts the page in its own cache and forgets it by its own rules; the last one gives the
 * cell back.
 */

import type { Fingerprint, Loan } from '../branch/branch.ts';
import { type Contents, fillPage, pageAt, putSupplied, reclaim } from './contents.ts';
import type { Memory } from './memory.ts';
import { cellOf, type Page, type PageIndex, shareBytes } from './page.ts';
import { CleanPage } from './reclaim.ts';

/** The file that is lent from. */
export type Lent = Contents & Pick<Fingerprint, 'mtimeSec' | 'mtimeNsec'> & { readonly number: number };

/** A page of at most this many bytes is copied: sharing a cell costs as much. */
const LITTLE = 256;

const NOTHING = new Uint8Array(0);

/** Whether a copy costs less than sharing the cell, or keeps less memory where most of the cell is room to grow. */
function isWorthCopying({ length, slab }: Page): boolean {
  return length <= LITTLE || length * 2 < slab.cell;
}

/** See the file comment. */
export class PageLoan implements Loan {
  /** The lender's. */
  readonly #memory: Memory;
  readonly #lent: Lent;

  constructor(memory: Memory, lent: Lent) {
    this.#memory = memory;
    this.#lent = lent;
  }

  get pageSize(): number {
    return this.#memory.pageSize;
  }

  /**
   * Puts `length` bytes from page `index` on into the pages of the borrower; pages that are there already stay as they
   * are.
   *
   * @returns whether all is there now
   */
  take(memory: Memory, file: Contents, index: PageIndex, length: number, fingerprint: Fingerprint): boolean {
    const { pageSize } = memory;
    const lender = this.#memory;
    const lent = this.#lent;
    if (pageSize !== this.pageSize || !this.#isStill(fingerprint, index * pageSize + length)) return false;
    memory.clean.beginFill();
    let isWhole = true;
    for (let at = 0; at < length; at += pageSize) {
      const i = index + at / pageSize;
      if (pageAt(file, i) !== undefined) continue;
      const page = pageAt(lent, i);
      if (page !== undefined) {
        takePage(memory, file, i, page, Math.min(page.length, length - at));
        lender.clean.touch(page);
      } else if (i * pageSize >= lent.supplied) {
        // A hole: what is not stored is zeros.
        fillPage(memory, file, i, NOTHING);
      } else {
        isWhole = false;
      }
    }
    reclaim(lender);
    return isWhole;
  }

  /** Whether the file is the right one, and reaches as far as `end`. */
  #isStill({ ino, size, mtimeSec, mtimeNsec }: Fingerprint, end: number): boolean {
    const lent = this.#lent;
    if (lent.size < end || (ino !== 0 && ino !== lent.number)) return false;
    return size === lent.size && mtimeSec === lent.mtimeSec && mtimeNsec === lent.mtimeNsec;
  }
}

/** Puts the first `length` bytes of a page of the lender into the file. */
function takePage(memory: Memory, file: Contents, index: PageIndex, page: Page, length: number): void {
  if (isWorthCopying(page)) {
    fillPage(memory, file, index, page.bytes.subarray(page.start, page.start + length));
    return;
  }
  const twin = new CleanPage(file, index, page.slab, cellOf(page), length);
  memory.slabs.borrow(shareBytes(page, twin));
  putSupplied(memory, file, twin);
}
