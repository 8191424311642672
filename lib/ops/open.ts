/**
 * Opening and closing: from a path and flags to an open file description (POSIX open; Linux `do_last`, `may_open`).
 */

import { constants } from 'node:fs';
import type { Author } from '../branch/upper/acting.ts';
import {
  EACCES,
  EBADF,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  type ENOENT,
  ENOTDIR,
  ENXIO,
  type Errno,
  isErrno,
} from '../errno.ts';
import type { Io } from '../fault.ts';
import { truncateContents } from '../pages/contents.ts';
import { type Caller, dropSetId, may, R_OK, W_OK } from '../tree/caller.ts';
import { endIfUnused } from '../tree/changing/names.ts';
import { own, tellChange } from '../tree/changing/own.ts';
import { touchMtime } from '../tree/changing/times.ts';
import { File, type Inode, isDirectory, isSymlink, LINKABLE, OWNED_CONTENT, Special, THROUGH } from '../tree/inode.ts';
import { lookup } from '../tree/lookup.ts';
import { pathIn } from '../tree/sources/source.ts';
import { ATTEMPTS, FOLLOW, followLink, isOtherNow, locate, NOFOLLOW, type Place, walk } from '../tree/walk.ts';
import { hear, sampleFailures } from '../writeback/errors.ts';
import { createFile, directoryForTmpfile, makeFile } from './create.ts';
import { freeSpot, mayBeOwned, mayChangeTree, mayCharge, type Spot } from './spot.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, S_IFSOCK } = constants;
const O_ACCMODE = O_RDONLY | O_WRONLY | O_RDWR;
/** Linux's bit for anonymous files, which means nothing without O_DIRECTORY. */
const TMPFILE = 0o20000000;
/** Both together, which Node does not name. */
export const O_TMPFILE = TMPFILE | O_DIRECTORY;

/** An open file description: what a descriptor stands for. */
export interface OpenFile {
  readonly inode: Inode;
  readonly flags: number;
  readonly readable: boolean;
  readonly writable: boolean;
  /** Every write goes to the end. */
  readonly append: boolean;
  /**
   * Where the next read or write without a position begins, in bytes. Changed by `data/`; set back by `fs/` where the
   * bytes that were read cannot be delivered.
   */
  position: number;
  /**
   * Where a sequential read would begin, and how far ahead the last one fetched, in bytes. Changed by `data/read.ts`
   * and `fs/lending.ts`.
   */
  sequential: number;
  ahead: number;
  /** How many failures to write the file back this description has heard of. Changed by `sync.ts`. */
  heard: number;
  /** The branch's descriptor of a file that is used straight through; undefined for other files. */
  readonly through: number | undefined;
  /**
   * Set by `release`. A call that is under way checks it when it goes on, since the file may have ended with its last
   * descriptor.
   */
  isClosed: boolean;
  /**
   * The author of what is written: whoever opened it (Linux `f_cred`). Undefined where the upper cannot tell its
   * writers apart.
   */
  readonly author: Author | undefined;
}

/** What an `open` will do once nothing can stop or fail any more. */
export type Opening =
  | { readonly kind: 'existing'; readonly inode: Inode; readonly through: number | undefined }
  | { readonly kind: 'new'; readonly spot: Spot };

/**
 * All bits of the access mode at once: this takes the right to read and write, and allows neither (open(2), for
 * ioctls).
 */
const O_NEITHER = O_ACCMODE;

/** Whether flags open a file for reading. */
export function isReading(flags: number): boolean {
  const access = flags & O_ACCMODE;
  return access === O_RDONLY || access === O_RDWR;
}

/** Whether flags open a file for writing. */
export function isWriting(flags: number): boolean {
  const access = flags & O_ACCMODE;
  return access === O_WRONLY || access === O_RDWR;
}

/** Whether flags make an anonymous file in the directory that they open. */
export function isAnonymous(flags: number): boolean {
  return (flags & TMPFILE) !== 0;
}

