/**
 * Where a name is made or removed: the checks that creating, linking, renaming and removing share, in Linux's order
 * (`filename_create`, `may_create`, `may_delete` in fs/namei.c).
 */

import { EACCES, EEXIST, EINVAL, ENAMETOOLONG, ENOENT, ENOSPC, EPERM, EROFS, isErrno } from '../errno.ts';
import type { Io } from '../fault.ts';
import { type Caller, isHeldBySticky, may, W_OK, X_OK } from '../tree/caller.ts';
import { collect, mayHaveLostNames, settleLinks } from '../tree/changing/dropped.ts';
import type { Cover } from '../tree/changing/names.ts';
import { mayOwn } from '../tree/changing/own.ts';
import { type Directory, FRESH, HIDES, INSIDE, type Inode, isLost } from '../tree/inode.ts';
import { find, isTooLong } from '../tree/load.ts';
import { UpperSource } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';
import { locate, lookupAt, type Place, TO_MAKE } from '../tree/walk.ts';

/** A name that may be made: free, in a directory that the caller may write. */
export interface Spot {
  readonly directory: Directory;
  readonly name: string;
  readonly cover: Cover;
}

/** The directory and last name of a path. */
export function place(io: Io, caller: Caller, path: string): Place {
  const found = locate(io, caller, path);
  if (isErrno(found)) throw found;
  return found;
}

/** Whether a free name hides something: only where there is a whiteout. */
function coverOfFree(directory: Directory, name: string): Cover {
  return directory.marks?.get(name) === HIDES ? HIDES : FRESH;
}

/** Whether the branches below have an existing name too, so that removing it must leave a whiteout (L3). */
function coverOf(io: Io, directory: Directory, name: string): Cover {
  if (directory.sources.length === 0) return FRESH;
  const mark = directory.marks?.get(name);
  if (mark === undefined || mark === INSIDE || mark === HIDES) return HIDES;
  // It was made over nothing, but a lower that may change may have got the name since.
  return !directory.settled && find(io, directory.sources, name) !== undefined ? HIDES : FRESH;
}

/**
 * Refuses a change to a read-only tree. Holds back a change to a frozen tree: the asynchronous API waits, the
 * synchronous one gets EBUSY (W14). Reads the clock, which gives the time of the change. Where the overlay writes
 * through, finishes the change before.
 *
 * Requires: no part of the change is made yet.
 */
export function mayChangeTree(io: Io, tree: Tree): void {
  if (tree.isReadonly) throw EROFS;
  if (tree.thawing !== undefined) io.perform(tree.thawing);
  tree.lookAtClock?.();
  tree.through?.begin(io);
}

/** Refuses a change to the names of a directory that the caller may not write. */
export function mayWriteNames(io: Io, caller: Caller, directory: Directory): void {
  mayChangeTree(io, caller.tree);
  if (!may(caller, directory, W_OK | X_OK)) throw EACCES;
}

/** Finds where something new may be made. `slash` says whether a trailing slash is allowed (mkdir). */
export function spotFor(io: Io, caller: Caller, path: string, slash: 'slash allowed' | 'no slash'): Spot {
  const located = place(io, caller, path);
  if (located.last !== 'name') throw EEXIST;
  const { place: at, inode } = lookupAt(io, caller, path, located, TO_MAKE);
  if (inode !== undefined) throw EEXIST;
  if (at.slash && slash === 'no slash') throw ENOENT;
  return freeSpot(io, caller, at.directory, at.name);
}

/** The spot for a free name. Requires: the name was looked up and is free. */
export function freeSpot(io: Io, caller: Caller, directory: Directory, name: string): Spot {
  const { tree } = caller;
  // Nothing can be made in a removed directory (Linux IS_DEADDIR).
  if (isLost(directory)) throw ENOENT;
  mayWriteNames(io, caller, directory);
  // The upper could not hold these names; see branch/whiteout.ts.
  const { spelling } = tree;
  if (spelling.isMark(name) || (directory === tree.root && spelling.isWorkArea(name))) throw EINVAL;
  return { directory, name, cover: coverOfFree(directory, name) };
}

/**
 * Refuses what the quota has no room for, even after files that can no longer be reached have given back their charge.
 */
export function mustHaveRoom(io: Io, tree: Tree, hasRoom: () => boolean): void {
  if (!hasRoom() && !(collect(io, tree) && hasRoom())) throw ENOSPC;
}

/** Refuses a new file where the quota has no inode left. */
export function mayCharge(io: Io, tree: Tree): void {
  const { quota } = tree.memory;
  if (!quota.hasInode) mustHaveRoom(io, tree, () => quota.hasInode);
}

/** Refuses to change a file where the quota has no inode left for it. */
export function mayBeOwned(io: Io, tree: Tree, inode: Inode): void {
  if (!mayOwn(tree, inode)) mustHaveRoom(io, tree, () => mayOwn(tree, inode));
}

/** A name that may be taken from its inode. */
export interface Taken {
  readonly directory: Directory;
  readonly name: string;
  readonly inode: Inode;
  readonly cover: Cover;
}

/** Checks that a name may be taken from its inode; `then` says whether another inode gets it. */
export function takable(
  io: Io,
  caller: Caller,
  directory: Directory,
  name: string,
  inode: Inode,
  then: 'gone' | 'replaced',
): Taken {
  mayWriteNames(io, caller, directory);
  if (isHeldBySticky(caller, directory, inode)) throw EPERM;
  if (mayHaveLostNames(caller.tree, inode)) settleLinks(io, caller.tree);
  const cover = coverOf(io, directory, name);
  if (then === 'gone' && cover === HIDES) mayHide(io, caller.tree, directory, name);
  return { directory, name, inode, cover };
}

/** Refuses a removal that needs a whiteout whose name would be longer than the upper's filesystem allows. */
function mayHide(io: Io, tree: Tree, directory: Directory, name: string): void {
  if (tree.dirty === undefined || !isTooLong(tree.spelling.whiteoutName(name))) return;
  const lowers = directory.sources.filter((source) => !(source instanceof UpperSource));
  if (find(io, lowers, name) !== undefined) throw ENAMETOOLONG;
}
