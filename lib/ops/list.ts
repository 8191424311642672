/** Listing a directory. */

import { EACCES, ENOTDIR, type Errno, isErrno } from '../errno.ts';
import type { Io } from '../fault.ts';
import { type Caller, may, R_OK } from '../tree/caller.ts';
import { type Directory, isDirectory, type Listing } from '../tree/inode.ts';
import { listNames, listTyped as listTypedOf } from '../tree/list.ts';
import { FOLLOW, walk } from '../tree/walk.ts';

function directoryToList(io: Io, caller: Caller, path: string): Directory | Errno {
  const inode = walk(io, caller, path, FOLLOW);
  if (isErrno(inode)) return inode;
  if (!isDirectory(inode)) return ENOTDIR;
  return may(caller, inode, R_OK) ? inode : EACCES;
}

/** The names in a directory, in order. The array belongs to the tree: copy it before handing it out. */
export function list(io: Io, caller: Caller, path: string): readonly string[] | Errno {
  const directory = directoryToList(io, caller, path);
  return isErrno(directory) ? directory : listNames(io, caller.tree, directory);
}

/** The names and their types (S_IFMT). The arrays belong to the tree. */
export function listTyped(io: Io, caller: Caller, path: string): Listing | Errno {
  const directory = directoryToList(io, caller, path);
  return isErrno(directory) ? directory : listTypedOf(io, caller.tree, directory);
}
