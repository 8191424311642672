/** The memory that the pages of one overlay share: its page size, its slabs, its quota. */

import { type Limits, Quota } from './quota.ts';
import { CleanPages } from './reclaim.ts';
import { Slabs } from './slab.ts';

export const SMALLEST_PAGE = 4096;

export class Memory {
  /** Bytes in a page: a power of two. */
  readonly pageSize: number;
  readonly slabs = new Slabs();
  readonly quota: Quota;
  readonly clean: CleanPages;

  /** @param maxBytes how many bytes of clean pages are kept */
  constructor(pageSize: number, limits: Limits, maxBytes: number) {
    this.pageSize = pageSize;
    this.quota = new Quota(limits);
    this.clean = new CleanPages(maxBytes);
  }
}
