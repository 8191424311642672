/**
 * Reading and writing through an open file.
 */

import { constants } from 'node:fs';
import { mayHideChange } from '../branch/attributes.ts';
import { UPPER } from '../branch/branch.ts';
import { EBADF, EFBIG, EINVAL, EISDIR, ENOSPC, ESTALE } from '../errno.ts';
import type { Io } from '../fault.ts';
import { affordable, readContents, readOver, reclaim, writeContents } from '../pages/contents.ts';
import { type Filled, fillForRead, fillForWrite, lacks, lacksForWrite, type Origin } from '../pages/fill.ts';
import type { Memory } from '../pages/memory.ts';
import { type Caller, dropSetId } from '../tree/caller.ts';
import { collect } from '../tree/changing/dropped.ts';
import { own, tellChange } from '../tree/changing/own.ts';
import { touchMtime } from '../tree/changing/times.ts';
import { DOUBTFUL, File, isDirectory, OWNED_CONTENT, THROUGH } from '../tree/inode.ts';
import { isVolatile, refresh } from '../tree/revalidate.ts';
import { pathIn } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';
import { inodeOf, type OpenFile } from './open.ts';
import { mayBeOwned, mayChangeTree } from './spot.ts';
import { fsync, fsyncBehind, giveWay } from './sync.ts';

/** A file can be no longer than offsets can say exactly. */
const MOST_BYTES = Number.MAX_SAFE_INTEGER;

/** How often a clean file that changes while it is read is looked at again, before that is called ESTALE. */
const ATTEMPTS = 8;

/** Where the pages of a file come from; undefined when all are here. */
function originOf(file: File): Origin | undefined {
  const { origin, originName } = file;
  if (origin === undefined) return undefined;
  return { branch: origin.branch, path: pathIn(origin, originName), fingerprint: file.extra?.fingerprint ?? file };
}

/** What to do about a fill that did not fill: try again with what the lower has now, or say that it is no longer the file (C7). */
function settleFill(io: Io, tree: Tree, file: File, outcome: Filled): void {
  if (outcome === 'short' && (file.state & OWNED_CONTENT) === 0) file.state |= THROUGH;
  else if (file.isOwned || !refresh(io, tree, file)) throw ESTALE;
}

/** Notes whether pages that were asked for then may be older than they look. */
function noteDoubt(file: File, asked: number): void {
  if (isVolatile(file) && mayHideChange(file, asked)) file.state |= DOUBTFUL;
}

/**
 * Brings in memory what a read of [from, to) needs. What the lower changed meanwhile shows in the file's size afterwards.
 *
 * @param ahead how many bytes beyond are fetched with them, where any must be
 */
export function prepareRead(io: Io, tree: Tree, file: File, from: number, to: number, ahead = 0): void {
  const { clean } = tree.memory;
  if (!lacks(tree.memory, file, from, to)) {
    clean.hits++;
    return;
  }
  for (let attempt = 0; ; attempt++) {
    if (attempt === ATTEMPTS) throw ESTALE;
    if ((file.state & THROUGH) !== 0) return;
    const origin = originOf(file);
    if (origin === undefined) return;
    const { since } = io;
    const outcome = fillForRead(io, tree.memory, file, origin, from, Math.min(to + ahead, file.size));
    if (outcome === 'filled') noteDoubt(file, since);
    else settleFill(io, tree, file, outcome);
    if (!lacks(tree.memory, file, from, to)) break;
  }
  clean.misses++;
}

/** Brings in memory the pages of which a write of [from, to) keeps a part. */
export function prepareWrite(io: Io, tree: Tree, file: File, from: number, to: number): void {
  if (!lacksForWrite(tree.memory, file, from, to)) return;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const origin = originOf(file);
    if (origin === undefined) return;
    const { since } = io;
    const outcome = fillForWrite(io, tree.memory, file, origin, from, to);
    if (outcome === 'filled') {
      noteDoubt(file, since);
      return;
    }
    settleFill(io, tree, file, outcome);
  }
  throw ESTALE;
}

