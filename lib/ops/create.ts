/**
 * Making something new: files, directories, links, anonymous files. One skeleton: find the spot, check, then make the inode and
 * its name.
 */

import { constants } from 'node:fs';
import { EEXIST, ENAMETOOLONG, ENOENT, ENOSPC, ENOTDIR, isErrno } from '../errno.ts';
import type { Io } from '../fault.ts';
import type { Caller } from '../tree/caller.ts';
import {
  BORN,
  CHARGED,
  Directory,
  File,
  FRESH,
  type Inode,
  isDirectory,
  OWNED_ATTRIBUTES,
  OWNED_CONTENT,
  Symlink,
} from '../tree/inode.ts';
import { isTooLong } from '../tree/load.ts';
import { addName, type Cover } from '../tree/names.ts';
import { type Tree, touchAll } from '../tree/tree.ts';
import { FOLLOW, isPathTooLong, walk } from '../tree/walk.ts';
import { freeSpot, mayCharge, mayWriteNames, type Spot, spotFor } from './spot.ts';

const { S_IFDIR, S_IFLNK, S_IFREG } = constants;
const S_ISGID = 0o2000;

/** The owner of what the caller makes in a directory: a set-group-ID directory hands its group on (Linux `inode_init_owner`). */
function ownerIn(caller: Caller, directory: Directory) {
  const gid = directory.mode & S_ISGID ? directory.owner.gid : caller.gid;
  return caller.tree.owner(caller.uid, gid);
}

/** Starts the life of an inode made here. Requires: the quota has an inode. */
function begin<T extends Inode>(tree: Tree, inode: T): T {
  tree.memory.quota.chargeInode();
  inode.state = BORN | CHARGED | OWNED_ATTRIBUTES | OWNED_CONTENT;
  touchAll(tree, inode);
  return inode;
}

/** Makes an empty file without a name. Requires: the quota has an inode. */
export function makeFile(caller: Caller, directory: Directory, mode: number): File {
  const { tree } = caller;
  const bits = mode & ~caller.umask() & 0o7777;
  return begin(tree, new File(tree.numbers.born(), S_IFREG | bits, ownerIn(caller, directory)));
}

/** Makes an empty file in its place. Requires: the quota has an inode. */
export function createFile(caller: Caller, spot: Spot, mode: number): File {
  const file = makeFile(caller, spot.directory, mode);
  addName(caller.tree, spot.directory, spot.name, file, spot.cover);
  return file;
}

/** Makes an empty directory in its place. Opaque: what a whiteout hid does not come back (L5). */
function createDirectory(caller: Caller, spot: Spot, mode: number): Directory {
  const { tree } = caller;
  const { directory: parent } = spot;
  const bits = (mode & ~caller.umask() & 0o1777) | (parent.mode & S_ISGID);
  const directory = begin(tree, new Directory(tree.numbers.born(), S_IFDIR | bits, ownerIn(caller, parent)));
  directory.nlink = 2;
  directory.complete = true;
  countSubdirectory(parent, 1);
  addName(tree, parent, spot.name, directory, spot.cover);
  return directory;
}

/** A directory's `nlink` counts the `..` of its subdirectories, except where the filesystem below does not count (nlink 1). */
export function countSubdirectory(parent: Directory, change: 1 | -1): void {
  if (parent.nlink !== 1) parent.nlink += change;
}

/** Makes a directory. */
export function mkdir(io: Io, caller: Caller, path: string, mode: number): void {
  const spot = spotFor(io, caller, path, 'slash allowed');
  mayCharge(caller.tree);
  // From here on nothing stops or fails.
  createDirectory(caller, spot, mode);
}

/**
 * Makes a directory and those missing on the way.
 *
 * @returns the path of the first directory made; undefined when there was nothing to make
 */
export function mkdirs(io: Io, caller: Caller, path: string, mode: number): string | undefined {
  if (path === '') throw ENOENT;
  if (isPathTooLong(path)) throw ENAMETOOLONG;
  // The longest part of the path that exists, and the ends of the parts beyond it.
  const ends: number[] = [];
  let end = path.length;
  let base: Inode | undefined;
  while (base === undefined) {
    while (end > 1 && path.charCodeAt(end - 1) === 47) end--;
    const found = walk(io, caller, path.slice(0, end), FOLLOW);
    if (!isErrno(found)) base = found;
    else if (found !== ENOENT) throw found;
    else {
      ends.push(end);
      end = path.lastIndexOf('/', end - 1) + 1;
    }
  }
  if (!isDirectory(base)) throw ends.length === 0 ? EEXIST : ENOTDIR;
  const made = planDirectories(path, ends.reverse());
  const first = made[0];
  if (first === undefined) return undefined;
  const { quota } = caller.tree.memory;
  if (quota.inodes + made.length > quota.inodeLimit) throw ENOSPC;
  if (made.some(({ name }) => isTooLong(name))) throw ENAMETOOLONG;
  const spot = freeSpot(io, caller, base, first.name);
  // From here on nothing stops or fails.
  const directories: Directory[] = [];
  for (const { name, parent } of made) {
    const where =
      parent === undefined ? spot : { directory: directories[parent] as Directory, name, cover: FRESH as Cover };
    directories.push(createDirectory(caller, { ...where, name }, mode));
  }
  return path.slice(0, first.end);
}

/** A directory that `mkdirs` makes. */
interface Missing {
  readonly name: string;
  /** Where in the path its name ends. */
  readonly end: number;
  /** Which of the directories made is its parent; undefined for the one that existed. */
  readonly parent: number | undefined;
}

/** Which directories the missing part of a path stands for; `..` in it leads back to what was to be made before. */
function planDirectories(path: string, ends: readonly number[]): Missing[] {
  const made: Missing[] = [];
  let at: number | undefined;
  for (const end of ends) {
    const name = path.slice(path.lastIndexOf('/', end - 1) + 1, end);
    if (name === '.') continue;
    if (name === '..') {
      at = at === undefined ? undefined : made[at]?.parent;
      continue;
    }
    const again = made.findIndex((other) => other.name === name && other.parent === at);
    if (again >= 0) {
      at = again;
      continue;
    }
    made.push({ name, end, parent: at });
    at = made.length - 1;
  }
  return made;
}

/** Makes a symbolic link. */
export function symlink(io: Io, caller: Caller, target: string, path: string): void {
  const { tree } = caller;
  if (target === '') throw ENOENT;
  if (isPathTooLong(target)) throw ENAMETOOLONG;
  const spot = spotFor(io, caller, path, 'no slash');
  mayCharge(tree);
  // From here on nothing stops or fails.
  const link = begin(tree, new Symlink(tree.numbers.born(), S_IFLNK | 0o777, ownerIn(caller, spot.directory)));
  link.target = target;
  link.size = Buffer.byteLength(target);
  addName(tree, spot.directory, spot.name, link, spot.cover);
}

/** The directory in which an anonymous file may be made. */
export function directoryForTmpfile(io: Io, caller: Caller, path: string): Directory {
  const directory = walk(io, caller, path, FOLLOW);
  if (isErrno(directory)) throw directory;
  if (!isDirectory(directory)) throw ENOTDIR;
  mayWriteNames(io, caller, directory);
  mayCharge(caller.tree);
  return directory;
}
