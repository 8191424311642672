/** From a name in a directory to an inode: what is remembered, and the branches for what is not. */

import { ENAMETOOLONG } from '../errno.ts';
import type { Io } from '../fault.ts';
import { ABSENT, type Directory, Inode, isDirectory, USED, WHITEOUT } from './inode.ts';
import { isTooLong, load } from './load.ts';
import {
  hasLostNames,
  isVolatile,
  keepOrLose,
  mayBeCovered,
  mayBeLost,
  revalidate,
  settleNames,
} from './revalidate.ts';
import type { Tree } from './tree.ts';

/**
 * The inode of a name on the way: a directory that is remembered is taken as it is, since what is looked up in it shows whether it is
 * still there. Of a link or a file nothing else would tell. Undefined when there is none.
 */
export function lookupWay(io: Io, tree: Tree, directory: Directory, name: string): Inode | undefined {
  const known = directory.names.get(name);
  if (known instanceof Inode) return isDirectory(known) ? known : lookup(io, tree, directory, name);
  return lookupUnknown(io, tree, directory, name, known);
}

/** The inode of the last name of a path: what is remembered of a lower that may change is looked at again. */
export function lookup(io: Io, tree: Tree, directory: Directory, name: string): Inode | undefined {
  const known = directory.names.get(name);
  if (known instanceof Inode) {
    if ((known.state & USED) === 0) known.state |= USED;
    if (isVolatile(known) || mayBeCovered(directory, known)) {
      return withItsNames(io, tree, revalidate(io, tree, directory, name, known));
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
  return withItsNames(io, tree, load(io, tree, directory, name));
}

/** An inode that was just looked at, by no name that it has lost. */
function withItsNames(io: Io, tree: Tree, inode: Inode | undefined): Inode | undefined {
  if (inode !== undefined && hasLostNames(inode)) settleNames(io, tree, inode);
  return inode;
}