/** The same for as many bytes as the quota allows; returns how many. */
function prepareAffordable(io: Io, tree: Tree, file: File, at: number, wanted: number): number {
  for (let length = wanted; ; ) {
    prepareWrite(io, tree, file, at, at + length);
    const allowed = affordable(tree.memory, file, at, length);
    if (allowed === length) return allowed;
    if (collect(io, tree)) continue;
    if (allowed === 0) return 0;
    // A shorter write may keep a part of a page that the longer one would have replaced.
    length = allowed;
  }
}

/**
 * Whether the size of a lower file may lie, so that only reading tells its end (`/proc` says 0, `/sys` too much). Another name and
 * other attributes leave it the lower's file. The size of a file in the upper is what we wrote there.
 */
export function mayLie(file: File): boolean {
  const { origin } = file;
  if ((file.state & OWNED_CONTENT) !== 0 || origin === undefined || origin.branch.id === UPPER) return false;
  return file.size === 0 || (file.state & THROUGH) !== 0;
}

/** Finds out whether the size of a file lies that claims to have content and takes no room (`/sys`). */
export function probeSize(io: Io, tree: Tree, file: File): void {
  if (file.size > 0 && file.originBlocks === 0 && (file.state & OWNED_CONTENT) === 0) prepareRead(io, tree, file, 0, 1);
}

const NOTHING = new Uint8Array(0);

/** Asks for bytes of a file whose size may lie, past the page cache; undefined where it has changed below. */
function askPast(io: Io, file: File, from: number, length: number): Uint8Array | undefined {
  const origin = originOf(file);
  const bytes = origin && io.read(origin.branch, origin.path, origin.fingerprint, from, length);
  // Of a file that was empty when it became our own, nothing is still with the origin.
  return bytes === undefined && file.isOwned && file.size === 0 ? NOTHING : bytes;
}

/** Reads from such a file, as it is now. */
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
 * @param position in bytes, or -1 for where the description stands, which then moves on
 * @returns the number of bytes read; fewer than asked for only at the end
 */
