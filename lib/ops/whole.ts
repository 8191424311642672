/**
 * Whole files in one operation: what `readFile`, `writeFile`, `appendFile` and `copyFile` do in several system calls is one step
 * here, so nobody sees a file half written (C8, C12).
 */

import { constants } from 'node:fs';
import { EACCES, EFBIG, EINVAL, EISDIR, ENOSPC, type Errno, isErrno } from '../errno.ts';
import type { Io } from '../fault.ts';
import { affordable, chargedBytes, dropContents, pageAt, shareContents } from '../pages/contents.ts';
import { type Caller, may, R_OK } from '../tree/caller.ts';
import { extraOf, File, isDirectory, OWNED_ATTRIBUTES, OWNED_CONTENT } from '../tree/inode.ts';
import { own, tellChange } from '../tree/own.ts';
import { touchMtime } from '../tree/tree.ts';
import { FOLLOW, walk } from '../tree/walk.ts';
import { mayLie, prepareRead, prepareWrite, readAll, writeNow } from './data.ts';
import { carryOut, type Opening, planOpen } from './open.ts';

const { O_CREAT, O_TRUNC, O_APPEND, O_RDONLY, O_WRONLY, O_EXCL, COPYFILE_EXCL } = constants;

/** The regular file at a path, readable by the caller; `plain` reading needs no descriptor. */
function fileToRead(io: Io, caller: Caller, path: string): File | Errno {
  const inode = walk(io, caller, path, FOLLOW);
  if (isErrno(inode)) return inode;
  if (!may(caller, inode, R_OK)) return EACCES;
  if (inode instanceof File) return inode;
  return isDirectory(inode) ? EISDIR : EINVAL;
}

/** Reads a whole file. With O_RDONLY nothing is opened; other flags open and close it. */
export function readFile(io: Io, caller: Caller, path: string, flags: number): Buffer | Errno {
  const file = flags === O_RDONLY ? fileToRead(io, caller, path) : openedToRead(io, caller, path, flags);
  return isErrno(file) ? file : readAll(io, caller.tree, file, 0);
}

/** Reads a whole file as UTF-8 text, without a copy where its bytes lie together. */
export function readText(io: Io, caller: Caller, path: string, flags: number): string | Errno {
  const file = flags === O_RDONLY ? fileToRead(io, caller, path) : openedToRead(io, caller, path, flags);
  if (isErrno(file)) return file;
  prepareRead(io, caller.tree, file, 0, file.size);
  const page = pageAt(file, 0);
  if (page !== undefined && page.length === file.size) {
    return page.bytes.toString('utf8', page.start, page.start + page.length);
  }
  return readAll(io, caller.tree, file, 0).toString('utf8');
}

function openedToRead(io: Io, caller: Caller, path: string, flags: number): File {
  const opening = planOpen(io, caller, path, flags);
  if (opening.kind === 'existing') {
    if (isDirectory(opening.inode)) throw EISDIR;
    if (!(opening.inode instanceof File)) throw EINVAL;
    if ((flags & O_TRUNC) === 0) prepareRead(io, caller.tree, opening.inode, 0, opening.inode.size);
  }
  // From here on nothing stops or fails.
  return carryOut(caller, opening, flags, 0o666) as File;
}

/**
 * Makes, truncates or appends to a file as `flags` say, and writes `source`: all of it or, with ENOSPC, nothing.
 */
export function writeFile(io: Io, caller: Caller, path: string, source: Uint8Array, flags: number, mode: number): void {
  const opening = planOpen(io, caller, path, flags);
  const at = planWhole(io, caller, opening, source.length, flags);
  // From here on nothing stops or fails.
  const inode = carryOut(caller, opening, flags, mode);
  if (inode instanceof File && source.length > 0) writeNow(caller, inode, source, at);
}

/** Where the bytes will go. */
function planWhole(io: Io, caller: Caller, opening: Opening, length: number, flags: number): number {
  const { tree } = caller;
  const { quota } = tree.memory;
  if (opening.kind === 'new') {
    if (length > quota.bytesLeft) throw ENOSPC;
    return 0;
  }
  const { inode } = opening;
  if (!(inode instanceof File)) throw EINVAL;
  if ((flags & O_TRUNC) !== 0) {
    if (length > quota.bytesLeft + chargedBytes(inode)) throw ENOSPC;
    return 0;
  }
  const at = (flags & O_APPEND) !== 0 ? inode.size : 0;
  if (length === 0) return at;
  if (at + length > Number.MAX_SAFE_INTEGER) throw EFBIG;
  prepareWrite(io, tree, inode, at, at + length);
  if (affordable(tree.memory, inode, at, length) < length) throw ENOSPC;
  return at;
}

/**
 * Copies a file; the copy shares the pages and the origin of the original until one of them is written (P8).
 *
 * @param flags COPYFILE_EXCL refuses an existing target; the copy is a clone in any case, so the FICLONE flags are always met
 */
export function copyFile(io: Io, caller: Caller, from: string, to: string, flags: number): void {
  const { tree } = caller;
  const source = fileToRead(io, caller, from);
  if (isErrno(source)) throw source;
  const openFlags = O_WRONLY | O_CREAT | ((flags & COPYFILE_EXCL) !== 0 ? O_EXCL : 0);
  const opening = planOpen(io, caller, to, openFlags);
  const target = opening.kind === 'existing' ? opening.inode : undefined;
  if (target === source) return;
  if (target !== undefined && !(target instanceof File)) throw EINVAL;
  // A file whose size lies has no pages to share: its bytes are read and written.
  const bytes = mayLie(source) ? readAll(io, tree, source, 0) : undefined;
  const cost = bytes?.length ?? chargedBytes(source);
  if (cost > tree.memory.quota.bytesLeft + (target === undefined ? 0 : chargedBytes(target))) throw ENOSPC;
  // From here on nothing stops or fails.
  const copy = carryOut(caller, opening, openFlags, source.mode) as File;
  own(tree, copy, OWNED_ATTRIBUTES);
  copy.mode = source.mode;
  own(tree, copy, OWNED_CONTENT);
  dropContents(tree.memory, copy);
  if (bytes === undefined) cloneInto(caller, source, copy);
  else writeNow(caller, copy, bytes, 0);
  touchMtime(tree, copy);
  tellChange(tree, copy);
}

function cloneInto({ tree }: Caller, source: File, copy: File): void {
  copy.origin = source.origin;
  copy.originName = source.originName;
  copy.ino = source.ino;
  const { size, ino, mtimeSec, mtimeNsec } = source;
  extraOf(copy).fingerprint = source.extra?.fingerprint ?? { ino, size, mtimeSec, mtimeNsec };
  shareContents(tree.memory, source, copy);
}
