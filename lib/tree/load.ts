/**
 * From a name that was not looked up before to an inode: asks the sources of the directory from the top (L2).
 *
 *     sources     1 ─ absent      1 ─ dir       1 ─ dir        1 ─ file      1 ─ whiteout
 *     of the      2 ─ file        2 ─ absent    2 ─ file       2 ─ dir       2 ─ file
 *     directory   3 ─ dir         3 ─ dir       3 ─ dir        3 ─ dir       3 ─ dir
 *     gives       2's file        1 + 3         1 alone        1's file      nothing
 */

import { constants } from 'node:fs';
import type { Attributes } from '../branch/branch.ts';
import { lengthOf } from '../branch/bytes.ts';
import { isMadeUp } from '../branch/decorators/graft.ts';
import { printOf } from '../branch/dialect.ts';
import { ENAMETOOLONG } from '../errno.ts';
import type { Io } from '../fault.ts';
import { dropContents } from '../pages/contents.ts';
import { keepForGood, leaveBelow, leaveListed } from './cache/entries.ts';
import { noteLoaded } from './cache/sweep.ts';
import { type Cover, endIfUnused, forgetName, lasting, rememberAbsence, rememberName } from './changing/names.ts';
import { followNoMore, markName, markWay } from './changing/own.ts';
import {
  countNames,
  Directory,
  type Entry,
  extraOf,
  File,
  FRESH,
  HIDES,
  holdsOwn,
  Inode,
  isDirectory,
  isOwnName,
  OWNED_QUIETLY,
  Special,
  Symlink,
  UNCOUNTED,
  WHITEOUT,
} from './inode.ts';
import { rememberBelow } from './sources/below.ts';
import { isAnothers, knownAs, living, namesakeOf, numberInstead, numberOf } from './sources/identity.ts';
import { layerOf } from './sources/layer.ts';
import { pathIn, type Source, UpperSource } from './sources/source.ts';
import { noteMove, setSources, type Tree } from './tree.ts';

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK } = constants;

const NAME_MAX = 255;

/** Whether a name is longer than the 255 bytes that every Linux filesystem allows. */
export function isTooLong(name: string): boolean {
  return name.length > NAME_MAX / 3 && lengthOf(name) > NAME_MAX;
}

/** What the sources say about a name, not yet in the tree. */
export interface Found {
  readonly source: Source;
  readonly attributes: Attributes;
  /** For a directory: all the directories that it merges. */
  readonly sources: readonly Source[];
}

/** Asks the sources of a directory for a name, top first; undefined when none has it. */
export function find(io: Io, candidates: readonly Source[], name: string): Found | undefined {
  if (isTooLong(name)) throw ENAMETOOLONG;
  let top: { source: Source; attributes: Attributes } | undefined;
  const sources: Source[] = [];
  for (const source of candidates) {
    if (source.hides(name)) return undefined;
    const { branch } = source;
    const layer = branch.layered ? layerOf(io, source) : undefined;
    if (layer === undefined || layer.names.has(name)) {
      const held = source instanceof UpperSource ? heldAs(source, name) : undefined;
      const attributes = held?.attributes ?? io.lstat(branch, pathIn(source, name));
      if (attributes !== undefined) {
        const isDir = (attributes.mode & S_IFMT) === S_IFDIR;
        if (top === undefined || (isDir && isMadeUp(top.attributes))) top = { source, attributes };
        if (!isDir) break;
        const child = held?.child ?? source.child(name, attributes.dev);
        sources.push(child);
        // An opaque directory merges nothing below it (L5).
        if (branch.layered && layerOf(io, child).isOpaque) break;
      }
    }
    // A whiteout hides what is below its layer, not a file of the same name in it (OCI image layer specification).
    if (layer?.isOpaque || layer?.whiteouts.has(name)) break;
  }
  return top && { source: top.source, attributes: top.attributes, sources };
}

/**
 * A directory that the upper has under a name, where that is known without asking: only overfs changes the upper, so
 * what it has brought there or seen there is there. Of the attributes only the type is used; the directory in memory
 * has its own.
 */
