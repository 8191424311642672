/**
 * Coherence with lowers that may change under the overlay: whether what is remembered of a name is still true.
 *
 * The last name of a path is looked at again, if neither the name nor the inode is the overlay's own. The directories
 * on the way are looked at again only when an answer contradicts what is remembered of them.
 */

import { constants } from 'node:fs';
import { type Attributes, SAME, UPPER } from '../branch/branch.ts';
import type { Io } from '../fault.ts';
import { dropContents } from '../pages/contents.ts';
import { endIfUnused, forgetName, lasting } from './changing/names.ts';
import {
  countNames,
  type Directory,
  DOUBTFUL,
  File,
  type Inode,
  isDirectory,
  isLost,
  isOwnName,
  namesOf,
  OWNED_ATTRIBUTES,
  OWNED_CONTENT,
  OWNED_QUIETLY,
} from './inode.ts';
import { type Found, find, load, takeOver, update } from './load.ts';
import { numberOf } from './sources/identity.ts';
import { pathIn, type Source } from './sources/source.ts';
import type { Tree } from './tree.ts';

const { S_IFMT } = constants;

/** Whether the inode mirrors a lower that may change, so that it must be looked at again. */
export function isVolatile(inode: Inode): boolean {
  return inode.origin !== undefined && !inode.origin.branch.immutable && !inode.isOwned;
}

/**
 * Whether a name of an unchanging lower may become covered, because a lower that may change could get that name too.
 */
export function mayBeCovered(directory: Directory, inode: Inode): boolean {
  if (directory.settled || directory.sources.length < 2 || inode.isOwned) return false;
  return inode.origin !== undefined && inode.origin.branch.id !== UPPER;
}

/**
 * Whether a lower may have removed a name of a file that is the overlay's own only because it has gained or lost other
 * names here. Such a name follows the lower, since nothing was done to it here.
 */
export function mayBeLost(directory: Directory, name: string, inode: Inode): boolean {
  const { state, origin } = inode;
  if ((state & OWNED_QUIETLY) === 0 || (state & (OWNED_ATTRIBUTES | OWNED_CONTENT)) !== 0) return false;
  if (directory.settled || origin === undefined || origin.branch.id === UPPER) return false;
  return !isDirectory(inode) && !isOwnName(directory, name);
}

/**
 * The inode of such a name; undefined where the lower has removed it. Other names that the lower has removed from the
 * file are lost too: once its content or attributes are changed here, all known names would stay.
 */
export function keepOrLose(io: Io, tree: Tree, directory: Directory, name: string, inode: Inode): Inode | undefined {
  const found = find(io, directory.sources, name);
  if (found === undefined) {
    loseName(io, tree, directory, name, inode);
    return undefined;
  }
  if (!isFoundAgain(tree, name, inode, found)) return inode;
  readBy(inode, found.source, name);
  loseOthers(io, tree, inode, found.attributes.nlink);
  return inode;
}

/** Forgets the other names that the lower has removed from a file, if it counts fewer than are known of it. */
function loseOthers(io: Io, tree: Tree, inode: Inode, nlink: number): void {
  if (countNames(inode) <= nlink) return;
  const below = namesOf(inode).filter(({ directory, name }) => mayBeLost(directory, name, inode));
  if (below.length <= nlink) return;
  for (const { directory, name } of below) {
    if (find(io, directory.sources, name) === undefined) loseName(io, tree, directory, name, inode);
  }
}

/** Forgets a name of a file of ours that the lower has removed: the file has one name less, which the upper must hear of. */
function loseName(io: Io, tree: Tree, directory: Directory, name: string, inode: Inode): void {
  revalidateWay(io, tree, directory);
  // From here on nothing stops or fails.
  if (directory.names.get(name) !== inode || isLost(directory)) return;
  forgetName(tree, inode, directory, name);
  directory.names.delete(name);
  // The lower may have counted the loss already before the file became ours.
  inode.nlink = Math.max(inode.nlink - 1, countNames(inode));
  tree.dirty?.addInode(inode);
  endIfUnused(tree, inode);
}

/** The inode that a name stands for now: the remembered one if nothing changed; undefined when it is gone. */
export function revalidate(io: Io, tree: Tree, directory: Directory, name: string, inode: Inode): Inode | undefined {
  if (isCurrent(io, tree, directory, name, inode)) return inode;
  revalidateWay(io, tree, directory);
  // The directory is gone: what the lower has at its path now is not in it, but in what took its place.
  return isLost(directory) ? undefined : load(io, tree, directory, name);
}

/**
 * Whether more names of a file are known than its lower counts, so that some of them must be gone or belong to another
 * file.
 */
export function mustHaveLostNames(inode: Inode): boolean {
  const { extra, nlink } = inode;
  return extra !== undefined && extra.links.length >= Math.max(nlink, 1) && isVolatile(inode);
}

