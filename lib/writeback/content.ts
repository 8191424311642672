/**
 * The content of one inode as it was when write-back was planned, and the procedure that brings it to the work area.
 *
 *     whole    a new file is written under a name in the work area; renaming it into place comes later, all at once
 *     pages    a file that the upper has keeps its place; its dirty pages are written to a file in the work area, from where they
 *              are copied into it once the whole batch is decided (a redo log), so that a crash leaves the file old or new
 */

import { ANY_SIZE, type Attributes, type Branch, type Fingerprint } from '../branch/branch.ts';
import { printAlike, printOf } from '../branch/dialect.ts';
import type { Upper } from '../branch/upper/upper.ts';
import { EACCES, EIO, EPERM, ESTALE } from '../errno.ts';
import { pagesOf } from '../pages/contents.ts';
import type { Memory } from '../pages/memory.ts';
import { DIRTY, leaveBytes, type Page, type PageIndex, sharePage } from '../pages/page.ts';
import { File, type Inode, namesOf, Symlink } from '../tree/inode.ts';
import { pathIn, type UpperSource } from '../tree/sources/source.ts';
import { flushAt } from './area/flush.ts';
import { type Command, type Procedure, tell, type Urgency } from './commands.ts';
import type { Reach } from './report.ts';

/** A dirty page as it was. */
interface TakenPage {
  readonly index: PageIndex;
  /** Shares the bytes, so that a later write to the file's own page leaves these alone. */
  readonly twin: Page;
}

/** Attributes as they were. */
export interface TakenAttributes {
  /** Of a link undefined: it has none of its own, and a change would be one of what it leads to. */
  readonly mode: number | undefined;
  readonly uid: number;
  readonly gid: number;
  /** In seconds, as exact as any upper can take it. */
  readonly atime: number;
  readonly mtime: number;
  /** Seconds and nanoseconds of `atime` and `mtime`. */
  readonly times: readonly [number, number, number, number];
  /** How many names the lowers have beyond those that the upper gets. */
  readonly links?: number;
}

/** See the file comment. */
export interface Content {
  readonly inode: Inode;
  readonly kind: 'whole' | 'pages';
  /** Its name in the staging directory. */
  readonly stage: string;
  readonly attributes: TakenAttributes;
  readonly size: number;
  /** How much the origin supplied. */
  readonly supplied: number;
  /** Where what is not in memory comes from. */
  readonly origin: { readonly branch: Branch; readonly path: string; readonly fingerprint: Fingerprint } | undefined;
  /** In order. */
  readonly pages: readonly TakenPage[];
  /** It gets no name: a file that is open only. */
  readonly isNameless: boolean;
  /** Of a symbolic link: where it points. */
  readonly target: string | undefined;
  /** What the upper said of the staged file. Set when it is complete. */
  staged: Attributes | undefined;
}

/** Takes the attributes of an inode as they are now. `links` are the names that only the lowers will have. */
export function takeAttributes(inode: Inode, links: number): TakenAttributes {
  const { atimeSec, atimeNsec, mtimeSec, mtimeNsec } = inode;
  return {
    mode: inode instanceof Symlink ? undefined : inode.mode & 0o7777,
    uid: inode.owner.uid,
    gid: inode.owner.gid,
    atime: secondsOf(atimeSec, atimeNsec),
    mtime: secondsOf(mtimeSec, mtimeNsec),
    times: [atimeSec, atimeNsec, mtimeSec, mtimeNsec],
    ...(links > 0 && { links }),
  };
}

/**
 * A time in seconds that an upper takes for the same microsecond: it cuts off what is less (libuv `uv__fs_to_timespec`), and the nearest
 * double may lie below. Then the next one is given, no later, since from libuv 1.49 on nanoseconds count too.
 */
function secondsOf(seconds: number, nanoseconds: number): number {
  const microseconds = Math.trunc(nanoseconds / 1000);
  const time = seconds + microseconds / 1e6;
  return (time - seconds) * 1e6 < microseconds ? time + (Math.abs(time) * Number.EPSILON) / 2 : time;
}

/** Gives contents names in the staging directory. */
export interface StageNames {
  /** For what is given its name as it is. */
  whole(inode: Inode): string;
  /** For what is only read from there. */
  apart(): string;
}

