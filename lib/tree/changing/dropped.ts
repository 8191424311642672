/**
 * Directories that were removed with everything in them, without a look at each name.
 *
 * Removing a tree of a lower need not visit it: a whiteout hides it, and no path leads below it any more. One thing
 * remains to be found out: a file of several names, one of which was in there, has one name fewer now (C2). That is
 * made up for when such a file is next looked at, which is rare.
 */

import type { Io } from '../../fault.ts';
import { keepForGood, leaveListed } from '../cache/entries.ts';
import { ABSENT, CHARGED, Directory, type Inode, isDirectory, type Listing, WHITEOUT } from '../inode.ts';
import { listTyped } from '../list.ts';
import { lookup } from '../lookup.ts';
import { UpperSource } from '../sources/source.ts';
import type { Tree } from '../tree.ts';
import { endIfUnused, forgetName } from './names.ts';
import { ownQuietly } from './own.ts';

/** A removed directory whose names in the sources have not all been looked at. */
export interface Dropped {
  readonly directory: Directory;
  /** The names to look at, once they are known, and how many of them are done. Changed by `settleLinks`. */
  names: Listing['names'] | undefined;
  done: number;
}

/** Takes the name of an inode in a removed directory away. */
function drop(tree: Tree, directory: Directory, name: string, inode: Inode): void {
  forgetName(tree, inode, directory, name);
  if (isDirectory(inode)) inode.nlink = 0;
  else if (inode.nlink > 0) inode.nlink--;
  ownQuietly(tree, inode);
  endIfUnused(tree, inode);
}

/**
 * Takes away every name in memory below a removed directory, and leaves the rest for `settleLinks`. Requires: the
 * directory has lost its name.
 */
export function dropBelow(tree: Tree, removed: Directory): void {
  const directories = [removed];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const [name, entry] of directory.names) {
      if (typeof entry === 'number') continue;
      tree.undo?.keepName(directory, name);
      tree.undo?.keep(entry);
      drop(tree, directory, name, entry);
      if (isDirectory(entry)) directories.push(entry);
      directory.names.set(name, WHITEOUT);
    }
    directory.listing = undefined;
    // The upper is told of the removed directory only. Nothing here was dirty before a change that may be taken back.
    tree.dirty?.names.delete(directory);
    if (directory.sources.length === 0) directory.names.clear();
    else if (isKnown(directory)) leaveListed(tree, directory);
    else tree.dropped.push({ directory, names: undefined, done: 0 });
  }
}

/** Whether no name is left to be looked at: the directory is the upper's alone, and all its names are in memory. */
function isKnown({ complete, sources, names }: Directory): boolean {
  if (!complete || !sources.every((source) => source instanceof UpperSource)) return false;
  for (const entry of names.values()) if (entry !== WHITEOUT && entry !== ABSENT) return false;
  return true;
}

/** Whether the inode may have lost names in removed directories that were not looked at yet. */
export function mayHaveLostNames(tree: Tree, inode: Inode): boolean {
  return tree.dropped.length > 0 && inode.nlink > 1 && !isDirectory(inode);
}

/**
 * Whether files that are charged to the quota have no known name left, and may have lost their last ones in removed
 * directories. They are never looked at again, so this is found out when room is needed (P3).
 */
function mayOwe({ dropped, linked }: Tree): boolean {
  if (dropped.length === 0) return false;
  for (const { parent, opens, state } of linked.values()) {
    if (parent === undefined && opens === 0 && (state & CHARGED) !== 0) return true;
  }
  return false;
}

/** Makes such files give back what they are charged; answers whether there may be more room now. */
export function collect(io: Io, tree: Tree): boolean {
  if (!mayOwe(tree)) return false;
  settleLinks(io, tree);
  return true;
}

/** All that were removed. */
const ANY = (): boolean => true;

/**
 * Looks at what removed directories held, so that every `nlink` is right. If it stops, the next run goes on from there.
 *
 * @param isMeant which directories to look at
 */
export function settleLinks(io: Io, tree: Tree, isMeant: (directory: Directory) => boolean = ANY): void {
  const meant = () => tree.dropped.findLast(({ directory }) => isMeant(directory));
  for (let next = meant(); next !== undefined; next = meant()) {
    const { directory } = next;
    next.names ??= listTyped(io, tree, directory).names;
    for (let name = next.names[next.done]; name !== undefined; name = next.names[next.done]) {
      const inode = lookup(io, tree, directory, name);
      // From here on nothing stops or fails.
      next.done++;
      if (inode === undefined) continue;
      // The upper may still refuse the removal of the directory.
      const undo = tree.undo ?? tree.through?.undo;
      undo?.keepName(directory, name);
      undo?.keep(inode);
      if (inode instanceof Directory) {
        directory.names.set(name, WHITEOUT);
        keepForGood(tree, inode);
        forgetName(tree, inode, directory, name);
        tree.dropped.push({ directory: inode, names: undefined, done: 0 });
        break;
      }
      // A file with this name only ends here, and the upper need not keep it.
      drop(tree, directory, name, inode);
      directory.names.set(name, WHITEOUT);
    }
    if (next.done < next.names.length) continue;
    tree.dropped.splice(tree.dropped.lastIndexOf(next), 1);
    leaveListed(tree, directory);
  }
}
