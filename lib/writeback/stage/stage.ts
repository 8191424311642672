/** Bringing the content of one inode to the work area. */

import { ANY_SIZE, type Attributes } from '../../branch/branch.ts';
import { EACCES, EPERM, Errno, ESTALE } from '../../errno.ts';
import type { Memory } from '../../pages/memory.ts';
import { File } from '../../tree/inode.ts';
import { removeFile } from '../area/files.ts';
import { flushAt } from '../area/flush.ts';
import { type Procedure, tell } from '../commands.ts';
import { isOfPrint } from '../places.ts';
import type { Content } from '../plan/content.ts';
import type { Reach } from '../report.ts';
import { isSparse, writeSparsely } from './holes.ts';
import { askForAuthors, takeBack, writeForAuthors } from './on-behalf.ts';
import { isNothingLeft, partsOf, runsOf, sizeOf } from './parts.ts';
import { giveAttributes, type Writer, writeAll } from './writer.ts';

/** How many bytes are read from an origin at once. */
const CHUNK = 1024 * 1024;

/** Writes a content to the staging directory. */
export function* stageContent(
  memory: Memory,
  content: Content,
  staging: string,
  writer: Writer,
  reach: Reach,
): Procedure<void> {
  const path = `${staging}/${content.stage}`;
  if (content.inode instanceof File) {
    yield* content.claims.length === 0
      ? stageOnce(memory, content, path, writer)
      : stageForAuthors(memory, content, path, writer);
    if (reach === 'storage') yield* flushAt(path);
  } else {
    yield* tell({ kind: 'symlink', target: content.target ?? '', path });
    yield* giveAttributes(path, content.attributes, writer, 'made with its mode');
    content.staged = yield* tell({ kind: 'lstat', path });
  }
}

function* stageOnce(memory: Memory, content: Content, path: string, writer: Writer): Procedure<void> {
  if (content.kind === 'whole') yield* stageFile(memory, content, path, writer);
  else yield* stagePages(content, path, writer);
}

/**
 * Stages a file with several authors; where the upper refuses one, stages it again without his bytes (W13). Throws the
 * author's error where nothing is left.
 */
function* stageForAuthors(memory: Memory, content: Content, path: string, writer: Writer): Procedure<void> {
  const { refused } = content;
  yield* askForAuthors(content, writer);
  for (;;) {
    const [errno] = refused.values();
    if (errno !== undefined && isNothingLeft(content)) throw errno;
    const before = refused.size;
    yield* stageOnce(memory, content, path, writer);
    if (refused.size === before) return;
    yield* removeFile(path, 'none');
  }
}

/**
 * With at least this many unchanged bytes, a new file begins as a copy by the kernel, which shares blocks where the
 * filesystem can.
 */
const WORTH_A_COPY = 256 * 1024;

/** Where on the disk the unchanged bytes of a file are, if there are many. */
function sourceOf({ origin, supplied, pages }: Content, { can, isOnDisk }: Writer): string | undefined {
  if (origin === undefined || !isOnDisk || !can.copy || origin.fingerprint.size === ANY_SIZE) return undefined;
  const changed = pages.reduce((sum, { twin }) => sum + twin.length, 0);
  return supplied - changed < WORTH_A_COPY ? undefined : origin.branch.onDisk?.(origin.path);
}

function* stageFile(memory: Memory, content: Content, path: string, writer: Writer): Procedure<void> {
  const source = sourceOf(content, writer);
  const outcome = source === undefined ? 'refused' : yield* stageCopy(content, source, path);
  const isCopied = outcome === 'done';
  if (!isCopied) yield* stageAnew(memory, content, path, outcome === 'has holes' ? 'kept' : 'filled');
  const isForOthers = content.claims.length > 0;
  if (isForOthers && (yield* writeForAuthors(content, path, writer)) === 'refused') return;
  const made = isForOthers ? 'made for others' : isCopied ? 'made by copying' : 'made with its mode';
  yield* giveAttributes(path, content.attributes, writer, made);
  content.staged = yield* tell({ kind: 'lstat', path });
}

/**
 * Copies the origin and writes the dirty pages into the copy. The origin must be the same before and after (C7). Where
 * the origin has holes, the copy must share blocks, since a plain copy would fill the holes.
 */
