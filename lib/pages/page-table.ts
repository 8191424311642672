/**
 * The pages of one file that has more than its first in memory, by index.
 *
 *     index 130 ──► chunk 2 ──► [ 128 │ 129 │ 130 │ ... ]      chunks where there are pages only: a hole costs nothing
 *
 * A random read of a large file spends its time on memory that is not in the processor's cache. A Map of all pages is
 * itself large and cold; the few chunks of a file stay warm, and the place in a chunk is computed.
 */

import { DIRTY, type Page, type PageIndex } from './page.ts';

/** Pages in a chunk. */
const SPAN = 64;

/** See the file comment. */
export class PageTable {
  /** Pages by chunk and place in it; no chunk is empty. Changed by `set` and `delete`. */
  readonly #chunks = new Map<number, (Page | undefined)[]>();
  /** How many pages there are. Changed likewise. */
  #size = 0;
  /** The chunks with a dirty page, and some that had one. Changed by `set`, `noteDirty` and `dirtyPages`. */
  readonly #dirty = new Set<number>();

  get size(): number {
    return this.#size;
  }

  get(index: PageIndex): Page | undefined {
    return this.#chunks.get(Math.floor(index / SPAN))?.[index % SPAN];
  }

  set(index: PageIndex, page: Page): void {
    const number = Math.floor(index / SPAN);
    let chunk = this.#chunks.get(number);
    if (chunk === undefined) {
      chunk = [];
      this.#chunks.set(number, chunk);
    }
    const at = index % SPAN;
    // Without gaps, so that V8 keeps it as an array and not as a dictionary.
    while (chunk.length <= at) chunk.push(undefined);
    if (chunk[at] === undefined) this.#size++;
    chunk[at] = page;
    if (page.state === DIRTY) this.#dirty.add(number);
  }

  /** Notes that a page has become dirty. */
  noteDirty(index: PageIndex): void {
    this.#dirty.add(Math.floor(index / SPAN));
  }

  /**
   * The dirty pages, in no order. A few dirty pages of a large file are found without visiting the others. Requires:
   * none is changed meanwhile.
   */
  *dirtyPages(): Iterable<readonly [PageIndex, Page]> {
    for (const number of this.#dirty) {
      let isClean = true;
      for (const found of this.#pagesOf(number, 0)) {
        if (found[1].state !== DIRTY) continue;
        isClean = false;
        yield found;
      }
      if (isClean) this.#dirty.delete(number);
    }
  }

  delete(index: PageIndex): void {
    const number = Math.floor(index / SPAN);
    const chunk = this.#chunks.get(number);
    if (chunk?.[index % SPAN] === undefined) return;
    chunk[index % SPAN] = undefined;
    this.#size--;
    if (chunk.every((page) => page === undefined)) this.#chunks.delete(number);
  }

  /**
   * The pages from `from` on, in no order. The page just given may be deleted. Requires: there is none from `end` on.
   */
  *between(from: PageIndex, end: PageIndex): Iterable<readonly [PageIndex, Page]> {
    const first = Math.floor(from / SPAN);
    const last = Math.ceil(end / SPAN);
    // Visits whichever is fewer: the chunks of the range, or all chunks (a file of many holes has few).
    if (last - first < this.#chunks.size) {
      for (let number = first; number < last; number++) yield* this.#pagesOf(number, from);
    } else {
      for (const number of this.#chunks.keys()) if (number >= first) yield* this.#pagesOf(number, from);
    }
  }

  /** The pages of a chunk from `from` on. */
  *#pagesOf(number: number, from: PageIndex): Iterable<readonly [PageIndex, Page]> {
    const chunk = this.#chunks.get(number) ?? [];
    for (let at = Math.max(0, from - number * SPAN); at < chunk.length; at++) {
      const page = chunk[at];
      if (page !== undefined) yield [number * SPAN + at, page];
    }
  }

  /** The pages, in no order. The page just given may be deleted. */
  *[Symbol.iterator](): IterableIterator<readonly [PageIndex, Page]> {
    for (const number of this.#chunks.keys()) yield* this.#pagesOf(number, 0);
  }
}
