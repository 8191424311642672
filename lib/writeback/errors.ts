/**
 * Who has to hear of a failed write-back: every descriptor that was open, once; and one later opener, if nobody heard (Linux errseq.c).
 *
 * Each inode that ever failed counts its failures. A descriptor remembers the count that it has heard of:
 *
 *     failures 0 ── fails ──► 1, unheard      descriptors open now remember 0: they will hear
 *     unheard ── somebody hears ──► heard     who opens later remembers 1: hears nothing
 *                                             who opens while it is unheard remembers 0: hears
 */

import type { Errno } from '../errno.ts';
import type { Inode } from '../tree/inode.ts';

/** The failures of one inode. */
interface Failures {
  /** How many there were. Changed by `noteFailure`. */
  count: number;
  /** The last one. */
  errno: Errno;
  /** Somebody was told of the last one. Changed by `hear`. */
  isHeard: boolean;
}

/** Only the few inodes that ever failed have an entry. */
const failures = new WeakMap<Inode, Failures>();

/** Counts a failure to write an inode back. */
export function noteFailure(inode: Inode, errno: Errno): void {
  const count = (failures.get(inode)?.count ?? 0) + 1;
  failures.set(inode, { count, errno, isHeard: false });
}

/** How often an inode could not be written back. */
export function countFailures(inode: Inode): number {
  return failures.get(inode)?.count ?? 0;
}

/** What a descriptor opened now remembers as heard. */
export function sampleFailures(inode: Inode): number {
  const known = failures.get(inode);
  if (known === undefined) return 0;
  return known.isHeard ? known.count : 0;
}

/** What a descriptor that remembers `heard` has yet to hear; it must remember `count` from now on. */
export function hear(inode: Inode, heard: number): { readonly count: number; readonly errno: Errno | undefined } {
  const known = failures.get(inode);
  if (known === undefined || known.count === heard) return { count: heard, errno: undefined };
  known.isHeard = true;
  return { count: known.count, errno: known.errno };
}
