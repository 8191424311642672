/**
 * Forgetting clean pages when there are too many: the least recently read first (P6).
 *
 *     oldest ⇄ ... ⇄ ... ⇄ newest        reclaim takes from the oldest end; a page that was read since it got there
 *                                        goes to the newest end instead
 *
 * A read only notes its time in the page, since moving the page would touch two neighbours that are in no cache (the
 * "second chance" of kernels). Time is counted in fills: a page is read right after it came, often piece by piece, and
 * that says nothing about whether it will be read again.
 *
 * Only clean pages are in the list, since their bytes can be read again. Forgetting allocates nothing and does no I/O.
 * It happens between operations, never within one, so the pages that an operation has filled are there when it reads
 * them.
 */

import { Page, type PageIndex } from './page.ts';
import type { PageTable } from './page-table.ts';
import type { Slab } from './slab.ts';

/** The file of a page, as far as `contents.ts` needs it to take the page out. */
export interface PageOwner {
  /** As in `Contents`. */
  pages: Page | PageTable | undefined;
}

/** A page that came from the origin, or that the upper holds. Its links are changed by `CleanPages` only. */
export class CleanPage extends Page {
  readonly owner: PageOwner;
  readonly index: PageIndex;
  older: CleanPage | undefined = undefined;
  newer: CleanPage | undefined = undefined;
  /** Whether it is in the list, which it leaves when it is written or dropped. */
  isListed = false;
  /** When it was put at the newest end, in fills. Changed by `CleanPages`. */
  listedAt = 0;

  /** @param at where the cell begins in the slab */
  constructor(owner: PageOwner, index: PageIndex, slab: Slab, at: number, length: number) {
    super(slab, at, length);
    this.owner = owner;
    this.index = index;
  }
}

/** Times are small integers, and start again at 0 after this one, when no page is that old. */
const LAST_TIME = 2 ** 30 - 1;

/** All clean pages of an overlay, by when they were last read. */
export class CleanPages {
  /** The most bytes of clean pages that are kept. */
  readonly maxBytes: number;
  /** Bytes of the pages in the list. Changed by the methods here. */
  #bytes = 0;
  /** The ends of the list; undefined where it is empty. Changed by the methods here. */
  #oldest: CleanPage | undefined;
  #newest: CleanPage | undefined;
  /** How many fills there were. Changed by `beginFill`. */
  #time = 0;
  /** How many pages were forgotten because there were too many. Changed by `takeExcess`. */
  reclaimed = 0;
  /** How many pages the branches supplied. Changed by `contents.ts`. */
  fills = 0;
  /** How many reads found everything in memory, and how many did not. Changed by `ops/data/`. */
  hits = 0;
  misses = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Begins a fill: the pages that are added next belong together. */
  beginFill(): void {
    this.#time = (this.#time + 1) & LAST_TIME;
  }

  add(page: CleanPage): void {
    page.isListed = true;
    page.listedAt = page.readAt = this.#time;
    page.older = this.#newest;
    page.newer = undefined;
    if (this.#newest === undefined) this.#oldest = page;
    else this.#newest.newer = page;
    this.#newest = page;
    this.#bytes += page.slab.cell;
  }

  /** Notes that the page was read. */
  touch(page: Page): void {
    if (page.readAt !== this.#time) page.readAt = this.#time;
  }

  /** Takes out a page that is written or dropped. */
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
    this.#bytes -= page.slab.cell;
  }

  /**
   * Takes the page to forget next out of the list; undefined when there is room enough.
   *
   * @param idle how many bytes of empty slabs are kept
   */
  takeExcess(idle: number): CleanPage | undefined {
    while (this.#bytes + idle > this.maxBytes) {
      const oldest = this.#oldest;
      if (oldest === undefined) return undefined;
      this.#unlink(oldest);
      if (oldest.readAt === oldest.listedAt) {
        this.reclaimed++;
        return oldest;
      }
      this.add(oldest);
    }
    return undefined;
  }
}