function heldAs(source: UpperSource, name: string): { child: Source; attributes: Attributes } | undefined {
  const held = source.held.get(name);
  if (!(held instanceof Directory) || held.name !== name || held.parent?.sources[0] !== source) return undefined;
  const [child] = held.sources;
  if (!(child instanceof UpperSource) || child.parent !== source || child.name !== name) return undefined;
  const { ino, mode, nlink, uid, gid, rdev, size, originBlocks: blocks } = held;
  const { atimeSec, atimeNsec, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec, birthtimeSec, birthtimeNsec } = held;
  const times = { atimeSec, atimeNsec, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec, birthtimeSec, birthtimeNsec };
  return { child, attributes: { dev: child.dev, ino, mode, nlink, uid, gid, rdev, size, blocks, ...times } };
}

/** Looks a name up in the sources and adds what is found to the tree; undefined when there is nothing. */
export function load(io: Io, tree: Tree, directory: Directory, name: string): Inode | undefined {
  const found = find(io, directory.sources, name);
  // From here on nothing stops or fails.
  return settle(tree, directory, name, found);
}

/** Makes a name stand for what the sources have there; undefined where that is nothing. */
function settle(tree: Tree, directory: Directory, given: string, found: Found | undefined): Inode | undefined {
  const name = lasting(given);
  const before = directory.names.get(name);
  if (before instanceof Directory) {
    if (found !== undefined && (found.attributes.mode & S_IFMT) === S_IFDIR) return follow(tree, before, name, found);
    if (holdsOwn(before)) return standAlone(tree, directory, name, before, found === undefined ? FRESH : HIDES);
  }
  if (found !== undefined) return adopt(tree, directory, name, before, found);
  if (before instanceof Inode) detach(tree, directory, name, before);
  // Names in directories that may change are looked up each time, so there is no point in remembering their absence.
  if (directory.settled) rememberAbsence(directory, name);
  else directory.names.delete(name);
  return undefined;
}

/** Makes a name stand for the file that was found there: one that is known, or a new inode. */
function adopt(tree: Tree, directory: Directory, name: string, before: Entry | undefined, found: Found): Inode {
  const { source } = found;
  const number = numberOf(tree, name, found);
  const attributes = tree.kept.shown(source, found.attributes, number);
  const other = namesakeOf(tree, number, found, before);
  let inode =
    other === undefined
      ? knownAs(tree, number, found.attributes.nlink > 1 ? found.attributes : attributes, before)
      : undefined;
  const isClaimed = inode === undefined && (other !== undefined || isAnothers(tree, number, found));
  if (isClaimed) inode = living(tree.namesakes.get(number), found, before);
  if (before instanceof Inode && before !== inode) detach(tree, directory, name, before);
  if (inode === undefined) {
    inode = isClaimed ? makeNamesake(tree, number, found, attributes) : makeLoaded(tree, number, found, attributes);
    // The upper must note the new number before it notes that the other file has the old one.
    if (other !== undefined && source instanceof UpperSource) tree.dirty?.addInode(inode);
  }
  const isWritten = inode.origin instanceof UpperSource && !(source instanceof UpperSource);
  if (inode.isOwned || isWritten) {
    markWay(directory, name);
    // The upper has another name of the file, and must get this one too.
    if (!(source instanceof UpperSource)) tree.dirty?.addInode(inode);
  } else {
    // Of several names, the one just found is certain to be there.
    inode.origin = source;
    inode.originName = name;
    takeOver(tree, inode, found, attributes);
  }
  if (source instanceof UpperSource) source.held.set(name, inode);
  if (before !== inode) {
    directory.names.set(name, inode);
    rememberName(inode, directory, name);
    // A lower that may change may have given it a further name since it became ours.
    if (inode.isOwned) inode.nlink = Math.max(inode.nlink, countNames(inode));
  }
  return inode;
}

