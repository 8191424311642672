/**
 * What an overlay holds and has done, in numbers: plain counters that are kept anyway, read when somebody asks.
 */

import type { Branch } from '../branch/branch.ts';
import type { Tree } from '../tree/tree.ts';
import { stopsOf } from '../waiting/questions.ts';

/** What {@link Overlay.statistics} gives: counts since the overlay was made, and what it holds now. */
export interface Statistics {
  /** Reads of contents that found all they wanted in memory. */
  readonly hits: number;
  /** Reads of contents that had to ask a branch. */
  readonly misses: number;
  /** Pages that branches have supplied, those that were fetched ahead included. */
  readonly fills: number;
  /** Pages that were forgotten because there were more than `cache.maxBytes` of them. */
  readonly reclaimed: number;
  /** Bytes of memory that hold unchanged content now. */
  readonly cachedBytes: number;
  /** Those of them that are memory of overlays below, which count them too while they keep the content themselves. */
  readonly borrowedBytes: number;
  /** Files, directories and links in memory now that nobody changed, and names that a listing has shown. */
  readonly entries: number;
  /** How many of them were forgotten because there were more than `cache.maxEntries`. */
  readonly forgotten: number;
  /** Bytes of changed content in memory now that no upper has. */
  readonly dirtyBytes: number;
  /** Bytes that were handed to the upper, those of its work area included. */
  readonly writtenBytes: number;
  /** How often asynchronous calls have stopped to wait for a branch, to be run again when it had answered. */
  readonly restarts: number;
  /** Descriptors that are open now, those of FileHandles included. */
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
