/**
 * Whose rights an operation is done with, and the checks that the kernel makes of them (POSIX file access permissions,
 * Linux `generic_permission`, sticky directories).
 *
 * A caller also remembers short cuts: directories by the path that leads to them, so that a walk need not begin at the root each time.
 *
 *     /srv/project/lib/tree/caller.ts
 *     └───── known ───────┘ └───────┘ looked up as ever
 *
 * A short cut holds as long as no directory on one (ON_WAY) loses its name or changes its rights, which the tree counts (`Tree.moves`).
 * Paths with a link or `..` in them are not kept: so a short cut depends on the directories above its end alone.
 */

import { constants } from 'node:fs';
import type { Author } from '../branch/upper/acting.ts';
import { lasting } from './changing/names.ts';
import type { Directory, Inode } from './inode.ts';
import { isDirectory, ON_WAY } from './inode.ts';
import type { Tree } from './tree.ts';

/** What a caller may want to do: read, write, execute or search. */
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

/** How many short cuts are kept: a power of two. */
const SLOTS = 128;

/** A short cut. */
interface Way {
  readonly path: string;
  readonly directory: Directory;
  /** `Tree.moves` when it was walked. */
  readonly moves: number;
}

/** The short cuts of one caller, whose rights were checked when they were walked. */
class Ways {
  /** By `slotOf`; a newer one takes the place of an older one. Changed by `keep`. */
  readonly #slots: (Way | undefined)[] = new Array(SLOTS).fill(undefined);

  /** The directory to which the first `end` characters of a path lead, if that is known; `moves` is the tree's count now. */
  find(path: string, end: number, moves: number): Directory | undefined {
    const way = this.#slots[slotOf(path, end)];
    if (way === undefined || way.moves !== moves || way.path.length !== end) return undefined;
    return path.slice(0, end) === way.path ? way.directory : undefined;
  }

  /** Remembers where an absolute path leads, which was walked from the root down, name by name; the root is not worth it. */
  keep(path: string, directory: Directory, moves: number): void {
    if (path === '') return;
    for (let at: Directory | undefined = directory; at !== undefined; at = at.parent === at ? undefined : at.parent) {
      at.state |= ON_WAY;
    }
    this.#slots[slotOf(path, path.length)] = { path: lasting(path), directory, moves };
  }
}

/** Spreads paths by their length and a few characters. */
function slotOf(path: string, end: number): number {
  const last = path.charCodeAt(end - 1);
  const before = path.charCodeAt(end - 2);
  const middle = path.charCodeAt(end >> 1);
  return (last + before * 5 + middle * 17 + end * 31) & (SLOTS - 1);
}

/** Somebody who calls operations on a tree. Immutable but for the umask. */
export class Caller {
  readonly tree: Tree;
  readonly uid: number;
  readonly gid: number;
  readonly groups: ReadonlySet<number>;
  /** Permission bits that new files do not get. Asked at each creation, since the process's may change. */
  readonly umask: () => number;
  /** As whom it writes; undefined where the upper cannot tell its writers apart. */
  readonly author: Author | undefined;
  /** Where it has been lately. */
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

const S_ISUID = 0o4000;
/** Node's constants lack the set-ID bits (POSIX `<sys/stat.h>`). */
export const S_ISGID = 0o2000;

/**
 * The set-ID bits that a file loses by a change of its owner, and by one of its content unless root makes it (Linux
 * `setattr_should_drop_suidgid`). A set-group-ID bit without the right to execute means nothing to its own group.
 */
export function setIdLost(caller: Caller, file: Inode): number {
  const keepsGroup = (file.mode & constants.S_IXGRP) === 0 && mayHandOn(caller, file.owner.gid);
  return file.mode & (keepsGroup ? S_ISUID : S_ISUID | S_ISGID);
}

/** Takes the set-ID bits from a file whose content changes (Linux `file_remove_privs`). */
export function dropSetId(caller: Caller, file: Inode): void {
  if (caller.uid !== 0) file.mode &= ~setIdLost(caller, file);
}

/** Whether the caller may give a group's rights to those who execute a file (Linux `in_group_or_capable`). */
export function mayHandOn(caller: Caller, gid: number): boolean {
  return caller.uid === 0 || caller.isMember(gid);
}