/** Makes the inode of a file that was not met before, whose number is free. */
function makeLoaded(tree: Tree, number: number, found: Found, attributes: Attributes): Inode {
  const inode = makeFound(tree, number, found, attributes);
  noteLoaded(tree, inode);
  return inode;
}

/**
 * Makes the inode of a file that was not met before, whose number another file has. Which of the two has it depends on
 * which was met first, so both stay in memory.
 */
function makeNamesake(tree: Tree, number: number, found: Found, attributes: Attributes): Inode {
  const inode = makeFound(tree, numberInstead(tree, number, found), found, attributes);
  tree.namesakes.set(number, { inode, branch: found.source.branch, ino: found.attributes.ino });
  return inode;
}

/** Makes an inode with what is known of the file that was found; `shown` are the attributes that it shows. */
function makeFound(tree: Tree, number: number, found: Found, shown: Attributes): Inode {
  const { source, sources, attributes } = found;
  const inode = makeInode(tree, number, shown);
  if (inode instanceof Directory) setSources(inode, sources);
  applyAttributes(tree, inode, shown);
  // Even if it has lost all but one of its names here.
  if (attributes.nlink > 1 && !isDirectory(inode)) tree.linked.set(inode.number, inode);
  const kept = source instanceof UpperSource ? tree.kept.of(Number(attributes.ino)) : undefined;
  if (kept?.birth !== undefined) extraOf(inode).birth = kept.birth;
  rememberBelow(inode, attributes, kept);
  return inode;
}

/**
 * Makes a directory merge what the sources have in its place now. It stays the same inode and keeps the names in it,
 * since each of them is looked at again when it is used.
 */
function follow(tree: Tree, inode: Directory, name: string, found: Found): Inode {
  const sources = found.sources.map((source) => inode.sources.find((known) => isSameSource(known, source)) ?? source);
  if (sources.length !== inode.sources.length || sources.some((source, i) => source !== inode.sources[i])) {
    setSources(inode, sources);
    forgetStrange(tree, inode);
  }
  const { source } = found;
  inode.origin = source;
  inode.originName = name;
  // A directory that the upper got from here keeps what it has shown (C3): the upper may not have its attributes yet
  // (W9).
  if (source instanceof UpperSource && source.held.get(name) === inode) return inode;
  const number = numberOf(tree, name, found);
  // A directory that was moved here in the lower may still be shown in its old place, because of what is ours in it.
  if (inode.number !== number)
    inode.number = isAnothers(tree, number, found) ? numberInstead(tree, number, found) : number;
  takeOver(tree, inode, found, tree.kept.shown(source, found.attributes, inode.number));
  return inode;
}

/**
 * Forgets what is known in a directory, except what is ours and what its sources still have: a new source may have what
 * was absent.
 */
function forgetStrange(tree: Tree, directory: Directory): void {
  leaveListed(tree, directory);
  directory.absences = 0;
  for (const [name, entry] of directory.names) {
    if (typeof entry === 'number') {
      if (entry !== WHITEOUT) directory.names.delete(name);
    } else if (!isOwnName(directory, name)) {
      if (entry instanceof Directory) forgetStrangeBelow(tree, directory, name, entry);
      else if (entry.origin !== undefined && !entry.isOwned && !directory.sources.includes(entry.origin)) {
        lose(tree, directory, name, entry);
      }
    }
  }
}

/** The same for a directory in it. */
function forgetStrangeBelow(tree: Tree, parent: Directory, name: string, directory: Directory): void {
  const above = (source: Source) =>
    parent.sources.find((candidate) => candidate.branch === source.branch && pathIn(candidate, name) === source.path);
  const sources = directory.sources.filter(above);
  if (sources.length === directory.sources.length) return;
  const [top] = sources;
  if (!holdsOwn(directory)) lose(tree, parent, name, directory);
  else if (top === undefined) standAlone(tree, parent, name, directory, FRESH);
  else {
    setSources(directory, sources);
    directory.origin = above(top);
    forgetStrange(tree, directory);
  }
}

