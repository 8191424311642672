/**
 * Copy-up: an inode becomes the overlay's own and no longer follows its origin. That costs no I/O: the attributes are
 * in memory already, and the data stays with the origin page by page.
 *
 * It is also marked in the directories on the way from the root, so that `changes()` visits what changed and not what
 * exists.
 */

import { printOf } from '../../branch/dialect.ts';
import { keepForGood } from '../cache/entries.ts';
import {
  CHARGED,
  type Directory,
  extraOf,
  File,
  INSIDE,
  type Inode,
  isDirectory,
  type Mark,
  namesOf,
  type OWNED_ATTRIBUTES,
  type OWNED_CONTENT,
  OWNED_QUIETLY,
} from '../inode.ts';
import { birthOf } from '../numbers.ts';
import { UpperSource } from '../sources/source.ts';
import type { Tree } from '../tree.ts';
import { touchCtime, touchMtimeOfNames } from './times.ts';

/** Whether the quota allows the inode to become (or stay) the overlay's own. */
export function mayOwn(tree: Tree, inode: Inode): boolean {
  return (inode.state & CHARGED) !== 0 || tree.memory.quota.hasInode;
}

/**
 * Makes an inode the overlay's own because its attributes (OWNED_ATTRIBUTES) or content (OWNED_CONTENT) are about to
 * change. Requires: `mayOwn`.
 */
export function own(tree: Tree, inode: Inode, why: typeof OWNED_ATTRIBUTES | typeof OWNED_CONTENT): void {
  tree.undo?.keep(inode);
  if ((inode.state & CHARGED) === 0) {
    tree.memory.quota.chargeInode();
    inode.state |= CHARGED;
  }
  if ((inode.state & why) !== 0) return;
  if (!inode.isOwned) rememberOrigin(tree, inode);
  inode.state |= why;
  mark(inode);
}

/**
 * Keeps how the origin looked, so that a later change of it is noticed (C7), and keeps the number for the inode (C3).
 */
function rememberOrigin(tree: Tree, inode: Inode): void {
  keepForGood(tree, inode);
  if (inode.origin === undefined) return;
  if (!inode.origin.branch.immutable) tree.claimed.set(inode.number, inode);
  if (inode.nlink > 1 && !isDirectory(inode) && !(inode.origin instanceof UpperSource)) {
    extraOf(inode).birth = birthOf(inode);
  }
  // A file of the upper has its fingerprint already; the upper may hold its times less exactly than they are shown.
  if (!(inode instanceof File) || (inode.origin instanceof UpperSource && inode.extra?.fingerprint !== undefined))
    return;
  extraOf(inode).fingerprint = printOf(inode);
}

/** Makes an inode the overlay's own because of its names or its `nlink`. Its `ctime` moves on. */
export function ownQuietly(tree: Tree, inode: Inode): void {
  touchCtime(tree, inode);
  followNoMore(tree, inode);
}

/** Makes an inode the overlay's own without a new time. */
export function followNoMore(tree: Tree, inode: Inode): void {
  if (!inode.isOwned) rememberOrigin(tree, inode);
  inode.state |= OWNED_QUIETLY;
}

/** Notes that the names of a directory have changed. */
export function touchNames(tree: Tree, directory: Directory): void {
  touchMtimeOfNames(tree, directory);
  followNoMore(tree, directory);
  directory.listing = undefined;
}

/** Reports to watchers that content, or attributes, have changed. */
export function tellChange(tree: Tree, inode: Inode, kind: 'change' | 'attributes'): void {
  const { onChange } = tree;
  if (onChange === undefined) return;
  for (const { directory, name } of namesOf(inode)) onChange({ kind, directory, name, inode });
}

/** Marks the way from the root to every name of the inode. */
function mark(inode: Inode): void {
  for (const { directory, name } of namesOf(inode)) {
    // The root, which is its own parent, has no name.
    if (directory !== inode) markWay(directory, name);
  }
}

/** Notes what the overlay has done to a name, and marks the way from the root to it. */
export function markName(directory: Directory, name: string, how: Mark): void {
  // Where there is nothing below, every name is FRESH, and the way to the directory was marked when it got its own
  // name.
  if (directory.sources.length === 0) return;
  const known = directory.marks?.has(name) ?? false;
  directory.marks ??= new Map();
  directory.marks.set(name, how);
  if (!known && directory.parent !== undefined && directory.parent !== directory) {
    markWay(directory.parent, directory.name);
  }
}

/** Marks the way from the root to a name that the branches decide, unless it is marked already. */
export function markWay(directory: Directory, name: string): void {
  let at = directory;
  let below = name;
  // The way to a marked name is marked already. A removed directory has no parent, and the root is its own parent.
  while (at.sources.length > 0 && at.marks?.has(below) !== true) {
    at.marks ??= new Map();
    at.marks.set(below, INSIDE);
    const { parent } = at;
    if (parent === undefined || parent === at) return;
    below = at.name;
    at = parent;
  }
}
