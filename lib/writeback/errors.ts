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
import { type Directory, type Inode, isDirectory, isSymlink, namesOf } from '../tree/inode.ts';
import type { Tree } from '../tree/tree.ts';
import { pathOf } from '../tree/walk.ts';

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

/** What a report calls an inode: one of its paths, absolute in the overlay. */
export function shownPathOf({ root }: Pick<Tree, 'root'>, inode: Inode): string {
  if (isDirectory(inode)) return pathOf(root, inode);
  const [link] = namesOf(inode);
  if (link === undefined) return isSymlink(inode) ? '(a link without a name)' : '(a file without a name)';
  return shownPathIn({ root }, link.directory, link.name);
}

/** The path of a name, absolute in the overlay. */
export function shownPathIn({ root }: Pick<Tree, 'root'>, directory: Directory, name: string): string {
  const above = pathOf(root, directory);
  return above === '/' ? `/${name}` : `${above}/${name}`;
}
