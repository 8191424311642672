/**
 * Who has to hear of a failed write-back: every descriptor that was open, once; and one later opener, if nobody heard (Linux errseq.c).
 *
 * Each inode that ever failed counts its failures. A descriptor remembers the count that it has heard of:
 *
 *     failures 0 ── fails ──► 1, unheard      descriptors open now remember 0: they will hear
 *     unheard ── somebody hears ──► heard     who opens later remembers 1: hears nothing
 *                                             who opens while it is unheard remembers 0: hears
 */

import type { Author } from '../branch/upper/acting.ts';
import { ENOTSUP, type Errno } from '../errno.ts';
import { type Directory, type Inode, isDirectory, isSymlink, namesOf } from '../tree/inode.ts';
import type { Tree } from '../tree/tree.ts';
import { pathOf } from '../tree/walk.ts';
import type { Item } from './plan.ts';
import type { Failure, Fate, Listeners } from './report.ts';

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

/** What could not be written back of an inode, and what becomes of it. */
export interface Loss {
  readonly inode: Inode;
  readonly errno: Errno;
  readonly fate: Fate;
  /** Whose data; undefined for the overlay's own. */
  readonly author?: Author | undefined;
}

/**
 * Tells whoever has to hear of it: all descriptors first, since who listens may throw.
 *
 * @param refused who hears of a change that is refused as a whole: who has made it hears it from the call, and nobody has lost anything (W7)
 */
export function tellLosses(
  tree: Pick<Tree, 'root'>,
  listeners: Listeners,
  losses: readonly Loss[],
  refused: 'everybody' | 'who made the change',
): void {
  for (const { inode, errno, fate } of losses) {
    if (refused === 'everybody' || fate !== 'discarded') noteFailure(inode, errno);
  }
  for (const { inode, errno, author, fate } of losses) {
    listeners.onFailure({ path: shownPathOf(tree, inode), errno, author }, fate);
  }
}

/** The same by the paths that inodes have now. */
export function namedFailures(tree: Pick<Tree, 'root'>, losses: readonly Omit<Loss, 'fate'>[]): Failure[] {
  return losses.map(({ inode, errno, author }) => ({ path: shownPathOf(tree, inode), errno, author }));
}

/** Tells of names that the upper cannot hold. */
export function tellUnnamed(tree: Pick<Tree, 'root'>, listeners: Listeners, items: Iterable<Item>): Failure[] {
  const failures: Failure[] = [];
  for (const { directory, name, want } of items) {
    if (want !== undefined) noteFailure(want, ENOTSUP);
    failures.push({ path: shownPathIn(tree, directory, name), errno: ENOTSUP });
  }
  for (const failure of failures) listeners.onFailure(failure, 'retained');
  return failures;
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
function shownPathIn({ root }: Pick<Tree, 'root'>, directory: Directory, name: string): string {
  const above = pathOf(root, directory);
  return above === '/' ? `/${name}` : `${above}/${name}`;
}