/** Takes the content of an inode as it is now. `place` is where the upper holds the file already. */
export function takeContent(
  memory: Memory,
  inode: Inode,
  place: UpperSource | undefined,
  stageNames: StageNames,
): Content {
  const isNameless = inode.nlink === 0;
  // All names that are known are brought to the upper.
  const unknown = place === undefined ? inode.nlink - namesOf(inode).length : 0;
  const base = { inode, attributes: takeAttributes(inode, unknown), isNameless, staged: undefined };
  if (!(inode instanceof File)) {
    const target = inode instanceof Symlink ? inode.target : undefined;
    const stage = stageNames.whole(inode);
    return { ...base, kind: 'whole', stage, size: 0, supplied: 0, origin: originOf(inode), pages: [], target };
  }
  const dirty: TakenPage[] = [];
  let bytes = 0;
  for (const [index, page] of pagesOf(inode)) {
    if (page.state !== DIRTY) continue;
    dirty.push({ index, twin: sharePage(page) });
    bytes += page.length;
  }
  dirty.sort((a, b) => a.index - b.index);
  // A file of several names keeps its inode in the upper too; else rewriting most of it is better done anew.
  const patch = place !== undefined && (inode.nlink > 1 || bytes * 2 < memory.pageSize + inode.size);
  const { size, supplied } = inode;
  return {
    ...base,
    kind: patch ? 'pages' : 'whole',
    stage: patch ? stageNames.apart() : stageNames.whole(inode),
    size,
    supplied,
    origin: originOf(inode),
    pages: dirty,
    target: undefined,
  };
}

function originOf(inode: Inode): Content['origin'] {
  const { origin, originName, extra } = inode;
  if (origin === undefined) return undefined;
  return { branch: origin.branch, path: pathIn(origin, originName), fingerprint: printOf(extra?.fingerprint ?? inode) };
}

/** Lets go of the pages that were taken. */
export function releaseContent(memory: Memory, content: Content): void {
  for (const { twin } of content.pages) leaveBytes(memory.slabs, twin);
}

/** How much is read from an origin at once. */
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
    if (content.kind === 'whole') yield* stageFile(memory, content, path, writer);
    else yield* stagePages(content, path);
    if (reach === 'storage') yield* flushAt(path);
  } else {
    yield* tell({ kind: 'symlink', target: content.target ?? '', path });
    yield* giveAttributes(path, content.attributes, writer, 'made with its mode');
    content.staged = yield* tell({ kind: 'lstat', path });
  }
}

/** From how many unchanged bytes on a new file begins as a copy made by the kernel, which shares their blocks where it can. */
const WORTH_A_COPY = 256 * 1024;

/** Where on the upper's disk the unchanged bytes of a file are, if they are many. */
function sourceOf({ origin, supplied, pages }: Content, { can, isOnDisk }: Writer): string | undefined {
  if (origin === undefined || !isOnDisk || !can.copy || origin.fingerprint.size === ANY_SIZE) return undefined;
  const changed = pages.reduce((sum, { twin }) => sum + twin.length, 0);
  return supplied - changed < WORTH_A_COPY ? undefined : origin.branch.onDisk?.(origin.path);
}

function* stageFile(memory: Memory, content: Content, path: string, writer: Writer): Procedure<void> {
  const source = sourceOf(content, writer);
  if (source === undefined || (yield* stageCopy(memory, content, source, path, writer)) === 'refused') {
    yield* stageAnew(memory, content, path, writer);
  }
  content.staged = yield* tell({ kind: 'lstat', path });
}

/** A copy of the origin in which only the dirty pages are written. The origin must be the same before and after (C7). */
function* stageCopy(
  memory: Memory,
  content: Content,
  source: string,
  path: string,
  writer: Writer,
): Procedure<'done' | 'refused'> {
  const { attributes, size, supplied, pages, origin } = content;
  yield* mustBeTheSame(origin);
  try {
    yield* tell({ kind: 'copy', from: source, to: path });
  } catch (thrown) {
    // The kernel asks for rights that reading through the branch may not need.
    if (thrown === EACCES || thrown === EPERM) return 'refused';
    throw thrown;
  }
  yield* mustBeTheSame(origin);
  if (pages.length > 0 || supplied !== size || supplied !== origin?.fingerprint.size) {
    const handle = yield* tell({ kind: 'open', path });
    try {
      if (supplied !== origin?.fingerprint.size) yield* tell({ kind: 'truncate', path, handle, size: supplied });
      let end = supplied;
      for (const { index, twin } of pages) {
        const at = index * memory.pageSize;
        yield* writeAll(path, handle, bytesOf(twin), at);
        end = Math.max(end, at + twin.length);
      }
      if (end !== size) yield* tell({ kind: 'truncate', path, handle, size });
    } finally {
      yield* tell({ kind: 'close', path, handle });
    }
  }
  yield* giveAttributes(path, attributes, writer, 'made by copying');
  return 'done';
}

function* mustBeTheSame(origin: Content['origin']): Procedure<void> {
  if (origin === undefined) throw ESTALE;
  const found = yield* tell({ kind: 'lstat', branch: origin.branch, path: origin.path });
  if (found === undefined || !printAlike(found, origin.fingerprint)) throw ESTALE;
}

