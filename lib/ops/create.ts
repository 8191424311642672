/**
 * Making something new: files, directories, links, anonymous files. All of them find the spot, check, and then make the
 * inode and its name.
 */

import { constants } from 'node:fs';
import { lengthOf } from '../branch/bytes.ts';
import { EACCES, EEXIST, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, type Errno, isErrno } from '../errno.ts';
import type { Io } from '../fault.ts';
import { type Caller, may, mayHandOn, S_ISGID, X_OK } from '../tree/caller.ts';
import { addName } from '../tree/changing/names.ts';
import { touchAll } from '../tree/changing/times.ts';
import {
  BORN,
  CHARGED,
  Directory,
  File,
  FRESH,
  type Inode,
  isDirectory,
  isSymlink,
  OWNED_ATTRIBUTES,
  OWNED_CONTENT,
  Symlink,
  UNCOUNTED,
} from '../tree/inode.ts';
import { isTooLong } from '../tree/load.ts';
import { lookup } from '../tree/lookup.ts';
import type { Tree } from '../tree/tree.ts';
import { FOLLOW, type Following, isPathTooLong, pathOf, walk } from '../tree/walk.ts';
import { freeSpot, mayCharge, mayWriteNames, mustHaveRoom, type Spot, spotFor } from './spot.ts';

const { S_IFDIR, S_IFLNK, S_IFREG, S_IXGRP } = constants;

/**
 * The owner of what the caller makes in a directory; a set-group-ID directory passes its group on (Linux
 * `inode_init_owner`).
 */
function ownerIn(caller: Caller, directory: Directory) {
  const gid = directory.mode & S_ISGID ? directory.owner.gid : caller.gid;
  return caller.tree.owner(caller.uid, gid);
}

/** Starts the life of an inode made here. Requires: the quota has an inode. */
function begin<T extends Inode>(tree: Tree, inode: T): T {
  tree.undo?.keepBorn(inode);
  tree.memory.quota.chargeInode();
  inode.state = BORN | CHARGED | OWNED_ATTRIBUTES | OWNED_CONTENT;
  touchAll(tree, inode);
  return inode;
}

/** Makes an empty file without a name. Requires: the quota has an inode. */
export function makeFile(caller: Caller, directory: Directory, mode: number): File {
  const { tree } = caller;
  const owner = ownerIn(caller, directory);
  const bits = mode & ~caller.umask() & 0o7777;
  // Only a member of the group may make a set-group-ID program (Linux `vfs_prepare_mode`, which looks at the mode
  // before the umask).
  const lost = (mode & S_IXGRP) !== 0 && !mayHandOn(caller, owner.gid) ? S_ISGID : 0;
  return begin(tree, new File(tree.numbers.born(), S_IFREG | (bits & ~lost), owner));
}

/** Makes an empty file in its place. Requires: the quota has an inode. */
export function createFile(caller: Caller, spot: Spot, mode: number): File {
  caller.tree.undo?.keepName(spot.directory, spot.name);
  const file = makeFile(caller, spot.directory, mode);
  addName(caller.tree, spot.directory, spot.name, file, spot.cover);
  return file;
}

/** Makes an empty directory in its place. Opaque: what a whiteout hid does not come back (L5). */
function createDirectory(caller: Caller, spot: Spot, mode: number): Directory {
  const { tree } = caller;
  const { directory: parent } = spot;
  tree.undo?.keepName(parent, spot.name);
  const bits = (mode & ~caller.umask() & 0o1777) | (parent.mode & S_ISGID);
  const directory = begin(tree, new Directory(tree.numbers.born(), S_IFDIR | bits, ownerIn(caller, parent)));
  directory.nlink = 2;
  directory.complete = true;
  countSubdirectory(parent, 1);
  addName(tree, parent, spot.name, directory, spot.cover);
  return directory;
}

/** A directory's `nlink` counts the `..` of its subdirectories, unless it is UNCOUNTED. */
export function countSubdirectory(parent: Directory, change: 1 | -1): void {
  if (parent.nlink !== UNCOUNTED) parent.nlink += change;
}

/** Makes a directory. */
export function mkdir(io: Io, caller: Caller, path: string, mode: number): void {
  const spot = spotFor(io, caller, path, 'slash allowed');
  mayCharge(io, caller.tree);
  // From here on nothing stops or fails.
  createDirectory(caller, spot, mode);
}

/** The rights that the maker of a directory needs to make anything in it. */
const WRITE_AND_SEARCH = 0o300;

/** A directory that is to be made. */
interface Missing {
  readonly name: string;
  /** Where the part of the path that names it ends. */
  readonly end: number;
  readonly parent: Directory | Missing;
  /** Its place in a directory that exists; undefined when its parent must be made too. */
  readonly spot: Spot | undefined;
}

/**
 * Gives the error to throw where a link on the way leads nowhere, from the error of the link and the end of the part of
 * the path that names it.
 */
export type Dangling = (error: Errno, end: number) => Errno;

/**
 * Makes a directory and those missing on the way. Node tries the directory, then its missing parent, and so on (node
 * src/node_file.cc, MKDirp); here everything missing is found and checked first, and then made at once.
 *
 * @returns the part of the path that leads to the first directory made; undefined when there was nothing to make
 */
