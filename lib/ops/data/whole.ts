/**
 * Whole files in one operation: what `readFile`, `writeFile`, `appendFile` and `copyFile` do in several system calls is
 * one step here, so no half-written file is ever seen (C8, C12).
 */

import { constants } from 'node:fs';
import { printOf } from '../../branch/dialect.ts';
import { EACCES, EBADF, EFBIG, EINVAL, EISDIR, EPERM, type Errno, isErrno } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import { isLibuvSince } from '../../node/libuv.ts';
import {
  affordable,
  chargedBytes,
  pageAt,
  pagesOf,
  reclaim,
  shareContents,
  truncateContents,
} from '../../pages/contents.ts';
import { type Caller, dropSetId, may, mayHandOn, R_OK, S_ISGID } from '../../tree/caller.ts';
import { own, tellChange } from '../../tree/changing/own.ts';
import { touchMtime } from '../../tree/changing/times.ts';
import {
  BORN,
  countNames,
  extraOf,
  File,
  type Inode,
  isDirectory,
  OWNED_ATTRIBUTES,
  OWNED_CONTENT,
  Special,
} from '../../tree/inode.ts';
import { borrow, returnLoan } from '../../tree/sources/borrow.ts';
import { FOLLOW, walk } from '../../tree/walk.ts';
import { placeOf } from '../../writeback/places.ts';
import {
  carryOut,
  isAnonymous,
  isReading,
  isWriting,
  type OpenFile,
  type Opening,
  open,
  openPlanned,
  planOpen,
} from '../open.ts';
import { mustHaveRoom } from '../spot.ts';
import { giveWay } from '../sync.ts';
import { mayLie, prepareRead, prepareWrite, probeSize } from './prepare.ts';
import { readAll, readPrepared } from './read.ts';
import { relieve, writeNow } from './write.ts';

const { O_CREAT, O_TRUNC, O_APPEND, O_RDONLY, O_WRONLY, O_EXCL, COPYFILE_EXCL } = constants;

/** The mode of a new file where none is given, before the umask. */
const NEW_FILE = 0o666;

/**
 * An open file that is used straight through its branch, or has no name. It must be read or written piece by piece,
 * with an operation for each, so that is left to the caller, who also closes it.
 */
export class Opened {
  readonly file: OpenFile;

  constructor(file: OpenFile) {
    this.file = file;
  }
}

/** The largest file that is read whole, as in Node. */
const LARGEST = 2 ** 31 - 1;

/** A file is too large to be read whole. This is Node's own error, thrown before anything is read. */
class FileTooLargeError extends RangeError {
  readonly code = 'ERR_FS_FILE_TOO_LARGE';

  constructor(size: number) {
    super(`File size (${size}) is greater than 2 GiB`);
  }
}

/** Throws a FileTooLargeError for a file that is too large to be read whole. */
export function checkSize({ size }: Inode): void {
  if (size > LARGEST) throw new FileTooLargeError(size);
}

/** The file at a path, if the caller may read it: a regular file needs no descriptor. */
function fileToRead(io: Io, caller: Caller, path: string): File | Special | Errno {
  const inode = walk(io, caller, path, FOLLOW);
  if (isErrno(inode)) return inode;
  if (!may(caller, inode, R_OK)) return EACCES;
  if (inode instanceof File || inode instanceof Special) return inode;
  return EISDIR;
}

/** The file to read, or why there is none. With O_RDONLY nothing is opened. */
function begin(io: Io, caller: Caller, path: string, flags: number): File | Opened | Errno {
  const found = flags === O_RDONLY ? fileToRead(io, caller, path) : undefined;
  const file = found === undefined || found instanceof Special ? openedToRead(io, caller, path, flags) : found;
  if (file instanceof File) checkSize(file);
  return file;
}

/** Reads a whole file. */
export function readFile(io: Io, caller: Caller, path: string, flags: number): Buffer | Opened | Errno {
  const file = begin(io, caller, path, flags);
  return file instanceof File ? readAll(io, caller.tree, file, 0) : file;
}