function* stageCopy(content: Content, source: string, path: string): Procedure<'done' | 'refused' | 'has holes'> {
  const { supplied, pages, origin } = content;
  const size = sizeOf(content);
  const hasHoles = isSparse(yield* mustBeTheSame(origin));
  try {
    yield* tell({ kind: 'copy', from: source, to: path, how: hasHoles ? 'sharing' : 'any' });
  } catch (thrown) {
    if (hasHoles && thrown instanceof Errno) return 'has holes';
    // The kernel may require rights that reading through the branch does not.
    if (thrown === EACCES || thrown === EPERM) return 'refused';
    throw thrown;
  }
  yield* mustBeTheSame(origin);
  if (pages.length > 0 || supplied !== size || supplied !== origin?.fingerprint.size) {
    const handle = yield* tell({ kind: 'open', path });
    try {
      if (supplied !== origin?.fingerprint.size) yield* tell({ kind: 'truncate', path, handle, size: supplied });
      let end = supplied;
      for (const { author, bytes, at } of runsOf(content)) {
        if (author !== undefined) continue;
        yield* writeAll(path, handle, bytes, at);
        end = Math.max(end, at + bytes.length);
      }
      if (end !== size) yield* tell({ kind: 'truncate', path, handle, size });
    } finally {
      yield* tell({ kind: 'close', path, handle });
    }
  }
  return 'done';
}

function* mustBeTheSame(origin: Content['origin'], how: 'as it was' | 'any' = 'as it was'): Procedure<Attributes> {
  if (origin === undefined) throw ESTALE;
  const { branch, path, fingerprint } = origin;
  const found = yield* tell({ kind: 'lstat', branch, path });
  const known = how === 'any' ? { ...fingerprint, size: ANY_SIZE } : fingerprint;
  if (found === undefined || !isOfPrint(found, known)) throw ESTALE;
  return found;
}

function* stageAnew(memory: Memory, content: Content, path: string, holes: 'kept' | 'filled'): Procedure<void> {
  const { attributes, claims } = content;
  const size = sizeOf(content);
  const mode = claims.length > 0 ? 0o600 : (attributes.mode ?? 0) & 0o777;
  const handle = yield* tell({ kind: 'create', path, mode });
  try {
    let written = 0;
    for (const piece of piecesOf(memory, content)) {
      const bytes = 'bytes' in piece ? piece.bytes : yield* fetch(content, piece.from, piece.to);
      if (holes === 'kept' && !('bytes' in piece)) {
        written = Math.max(written, yield* writeSparsely(path, handle, bytes, piece.from));
        continue;
      }
      yield* writeAll(path, handle, bytes, piece.from);
      written = piece.from + bytes.length;
    }
    if (written < size) yield* tell({ kind: 'truncate', path, handle, size });
  } finally {
    yield* tell({ kind: 'close', path, handle });
  }
}

/**
 * Writes the dirty pages one after the other; the batch's journal says where each belongs. The file that they are for
 * must be the one that was read, or they would make a mixture with another tool's bytes (C7). If they are the whole
 * content, it need only be the same file.
 */
function* stagePages(content: Content, path: string, writer: Writer): Procedure<void> {
  yield* mustBeTheSame(content.origin, content.supplied === 0 ? 'any' : 'as it was');
  const handle = yield* tell({ kind: 'create', path, mode: 0o600 });
  try {
    for (const { author, bytes, at } of runsOf(content)) {
      if (author === undefined) yield* writeAll(path, handle, bytes, at);
    }
  } finally {
    yield* tell({ kind: 'close', path, handle });
  }
  if (content.claims.length === 0) return;
  yield* writeForAuthors(content, path, writer);
  yield* takeBack(path, writer);
}

/** A part of a file: bytes, or where they are in the origin. Holes are left out. */
type Piece = { readonly from: number; readonly bytes: Uint8Array } | { readonly from: number; readonly to: number };

/** What the overlay itself writes of a file, in order, without the bytes of other authors. */
function* piecesOf({ pageSize }: Memory, content: Content): Iterable<Piece> {
  const { supplied, refused } = content;
  let at = 0;
  for (const { page, from, bytes, author } of partsOf(content)) {
    yield* fromOrigin(at, Math.min(page, supplied));
    at = page + pageSize;
    if (author === undefined) {
      if (bytes.length > 0) yield { from, bytes };
    } else if (refused.has(author)) {
      yield* fromOrigin(from, Math.min(from + bytes.length, supplied));
    }
  }
  yield* fromOrigin(at, supplied);
}

function* fromOrigin(from: number, to: number): Iterable<Piece> {
  for (let at = from; at < to; at += CHUNK) yield { from: at, to: Math.min(to, at + CHUNK) };
}

function* fetch({ origin }: Content, from: number, to: number): Procedure<Uint8Array> {
  if (origin === undefined) throw ESTALE;
  const { branch, path, fingerprint } = origin;
  const bytes = yield* tell({ kind: 'read', branch, path, fingerprint, offset: from, length: to - from });
  if (bytes === undefined || bytes.length < to - from) throw ESTALE;
  return bytes;
}
