/**
 * From a path to an inode, name by name as the kernel does (POSIX pathname resolution): `..` is physical, a trailing
 * slash requires a directory, links are followed hop by hop inside the overlay (L11), and every directory requires
 * search permission (N5).
 *
 * Absence and refusal are returned as `Errno` values, since many callers expect them; only what a branch throws is
 * thrown.
 */

import { lengthOf } from '../branch/bytes.ts';
import { EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, ENXIO, Errno, isErrno } from '../errno.ts';
import type { Io } from '../fault.ts';
import { type Caller, may, X_OK } from './caller.ts';
import { type Directory, type Inode, isDirectory, isLost, isSymlink, type Symlink } from './inode.ts';
import { lookup, lookupWay } from './lookup.ts';
import { isVolatile, mayBeCovered } from './revalidate.ts';
import { loadRoot, revalidateRoot } from './sources/root.ts';
import { pathIn } from './sources/source.ts';
import type { Tree } from './tree.ts';

const SLASH = 47;
const DOT = 46;
/** As many links as Linux follows. */
const HOPS = 40;
/** The most bytes in a path on Linux, the final NUL included. */
const PATH_MAX = 4096;

/** Whether a link in the last place is followed. */
export const FOLLOW = 'follow';
export const NOFOLLOW = 'nofollow';
export type Following = typeof FOLLOW | typeof NOFOLLOW;
/**
 * The last link is followed, and the path is only the way to something else, whose lookup shows whether the directory
 * is still there.
 */
const ON_THE_WAY = 'on the way';

/** ENOENT in a directory that the lower turned out not to have any more: the path must be walked again. */
const LOST = new Errno(ENOENT.code, ENOENT.errno);
/** How often a path is walked, where the lower changes all the time. */
export const ATTEMPTS = 8;

/**
 * Looks again at a directory, and answers whether it is lost or merges other directories now. The absence of a name in
 * it does not show that.
 */
export function isOtherNow(io: Io, tree: Tree, directory: Directory): boolean {
  const { sources } = directory;
  return isLost(directory) || !isStillThere(io, tree, directory) || directory.sources !== sources;
}

/** Whether the name of a directory, which was used as remembered, still leads to it. */
function isStillThere(io: Io, tree: Tree, directory: Directory): boolean {
  if (directory === tree.root) {
    revalidateRoot(io, tree);
    return true;
  }
  const { parent, name } = directory;
  if (parent === undefined) return false;
  // No lower can have changed it.
  if (!isVolatile(directory) && !mayBeCovered(parent, directory)) return true;
  return lookup(io, tree, parent, name) === directory;
}

/** Whether a path is longer than any that Linux takes. */
export function isPathTooLong(path: string): boolean {
  return path.length >= PATH_MAX / 3 && lengthOf(path) >= PATH_MAX;
}

/** The inode at an absolute path. */
export function walk(io: Io, caller: Caller, path: string, following: Following): Inode | Errno {
  if (path === '') return ENOENT;
  if (isPathTooLong(path)) return ENAMETOOLONG;
  const { tree } = caller;
  if (!tree.isRootLoaded) loadRoot(io, tree);
  for (let attempt = 1; ; attempt++) {
    const end = path.lastIndexOf('/');
    const known = caller.ways.find(path, end, tree.moves);
    const found =
      known === undefined
        ? walkFrom(io, caller, tree.root, path, 0, following, 0)
        : walkFrom(io, caller, known, path, end, following, 0);
    if (found !== LOST || attempt === ATTEMPTS) return found;
  }
}

