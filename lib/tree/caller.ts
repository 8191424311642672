/**
 * The credentials with which an operation runs, and the checks that the kernel makes (POSIX file access permissions,
 * Linux `generic_permission`, sticky directories).
 *
 * A caller also remembers short cuts: directories by path, so that a walk need not begin at the root each time.
 *
 *     /srv/project/lib/tree/caller.ts
 *     └───── known ───────┘ └───────┘ looked up
 *
 * A short cut is valid until any directory on a short cut (ON_WAY) loses its name or changes its rights, which the tree
 * counts (`Tree.moves`). Paths with a link or `..` in them are not kept, so a short cut depends only on the directories
 * above its end.
 */

import { constants } from 'node:fs';
import type { Author } from '../branch/upper/acting.ts';
import { lasting } from './changing/names.ts';
import type { Directory, Inode } from './inode.ts';
import { isDirectory, ON_WAY } from './inode.ts';
import type { Tree } from './tree.ts';

/** What a caller may want to do: read, write, execute (search, for a directory). */
export const { R_OK, W_OK, X_OK } = constants;

/** What `createOverlay({ credentials })` takes. */
export interface Credentials {
  /** The user; 0 is root, who may do everything. */
  readonly uid: number;
  /** The user's group. */
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups?: readonly number[];
}

/** How many short cuts are kept: a power of two. */
const SLOTS = 128;

/** A short cut. */
interface Way {
  readonly path: string;
  readonly directory: Directory;
  /** `Tree.moves` when it was walked. */
  readonly moves: number;
}

/** The short cuts of one caller; its rights were checked when they were walked. */
class Ways {
  /** By `slotOf`; a newer short cut replaces an older one. Changed by `keep`. */
  readonly #slots: (Way | undefined)[] = new Array(SLOTS).fill(undefined);

  /**
   * The directory to which the first `end` characters of a path lead, if there is a short cut; `moves` is `Tree.moves`
   * now.
   */
  find(path: string, end: number, moves: number): Directory | undefined {
    const way = this.#slots[slotOf(path, end)];
    if (way === undefined || way.moves !== moves || way.path.length !== end) return undefined;
    return path.slice(0, end) === way.path ? way.directory : undefined;
  }

  /** Remembers where an absolute path leads. Requires: it was walked from the root down, name by name. */
  keep(path: string, directory: Directory, moves: number): void {
    if (path === '') return;
    for (let at: Directory | undefined = directory; at !== undefined; at = at.parent === at ? undefined : at.parent) {
      at.state |= ON_WAY;
    }
    this.#slots[slotOf(path, path.length)] = { path: lasting(path), directory, moves };
  }
}

/** A hash of the length and a few characters of a path. */
function slotOf(path: string, end: number): number {
  const last = path.charCodeAt(end - 1);
  const before = path.charCodeAt(end - 2);
  const middle = path.charCodeAt(end >> 1);
  return (last + before * 5 + middle * 17 + end * 31) & (SLOTS - 1);
}

/** The user on whose behalf operations run. Immutable except for the umask. */
export class Caller {
  readonly tree: Tree;
  readonly uid: number;
  readonly gid: number;
  readonly groups: ReadonlySet<number>;
  /** The permission bits that new files do not get. Asked at each creation, since the process may change its umask. */
  readonly umask: () => number;
  /** The author of what it writes; undefined where the upper cannot tell its writers apart. */
  readonly author: Author | undefined;
  /** Short cuts to where it has been lately. */
  readonly ways = new Ways();

  constructor(tree: Tree, credentials: Credentials, umask: () => number, author?: Author) {
    this.tree = tree;
    this.uid = credentials.uid;
    this.gid = credentials.gid;
    this.groups = new Set(credentials.groups);
    this.umask = umask;
    this.author = author;
  }

  isMember(gid: number): boolean {
    return gid === this.gid || this.groups.has(gid);
  }

  /** Whether the caller may do what an owner may (chmod, utimes): it owns the file or is root. */
  actsAsOwner(inode: Inode): boolean {
    return this.uid === 0 || this.uid === inode.owner.uid;
  }
}

/**
 * Whether the permission bits grant `wanted` (R_OK | W_OK | X_OK) to the caller. Root may do everything, but executes
 * only what somebody may execute.
 */
export function may(caller: Caller, inode: Inode, wanted: number): boolean {
  const { mode } = inode;
  if (caller.uid === 0) return (wanted & X_OK) === 0 || isDirectory(inode) || (mode & 0o111) !== 0;
  const { uid, gid } = inode.owner;
  const shift = caller.uid === uid ? 6 : caller.isMember(gid) ? 3 : 0;
  return ((mode >> shift) & wanted) === wanted;
}

/**
 * Whether the sticky bit of `directory` keeps the caller from removing or renaming `inode` in it (POSIX unlink,
 * EPERM/EACCES).
 */
export function isHeldBySticky(caller: Caller, directory: Directory, inode: Inode): boolean {
  if ((directory.mode & 0o1000) === 0 || caller.uid === 0) return false;
  return caller.uid !== inode.owner.uid && caller.uid !== directory.owner.uid;
}

const S_ISUID = 0o4000;
/** Node's constants lack the set-ID bits (POSIX `<sys/stat.h>`). */
export const S_ISGID = 0o2000;

/**
 * The set-ID bits that a file loses when its owner changes, or its content unless root changes it (Linux
 * `setattr_should_drop_suidgid`). A set-group-ID bit without group execute permission is kept for members of the group.
 */
export function setIdLost(caller: Caller, file: Inode): number {
  const keepsGroup = (file.mode & constants.S_IXGRP) === 0 && mayHandOn(caller, file.owner.gid);
  return file.mode & (keepsGroup ? S_ISUID : S_ISUID | S_ISGID);
}

/** Removes the set-ID bits of a file whose content changes (Linux `file_remove_privs`). */
export function dropSetId(caller: Caller, file: Inode): void {
  if (caller.uid !== 0) file.mode &= ~setIdLost(caller, file);
}

/** Whether the caller may set the set-group-ID bit for a group (Linux `in_group_or_capable`). */
export function mayHandOn(caller: Caller, gid: number): boolean {
  return caller.uid === 0 || caller.isMember(gid);
}
