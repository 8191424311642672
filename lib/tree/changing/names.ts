/**
 * Changing names: the operations add, remove and hide dentries only here. Nothing here stops or fails.
 *
 *     names: 'a' → inode loaded from a lower              marks: 'a' → INSIDE when owned, else not there
 *            'b' → inode born, linked or renamed to here         'b' → HIDES or FRESH: is there a 'b' below, or not?
 *            'c' → WHITEOUT                                      'c' → HIDES
 */

import { dropContents } from '../../pages/contents.ts';
import { leaveListed } from '../cache/entries.ts';
import { ABSENT, CHARGED, Directory, extraOf, File, FRESH, HIDES, type Inode, WHITEOUT } from '../inode.ts';
import { returnLoan } from '../sources/borrow.ts';
import { UpperSource } from '../sources/source.ts';
import { noteMove, type Tree } from '../tree.ts';
import { markName, touchNames } from './own.ts';

/** Tells the inode about a name that points at it. */
export function rememberName(inode: Inode, directory: Directory, name: string): void {
  if (inode.parent === undefined) {
    inode.parent = directory;
    inode.name = name;
  } else {
    extraOf(inode).links.push({ directory, name });
  }
}

/** Tells the inode that a name no longer points at it. */
export function forgetName(tree: Tree, inode: Inode, directory: Directory, name: string): void {
  noteMove(tree, inode);
  const links = inode.extra?.links;
  if (inode.parent === directory && inode.name === name) {
    const next = links?.pop();
    inode.parent = next?.directory;
    inode.name = next?.name ?? '';
  } else if (links !== undefined) {
    const at = links.findIndex((link) => link.directory === directory && link.name === name);
    if (at >= 0) links.splice(at, 1);
  }
}

/** Whether a name that the overlay decides hides something in a branch below. */
export type Cover = typeof HIDES | typeof FRESH;

/**
 * A copy of a name that does not keep the path it came from in memory. V8 copies slices shorter than 13 characters by
 * itself; a longer slice holds on to the whole path.
 */
export function lasting(name: string): string {
  if (name.length < 13) return name;
  const narrow = Buffer.from(name, 'latin1').toString('latin1');
  return narrow === name ? narrow : Buffer.from(name, 'utf16le').toString('utf16le');
}

/**
 * Gives an inode a name. Its `nlink` is the caller's business.
 * Requires: the name is free (absent or a whiteout), or its inode has been removed with `removeName` just before.
 */
export function addName(tree: Tree, directory: Directory, name: string, inode: Inode, how: Cover): void {
  const key = lasting(name);
  directory.names.set(key, inode);
  rememberName(inode, directory, key);
  touchNames(tree, directory);
  markName(directory, key, how);
  if (how === FRESH) tree.dirty?.addBornName(directory, key);
  else tree.dirty?.addName(directory, key);
  tree.onChange?.({ kind: 'rename', directory, name: key, inode });
}

/**
 * Takes a name away, and leaves a whiteout where it hides something below. The inode's `nlink` is the caller's
 * business.
 */
export function removeName(tree: Tree, directory: Directory, name: string, inode: Inode, how: Cover): void {
  // The inode knows its name by a lasting string already.
  const key = inode.name === name ? inode.name : lasting(name);
  forgetName(tree, inode, directory, name);
  if (how === HIDES) {
    directory.names.set(key, WHITEOUT);
    markName(directory, key, HIDES);
  } else {
    // Absence in sources that never change is worth remembering: a name that is made and removed in turn is not looked
    // up again.
    if (directory.settled && !directory.complete) rememberAbsence(directory, key);
    else directory.names.delete(key);
    directory.marks?.delete(key);
  }
  touchNames(tree, directory);
  if (how === FRESH) tree.dirty?.addGoneName(directory, key);
  else tree.dirty?.addName(directory, key);
  tree.onChange?.({ kind: 'rename', directory, name: key, inode });
}

/** How many absent names a directory may always remember. */
const ABSENCES = 4096;

/**
 * Remembers that a name is absent. Requires: the sources never change.
 *
 * Names that are never used again (of temporary files) would fill the memory, so all absences are forgotten when they
 * outnumber the other names.
 */
export function rememberAbsence(directory: Directory, name: string): void {
  const { names } = directory;
  if (directory.absences > ABSENCES && directory.absences * 2 > names.size) {
    for (const [absent, entry] of names) if (entry === ABSENT) names.delete(absent);
    directory.absences = 0;
  }
  names.set(name, ABSENT);
  directory.absences++;
}

/** Ends an inode that neither a name nor a descriptor holds: gives back its bytes and its charge. */
export function endIfUnused(tree: Tree, inode: Inode): void {
  if (inode.nlink > 0 || inode.opens > 0) return;
  if (inode instanceof File) {
    dropContents(tree.memory, inode);
    inode.supplied = 0;
  }
  if ((inode.state & CHARGED) !== 0) {
    tree.memory.quota.giveBackInode();
    inode.state &= ~CHARGED;
  }
  if (inode instanceof Directory) leaveListed(tree, inode);
  returnLoan(inode);
  tree.linked.delete(inode.number);
  tree.claimed.delete(inode.number);
  tree.numbers.leave(inode.number);
  tree.dirty?.forgetInode(inode);
  if (isInUpper(inode)) tree.dirty?.ended.add(inode.number);
}

function isInUpper(inode: Inode): boolean {
  return (inode instanceof Directory ? inode.sources[0] : inode.origin) instanceof UpperSource;
}
