/**
 * Moving names (POSIX rename; the checks and their order are those of Linux `do_renameat2` and `vfs_rename`).
 *
 * A directory keeps its sources, which still name the old paths below, so nothing is copied and nothing in it is
 * visited:
 *
 *     before   /a ─► inode, sources [lower:/a]              after   /a ─► WHITEOUT
 *                                                                   /b ─► the same inode, sources [lower:/a]
 */

import { EACCES, EBUSY, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } from '../errno.ts';
import type { Io } from '../fault.ts';
import { type Caller, may, W_OK } from '../tree/caller.ts';
import { addName, type Cover, forgetName, removeName } from '../tree/changing/names.ts';
import { ownQuietly } from '../tree/changing/own.ts';
import { type Directory, type Inode, isDirectory, isLost } from '../tree/inode.ts';
import { isEmpty } from '../tree/list.ts';
import type { Tree } from '../tree/tree.ts';
import { lookupAt, TO_FIND, TO_MAKE } from '../tree/walk.ts';
import { countSubdirectory } from './create.ts';
import { freeSpot, place, type Taken, takable } from './spot.ts';
import { dropLink } from './unlink.ts';

/** Gives the file at `from` the name `to`, and replaces what is there. */
export function rename(io: Io, caller: Caller, from: string, to: string): void {
  const { tree } = caller;
  const locatedFrom = place(io, caller, from);
  const locatedTo = place(io, caller, to);
  if (locatedFrom.last !== 'name' || locatedTo.last !== 'name') throw EBUSY;
  const { place: source, inode } = lookupAt(io, caller, from, locatedFrom, TO_FIND);
  if (inode === undefined) throw ENOENT;
  const { place: target, inode: replaced } = lookupAt(io, caller, to, locatedTo, TO_MAKE);
  if (isLost(source.directory)) throw ENOENT;
  if (!isDirectory(inode) && (source.slash || target.slash)) throw ENOTDIR;
  if (isDirectory(inode) && isWithin(target.directory, inode)) throw EINVAL;
  if (replaced !== undefined && isDirectory(replaced) && isWithin(source.directory, replaced)) throw ENOTEMPTY;
  if (replaced === inode) return;
  const taken = takable(io, caller, source.directory, source.name, inode, 'gone');
  const cover = planTarget(io, caller, inode, target.directory, target.name, replaced);
  if (isDirectory(inode) && source.directory !== target.directory && !may(caller, inode, W_OK)) throw EACCES;
  if (replaced !== undefined && isDirectory(replaced) && !isEmpty(io, tree, replaced)) throw ENOTEMPTY;
  // From here on nothing stops or fails.
  move(caller, taken, target.directory, target.name, replaced, cover);
}

/** Whether `directory` is `ancestor` or lies below it. */
function isWithin(directory: Directory, ancestor: Inode): boolean {
  for (let at: Directory | undefined = directory; at !== undefined; at = at.parent) {
    if (at === ancestor) return true;
    if (at.parent === at) return false;
  }
  return false;
}

/** Checks that the target may be made or replaced; returns whether the new name hides something below. */
function planTarget(
  io: Io,
  caller: Caller,
  inode: Inode,
  directory: Directory,
  name: string,
  replaced: Inode | undefined,
): Cover {
  if (replaced === undefined) return freeSpot(io, caller, directory, name).cover;
  const { cover } = takable(io, caller, directory, name, replaced, 'replaced');
  if (isDirectory(inode)) {
    if (!isDirectory(replaced)) throw ENOTDIR;
  } else if (isDirectory(replaced)) {
    throw EISDIR;
  }
  return cover;
}

function move(
  { tree }: Caller,
  taken: Taken,
  directory: Directory,
  name: string,
  replaced: Inode | undefined,
  cover: Cover,
): void {
  const { inode } = taken;
  tree.undo?.keepName(taken.directory, taken.name);
  tree.undo?.keepName(directory, name);
  tree.undo?.keep(inode);
  if (replaced !== undefined) tree.undo?.keep(replaced);
  removeName(tree, taken.directory, taken.name, inode, taken.cover);
  if (replaced !== undefined) {
    forgetName(tree, replaced, directory, name);
    dropLink(tree, directory, replaced);
  }
  ownQuietly(tree, inode);
  addName(tree, directory, name, inode, cover);
  tellMoved(tree, inode, replaced);
  if (isDirectory(inode)) {
    countSubdirectory(taken.directory, -1);
    countSubdirectory(directory, 1);
  }
}

/** Tells watchers of the files what became of them, in the kernel's order (fsnotify_move). */
function tellMoved({ onChange }: Tree, inode: Inode, replaced: Inode | undefined): void {
  if (onChange === undefined) return;
  if (replaced !== undefined) onChange({ kind: 'links', inode: replaced });
  onChange({ kind: 'move', inode });
  if (replaced?.opens === 0 && replaced.nlink === 0) onChange({ kind: 'end', inode: replaced });
}
