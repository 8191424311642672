/** Reading from an open file: from the pages, or past the page cache where that would not help. */

import { EBADF, EINVAL, EISDIR, ESTALE } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import { pageAt, readContents, readOver, reclaim } from '../../pages/contents.ts';
import { lacks } from '../../pages/fill.ts';
import type { Memory } from '../../pages/memory.ts';
import { CLEAN, readPage } from '../../pages/page.ts';
import type { Caller } from '../../tree/caller.ts';
import { File, isDirectory } from '../../tree/inode.ts';
import type { Tree } from '../../tree/tree.ts';
import { inodeOf, type OpenFile } from '../open.ts';
import { ATTEMPTS, mayLie, originOf, prepareRead, settleFill } from './prepare.ts';
import { allocateResult } from './small-results.ts';

const NOTHING = new Uint8Array(0);

/** Reads bytes of a file whose size may lie past the page cache; undefined where it has changed below. */
function askPast(io: Io, file: File, from: number, length: number): Uint8Array | undefined {
  const origin = originOf(file);
  const bytes = origin && io.read(origin.branch, origin.path, origin.fingerprint, from, length);
  // A file that was empty when it became ours has nothing left with the origin.
  return bytes === undefined && file.isOwned && file.size === 0 ? NOTHING : bytes;
}

/** Reads from such a file; looks again where it has changed below. */
function readPast(io: Io, tree: Tree, file: File, from: number, length: number): Uint8Array {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const bytes = askPast(io, file, from, length);
    if (bytes !== undefined) return bytes;
    settleFill(io, tree, file, 'changed');
  }
  throw ESTALE;
}

/**
 * Reads into `target`.
 *
 * @param position in bytes, or -1 for the position of the description, which then moves on
 * @returns the number of bytes read; fewer than asked for only at the end
 */
export function read(io: Io, caller: Caller, file: OpenFile, target: Uint8Array, position: number): number {
  const inode = inodeOf(file);
  if (!file.readable) throw EBADF;
  if (file.through !== undefined) return readThrough(io, file, target, position);
  if (!(inode instanceof File)) throw isDirectory(inode) ? EISDIR : EINVAL;
  const from = position < 0 ? file.position : position;
  const { memory } = caller.tree;
  const found = readFromPage(memory, inode, from, target);
  if (found > 0) {
    file.ahead = aheadOf(memory, file, from);
    file.sequential = from + found;
    if (position < 0) file.position = from + found;
    return found;
  }
  const isPassing = passesBy(memory, inode, target.length);
  if (isPassing) {
    const bytes = readStraight(io, caller.tree, inode, from, target);
    if (bytes !== undefined) {
      if (position < 0) file.position = from + bytes;
      file.sequential = from + bytes;
      return bytes;
    }
  }
  const ahead = isPassing ? 0 : aheadOf(memory, file, from);
  prepareRead(io, caller.tree, inode, from, from + target.length, ahead);
  if (mayLie(inode)) {
    const bytes = readPast(io, caller.tree, inode, from, target.length);
    target.set(bytes);
    if (position < 0) file.position += bytes.length;
    return bytes.length;
  }
  const to = Math.min(from + target.length, inode.size);
  if (to <= from) {
    reclaim(memory);
    return 0;
  }
  // From here on nothing stops or fails.
  readContents(memory, inode, from, to, target, 0);
  if (position < 0) file.position = to;
  file.sequential = to;
  file.ahead = ahead;
  reclaim(memory);
  return to - from;
}

/**
 * Reads bytes that lie in one page, if that is in memory: such reads are many, and need none of what others do.
 *
 * @returns the number of bytes; 0 where they must be read in another way
 */
function readFromPage(memory: Memory, file: File, from: number, target: Uint8Array): number {
  const { pageSize, clean } = memory;
  const index = Math.floor(from / pageSize);
  const start = index * pageSize;
  const to = Math.min(from + target.length, file.size);
  if (to <= from || to > start + pageSize || mayLie(file)) return 0;
  const page = pageAt(file, index);
  if (page === undefined) return 0;
  // From here on nothing stops or fails.
  if (page.state === CLEAN) clean.touch(page);
  readPage(page, from - start, to - start, target, 0);
  clean.hits++;
  return to - from;
}

/** For reads of at least this many bytes the copy dominates the cost, wherever the bytes come from. */
const LONG_READ = 64 * 1024;
/** Long reads do not keep files larger than this part of the cache, and no more than this part is fetched ahead. */
const PART_OF_CACHE = 4;

/**
 * Whether a read is long, and of a file that is large compared with the cache. Keeping it would push out much that will
 * be read again (P6), and a program that reads through such a file seldom comes back to its beginning before that is
 * pushed out.
 */
export function passesBy(memory: Memory, file: File, length: number): boolean {
  return length >= LONG_READ && file.size > memory.clean.maxBytes / PART_OF_CACHE && !mayLie(file);
}