/** The file of a description that is not closed. */
export function inodeOf(file: OpenFile): Inode {
  if (file.isClosed) throw EBADF;
  return file.inode;
}

/** Opens a file. */
export function open(io: Io, caller: Caller, path: string, flags: number, mode: number): OpenFile {
  if (isAnonymous(flags)) return openAnonymous(io, caller, path, flags, mode);
  return openPlanned(caller, planOpen(io, caller, path, flags), flags, mode);
}

/** Opens what was planned. */
export function openPlanned(caller: Caller, opening: Opening, flags: number, mode: number): OpenFile {
  const inode = carryOut(caller, opening, flags, mode);
  caller.tree.undo?.onRestore(() => void inode.opens--);
  return describe(caller, inode, flags, opening.kind === 'existing' ? opening.through : undefined);
}

function describe({ author }: Caller, inode: Inode, flags: number, through: number | undefined): OpenFile {
  inode.opens++;
  return {
    inode,
    flags,
    readable: isReading(flags),
    writable: isWriting(flags),
    append: (flags & O_APPEND) !== 0,
    position: 0,
    sequential: 0,
    ahead: 0,
    heard: sampleFailures(inode),
    through,
    isClosed: false,
    author,
  };
}

/** Ends an open file description without reporting a failed write-back; a later opener hears of that (W4). */
export function release({ tree }: Caller, file: OpenFile): void {
  const { inode, through } = file;
  file.isClosed = true;
  if (through !== undefined) inode.origin?.branch.closeThrough(through);
  inode.opens--;
  endIfUnused(tree, inode);
  if (inode.nlink === 0 && inode.opens === 0) tree.onChange?.({ kind: 'end', inode });
}

/**
 * Ends an open file description.
 *
 * @returns the failure to write the file back that a writer has not heard of; the description is ended all the same
 */
export function close(_io: Io, caller: Caller, file: OpenFile): Errno | undefined {
  const { inode } = file;
  release(caller, file);
  // A reader has lost nothing. A writer hears what it has not heard yet, as with NFS.
  return file.writable ? hear(inode, file.heard).errno : undefined;
}

/** An anonymous file: an inode without a name that ends with its last descriptor (T1, T2). */
function openAnonymous(io: Io, caller: Caller, path: string, flags: number, mode: number): OpenFile {
  // Linux fs/open.c, build_open_flags.
  if ((flags & (O_TMPFILE | O_CREAT)) !== O_TMPFILE || (flags & O_ACCMODE) === O_RDONLY) throw EINVAL;
  const directory = directoryForTmpfile(io, caller, path, (flags & O_NOFOLLOW) !== 0 ? NOFOLLOW : FOLLOW);
  // From here on nothing stops or fails.
  const file = makeFile(caller, directory, mode);
  file.nlink = 0;
  if ((flags & O_EXCL) === 0) file.state |= LINKABLE;
  return describe(caller, file, flags & ~(O_DIRECTORY | O_EXCL), undefined);
}

/** Finds what a path and flags open, and checks that it may be opened. */
export function planOpen(io: Io, caller: Caller, path: string, flags: number): Opening {
  if ((flags & O_CREAT) !== 0) return planCreating(io, caller, path, flags);
  const inode = walk(io, caller, path, (flags & O_NOFOLLOW) !== 0 ? NOFOLLOW : FOLLOW);
  if (isErrno(inode)) throw inode;
  return planExisting(io, caller, inode, flags);
}

