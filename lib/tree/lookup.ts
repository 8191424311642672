/** From a name in a directory to an inode: from memory, else from the branches. */

import { ENAMETOOLONG } from '../errno.ts';
import type { Io } from '../fault.ts';
import { ABSENT, type Directory, Inode, isDirectory, USED, WHITEOUT } from './inode.ts';
import { isTooLong, load } from './load.ts';
import {
  checkNames,
  isVolatile,
  keepOrLose,
  mayBeCovered,
  mayBeLost,
  mustHaveLostNames,
  revalidate,
} from './revalidate.ts';
import type { Tree } from './tree.ts';

/**
 * The inode of a name on the way; undefined when there is none. A directory is used as remembered, since the lookup in
 * it shows whether it is still there. For a link or a file nothing else would show that, so it is looked at again.
 */
export function lookupWay(io: Io, tree: Tree, directory: Directory, name: string): Inode | undefined {
  const known = directory.names.get(name);
  if (known instanceof Inode) return isDirectory(known) ? known : lookup(io, tree, directory, name);
  return lookupUnknown(io, tree, directory, name, known);
}

/**
 * The inode of the last name of a path; undefined when there is none. What is remembered of a lower that may change is
 * looked at again.
 */
export function lookup(io: Io, tree: Tree, directory: Directory, name: string): Inode | undefined {
  const known = directory.names.get(name);
  if (known instanceof Inode) {
    if ((known.state & USED) === 0) known.state |= USED;
    if (isVolatile(known) || mayBeCovered(directory, known)) {
      return withCheckedNames(io, tree, revalidate(io, tree, directory, name, known));
    }
    return mayBeLost(directory, name, known) ? keepOrLose(io, tree, directory, name, known) : known;
  }
  return lookupUnknown(io, tree, directory, name, known);
}

function lookupUnknown(
  io: Io,
  tree: Tree,
  directory: Directory,
  name: string,
  known: number | undefined,
): Inode | undefined {
  directory.state |= USED;
  if (known === WHITEOUT || known === ABSENT) return undefined;
  if (known === undefined && directory.complete) {
    if (isTooLong(name)) throw ENAMETOOLONG;
    return undefined;
  }
  return withCheckedNames(io, tree, load(io, tree, directory, name));
}

/** An inode that was just looked at; if it must have lost a name, all its names are looked at too. */
function withCheckedNames(io: Io, tree: Tree, inode: Inode | undefined): Inode | undefined {
  if (inode !== undefined && mustHaveLostNames(inode)) checkNames(io, tree, inode);
  return inode;
}
