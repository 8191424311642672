/**
 * From a name nobody has looked at to an inode: asks the sources of the directory from the top (L2).
 *
 *     sources     1 ─ absent      1 ─ dir       1 ─ dir        1 ─ file      1 ─ whiteout
 *     of the      2 ─ file        2 ─ absent    2 ─ file       2 ─ dir       2 ─ file
 *     directory   3 ─ dir         3 ─ dir       3 ─ dir        3 ─ dir       3 ─ dir
 *     gives       2's file        1 + 3         1 alone        1's file      nothing
 */

import { constants } from 'node:fs';
import type { Attributes } from '../branch/branch.ts';
import { isMark } from '../branch/whiteout.ts';
import { ENAMETOOLONG } from '../errno.ts';
import type { Io } from '../fault.ts';
import { dropContents } from '../pages/contents.ts';
import { ABSENT, Directory, File, Inode, isDirectory, Special, Symlink } from './inode.ts';
import { endIfUnused, forgetName, lasting, rememberName } from './names.ts';
import { markWay } from './own.ts';
import { layerOf } from './sources/layer.ts';
import { pathIn, type Source, UpperSource } from './sources/source.ts';
import { setSources, type Tree } from './tree.ts';

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK } = constants;

const NAME_MAX = 255;

/** Whether a name is longer than the 255 bytes that every Linux filesystem allows. */
export function isTooLong(name: string): boolean {
  return name.length > NAME_MAX / 3 && Buffer.byteLength(name) > NAME_MAX;
}

/** What the sources say about a name, not yet in the tree. */
export interface Found {
  readonly source: Source;
  readonly attributes: Attributes;
  /** For a directory: all that it merges. */
  readonly sources: readonly Source[];
}

/** Asks the sources of a directory for a name, top first; undefined when none has it. */
export function find(io: Io, candidates: readonly Source[], name: string): Found | undefined {
  if (isTooLong(name)) throw ENAMETOOLONG;
  if (isMark(name)) return undefined;
  let top: { source: Source; attributes: Attributes } | undefined;
  const sources: Source[] = [];
  for (const source of candidates) {
    const { branch } = source;
    const layer = branch.layered ? layerOf(io, source) : undefined;
    if (layer === undefined || layer.names.has(name)) {
      const path = pathIn(source, name);
      const attributes = io.lstat(branch, path);
      if (attributes !== undefined) {
        const isDir = (attributes.mode & S_IFMT) === S_IFDIR;
        if (isDir) sources.push(source.child(name, attributes.dev));
        top ??= { source, attributes };
        if (!isDir) break;
      }
    }
    // A whiteout hides what is below its layer, not a file of the same name in it (OCI image layer specification).
    if (layer?.isOpaque || layer?.whiteouts.has(name)) break;
  }
  return top && { ...top, sources };
}

/** Looks a name up in the sources and takes what is found into the tree; undefined when there is nothing. */
export function load(io: Io, tree: Tree, directory: Directory, name: string): Inode | undefined {
  const found = find(io, directory.sources, name);
  // From here on nothing stops or fails.
  if (found !== undefined) return adopt(tree, directory, name, found);
  const before = directory.names.get(name);
  if (before instanceof Inode) detach(tree, directory, name, before);
  // Names in directories that may change are asked for each time, so there is no use in remembering their absence.
  if (directory.settled) directory.names.set(lasting(name), ABSENT);
  else directory.names.delete(name);
  return undefined;
}

function adopt(tree: Tree, directory: Directory, given: string, found: Found): Inode {
  const name = lasting(given);
  const { source, attributes, sources } = found;
  const before = directory.names.get(name);
  if (before instanceof Inode) detach(tree, directory, name, before);
  const number = tree.numbers.of(source.branch, attributes.dev, attributes.ino, pathIn(source, name));
  const isDir = (attributes.mode & S_IFMT) === S_IFDIR;
  const twin = !isDir && attributes.nlink > 1 ? tree.linked.get(number) : undefined;
  let inode: Inode;
  if (twin !== undefined) {
    inode = twin;
    if (inode.isOwned) markWay(directory, name);
  } else {
    inode = makeInode(tree, number, attributes);
    inode.origin = source;
    inode.originName = name;
    applyAttributes(tree, inode, attributes);
    if (inode instanceof Directory) setSources(inode, sources);
    else if (attributes.nlink > 1) tree.linked.set(number, inode);
  }
  if (source instanceof UpperSource) source.held.set(name, inode);
  directory.names.set(name, inode);
  rememberName(inode, directory, name);
  return inode;
}

function makeInode(tree: Tree, number: number, attributes: Attributes): Inode {
  const { mode, uid, gid } = attributes;
  const owner = tree.owner(uid, gid);
  switch (mode & S_IFMT) {
    case S_IFREG:
      return new File(number, mode, owner);
    case S_IFDIR:
      return new Directory(number, mode, owner);
    case S_IFLNK:
      return new Symlink(number, mode, owner);
    default:
      return new Special(number, mode, owner, attributes.rdev);
  }
}

/** Makes a clean inode's attributes those of its origin. Requires: not owned, and of the same type. */
export function applyAttributes(tree: Tree, inode: Inode, attributes: Attributes): void {
  inode.ino = attributes.ino;
  inode.mode = attributes.mode;
  inode.nlink = attributes.nlink;
  inode.owner = tree.owner(attributes.uid, attributes.gid);
  inode.originBlocks = attributes.blocks;
  inode.atimeSec = attributes.atimeSec;
  inode.atimeNsec = attributes.atimeNsec;
  inode.mtimeSec = attributes.mtimeSec;
  inode.mtimeNsec = attributes.mtimeNsec;
  inode.ctimeSec = attributes.ctimeSec;
  inode.ctimeNsec = attributes.ctimeNsec;
  inode.birthtimeSec = attributes.birthtimeSec;
  inode.birthtimeNsec = attributes.birthtimeNsec;
  inode.size = attributes.size;
  if (inode instanceof File) inode.supplied = attributes.size;
}

/** Takes the name of a lower file that is gone or another now. Who has it open keeps what is in memory of it. */
function detach(tree: Tree, directory: Directory, name: string, inode: Inode): void {
  forgetName(inode, directory, name);
  if (inode.isOwned || inode.parent !== undefined) return;
  if (inode instanceof File && inode.opens === 0) dropContents(tree.memory, inode);
  inode.nlink = 0;
  if (!isDirectory(inode)) endIfUnused(tree, inode);
}
