/**
 * Asking about files and changing their attributes: stat, access, chmod, chown, utimes, truncate, readlink, realpath,
 * statfs.
 */

import type { Space } from '../branch/branch.ts';
import { EACCES, EINVAL, EISDIR, EPERM, EROFS, type Errno, isErrno } from '../errno.ts';
import type { Io } from '../fault.ts';
import { isLibuvSince } from '../node/libuv.ts';
import { type Caller, may, mayHandOn, R_OK, S_ISGID, setIdLost, W_OK } from '../tree/caller.ts';
import { collect, mayHaveLostNames, settleLinks } from '../tree/changing/dropped.ts';
import { own, tellChange } from '../tree/changing/own.ts';
import { touchCtime } from '../tree/changing/times.ts';
import { File, type Inode, isDirectory, isSymlink, OWNED_ATTRIBUTES } from '../tree/inode.ts';
import { noteMove } from '../tree/tree.ts';
import { FOLLOW, type Following, NOFOLLOW, pathOf, readTarget, resolve, walk } from '../tree/walk.ts';
import { inodeOf, type OpenFile, truncateNow } from './open.ts';
import { mayBeOwned, mayChangeTree } from './spot.ts';

/** The file at a path, links followed. */
export function stat(io: Io, caller: Caller, path: string): Inode | Errno {
  const inode = walk(io, caller, path, FOLLOW);
  if (!isErrno(inode) && mayHaveLostNames(caller.tree, inode)) settleLinks(io, caller.tree);
  return inode;
}

/** The file at a path; a link there is not followed. */
export function lstat(io: Io, caller: Caller, path: string): Inode | Errno {
  const inode = walk(io, caller, path, NOFOLLOW);
  if (!isErrno(inode) && mayHaveLostNames(caller.tree, inode)) settleLinks(io, caller.tree);
  return inode;
}

/** The file of a descriptor. */
export function fstat(io: Io, { tree }: Caller, { inode }: OpenFile): Inode {
  if (mayHaveLostNames(tree, inode)) settleLinks(io, tree);
  return inode;
}

/** Whether there is a file at the path. */
export function exists(io: Io, caller: Caller, path: string): boolean {
  return !isErrno(walk(io, caller, path, FOLLOW));
}

/** Whether the caller may do what `mode` says (R_OK | W_OK | X_OK, or F_OK). */
export function access(io: Io, caller: Caller, path: string, mode: number): undefined | Errno {
  const inode = walk(io, caller, path, FOLLOW);
  if (isErrno(inode)) return inode;
  if ((mode & W_OK) !== 0 && caller.tree.isReadonly && (inode instanceof File || isDirectory(inode))) return EROFS;
  return may(caller, inode, mode) ? undefined : EACCES;
}

/** The file whose attributes will change. */
function inodeAt(io: Io, caller: Caller, path: string, following: Following): Inode {
  const inode = walk(io, caller, path, following);
  if (isErrno(inode)) throw inode;
  return inode;
}

function mayChange(io: Io, caller: Caller, inode: Inode): void {
  mayChangeTree(io, caller.tree);
  mayBeOwned(io, caller.tree, inode);
}

/** Sets the permission bits. */
export function chmod(io: Io, caller: Caller, path: string, mode: number): void {
  changeMode(io, caller, inodeAt(io, caller, path, FOLLOW), mode);
}

/** The same of a link itself, for systems whose links have permission bits that can be set (macOS). */
export function lchmod(io: Io, caller: Caller, path: string, mode: number): void {
  changeMode(io, caller, inodeAt(io, caller, path, NOFOLLOW), mode);
}

export function fchmod(io: Io, caller: Caller, file: OpenFile, mode: number): void {
  changeMode(io, caller, inodeOf(file), mode);
}

