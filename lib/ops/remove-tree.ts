/**
 * Removing a directory with everything in it at once, which `rm -r` does name by name. The cost is what is in memory of
 * it; what only the lowers have is not visited, since one whiteout hides it all (L3).
 */

import { constants } from 'node:fs';
import { EACCES, EBUSY, EINVAL, ENOENT, ENOTDIR, EPERM, type Errno, isErrno } from '../errno.ts';
import type { Io } from '../fault.ts';
import { type Caller, may, R_OK, W_OK, X_OK } from '../tree/caller.ts';
import { dropBelow } from '../tree/changing/dropped.ts';
import { type Directory, isDirectory } from '../tree/inode.ts';
import { isEmpty, listTyped } from '../tree/list.ts';
import { locate, lookupAt, TO_FIND } from '../tree/walk.ts';
import { takable } from './spot.ts';
import { takeAway } from './unlink.ts';

const { S_IFDIR } = constants;
const S_ISVTX = 0o1000;

/** Whether empty directories are removed without being read, as by `rmdir`, or must be readable. */
export type EmptyOnes = 'go unread' | 'are read';

/**
 * Removes a directory and everything below it.
 *
 * @returns no names if it was removed; else the names of directories in it that must be removed first, or why it cannot
 *   be done this way. To find out what exactly is in the way, and to remove the rest, the caller must go name by name
 */
export function removeTree(io: Io, caller: Caller, path: string, emptyOnes: EmptyOnes): readonly string[] | Errno {
  const { tree } = caller;
  // Watchers must hear of every name.
  if (tree.onChange !== undefined) return EBUSY;
  const located = locate(io, caller, path);
  if (isErrno(located)) return located;
  if (located.last !== 'name') return EINVAL;
  const { place: at, inode } = lookupAt(io, caller, path, located, TO_FIND);
  if (inode === undefined) return ENOENT;
  if (!isDirectory(inode)) return ENOTDIR;
  const taken = takable(io, caller, at.directory, at.name, inode, 'gone');
  const inTheWay = caller.uid === 0 ? [] : directoriesInTheWay(io, caller, inode, emptyOnes);
  if (isErrno(inTheWay) || inTheWay.length > 0) return inTheWay;
  // From here on nothing stops or fails.
  takeAway(tree, taken);
  dropBelow(tree, inode);
  return inTheWay;
}

/** The directories in a directory. Each may forbid something of its own, so they are removed one by one. */
function directoriesInTheWay(
  io: Io,
  caller: Caller,
  directory: Directory,
  emptyOnes: EmptyOnes,
): readonly string[] | Errno {
  if (emptyOnes === 'are read' && !may(caller, directory, R_OK)) return EACCES;
  // An empty one need not be writable.
  if (isEmpty(io, caller.tree, directory)) return [];
  if (!may(caller, directory, R_OK | W_OK | X_OK)) return EACCES;
  // Files of others must stay, which only a removal name by name finds out.
  if ((directory.mode & S_ISVTX) !== 0 && caller.uid !== directory.owner.uid) return EPERM;
  const { names, types } = listTyped(io, caller.tree, directory);
  return names.filter((_, i) => types[i] === S_IFDIR);
}
