/**
 * How much is in memory of what the branches can tell again: inodes that nobody has changed, and names that only a listing has shown.
 *
 *     loaded from a branch ──► SPARE, counted ──┬─ changed here, or found to be gone below ──► no longer
 *                                               └─ too many: forgotten by `sweep.ts`, and asked for again when they are wanted
 *
 * An inode is counted as it was loaded. Once it is the overlay's own, or write-back has given it another place, a second look would not
 * show all of it again, so it is counted no more and stays.
 */

import { Directory, Inode, SPARE } from '../inode.ts';
import type { Tree } from '../tree.ts';
import { Hand } from './hand.ts';

/** What is counted of one tree, and what was done about it. */
export class Entries {
  /** The most that are kept. */
  readonly most: number;
  /** How many there are now. Changed by the functions here and by `sweep.ts`. */
  count = 0;
  /** From more than so many on room is made. Changed by `makeRoom`. */
  limit: number;
  /** Room is to be made as soon as no operation runs. Changed by `sweep.ts`. */
  isCrowded = false;
  /** A microtask will see to it. Changed by `sweep.ts`. */
  isAwaited = false;
  /** How many were ever forgotten for want of room. Changed by `sweep.ts`. */
  forgotten = 0;
  /** Goes round over the tree. */
  readonly hand = new Hand();

  constructor(most: number) {
    this.most = most;
    this.limit = most;
  }
}

/** Notes that an inode may no longer be forgotten: the branches would not show it again as it is. */
export function keepForGood(tree: Tree, inode: Inode): void {
  if ((inode.state & SPARE) === 0) return;
  inode.state &= ~SPARE;
  tree.entries.count--;
}

/** Notes that the names which listings have brought into a directory are known no more, or nobody asks for them any more. */
export function leaveListed(tree: Tree, directory: Directory): void {
  tree.entries.count -= directory.listed;
  directory.listed = 0;
}

/** Notes that an inode is gone with all that is below it: no path leads through its directories any more. */
export function leaveBelow(tree: Tree, inode: Inode): void {
  keepForGood(tree, inode);
  if (!(inode instanceof Directory)) return;
  inode.nlink = 0;
  leaveListed(tree, inode);
  for (const entry of inode.names.values()) if (entry instanceof Inode) leaveBelow(tree, entry);
}