function changeMode(io: Io, caller: Caller, inode: Inode, mode: number): void {
  if (caller.tree.isReadonly) throw EROFS;
  if (!caller.actsAsOwner(inode)) throw EPERM;
  mayChange(io, caller, inode);
  // From here on nothing stops or fails.
  // A caller outside the file's group cannot set its set-group-ID bit (POSIX chmod).
  own(caller.tree, inode, OWNED_ATTRIBUTES);
  inode.mode = inode.type | (mode & (mayHandOn(caller, inode.owner.gid) ? 0o7777 : 0o7777 & ~S_ISGID));
  noteMove(caller.tree, inode);
  touchCtime(caller.tree, inode);
  tellChange(caller.tree, inode, 'attributes');
}

/** What leaves the user or group as it is. */
const SAME_ID = 2 ** 32 - 1;

/** Sets owner and group; -1 leaves either as it is. */
export function chown(io: Io, caller: Caller, path: string, uid: number, gid: number): void {
  changeOwner(io, caller, inodeAt(io, caller, path, FOLLOW), uid, gid);
}

export function lchown(io: Io, caller: Caller, path: string, uid: number, gid: number): void {
  changeOwner(io, caller, inodeAt(io, caller, path, NOFOLLOW), uid, gid);
}

export function fchown(io: Io, caller: Caller, file: OpenFile, uid: number, gid: number): void {
  changeOwner(io, caller, inodeOf(file), uid, gid);
}

function changeOwner(io: Io, caller: Caller, inode: Inode, uid: number, gid: number): void {
  const { tree } = caller;
  const keepUid = uid === -1 || uid === SAME_ID || uid === inode.owner.uid;
  const keepGid = gid === -1 || gid === SAME_ID || gid === inode.owner.gid;
  if (tree.isReadonly) throw EROFS;
  if (caller.uid !== 0) {
    // The owner may give the file to a group that it is in; only root may do anything else (Linux chown_ok, chgrp_ok).
    const own = caller.uid === inode.owner.uid;
    const uidAllowed = uid === -1 || uid === SAME_ID || (keepUid && own);
    const gidAllowed = gid === -1 || gid === SAME_ID || (own && (keepGid || caller.isMember(gid)));
    if (!uidAllowed || !gidAllowed) throw EPERM;
  }
  const lost = isDirectory(inode) ? 0 : setIdLost(caller, inode);
  // Clearing these bits is a chmod (Linux `setattr_prepare`).
  if (lost !== 0 && !caller.actsAsOwner(inode)) throw EPERM;
  mayChange(io, caller, inode);
  // From here on nothing stops or fails.
  own(tree, inode, OWNED_ATTRIBUTES);
  inode.owner = tree.owner(keepUid ? inode.owner.uid : uid, keepGid ? inode.owner.gid : gid);
  noteMove(tree, inode);
  inode.mode &= ~lost;
  touchCtime(tree, inode);
  tellChange(tree, inode, 'attributes');
}

/** Sets the times of access and modification, in seconds since 1970. */
export function utimes(io: Io, caller: Caller, path: string, atime: number, mtime: number): void {
  changeTimes(io, caller, inodeAt(io, caller, path, FOLLOW), atime, mtime);
}

export function lutimes(io: Io, caller: Caller, path: string, atime: number, mtime: number): void {
  changeTimes(io, caller, inodeAt(io, caller, path, NOFOLLOW), atime, mtime);
}

export function futimes(io: Io, caller: Caller, file: OpenFile, atime: number, mtime: number): void {
  changeTimes(io, caller, inodeOf(file), atime, mtime);
}

/** The resolution of times that are set, per second: libuv took microseconds before 1.52, nanoseconds since. */
const PARTS = isLibuvSince(52) ? 1e9 : 1e6;

/** Splits seconds as libuv's `uv__fs_to_timespec` does, with a fraction that is never negative. */
function split(time: number): { sec: number; nsec: number } {
  let sec = Math.trunc(time);
  let nsec = Math.trunc((time - sec) * PARTS) * (1e9 / PARTS);
  if (nsec < 0) {
    nsec += 1e9;
    sec -= 1;
  }
  return { sec, nsec };
}