/** Reads a whole file as UTF-8 text, without a copy where its bytes lie in one piece. */
export function readText(io: Io, caller: Caller, path: string, flags: number): string | Opened | Errno {
  const file = begin(io, caller, path, flags);
  if (!(file instanceof File)) return file;
  const { tree } = caller;
  if (file.size > tree.memory.pageSize) return readAll(io, tree, file, 0).toString('utf8');
  prepareRead(io, tree, file, 0, file.size);
  const page = pageAt(file, 0);
  if (page !== undefined && page.length === file.size) {
    tree.memory.clean.touch(page);
    reclaim(tree.memory);
    return page.bytes.toString('utf8', page.start, page.start + page.length);
  }
  return readPrepared(io, tree, file, 0).toString('utf8');
}

/** Opens a file as `flags` say, which may make or empty it, even if it cannot be read then. */
function openedToRead(io: Io, caller: Caller, path: string, flags: number): File | Opened | Errno {
  if (isAnonymous(flags)) return new Opened(open(io, caller, path, flags, NEW_FILE));
  const opening = planOpen(io, caller, path, flags);
  if (opening.kind === 'existing') {
    if (isDirectory(opening.inode)) return EISDIR;
    if (opening.through !== undefined) return new Opened(openPlanned(caller, opening, flags, NEW_FILE));
    const { inode } = opening;
    if (inode instanceof File && (flags & O_TRUNC) === 0) {
      checkSize(inode);
      prepareRead(io, caller.tree, inode, 0, inode.size);
    }
  }
  // From here on nothing stops or fails.
  const inode = carryOut(caller, opening, flags, NEW_FILE);
  return isReading(flags) ? (inode as File) : EBADF;
}

/**
 * Makes, truncates or appends to a file as `flags` say, and writes `source`: all of it or, with ENOSPC, nothing. Flags
 * that do not allow writing open the file all the same; then only an empty `source` can be written.
 */
export function writeFile(
  io: Io,
  caller: Caller,
  path: string,
  source: Uint8Array,
  flags: number,
  mode: number,
): Opened | Errno | undefined {
  if (isAnonymous(flags)) return new Opened(open(io, caller, path, flags, mode));
  const opening = planOpen(io, caller, path, flags);
  if (opening.kind === 'existing' && opening.through !== undefined) {
    return new Opened(openPlanned(caller, opening, flags, mode));
  }
  if (!isWriting(flags)) {
    carryOut(caller, opening, flags, mode);
    return source.length > 0 ? EBADF : undefined;
  }
  const at = planWhole(io, caller, opening, source.length, flags);
  // From here on nothing stops or fails.
  const inode = carryOut(caller, opening, flags, mode);
  if (inode instanceof File && source.length > 0) writeNow(caller, inode, source, at);
  return undefined;
}

/** Where the bytes will go. */
function planWhole(io: Io, caller: Caller, opening: Opening, length: number, flags: number): number {
  const { tree } = caller;
  const { quota } = tree.memory;
  relieve(io, tree, length);
  if (opening.kind === 'new') {
    mustHaveRoom(io, tree, () => length <= quota.bytesLeft);
    return 0;
  }
  const { inode } = opening;
  if (!(inode instanceof File)) throw EINVAL;
  if ((flags & O_TRUNC) !== 0) {
    const own = chargedBytes(inode);
    mustHaveRoom(io, tree, () => length <= quota.bytesLeft + own);
    return 0;
  }
  const at = (flags & O_APPEND) !== 0 ? inode.size : 0;
  if (length === 0) return at;
  if (at + length > Number.MAX_SAFE_INTEGER) throw EFBIG;
  if (caller.author !== undefined) giveWay(io, tree, inode, caller.author, at, at + length);
  prepareWrite(io, tree, inode, at, at + length);
  mustHaveRoom(io, tree, () => affordable(tree.memory, inode, at, length) === length);
  return at;
}

/**
 * Copies a file; the copy shares the pages and the origin of the original until one of them is written (P8).
 *
 * @param flags COPYFILE_EXCL refuses an existing target; the FICLONE flags are always met, since every copy shares its
 *   bytes
 * @returns the source (readable) or the target (writable), where the file can only be copied piece by piece
 */