export function read(io: Io, caller: Caller, file: OpenFile, target: Uint8Array, position: number): number {
  const inode = inodeOf(file);
  if (!file.readable) throw EBADF;
  if (file.through !== undefined) return readThrough(io, file, target, position);
  if (!(inode instanceof File)) throw isDirectory(inode) ? EISDIR : EINVAL;
  const from = position < 0 ? file.position : position;
  const { memory } = caller.tree;
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

/** From this many bytes on a read costs what copying them costs, wherever they come from. */
const LONG_READ = 64 * 1024;
/** Files larger than this part of the cache are not kept by long reads, and no more than this part is fetched ahead. */
const PART_OF_CACHE = 4;

/**
 * Whether a read is long, and of a file that is large beside the cache. Kept, it would push out much of what others will read again (P6),
 * and who goes through such a file seldom comes back before it has pushed out its own beginning.
 */
export function passesBy(memory: Memory, file: File, length: number): boolean {
  return length >= LONG_READ && file.size > memory.clean.maxBytes / PART_OF_CACHE && !mayLie(file);
}

/**
 * Reads past the page cache what is not in memory, where the branch keeps what it has read: the second reading costs there what the
 * first did, and nothing need be fetched ahead, which the kernel does (P7). What is in memory is put over it in the run that finds the
 * answer, so a write meanwhile is seen as a whole (C10); should the lower change, the branch says so as for any read (C7).
 *
 * @returns the number of bytes; undefined where the pages must be used
 */
function readStraight(io: Io, tree: Tree, file: File, from: number, target: Uint8Array): number | undefined {
  const { memory } = tree;
  const origin = originOf(file);
  const straight = origin?.branch.straight;
  const to = Math.min(from + target.length, file.size);
  if (origin === undefined || straight === undefined || !lacks(memory, file, from, to)) return undefined;
  const length = Math.min(to, file.supplied) - from;
  // It begins behind what the origin supplies, if in the page in which that ends.
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

/** How much the first read ahead fetches, and the most. */
const AHEAD_FIRST = 128 * 1024;
const AHEAD_MOST = 1024 * 1024;

/**
 * How much to fetch beyond a read: twice as much each time that one begins where the last ended, else nothing (P7). No more than a part of
 * the cache: what it does not keep until somebody comes for it would be fetched again by each read.
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
  const [only] = targets;
  if (targets.length === 1 && only !== undefined) return read(io, caller, file, only, position);
  const joined = Buffer.allocUnsafeSlow(targets.reduce((sum, { length }) => sum + length, 0));
  // Where there is no room for a byte, only whether the file may be read matters (Linux do_iter_read).
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

/** Reads what is between the position of the description and the end of the file; the position moves there. */
export function readRest(io: Io, caller: Caller, file: OpenFile): Buffer {
  const inode = inodeOf(file);
  if (!file.readable) throw EBADF;
  if (!(inode instanceof File)) throw isDirectory(inode) ? EISDIR : EINVAL;
  const bytes = readAll(io, caller.tree, inode, file.position);
  file.position += bytes.length;
  return bytes;
}

/** How much of a file whose size lies is asked at once. */
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

/** The same once `prepareRead` has brought them in memory. */
export function readPrepared(io: Io, tree: Tree, file: File, from: number): Buffer {
  if (mayLie(file)) {
    const pieces: Uint8Array[] = [];
    for (let at = from; ; ) {
      // What comes after the first piece must be of the same file.
      const piece = at === from ? readPast(io, tree, file, at, PAST_CHUNK) : askPast(io, file, at, PAST_CHUNK);
      if (piece === undefined) throw ESTALE;
      pieces.push(Buffer.from(piece));
      at += piece.length;
      if (piece.length < PAST_CHUNK) return Buffer.concat(pieces);
    }
  }
  const length = Math.max(0, file.size - from);
  // As in Node: who reads without blocking gets memory that is his alone, and may transfer it; who reads at once may share Node's pool.
  const bytes = io.isAtOnce ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
  readContents(tree.memory, file, from, from + length, bytes, 0);
  reclaim(tree.memory);
  return bytes;
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

/** Has dirty bytes written back first when there are too many of them: a writer does not outrun the upper. */
export function relieve(io: Io, tree: Tree, bytes: number): void {
  const errand = tree.flusher?.relieve(tree.memory.quota.bytes + bytes);
  if (errand !== undefined) io.perform(errand);
}

/** Flags with which every write is on stable storage before it returns; attributes cost little beside. */
export const SYNCING = (constants.O_SYNC ?? 0) | (constants.O_DSYNC ?? 0);

/**
 * Writes from `source`. With O_SYNC or O_DSYNC the upper has it on stable storage then; where that fails the bytes stay written here.
 *
 * @param position in bytes, or -1 for where the description stands, which then moves on; ignored with O_APPEND
 * @returns the number of bytes written: fewer than given only when the quota ends there
 */
export function write(io: Io, caller: Caller, file: OpenFile, source: Uint8Array, position: number): number {
  if ((file.flags & SYNCING) === 0 || file.through !== undefined)
    return writeCached(io, caller, file, source, position);
  const { through } = caller.tree;
  if (through !== undefined && source.length > 0) {
    // What the upper refuses is not written here either, so that it is asked before its storage is.
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

/** Moves the position behind what was written, and back where that is taken back, unless somebody has read on from there meanwhile. */
function moveOn({ undo }: Tree, file: OpenFile, to: number): void {
  const before = file.position;
  file.position = to;
  undo?.onRestore(() => {
    if (file.position === to) file.position = before;
  });
}

/** Writes several buffers, one after the other, at once: nobody's write comes between. */
export function writev(
  io: Io,
  caller: Caller,
  file: OpenFile,
  sources: readonly Uint8Array[],
  position: number,
): number {
  const [only] = sources;
  return write(io, caller, file, sources.length === 1 && only !== undefined ? only : Buffer.concat(sources), position);
}
