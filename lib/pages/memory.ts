/** The memory that the pages of one overlay share: its page size, its slabs, its quota. */

import type { Authors } from './authors.ts';
import { type Limits, Quota } from './quota.ts';
import { CleanPages } from './reclaim.ts';
import { Slabs } from './slab.ts';

/** The fewest bytes that a page may have, as many as a page of the kernel. */
export const SMALLEST_PAGE = 4096;

/** How much empty memory is kept for the next pages: at most this many bytes, and at most this part of the cache. */
const IDLE_MOST = 32 * 1024 * 1024;
const IDLE_PART = 8;

/** See the file comment. */
export class Memory {
  /** Bytes in a page: a power of two. */
  readonly pageSize: number;
  readonly slabs: Slabs;
  readonly quota: Quota;
  readonly clean: CleanPages;
  /** Which bytes were written by whom; undefined where the upper cannot tell its writers apart. Set by the overlay. */
  authors: Authors | undefined = undefined;

  /** @param maxBytes how many bytes of clean pages and of empty memory are kept together (P6) */
  constructor(pageSize: number, limits: Limits, maxBytes: number) {
    this.pageSize = pageSize;
    this.quota = new Quota(limits);
    const clean = new CleanPages(maxBytes);
    this.clean = clean;
    this.slabs = new Slabs(() => Math.min(IDLE_MOST, maxBytes / IDLE_PART, maxBytes - clean.bytes));
  }
}