export function mkdirs(io: Io, caller: Caller, path: string, mode: number, dangling: Dangling): string | undefined {
  const whole = walk(io, caller, path, FOLLOW);
  if (!isErrno(whole)) {
    if (isDirectory(whole)) return undefined;
    throw EEXIST;
  }
  if (whole !== ENOENT || path === '' || isPathTooLong(path)) throw whole;
  const planned = planMissing(io, caller, path, mode, dangling);
  const first = planned[0];
  if (first === undefined) return undefined;
  const { quota } = caller.tree.memory;
  mustHaveRoom(io, caller.tree, () => quota.inodes + planned.length <= quota.inodeLimit);
  // From here on nothing stops or fails.
  const made = new Map<Directory | Missing, Directory>();
  for (const each of planned) {
    const spot = each.spot ?? { directory: made.get(each.parent) as Directory, name: each.name, cover: FRESH };
    made.set(each, createDirectory(caller, spot, mode));
  }
  return path.slice(0, first.end);
}

/** Where the last name of the part of a path that ends at `end` begins. */
function beginOfLast(path: string, end: number): number {
  let last = end;
  while (last > 1 && path.charCodeAt(last - 1) === 47) last--;
  return path.lastIndexOf('/', last - 1) + 1;
}

/** What is to be made, parents first. */
function planMissing(io: Io, caller: Caller, path: string, mode: number, dangling: Dangling): Missing[] {
  // The parts still to walk, the last one first, and what the part of the path before them leads to.
  const parts: Part[] = [];
  let base: ReturnType<typeof walk>;
  for (let end = path.length; ; end = path.lastIndexOf('/', end - 1)) {
    const begin = beginOfLast(path, end);
    if (begin === parts.at(-1)?.begin) continue;
    const name = path.slice(begin, end).replace(/\/+$/, '');
    parts.push({ begin, end, name, isLast: end === path.length, mode, dangling });
    base = walk(io, caller, path.slice(0, begin), FOLLOW);
    if (base !== ENOENT) break;
  }
  if (isErrno(base)) throw base;
  if (!isDirectory(base)) throw ENOTDIR;
  const planned: Missing[] = [];
  let at: Directory | Missing = base;
  for (const part of parts.reverse()) at = step(io, caller, planned, at, part);
  return planned;
}

/**
 * One part of the path: where it is, its name, whether it is the last, the mode for what is made, and the error for a
 * link that leads nowhere.
 */
interface Part {
  readonly begin: number;
  readonly name: string;
  readonly end: number;
  readonly isLast: boolean;
  readonly mode: number;
  readonly dangling: Dangling;
}

/** Where a part leads from a directory; what is missing is added to the plan. */
function step(
  io: Io,
  caller: Caller,
  planned: Missing[],
  at: Directory | Missing,
  { name, end, isLast, mode, dangling }: Part,
): Directory | Missing {
  if (name === '.') return at;
  if (name === '..') return at.parent ?? at;
  if (isTooLong(name)) throw ENAMETOOLONG;
  const again = planned.find((other) => other.name === name && other.parent === at);
  if (again !== undefined) return again;
  let spot: Spot | undefined;
  if (at instanceof Directory) {
    const found = existing(io, caller, at, name);
    if (found instanceof Directory) return found;
    if (isErrno(found)) throw isLast ? found : dangling(found, end);
    if (found !== undefined) throw isLast ? EEXIST : ENOTDIR;
    spot = freeSpot(io, caller, at, name);
  } else if (caller.uid !== 0 && (mode & ~caller.umask() & WRITE_AND_SEARCH) !== WRITE_AND_SEARCH) {
    throw EACCES;
  }
  const missing = { name, end, parent: at, spot };
  planned.push(missing);
  return missing;
}

/** What a name leads to, links followed; for a link that leads nowhere the error, which Node gets from a `stat`. */
function existing(io: Io, caller: Caller, directory: Directory, name: string): Inode | Errno | undefined {
  const { tree } = caller;
  if (caller.uid !== 0 && !may(caller, directory, X_OK)) throw EACCES;
  const found = lookup(io, tree, directory, name);
  if (found === undefined || !isSymlink(found)) return found;
  return walk(io, caller, `${pathOf(tree.root, directory)}/${name}`, FOLLOW);
}

/** Makes a symbolic link. */
export function symlink(io: Io, caller: Caller, target: string, path: string): void {
  const { tree } = caller;
  if (target === '') throw ENOENT;
  if (isPathTooLong(target)) throw ENAMETOOLONG;
  const spot = spotFor(io, caller, path, 'no slash');
  // The filesystem does not support symbolic links (Linux vfs_symlink).
  if (!tree.can.symlink) throw EPERM;
  mayCharge(io, tree);
  // From here on nothing stops or fails.
  tree.undo?.keepName(spot.directory, spot.name);
  const link = begin(tree, new Symlink(tree.numbers.born(), S_IFLNK | 0o777, ownerIn(caller, spot.directory)));
  link.target = target;
  link.size = lengthOf(target);
  addName(tree, spot.directory, spot.name, link, spot.cover);
}

/** The directory in which an anonymous file may be made. */
export function directoryForTmpfile(io: Io, caller: Caller, path: string, following: Following): Directory {
  const directory = walk(io, caller, path, following);
  if (isErrno(directory)) throw directory;
  if (!isDirectory(directory)) throw ENOTDIR;
  mayWriteNames(io, caller, directory);
  mayCharge(io, caller.tree);
  return directory;
}