/** Looks again at all names of such a file, before it can become ours with names that it no longer has. */
export function checkNames(io: Io, tree: Tree, inode: Inode): void {
  for (const { directory, name } of namesOf(inode)) {
    if (directory.names.get(name) === inode) revalidate(io, tree, directory, name, inode);
  }
}

/** Whether a name still stands for the inode; takes over what is new about it. */
function isCurrent(io: Io, tree: Tree, directory: Directory, name: string, inode: Inode): boolean {
  const { origin } = inode;
  if (origin === undefined || isOwnName(directory, name)) return true;
  const isElsewhere = inode.originName !== name || !directory.sources.includes(origin);
  // With several sources, each may have changed what is merged.
  if (isDirectory(inode)) {
    if (isElsewhere || directory.sources.length > 1) return load(io, tree, directory, name) === inode;
  } else if (isElsewhere) {
    return isName(io, tree, directory, name, inode);
  }
  if (directory.sources.length > 1 && isHiddenNow(io, directory, name, origin)) return false;
  if (origin.branch.immutable) return true;
  const answer = io.revalidate(origin.branch, pathIn(origin, inode.originName), inode);
  if (answer === SAME) {
    dropDoubtful(io, tree, inode);
    return true;
  }
  if (answer === undefined || !isStill(inode, answer)) return false;
  // It has got another name below, and is known as another inode by that.
  if (answer.nlink > 1 && !isDirectory(inode) && (tree.linked.get(inode.number) ?? inode) !== inode) return false;
  // From here on nothing stops or fails.
  update(tree, inode, answer);
  dropDoubtful(io, tree, inode);
  return true;
}

/** Drops pages of a clean file that may be older than they look. */
function dropDoubtful(io: Io, tree: Tree, inode: Inode): void {
  if ((inode.state & DOUBTFUL) === 0) return;
  // A branch of promises was not really looked at, and could not supply the pages again.
  if (io.isAtOnce && inode.origin?.branch.keep !== undefined) return;
  inode.state &= ~DOUBTFUL;
  if (inode instanceof File) dropContents(tree.memory, inode);
}

/**
 * Whether a name belongs to the inode in the lowers, where the inode was found by another name so far. From then on it
 * is looked at and read by this name, since the other may be gone.
 */
function isName(io: Io, tree: Tree, directory: Directory, name: string, inode: Inode): boolean {
  const found = find(io, directory.sources, name);
  if (found === undefined || !isFoundAgain(tree, name, inode, found)) return false;
  // From here on nothing stops or fails.
  readBy(inode, found.source, name);
  takeOver(tree, inode, found, tree.kept.shown(found.source, found.attributes, inode.number));
  dropDoubtful(io, tree, inode);
  return true;
}

/** Whether what was found under a name is the inode. */
function isFoundAgain(tree: Tree, name: string, inode: Inode, found: Found): boolean {
  return inode.type === (found.attributes.mode & S_IFMT) && numberOf(tree, name, found) === inode.number;
}

/** Makes an inode be looked at and read by this name. */
function readBy(inode: Inode, source: Source, name: string): void {
  inode.origin = source;
  inode.originName = lasting(name);
}

/** Whether a source above the inode's own has the name now. */
function isHiddenNow(io: Io, directory: Directory, name: string, origin: Source): boolean {
  for (const source of directory.sources) {
    if (source === origin) return false;
    if (!source.branch.immutable && io.lstat(source.branch, pathIn(source, name)) !== undefined) return true;
  }
  return false;
}

/** Whether the attributes are those of the same file, changed or not. */
function isStill(inode: Inode, attributes: Attributes): boolean {
  return inode.type === (attributes.mode & S_IFMT) && inode.ino === attributes.ino;
}

/**
 * Looks again at the directories from the root to `directory`, because an answer contradicted what is remembered in it:
 * the lowers may have another directory there now, or none.
 */
function revalidateWay(io: Io, tree: Tree, directory: Directory): void {
  const way: Directory[] = [];
  for (let at: Directory | undefined = directory; at !== undefined && at !== tree.root; at = at.parent) way.push(at);
  for (const at of way.reverse()) {
    const { parent, name } = at;
    // It was lost together with one above it.
    if (parent === undefined || isLost(at)) return;
    if (isVolatile(at) && !isCurrent(io, tree, parent, name, at)) load(io, tree, parent, name);
  }
}

/**
 * Looks again at a clean file whose pages could not be filled because it changed below; answers whether it is still
 * there.
 */
export function refresh(io: Io, tree: Tree, file: File): boolean {
  const { origin } = file;
  if (origin === undefined) return false;
  const path = pathIn(origin, file.originName);
  io.doubt(origin.branch, path, file);
  const attributes = io.lstat(origin.branch, path);
  if (attributes === undefined || !isStill(file, attributes)) return false;
  // From here on nothing stops or fails.
  takeOver(tree, file, { source: origin, attributes, sources: [] }, tree.kept.shown(origin, attributes, file.number));
  return true;
}
