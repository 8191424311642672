/** What an overlay holds and has done, in numbers: plain counters that are kept anyway, and read on request. */

import type { Branch } from '../branch/branch.ts';
import type { Tree } from '../tree/tree.ts';
import { stopsOf } from '../waiting/questions.ts';

/** What {@link Overlay.statistics} gives: counts since the overlay was made, and what it holds now. */
export interface Statistics {
  /** Reads of contents that found everything in memory. */
  readonly hits: number;
  /** Reads of contents that had to ask a branch. */
  readonly misses: number;
  /** Pages that branches have supplied, including those fetched ahead. */
  readonly fills: number;
  /** Pages that were forgotten because there were more than `cache.maxBytes` of them. */
  readonly reclaimed: number;
  /** Bytes of memory that hold unchanged content now. */
  readonly cachedBytes: number;
  /** How many of these are memory of overlays below, which count it too as long as they keep the content themselves. */
  readonly borrowedBytes: number;
  /** Unchanged files, directories, links and listed names in memory now. */
  readonly entries: number;
  /** How many such entries were forgotten because there were more than `cache.maxEntries`. */
  readonly forgotten: number;
  /** Bytes of changed content in memory now that the upper does not have. */
  readonly dirtyBytes: number;
  /** Bytes that were written to the upper, including its work area. */
  readonly writtenBytes: number;
  /** How often asynchronous calls have stopped to wait for a branch, and were run again after its answer. */
  readonly restarts: number;
  /** Descriptors that are open now, including those of FileHandles. */
  readonly openFiles: number;
}

/** What the numbers are taken from. */
export interface Counted {
  readonly tree: Tree;
  readonly branches: readonly Branch[];
  readonly written: number;
  readonly openFiles: number;
}

/** Reads the counters. */
export function statisticsOf({ tree, branches, written, openFiles }: Counted): Statistics {
  const { clean, quota, slabs } = tree.memory;
  return Object.freeze({
    hits: clean.hits,
    misses: clean.misses,
    fills: clean.fills,
    reclaimed: clean.reclaimed,
    cachedBytes: clean.bytes,
    borrowedBytes: slabs.borrowed.bytes,
    entries: tree.entries.count,
    forgotten: tree.entries.forgotten,
    dirtyBytes: quota.bytes,
    writtenBytes: written,
    restarts: branches.reduce((sum, branch) => sum + stopsOf(branch), 0),
    openFiles,
  });
}