/** The same with O_CREAT: neither the last name need exist, nor the target of a link there. */
function planCreating(io: Io, caller: Caller, path: string, flags: number): Opening {
  const { tree } = caller;
  if ((flags & O_DIRECTORY) !== 0) throw EINVAL;
  let at: Place | typeof ENOENT = locate(io, caller, path);
  for (let attempt = 1; ; ) {
    if (isErrno(at)) throw at;
    const { directory, name, last, slash } = at;
    if (last !== 'name') throw (flags & O_EXCL) !== 0 ? EEXIST : EISDIR;
    if (slash) throw EISDIR;
    const inode = lookup(io, tree, directory, name);
    if (inode === undefined && isOtherNow(io, tree, directory) && attempt++ < ATTEMPTS) {
      at = locate(io, caller, path);
      continue;
    }
    if (inode === undefined) {
      const spot = freeSpot(io, caller, directory, name);
      mayCharge(io, tree);
      return { kind: 'new', spot };
    }
    if ((flags & O_EXCL) !== 0) throw EEXIST;
    if (!isSymlink(inode) || (flags & O_NOFOLLOW) !== 0) return planExisting(io, caller, inode, flags);
    at = followLink(io, caller, at, inode);
  }
}

function planExisting(io: Io, caller: Caller, inode: Inode, flags: number): Opening {
  const { tree } = caller;
  const isNeither = (flags & O_ACCMODE) === O_NEITHER;
  const writing = isWriting(flags) || isNeither || (flags & O_TRUNC) !== 0;
  if ((flags & O_DIRECTORY) !== 0 && !isDirectory(inode)) throw ENOTDIR;
  if (isSymlink(inode)) throw ELOOP;
  if (isDirectory(inode) && (writing || (flags & O_CREAT) !== 0)) throw EISDIR;
  const wanted = (isReading(flags) || isNeither ? R_OK : 0) | (writing ? W_OK : 0);
  if (!may(caller, inode, wanted)) throw EACCES;
  const through = writing || inode instanceof Special ? openThrough(io, inode, flags) : undefined;
  if (through === undefined && writing) {
    mayChangeTree(io, tree);
    mayBeOwned(io, tree, inode);
  }
  return { kind: 'existing', inode, through };
}

/**
 * Filesystem types (`statfs`) whose files are switches rather than contents: proc, sysfs, cgroup, cgroup2, debugfs,
 * tracefs.
 */
const SWITCHES = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x64626720, 0x74726163]);

/**
 * Opens what must be used straight through its branch, special files and switches; undefined for other files. Requires:
 * the file is special, or opened for writing.
 */
function openThrough(io: Io, inode: Inode, flags: number): number | undefined {
  const { origin, originName } = inode;
  if (origin === undefined) return undefined;
  const path = pathIn(origin, originName);
  if (inode instanceof Special) {
    if (inode.type === S_IFSOCK) throw ENXIO;
  } else {
    if (!(inode instanceof File) || inode.isOwned) return undefined;
    // A file of size 0 may be one of /proc, whose sizes lie; only the filesystem type tells.
    if (inode.size > 0 && (inode.state & THROUGH) === 0) return undefined;
    const space = io.statfs(origin.branch, path);
    if (space === undefined || !SWITCHES.has(space.type)) return undefined;
  }
  return io.openThrough(origin.branch, path, flags & ~(O_CREAT | O_EXCL));
}

/** Makes or truncates what was planned; returns the inode. */
export function carryOut(caller: Caller, opening: Opening, flags: number, mode: number): Inode {
  if (opening.kind === 'new') return createFile(caller, opening.spot, mode);
  const { inode, through } = opening;
  if ((flags & O_TRUNC) !== 0 && through === undefined && inode instanceof File) {
    truncateNow(caller, inode, 0);
  }
  return inode;
}

/** Sets a file's size. Requires: `mayOwn`. */
export function truncateNow(caller: Caller, file: File, size: number): void {
  const { tree } = caller;
  own(tree, file, OWNED_CONTENT);
  if (size < file.size) tree.dirty?.truncated.add(file);
  truncateContents(tree.memory, file, size);
  dropSetId(caller, file);
  touchMtime(tree, file);
  tellChange(tree, file, 'change');
}