/** The inode to which the part of `way` from `begin` on leads from the directory `start`. */
function walkFrom(
  io: Io,
  caller: Caller,
  start: Directory,
  way: string,
  begin: number,
  following: Following | typeof ON_THE_WAY,
  followed: number,
): Inode | Errno {
  const { tree } = caller;
  let directory = start;
  let path = way;
  let hops = followed;
  let inode: Inode = start;
  let at = begin;
  /** Whether the way so far goes from the root down, name by name. */
  let isStraight = begin === 0 && followed === 0 && start === tree.root;
  /** Whether `inode` was looked up as the last name of a path. */
  let isLookedUp = false;
  for (;;) {
    while (path.charCodeAt(at) === SLASH) at++;
    if (at >= path.length) break;
    let end = path.indexOf('/', at);
    if (end < 0) end = path.length;
    if (!isDirectory(inode)) return ENOTDIR;
    directory = inode;
    if (caller.uid !== 0 && !may(caller, directory, X_OK)) return EACCES;
    if (path.charCodeAt(at) === DOT) {
      const dots = dotsAt(path, at, end);
      if (dots !== 0) {
        if (dots === 2) {
          if (!isStillThere(io, tree, directory)) return LOST;
          inode = directory.parent ?? directory;
          isStraight = false;
        }
        at = end;
        continue;
      }
    }
    const name = path.slice(at, end);
    const isLast = end === path.length;
    if (isLast && isStraight) caller.ways.keep(path.slice(0, at - 1), directory, tree.moves);
    const found = isLast ? lookup(io, tree, directory, name) : lookupWay(io, tree, directory, name);
    if (found === undefined) return isLost(directory) ? LOST : ENOENT;
    inode = found;
    isLookedUp = isLast;
    at = end;
    if (isSymlink(found) && (!isLast || following !== NOFOLLOW)) {
      if (++hops > HOPS) return ELOOP;
      isStraight = false;
      const target = readTarget(io, found);
      if (target === '') return ENOENT;
      path = at < path.length ? target + path.slice(at) : target;
      isLookedUp = false;
      inode = path.charCodeAt(0) === SLASH ? tree.root : directory;
      at = 0;
    }
  }
  if (path.charCodeAt(path.length - 1) === SLASH) {
    if (!isDirectory(inode)) return ENOTDIR;
    if (isStraight) caller.ways.keep(path.slice(0, -1), inode, tree.moves);
  }
  // `/d/`, `/d/.`, `/d/..`: no last name was looked up in the lowers.
  if (!isLookedUp && following !== ON_THE_WAY && isDirectory(inode) && !isStillThere(io, tree, inode)) return LOST;
  return inode;
}

/** 1 for `.`, 2 for `..`, 0 for a name that only starts so. */
function dotsAt(path: string, at: number, end: number): number {
  if (end - at === 1) return 1;
  return end - at === 2 && path.charCodeAt(at + 1) === DOT ? 2 : 0;
}

/** Where a link points. */
export function readTarget(io: Io, link: Symlink): string {
  if (link.target !== undefined) return link.target;
  const { origin } = link;
  const target = origin === undefined ? undefined : io.readlink(origin.branch, pathIn(origin, link.originName));
  // The link has vanished from the lower since it was looked up.
  if (target === undefined) throw ENOENT;
  link.target = target;
  return target;
}

/** What the last name of a path is: an ordinary name, or something that cannot be made or removed. */
type LastName = 'name' | 'dot' | 'dotdot' | 'root';

/** The directory that a path leads to and the last name in it, which need not exist. */
export interface Place {
  readonly directory: Directory;
  readonly name: string;
  readonly last: LastName;
  /** A slash follows the name, so it must be a directory. */
  readonly slash: boolean;
  /** How many links were followed on the way. */
  readonly hops: number;
}

/** Where an absolute path leads, without a lookup of its last name. */
export function locate(io: Io, caller: Caller, path: string): Place | Errno {
  if (path === '') return ENOENT;
  if (isPathTooLong(path)) return ENAMETOOLONG;
  if (!caller.tree.isRootLoaded) loadRoot(io, caller.tree);
  for (let attempt = 1; ; attempt++) {
    const found = locateFrom(io, caller, caller.tree.root, path, 0);
    if (found !== LOST || attempt === ATTEMPTS) return found;
  }
}