function* stageAnew(memory: Memory, content: Content, path: string, writer: Writer): Procedure<void> {
  const { attributes, size } = content;
  const handle = yield* tell({ kind: 'create', path, mode: (attributes.mode ?? 0) & 0o777 });
  try {
    let written = 0;
    for (const piece of piecesOf(memory, content)) {
      const bytes = 'bytes' in piece ? piece.bytes : yield* fetch(content, piece.from, piece.to);
      yield* writeAll(path, handle, bytes, piece.from);
      written = piece.from + bytes.length;
    }
    if (written < size) yield* tell({ kind: 'truncate', path, handle, size });
  } finally {
    yield* tell({ kind: 'close', path, handle });
  }
  yield* giveAttributes(path, attributes, writer, 'made with its mode');
}

/** The dirty pages, one after the other; where each belongs is in the batch's journal. */
function* stagePages(content: Content, path: string): Procedure<void> {
  const handle = yield* tell({ kind: 'create', path, mode: 0o600 });
  try {
    let at = 0;
    for (const { twin } of content.pages) {
      const bytes = bytesOf(twin);
      yield* writeAll(path, handle, bytes, at);
      at += bytes.length;
    }
  } finally {
    yield* tell({ kind: 'close', path, handle });
  }
}

/** Who writes to the upper: what new files get by themselves, and what the upper can do. */
export interface Writer {
  readonly uid: number;
  readonly gid: number;
  /** The permission bits that what it makes does not get. */
  umask(): number;
  /** It writes to the real disk. */
  readonly isOnDisk: boolean;
  readonly can: Upper['can'];
}

/** Gives what is in the upper its owner, mode and times; what only root may give, others leave. */
export function* giveAttributes(
  path: string,
  { mode, uid, gid, atime, mtime }: TakenAttributes,
  writer: Writer,
  made: 'made with its mode' | 'made by copying' | 'made before',
): Procedure<void> {
  const { can } = writer;
  const [canChown, canSetTimes] =
    mode === undefined ? [can.chownLinks, can.setTimesOfLinks] : [can.chown, can.setTimes];
  const urgency: Urgency = made === 'made before' ? 'at once' : 'none';
  if (canChown && (made === 'made before' || uid !== writer.uid || gid !== writer.gid)) {
    yield* allowed({ kind: 'chown', path, uid, gid, urgency });
  }
  const isMade = mode === undefined || (made === 'made with its mode' && (mode & 0o777 & ~writer.umask()) === mode);
  if (can.chmod && !isMade) yield* tell({ kind: 'chmod', path, mode, urgency });
  if (canSetTimes) yield* tell({ kind: 'setTimes', path, atime, mtime, urgency });
}

/** A command that the upper may refuse to who is not root (W8: "owner, where it may"). */
function* allowed(command: Command): Procedure<void> {
  try {
    yield* tell(command);
  } catch (thrown) {
    if (thrown !== EPERM) throw thrown;
  }
}

/** A part of a file: bytes, or where in the origin they are. Holes are left out. */
type Piece = { readonly from: number; readonly bytes: Uint8Array } | { readonly from: number; readonly to: number };

function* piecesOf(memory: Memory, { pages, supplied }: Content): Iterable<Piece> {
  const { pageSize } = memory;
  let at = 0;
  for (const { index, twin } of pages) {
    const start = index * pageSize;
    for (; at < Math.min(start, supplied); at = Math.min(start, supplied, at + CHUNK)) {
      yield { from: at, to: Math.min(start, supplied, at + CHUNK) };
    }
    if (twin.length > 0) yield { from: start, bytes: bytesOf(twin) };
    at = start + pageSize;
  }
  for (; at < supplied; at += CHUNK) yield { from: at, to: Math.min(supplied, at + CHUNK) };
}

function bytesOf({ bytes, start, length }: Page): Uint8Array {
  return bytes.subarray(start, start + length);
}

function* fetch({ origin }: Content, from: number, to: number): Procedure<Uint8Array> {
  if (origin === undefined) throw ESTALE;
  const { branch, path, fingerprint } = origin;
  const bytes = yield* tell({ kind: 'read', branch, path, fingerprint, offset: from, length: to - from });
  if (bytes === undefined || bytes.length < to - from) throw ESTALE;
  return bytes;
}

/** Writes all of `bytes`, going on after a short write (W2). */
export function* writeAll(
  path: string,
  handle: unknown,
  bytes: Uint8Array,
  position: number,
  urgency: Urgency = 'none',
): Procedure<void> {
  let done = 0;
  while (done < bytes.length) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    const written = yield* tell({ kind: 'write', path, handle, bytes: rest, position: position + done, urgency });
    // An upper that takes nothing and gives no reason would be asked for ever.
    if (written === 0) throw EIO;
    done += written;
  }
}
