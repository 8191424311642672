/**
 * Counts what is in memory that the branches can tell again: unchanged inodes, and names that only a listing has shown.
 *
 *     loaded from a branch ──► SPARE, counted ──┬─ changed here, or found to be gone below ──► no longer
 *                                               └─ too many: forgotten by `sweep.ts`, and looked up again when needed
 *
 * An inode is counted while it is as it was loaded. Once it is the overlay's own, or write-back has given it another
 * place, a second look would not show all of it again; then it is no longer counted, and stays.
 */

import { Directory, Inode, SPARE } from '../inode.ts';
import type { Tree } from '../tree.ts';
import { Hand } from './hand.ts';

/** The count of one tree, and what is done about it. */
export class Entries {
  /** The most entries to keep. */
  readonly most: number;
  /** How many entries there are now. Changed by the functions here and by `sweep.ts`. */
  count = 0;
  /** Room is made when there are more than this. Changed by `makeRoom`. */
  limit: number;
  /** Room is to be made as soon as no operation runs. Changed by `sweep.ts`. */
  isCrowded = false;
  /** A microtask is queued that makes room. Changed by `sweep.ts`. */
  isAwaited = false;
  /** How many entries were forgotten because there were too many. Changed by `sweep.ts`. */
  forgotten = 0;
  /** The hand that goes round the tree. */
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

/** Notes that the names which listings have brought into a directory are forgotten, or can no longer be reached. */
export function leaveListed(tree: Tree, directory: Directory): void {
  tree.entries.count -= directory.listed;
  directory.listed = 0;
}

/** Notes that an inode is gone with everything below it: no path leads through its directories any more. */
export function leaveBelow(tree: Tree, inode: Inode): void {
  keepForGood(tree, inode);
  if (!(inode instanceof Directory)) return;
  inode.nlink = 0;
  leaveListed(tree, inode);
  for (const entry of inode.names.values()) if (entry instanceof Inode) leaveBelow(tree, entry);
}
