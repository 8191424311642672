/**
 * Writing to an open file.
 */

import { constants } from 'node:fs';
import { EBADF, EFBIG, EINVAL, ENOSPC } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import { affordable, writeContents } from '../../pages/contents.ts';
import { type Caller, dropSetId } from '../../tree/caller.ts';
import { collect } from '../../tree/changing/dropped.ts';
import { own, tellChange } from '../../tree/changing/own.ts';
import { touchMtime } from '../../tree/changing/times.ts';
import { File, OWNED_CONTENT } from '../../tree/inode.ts';
import type { Tree } from '../../tree/tree.ts';
import { inodeOf, type OpenFile } from '../open.ts';
import { mayBeOwned, mayChangeTree } from '../spot.ts';
import { fsync, fsyncBehind, giveWay } from '../sync.ts';
import { prepareWrite } from './prepare.ts';

/** The longest file: offsets beyond are not exact. */
const MOST_BYTES = Number.MAX_SAFE_INTEGER;

/** Prepares a write of as many bytes as the quota allows; returns how many those are. */
function prepareAffordable(io: Io, tree: Tree, file: File, at: number, wanted: number): number {
  for (let length = wanted; ; ) {
    prepareWrite(io, tree, file, at, at + length);
    const allowed = affordable(tree.memory, file, at, length);
    if (allowed === length) return allowed;
    if (collect(io, tree)) continue;
    if (allowed === 0) return 0;
    // A shorter write may keep part of a page that the longer one would have replaced.
    length = allowed;
  }
}

/** Writes into a file. Requires: `prepareWrite`, `mayOwn`, and a quota that affords it. */
export function writeNow(caller: Caller, file: File, source: Uint8Array, at: number, author = caller.author): void {
  const { tree } = caller;
  own(tree, file, OWNED_CONTENT);
  writeContents(tree.memory, file, source, at);
  if (author !== undefined) tree.memory.authors?.claim(file, at, at + source.length, author);
  dropSetId(caller, file);
  touchMtime(tree, file);
  tree.flusher?.noteWrite(tree.memory.quota.bytes);
  tellChange(tree, file, 'change');
}

/** Has dirty bytes written back first when there are too many, so that a writer does not outrun the upper. */
export function relieve(io: Io, tree: Tree, bytes: number): void {
  const errand = tree.flusher?.relieve(tree.memory.quota.bytes + bytes);
  if (errand !== undefined) io.perform(errand);
}

/** Flags with which every write is on stable storage before it returns. */
export const SYNCING = (constants.O_SYNC ?? 0) | (constants.O_DSYNC ?? 0);

/**
 * Writes from `source`. With O_SYNC or O_DSYNC it returns once the upper has the bytes on stable storage; if that
 * fails, they stay written in memory.
 *
 * @param position in bytes, or -1 for the position of the description, which then moves on; ignored with O_APPEND
 * @returns the number of bytes written: fewer than given only when the quota ends there
 */
export function write(io: Io, caller: Caller, file: OpenFile, source: Uint8Array, position: number): number {
  if ((file.flags & SYNCING) === 0 || file.through !== undefined)
    return writeCached(io, caller, file, source, position);
  const { through } = caller.tree;
  if (through !== undefined && source.length > 0) {
    // With write-through the upper may refuse the write itself, so that comes before the flush.
    const taken = writeCached(io, caller, file, source, position);
    through.follow(io, fsyncBehind(caller, file));
    return taken;
  }
  const length = io.once(() => writeCached(io, caller, file, source, position));
  const failure = fsync(io, caller, file);
  if (failure !== undefined) throw failure;
  return length;
}

function writeCached(io: Io, caller: Caller, file: OpenFile, source: Uint8Array, position: number): number {
  const inode = inodeOf(file);
  const { append } = file;
  const { tree } = caller;
  if (!file.writable) throw EBADF;
  if (file.through !== undefined && inode.origin !== undefined) {
    return io.writeThrough(inode.origin.branch, file.through, source, position);
  }
  if (!(inode instanceof File)) throw EINVAL;
  if (source.length === 0) return 0;
  const at = append ? inode.size : position < 0 ? file.position : position;
  if (at + source.length > MOST_BYTES) throw EFBIG;
  mayChangeTree(io, tree);
  relieve(io, tree, source.length);
  if (file.author !== undefined) giveWay(io, tree, inode, file.author, at, at + source.length);
  const length = prepareAffordable(io, tree, inode, at, source.length);
  if (length === 0) throw ENOSPC;
  mayBeOwned(io, tree, inode);
  // From here on nothing stops or fails.
  writeNow(caller, inode, length < source.length ? source.subarray(0, length) : source, at, file.author);
  if (position < 0) moveOn(tree, file, at + length);
  return length;
}

/**
 * Moves the position to the end of what was written; if the write is taken back, moves it back, unless it has moved
 * since.
 */
function moveOn({ undo }: Tree, file: OpenFile, to: number): void {
  const before = file.position;
  file.position = to;
  undo?.onRestore(() => {
    if (file.position === to) file.position = before;
  });
}

/** Writes several buffers in one operation, so that no other write comes between them. */
export function writev(
  io: Io,
  caller: Caller,
  file: OpenFile,
  sources: readonly Uint8Array[],
  position: number,
): number {
  return write(io, caller, file, Buffer.concat(sources), position);
}