export function copyFile(io: Io, caller: Caller, from: string, to: string, flags: number): Opened | undefined {
  const { tree } = caller;
  const source = fileToRead(io, caller, from);
  const openFlags = O_WRONLY | O_CREAT | ((flags & COPYFILE_EXCL) !== 0 ? O_EXCL : 0);
  // libuv opens the target before it finds that a directory cannot be read, so errors of the target come first.
  if (source === EISDIR) planOpen(io, caller, to, openFlags);
  if (isErrno(source)) throw source;
  if (source instanceof Special) return openSpecial(io, caller, from);
  const opening = planOpen(io, caller, to, openFlags);
  const target = opening.kind === 'existing' ? opening.inode : undefined;
  if (target === source) return undefined;
  if (opening.kind === 'existing' && opening.through !== undefined) {
    return new Opened(openPlanned(caller, opening, openFlags, source.mode));
  }
  if (target !== undefined && !(target instanceof File)) throw EINVAL;
  probeSize(io, tree, source);
  // The copy gets the mode of the original, which only the copy's owner may set.
  if (target !== undefined && !caller.actsAsOwner(target)) throw EPERM;
  const bytes = mayShare(source, target) ? undefined : readAll(io, tree, source, 0);
  const cost = bytes?.length ?? chargedBytes(source);
  const { quota } = tree.memory;
  const replaced = target === undefined ? 0 : chargedBytes(target);
  mustHaveRoom(io, tree, () => cost <= quota.bytesLeft + replaced);
  // From here on nothing stops or fails.
  const copy = carryOut(caller, opening, openFlags, source.mode) as File;
  takeAttributes(caller, source, copy);
  own(tree, copy, OWNED_CONTENT);
  if (copy.size > 0) tree.dirty?.truncated.add(copy);
  truncateContents(tree.memory, copy, 0);
  if (bytes === undefined) cloneInto(caller, source, copy);
  else writeNow(caller, copy, bytes, 0);
  if (copy.size > 0) dropSetId(caller, copy);
  touchMtime(tree, copy);
  tellChange(tree, copy, 'change');
  return undefined;
}

/**
 * Whether a copy may share pages, rather than be read and written. A file whose size lies has no pages to share. And a
 * target in the upper with names that were not looked at must stay the same file there, or those names would keep the
 * old content.
 */
function mayShare(source: File, target: File | undefined): boolean {
  if (mayLie(source)) return false;
  return target === undefined || placeOf(target) === undefined || target.nlink === countNames(target);
}

/**
 * Whether a copy gets the owner of the original, where the caller may set it: libuv does that in Node 22 (1.51), not
 * yet in Node 20 (1.46).
 */
const KEEPS_OWNER = isLibuvSince(47);

/**
 * Gives a copy the attributes of the original (libuv `uv__fs_copyfile`). Requires: the caller acts as owner of the
 * copy.
 */
function takeAttributes(caller: Caller, source: File, copy: File): void {
  const { owner } = source;
  const mayGive = caller.uid === 0 || (owner.uid === copy.owner.uid && caller.isMember(owner.gid));
  own(caller.tree, copy, OWNED_ATTRIBUTES);
  if (KEEPS_OWNER && mayGive) copy.owner = owner;
  copy.mode = mayHandOn(caller, copy.owner.gid) ? source.mode : source.mode & ~S_ISGID;
}

function openSpecial(io: Io, caller: Caller, path: string): Opened {
  return new Opened(openPlanned(caller, planOpen(io, caller, path, O_RDONLY), O_RDONLY, NEW_FILE));
}

function cloneInto({ tree, author }: Caller, source: File, copy: File): void {
  // From now on its origin says where the content comes from, not which file it is.
  copy.state |= BORN;
  returnLoan(copy);
  copy.origin = source.origin;
  copy.originName = source.originName;
  borrow(copy);
  tree.dirty?.replaced.add(copy);
  copy.ino = source.ino;
  copy.originBlocks = source.originBlocks;
  extraOf(copy).fingerprint = source.extra?.fingerprint ?? printOf(source);
  shareContents(tree.memory, source, copy);
  const { authors, pageSize } = tree.memory;
  if (authors === undefined || author === undefined) return;
  // Bytes of other authors that the upper does not have yet are now written by the caller, as if it had read and
  // written them.
  for (const [index, { length }] of pagesOf(copy)) {
    authors.claim(copy, index * pageSize, index * pageSize + length, author);
  }
}
