/** Removing names: files (POSIX unlink) and directories (POSIX rmdir). */

import { EBUSY, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } from '../errno.ts';
import type { Io } from '../fault.ts';
import type { Caller } from '../tree/caller.ts';
import { endIfUnused, removeName } from '../tree/changing/names.ts';
import { ownQuietly } from '../tree/changing/own.ts';
import { type Directory, type Inode, isDirectory } from '../tree/inode.ts';
import { isEmpty } from '../tree/list.ts';
import type { Tree } from '../tree/tree.ts';
import { lookupAt, TO_FIND } from '../tree/walk.ts';
import { countSubdirectory } from './create.ts';
import { place, type Taken, takable } from './spot.ts';

/** Removes a name of a file; open descriptors keep the file (T4). */
export function unlink(io: Io, caller: Caller, path: string): void {
  const located = place(io, caller, path);
  if (located.last !== 'name') throw EISDIR;
  const { place: at, inode } = lookupAt(io, caller, path, located, TO_FIND);
  if (inode === undefined) throw ENOENT;
  if (at.slash) throw isDirectory(inode) ? EISDIR : ENOTDIR;
  const taken = takable(io, caller, at.directory, at.name, inode, 'gone');
  if (isDirectory(inode)) throw EISDIR;
  // From here on nothing stops or fails.
  takeAway(caller.tree, taken);
}

/** Removes a directory in which nothing shows (L6). */
export function rmdir(io: Io, caller: Caller, path: string): void {
  const located = place(io, caller, path);
  if (located.last === 'root') throw EBUSY;
  if (located.last === 'dot') throw EINVAL;
  if (located.last === 'dotdot') throw ENOTEMPTY;
  const { place: at, inode } = lookupAt(io, caller, path, located, TO_FIND);
  if (inode === undefined) throw ENOENT;
  const taken = takable(io, caller, at.directory, at.name, inode, 'gone');
  if (!isDirectory(inode)) throw ENOTDIR;
  if (!isEmpty(io, caller.tree, inode)) throw ENOTEMPTY;
  // From here on nothing stops or fails.
  takeAway(caller.tree, taken);
}

/** Takes a name from its inode, which ends if that was its last name and it is not open. */
export function takeAway(tree: Tree, { directory, name, inode, cover }: Taken): void {
  tree.undo?.keepName(directory, name);
  tree.undo?.keep(inode);
  tellUnlinked(tree, inode);
  removeName(tree, directory, name, inode, cover);
  dropLink(tree, directory, inode);
}

/**
 * Tells watchers of the inode that it loses a name, before watchers of the directory hear of it (as the kernel does).
 */
function tellUnlinked({ onChange }: Tree, inode: Inode): void {
  if (onChange === undefined) return;
  if (!isDirectory(inode)) onChange({ kind: 'links', inode });
  if (inode.opens === 0 && (inode.nlink <= 1 || isDirectory(inode))) onChange({ kind: 'end', inode });
}

/** Counts that a name of the inode in `directory` is gone. */
export function dropLink(tree: Tree, directory: Directory, inode: Inode): void {
  if (isDirectory(inode)) {
    inode.nlink = 0;
    countSubdirectory(directory, -1);
  } else if (inode.nlink > 0) {
    inode.nlink--;
  }
  ownQuietly(tree, inode);
  endIfUnused(tree, inode);
}
