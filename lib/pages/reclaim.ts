/**
 * Forgetting clean pages when there are too many: the least recently read first (P6).
 *
 *     oldest ⇄ ... ⇄ ... ⇄ newest        a read moves its page to the newest end; reclaim takes from the oldest
 *
 * Only clean pages are in the list: their bytes can be had again. Forgetting allocates nothing and asks nobody. It is done between
 * operations, never within one, so what an operation has filled is there when it reads.
 */

import { Page, type PageIndex } from './page.ts';
import type { Slab } from './slab.ts';

/** Whose page it is: what `contents.ts` needs to take it out. */
export interface PageOwner {
  pages: Page | Map<PageIndex, Page> | undefined;
}

/** A page that came from the origin, or that the upper holds. Its links are changed by `CleanPages` only. */
export class CleanPage extends Page {
  readonly owner: PageOwner;
  readonly index: PageIndex;
  older: CleanPage | undefined = undefined;
  newer: CleanPage | undefined = undefined;
  /** Whether it is in the list: no longer once it is written or dropped. */
  isListed = false;

  constructor(
    owner: PageOwner,
    index: PageIndex,
    bytes: Buffer,
    start: number,
    length: number,
    capacity: number,
    slab: Slab | undefined,
  ) {
    super(bytes, start, length, capacity, slab);
    this.owner = owner;
    this.index = index;
  }
}

/** All clean pages of an overlay, by when they were last read. */
export class CleanPages {
  /** The most bytes of clean pages that are kept. */
  readonly maxBytes: number;
  /** Bytes of the pages in the list. Changed by the methods here. */
  #bytes = 0;
  #oldest: CleanPage | undefined;
  #newest: CleanPage | undefined;
  /** How many pages were ever forgotten for want of room. */
  reclaimed = 0;
  /** How many pages the branches ever supplied. Changed by `contents.ts`. */
  fills = 0;
  /** How many reads found all that they wanted in memory, and how many did not. Changed by `ops/data.ts`. */
  hits = 0;
  misses = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(page: CleanPage): void {
    page.isListed = true;
    page.older = this.#newest;
    page.newer = undefined;
    if (this.#newest === undefined) this.#oldest = page;
    else this.#newest.newer = page;
    this.#newest = page;
    this.#bytes += page.capacity;
  }

  /** Notes that the page was read. */
  touch(page: Page): void {
    if (page === this.#newest || !(page instanceof CleanPage) || !page.isListed) return;
    this.#unlink(page);
    this.add(page);
  }

  /** Takes a page out that is written or dropped. */
  remove(page: Page): void {
    if (page instanceof CleanPage && page.isListed) this.#unlink(page);
  }

  #unlink(page: CleanPage): void {
    const { older, newer } = page;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    page.older = page.newer = undefined;
    page.isListed = false;
    this.#bytes -= page.capacity;
  }

  /** The page to forget next, taken out of the list; undefined when there is room enough. */
  takeExcess(): CleanPage | undefined {
    const oldest = this.#oldest;
    if (this.#bytes <= this.maxBytes || oldest === undefined) return undefined;
    this.#unlink(oldest);
    this.reclaimed++;
    return oldest;
  }
}