/** Where a path leads that starts at `base` (a link's target), or at the root when absolute. */
function locateFrom(io: Io, caller: Caller, base: Directory, path: string, hops: number): Place | Errno {
  let end = path.length;
  while (end > 0 && path.charCodeAt(end - 1) === SLASH) end--;
  const slash = end < path.length;
  const start = path.charCodeAt(0) === SLASH ? caller.tree.root : base;
  if (end === 0) return { directory: start, name: '', last: 'root', slash, hops };
  const begin = path.lastIndexOf('/', end - 1) + 1;
  // With the trailing slash, so that what stands before it must be a directory and a link there is followed.
  const known = hops === 0 ? caller.ways.find(path, begin - 1, caller.tree.moves) : undefined;
  const directory =
    known ?? (begin === 0 ? base : walkFrom(io, caller, start, path.slice(0, begin), 0, ON_THE_WAY, hops));
  if (isErrno(directory)) return directory;
  if (!isDirectory(directory)) return ENOTDIR;
  if (caller.uid !== 0 && !may(caller, directory, X_OK)) return EACCES;
  const name = path.slice(begin, end);
  const last = name === '.' ? 'dot' : name === '..' ? 'dotdot' : 'name';
  return { directory, name, last, slash, hops };
}

/**
 * Why a last name is looked up. A name that is to be made is absent, which does not show that its directory is still
 * there.
 */
export const TO_FIND = 'to find';
export const TO_MAKE = 'to make';
type Purpose = typeof TO_FIND | typeof TO_MAKE;

/** A place, and what its name stands for there; undefined for nothing. */
export interface Found {
  readonly place: Place;
  readonly inode: Inode | undefined;
}

/**
 * Looks up the last name of a path that was located. Where the directory is another now, the path is walked again,
 * since it may lead elsewhere.
 */
export function lookupAt(io: Io, caller: Caller, path: string, located: Place, purpose: Purpose): Found {
  const { tree } = caller;
  let place = located;
  for (let attempt = 1; ; attempt++) {
    const inode = lookup(io, tree, place.directory, place.name);
    if (inode !== undefined || attempt === ATTEMPTS) return { place, inode };
    const isOther = purpose === TO_MAKE ? isOtherNow(io, tree, place.directory) : isLost(place.directory);
    if (!isOther) return { place, inode };
    const again = locate(io, caller, path);
    if (isErrno(again)) throw again;
    place = again;
  }
}

/** The absolute path of a directory in the merged tree, as `realpath` shows it. */
export function pathOf(root: Directory, directory: Directory): string {
  if (directory === root) return '/';
  let path = '';
  for (let at: Directory | undefined = directory; at !== undefined && at !== root; at = at.parent)
    path = `/${at.name}${path}`;
  return path;
}

/** Where a path ends once every link is followed: the place, and the inode there. */
export function resolve(io: Io, caller: Caller, path: string): { place: Place; inode: Inode } | Errno {
  let place = locate(io, caller, path);
  for (let attempt = 1; ; ) {
    if (isErrno(place)) return place;
    const { directory, name, last, slash } = place;
    if (last !== 'name') {
      const inode = walk(io, caller, path, FOLLOW);
      return isErrno(inode) ? inode : { place, inode };
    }
    const inode = lookup(io, caller.tree, directory, name);
    if (inode === undefined) {
      if (!isLost(directory) || attempt++ === ATTEMPTS) return ENOENT;
      place = locate(io, caller, path);
      continue;
    }
    if (!isSymlink(inode)) return slash && !isDirectory(inode) ? ENOTDIR : { place, inode };
    place = followLink(io, caller, place, inode);
  }
}

/** The target of a link in `/proc` to a descriptor without a name (proc(5)): `pipe:[77]`, `anon_inode:[eventpoll]`. */
const NAMELESS = /^[a-z_]+:\[\w+\]$/;

/** Whether a link may be one of `/proc`: it is on the disk, or in an overlay below, which may show the disk. */
function mayBeOfKernel({ origin }: Symlink): boolean {
  return origin !== undefined && (origin.branch.onDisk ?? origin.branch.loans) !== undefined;
}

/** Where a link that is the last name of a path leads. */
export function followLink(io: Io, caller: Caller, { directory, slash, hops }: Place, link: Symlink): Place | Errno {
  if (hops >= HOPS) return ELOOP;
  const target = readTarget(io, link);
  if (target === '') return ENOENT;
  // A file made by that name would be of no use: a program that writes to `/dev/stdout` wants the pipe.
  if (NAMELESS.test(target) && mayBeOfKernel(link)) return ENXIO;
  return locateFrom(io, caller, directory, slash ? `${target}/` : target, hops + 1);
}