/**
 * Reads what is not in memory past the page cache, where the branch keeps what it has read, so that a second read costs
 * no more than the first, and the kernel fetches ahead (P7). Pages in memory are put over the bytes in the run that
 * finds the answer, so that a write meanwhile is seen as a whole (C10). Should the lower change, the branch says so as
 * for any read (C7).
 *
 * @returns the number of bytes; undefined where the page cache must be used
 */
function readStraight(io: Io, tree: Tree, file: File, from: number, target: Uint8Array): number | undefined {
  const { memory } = tree;
  const origin = originOf(file);
  const straight = origin?.branch.straight;
  const to = Math.min(from + target.length, file.size);
  if (origin === undefined || straight === undefined || !lacks(memory, file, from, to)) return undefined;
  const length = Math.min(to, file.supplied) - from;
  // The read begins beyond what the origin supplies, perhaps in the page in which that ends.
  if (length < 0) return undefined;
  const { branch, path, fingerprint } = origin;
  const wanted = length === target.length ? target : target.subarray(0, length);
  const bytes = io.readStraight(branch, straight, path, fingerprint, from, wanted);
  if (bytes === length) {
    // From here on nothing stops or fails.
    readOver(memory, file, from, to, target);
    memory.clean.misses++;
    return to - from;
  }
  settleFill(io, tree, file, bytes === undefined ? 'changed' : 'short');
  return undefined;
}

/** How many bytes the first read-ahead fetches, and the most. */
const AHEAD_FIRST = 128 * 1024;
const AHEAD_MOST = 1024 * 1024;

/**
 * How many bytes to fetch beyond a read: twice as many each time a read begins where the last one ended, else none
 * (P7). At most a part of the cache: bytes that it cannot keep until they are read would be fetched again and again.
 */
export function aheadOf({ clean }: Memory, file: OpenFile, from: number): number {
  if (from !== file.sequential || from === 0) return 0;
  return Math.min(AHEAD_MOST, clean.maxBytes / PART_OF_CACHE, Math.max(AHEAD_FIRST, file.ahead * 2));
}

function readThrough(io: Io, file: OpenFile, target: Uint8Array, position: number): number {
  if (file.inode.origin === undefined || file.through === undefined) throw EBADF;
  return io.readThrough(file.inode.origin.branch, file.through, target, position);
}

/** Reads into several buffers, one after the other. */
export function readv(
  io: Io,
  caller: Caller,
  file: OpenFile,
  targets: readonly Uint8Array[],
  position: number,
): number {
  const joined = Buffer.allocUnsafeSlow(targets.reduce((sum, { length }) => sum + length, 0));
  // With no room for a byte, only whether the file may be read matters (Linux do_iter_read).
  if (joined.length === 0 && file.readable) return 0;
  const bytes = read(io, caller, file, joined, position);
  let at = 0;
  for (const target of targets) {
    if (at >= bytes) break;
    target.set(joined.subarray(at, Math.min(bytes, at + target.length)));
    at += target.length;
  }
  return bytes;
}

/** Reads from the position of the description to the end of the file; the position moves there. */
export function readRest(io: Io, caller: Caller, file: OpenFile): Buffer {
  const inode = inodeOf(file);
  if (!file.readable) throw EBADF;
  if (!(inode instanceof File)) throw isDirectory(inode) ? EISDIR : EINVAL;
  const bytes = readAll(io, caller.tree, inode, file.position);
  file.position += bytes.length;
  return bytes;
}

/** How many bytes of a file whose size lies are read at once. */
const PAST_CHUNK = 64 * 1024;

/** The bytes of a file from `from` to its end, in a Buffer of their own. */
export function readAll(io: Io, tree: Tree, file: File, from: number): Buffer {
  const expected = file.size - from;
  if (io.isAtOnce && passesBy(tree.memory, file, expected)) {
    const whole = Buffer.allocUnsafeSlow(expected);
    if (readStraight(io, tree, file, from, whole) === expected) return whole;
  }
  prepareRead(io, tree, file, from, file.size);
  return readPrepared(io, tree, file, from);
}

/** The same after `prepareRead`. */
export function readPrepared(io: Io, tree: Tree, file: File, from: number): Buffer {
  if (mayLie(file)) {
    const pieces: Uint8Array[] = [];
    for (let at = from; ; ) {
      // Later pieces must be of the same file.
      const piece = at === from ? readPast(io, tree, file, at, PAST_CHUNK) : askPast(io, file, at, PAST_CHUNK);
      if (piece === undefined) throw ESTALE;
      pieces.push(Buffer.from(piece));
      at += piece.length;
      if (piece.length < PAST_CHUNK) return Buffer.concat(pieces);
    }
  }
  const length = Math.max(0, file.size - from);
  // As in Node, asynchronous reads give memory that is not shared and may be transferred.
  const bytes = io.isAtOnce ? allocateResult(length) : Buffer.allocUnsafeSlow(length);
  readContents(tree.memory, file, from, from + length, bytes, 0);
  reclaim(tree.memory);
  return bytes;
}