/** No `time_t` holds this. */
const END_OF_TIME = 2 ** 63;

/** Sets the times; NaN leaves one as it is (libuv's UV_FS_UTIME_OMIT). */
function changeTimes(io: Io, caller: Caller, inode: Inode, atime: number, mtime: number): void {
  if (caller.tree.isReadonly) throw EROFS;
  if (!caller.actsAsOwner(inode)) throw EPERM;
  if (Math.abs(atime) >= END_OF_TIME || Math.abs(mtime) >= END_OF_TIME) throw EINVAL;
  mayChange(io, caller, inode);
  // From here on nothing stops or fails.
  own(caller.tree, inode, OWNED_ATTRIBUTES);
  if (!Number.isNaN(atime)) ({ sec: inode.atimeSec, nsec: inode.atimeNsec } = split(atime));
  if (!Number.isNaN(mtime)) ({ sec: inode.mtimeSec, nsec: inode.mtimeNsec } = split(mtime));
  touchCtime(caller.tree, inode);
  tellChange(caller.tree, inode, 'attributes');
}

/** Sets the size of the file at a path. Requires: a safe integer, not below 0. */
export function truncate(io: Io, caller: Caller, path: string, length: number): void {
  const inode = inodeAt(io, caller, path, FOLLOW);
  if (isDirectory(inode)) throw EISDIR;
  // Node opens it for reading and writing.
  if (!may(caller, inode, R_OK | W_OK)) throw EACCES;
  resize(io, caller, inode, length);
}

/** Sets the size of an open file. Requires: as `truncate`. */
export function ftruncate(io: Io, caller: Caller, file: OpenFile, length: number): void {
  const inode = inodeOf(file);
  if (!file.writable) throw EINVAL;
  resize(io, caller, inode, length);
}

function resize(io: Io, caller: Caller, inode: Inode, length: number): void {
  if (!(inode instanceof File)) throw EINVAL;
  mayChange(io, caller, inode);
  // From here on nothing stops or fails.
  truncateNow(caller, inode, length);
}

/** Where a symbolic link points, as it was written. */
export function readlink(io: Io, caller: Caller, path: string): string {
  const inode = inodeAt(io, caller, path, NOFOLLOW);
  if (!isSymlink(inode)) throw EINVAL;
  return readTarget(io, inode);
}

/** The path of the same file without links, dots and double slashes. */
export function realpath(io: Io, caller: Caller, path: string): string {
  const found = resolve(io, caller, path);
  if (isErrno(found)) throw found;
  const { root } = caller.tree;
  const { inode, place } = found;
  if (isDirectory(inode)) return pathOf(root, inode);
  const above = pathOf(root, place.directory);
  return above === '/' ? `/${place.name}` : `${above}/${place.name}`;
}

/** The filesystem type that `statfs` shows: that of Linux's overlayfs. */
const OVERLAYFS_SUPER_MAGIC = 0x794c7630;
/** The size that `statfs` shows where there is no limit. */
const UNLIMITED_BYTES = 2 ** 50;
const UNLIMITED_INODES = 2 ** 32;

/** The space of the overlay: its limits, or a very large number where it has none. */
export function statfs(io: Io, caller: Caller, path: string): Space {
  inodeAt(io, caller, path, FOLLOW);
  collect(io, caller.tree);
  const { quota, pageSize } = caller.tree.memory;
  const blocks = Math.floor(Math.min(quota.byteLimit, UNLIMITED_BYTES) / pageSize);
  const bfree = Math.max(0, blocks - Math.ceil(quota.bytes / pageSize));
  const files = Math.min(quota.inodeLimit, UNLIMITED_INODES);
  return {
    type: OVERLAYFS_SUPER_MAGIC,
    bsize: pageSize,
    blocks,
    bfree,
    bavail: bfree,
    files,
    ffree: Math.max(0, files - quota.inodes),
  };
}
