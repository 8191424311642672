/**
 * Whose rights an operation is done with, and the checks that the kernel makes of them (POSIX file access permissions,
 * Linux `generic_permission`, sticky directories).
 */

import { constants } from 'node:fs';
import type { Directory, Inode } from './inode.ts';
import { isDirectory } from './inode.ts';
import type { Tree } from './tree.ts';

export const { R_OK, W_OK, X_OK } = constants;

/** What `createOverlay({ credentials })` takes. */
export interface Credentials {
  /** The user; 0 is root, who may everything. */
  readonly uid: number;
  /** The user's group. */
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups?: readonly number[];
}

/** Somebody who calls operations on a tree. Immutable but for the umask. */
export class Caller {
  readonly tree: Tree;
  readonly uid: number;
  readonly gid: number;
  readonly groups: ReadonlySet<number>;
  /** Permission bits that new files do not get. Asked at each creation, since the process's may change. */
  readonly umask: () => number;

  constructor(tree: Tree, credentials: Credentials, umask: () => number) {
    this.tree = tree;
    this.uid = credentials.uid;
    this.gid = credentials.gid;
    this.groups = new Set(credentials.groups);
    this.umask = umask;
  }

  isMember(gid: number): boolean {
    return gid === this.gid || this.groups.has(gid);
  }

  /** Whether the caller may do as an owner does (chmod, utimes): it owns the file or is root. */
  actsAsOwner(inode: Inode): boolean {
    return this.uid === 0 || this.uid === inode.owner.uid;
  }
}

/**
 * Whether the permission bits allow `wanted` (R_OK | W_OK | X_OK) to the caller. Root may everything, but executes only what
 * somebody may execute.
 */
export function may(caller: Caller, inode: Inode, wanted: number): boolean {
  const { mode } = inode;
  if (caller.uid === 0) return (wanted & X_OK) === 0 || isDirectory(inode) || (mode & 0o111) !== 0;
  const { uid, gid } = inode.owner;
  const shift = caller.uid === uid ? 6 : caller.isMember(gid) ? 3 : 0;
  return ((mode >> shift) & wanted) === wanted;
}

/** Whether the sticky bit of `directory` keeps the caller from removing or renaming `inode` in it (POSIX unlink, EPERM/EACCES). */
export function isHeldBySticky(caller: Caller, directory: Directory, inode: Inode): boolean {
  if ((directory.mode & 0o1000) === 0 || caller.uid === 0) return false;
  return caller.uid !== inode.owner.uid && caller.uid !== directory.owner.uid;
}