/** Forgets a name that the lowers no longer have, or no longer show there. */
export function lose(tree: Tree, directory: Directory, name: string, inode: Inode): void {
  detach(tree, directory, name, inode);
  directory.names.delete(name);
}

/**
 * Whether two sources are the same directory. For one of the upper the device does not count: it is not known for what
 * write-back put there.
 */
function isSameSource(one: Source, other: Source): boolean {
  if (one.branch !== other.branch || one.path !== other.path) return false;
  return one instanceof UpperSource || one.dev === other.dev;
}

/** Makes a directory that the lowers no longer have the overlay's own, because it holds something of the overlay's. */
function standAlone(tree: Tree, parent: Directory, name: string, directory: Directory, how: Cover): Directory {
  setSources(directory, []);
  leaveListed(tree, directory);
  keepForGood(tree, directory);
  directory.marks = undefined;
  directory.origin = undefined;
  // The lower may show the directory elsewhere, with the same number.
  if (!directory.isOwned) directory.number = tree.numbers.another();
  directory.state |= OWNED_QUIETLY;
  for (const [child, entry] of directory.names) {
    if (entry instanceof Directory && !entry.isOwned && holdsOwn(entry))
      standAlone(tree, directory, child, entry, FRESH);
    if (entry instanceof Inode && holdsOwn(entry)) continue;
    if (entry instanceof Inode) lose(tree, directory, child, entry);
    else directory.names.delete(child);
  }
  markName(parent, name, how);
  return directory;
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
  const owner = tree.owner(attributes.uid, attributes.gid);
  if (inode.mode !== attributes.mode || inode.owner !== owner) noteMove(tree, inode);
  inode.ino = attributes.ino;
  inode.mode = attributes.mode;
  inode.nlink = inode instanceof Directory && inode.sources.length > 1 ? UNCOUNTED : attributes.nlink;
  inode.owner = owner;
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
  if (attributes.nlink > 1 && !isDirectory(inode)) tree.linked.set(inode.number, inode);
}

/** Takes over new attributes of a clean file; cached content is dropped where it has changed. */
export function update(tree: Tree, inode: Inode, attributes: Attributes): void {
  const isChanged =
    inode.size !== attributes.size ||
    inode.mtimeSec !== attributes.mtimeSec ||
    inode.mtimeNsec !== attributes.mtimeNsec;
  if (isChanged) {
    if (inode instanceof File) dropContents(tree.memory, inode);
    else if (inode instanceof Symlink) inode.target = undefined;
  }
  applyAttributes(tree, inode, attributes);
}

/**
 * Takes over the attributes that show of a clean file: those of the source, except where others are kept (`kept.ts`).
 */
export function takeOver(tree: Tree, inode: Inode, { source, attributes }: Found, shown: Attributes): void {
  update(tree, inode, shown);
  if (shown === attributes) return;
  if (!(source instanceof UpperSource)) followNoMore(tree, inode);
  else if (inode instanceof File) extraOf(inode).fingerprint = printOf(attributes);
}

/** Takes a name away from a lower file that is gone or another now. An open file keeps its pages in memory. */
function detach(tree: Tree, directory: Directory, name: string, inode: Inode): void {
  forgetName(tree, inode, directory, name);
  if (inode.isOwned || inode.parent !== undefined) return;
  if (inode instanceof File && inode.opens === 0) dropContents(tree.memory, inode);
  inode.nlink = 0;
  leaveBelow(tree, inode);
  if (inode instanceof Directory) leaveNames(tree, inode);
  else endIfUnused(tree, inode);
}

/** Takes the names in a directory that is gone away from files that have other names. */
function leaveNames(tree: Tree, gone: Directory): void {
  const directories = [gone];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const [name, entry] of directory.names) {
      if (entry instanceof Directory) directories.push(entry);
      else if (entry instanceof Inode && entry.extra !== undefined && entry.extra.links.length > 0) {
        forgetName(tree, entry, directory, name);
        // For its own files the lower tells how many names are left.
        if (entry.isOwned) entry.nlink--;
      }
    }
  }
}
