/**
 * The notes of a work area, `.overfs/numbers`: what the overlay shows of the upper's files although the upper cannot
 * hold it.
 *
 *     12 5 1700000000123                             the upper's file 12, which was born then, is shown as number 5
 *     12 5 1700000000123 {"owner":[7,7,1000,1000]}   the same, and what else differs (`Kept`)
 *     0 5 {"lost":1}                                 the lowers' file that is shown as number 5 has lost a name
 *     12 0                                           the upper's file 12 is no more
 *
 * A file with the number of a note but another birth time is a different file: another tool has removed the noted one
 * and made a new one, or has copied the upper. Then the note does not apply.
 *
 * Lines are added at the end, and the last one about a file counts; now and then the file is written anew without the
 * others. Only the last line may have been cut short by a crash; it belongs to a batch that is carried out again. Any
 * other malformed line is damage.
 */

import type { Attributes } from '../../branch/branch.ts';
import { EEXIST, Errno } from '../../errno.ts';
import { birthOf } from '../../tree/numbers.ts';
import { seenAs } from '../../tree/sources/below.ts';
import type { Kept } from '../../tree/sources/kept.ts';
import { type Procedure, tell } from '../commands.ts';
import type { TakenAttributes } from '../plan/content.ts';
import type { Reach } from '../report.ts';
import { writeAll } from '../stage/writer.ts';
import { quietly, readText, removeFile, removeIfPossible, writeNew } from './files.ts';
import { flushAt } from './flush.ts';
import { isFull } from './room.ts';

/** One line. */
export interface Note {
  /** The upper's own inode number; 0 where the upper does not have the file. */
  readonly ino: number;
  /** The inode number that the overlay shows; 0 for a file that the upper has no more. */
  readonly number: number;
  /** When the upper's file was born (`birthOf`); undefined where that is not known. */
  readonly birth?: number | undefined;
  /** What else differs; undefined for nothing. */
  readonly kept?: Kept | undefined;
  /** How many names the file has lost, if it is a file of the lowers. */
  readonly lost?: number | undefined;
}

/** The file of notes, and what is known about it. */
export interface NotesFile {
  readonly path: string;
  /** How far it is brought when it is written anew, since it then holds lines that were flushed before. */
  readonly most: Reach;
  /** Its length in bytes, where the next line goes. Changed by `readNotes`, `addNotes` and `rewrite`. */
  size: number;
  /** How large it may get before it is written anew, in bytes. Changed by `readNotes` and `shorten`. */
  limit: number;
  /** A failure may have left something beyond `size`. Changed by `addNotes` and `cutOff`. */
  isRagged: boolean;
  /**
   * What the storage may lack: nothing; lines that were added without a flush; or any of them, since a flush of them has
   * failed. Changed by `addNotes`, `flushNotes` and `rewrite`.
   */
  lacking: 'nothing' | 'new lines' | 'any';
}

/** Up to this size the file is never written anew, in bytes. */
const SMALL = 64 * 1024;

const LINE = /^(\d+) (\d+)(?: (\d+))?(?: (\{.*\}))?$/;

function parseLine(line: string): Note | undefined {
  const [, ino, number, birth, rest] = LINE.exec(line) ?? [];
  if (ino === undefined || number === undefined) return undefined;
  const base = { ino: Number(ino), number: Number(number), ...(birth !== undefined && { birth: Number(birth) }) };
  if (rest === undefined) return base;
  try {
    const { lost, ...kept } = JSON.parse(rest) as Kept & { readonly lost?: number };
    return base.ino === 0 ? { ...base, lost } : { ...base, kept };
  } catch {
    return undefined;
  }
}

function lineOf({ ino, number, birth, kept, lost }: Note): string {
  const rest = lost === undefined ? kept : { lost };
  const head = birth === undefined ? `${ino} ${number}` : `${ino} ${number} ${birth}`;
  return rest === undefined ? `${head}\n` : `${head} ${JSON.stringify(rest)}\n`;
}

/** The note about a file of the upper, as it looks now. */
export function noteOf(found: Attributes, number: number, kept?: Kept): Note {
  return { ino: Number(found.ino), number, birth: birthOf(found), kept };
}

/**
 * Reads the notes, and writes them anew where most of the lines are outdated.
 *
 * @param damaged makes the error for a malformed line
 */
export function* readNotes(file: NotesFile, damaged: (line: string) => Error): Procedure<readonly Note[]> {
  const text = (yield* readText(file.path)) ?? '';
  const lines = text.split('\n');
  const isTorn = lines.pop() !== '';
  const notes = new Map<string, Note>();
  for (const line of lines) {
    const note = parseLine(line);
    if (note === undefined) throw damaged(line);
    const key = note.ino === 0 ? `:${note.number}` : `${note.ino}`;
    if (note.number === 0) notes.delete(key);
    else notes.set(key, note);
  }
  file.size = Buffer.byteLength(text);
  if (isTorn || file.lacking === 'any' || (file.size > SMALL && lines.length > notes.size * 2))
    yield* rewrite(file, [...notes.values()]);
  file.limit = SMALL + file.size * 2;
  return [...notes.values()];
}

function directoryOf({ path }: NotesFile): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function* rewrite(file: NotesFile, notes: readonly Note[]): Procedure<void> {
  const fresh = `${file.path}.new`;
  const text = notes.map(lineOf).join('');
  yield* removeFile(fresh);
  yield* writeNew(fresh, text, file.most);
  yield* tell({ kind: 'rename', from: fresh, to: file.path, urgency: 'in place' });
  file.size = Buffer.byteLength(text);
  if (file.most !== 'storage') return;
  yield* flushAt(directoryOf(file));
  file.lacking = 'nothing';
}

/** Adds lines to the notes. Requires: `readNotes` was the first to look at the file. */
export function* addNotes(file: NotesFile, notes: readonly Note[], reach: Reach): Procedure<void> {
  if (notes.length === 0) return;
  const lines = Buffer.from(notes.map(lineOf).join(''));
  if (file.size === 0) yield* quietly(EEXIST, writeNew(file.path, ''));
  const { path } = file;
  const urgency = 'in place';
  const handle = yield* tell({ kind: 'open', path, urgency });
  try {
    // Otherwise the end of a longer line would remain behind shorter ones.
    if (file.isRagged) yield* tell({ kind: 'truncate', path, handle, size: file.size, urgency });
    file.isRagged = true;
    yield* writeAll(path, handle, lines, file.size, urgency);
    if (reach === 'storage') yield* tell({ kind: 'flush', path, handle, urgency });
  } finally {
    yield* tell({ kind: 'close', path, handle, urgency });
  }
  if (reach === 'storage' && file.size === 0) yield* flushAt(directoryOf(file));
  file.isRagged = false;
  file.size += lines.length;
  if (file.lacking !== 'any') file.lacking = reach === 'storage' ? 'nothing' : 'new lines';
  if (file.size > file.limit) yield* shorten(file);
}

/**
 * Makes durable what was added without a flush. After a failure the storage may lack any of it, and would not say so a
 * second time (`fsync(2)`), so everything is written anew.
 */
export function* flushNotes(file: NotesFile): Procedure<void> {
  if (file.lacking === 'any') {
    yield* cutOff(file);
    yield* readNotes(file, notOurs);
  }
  if (file.lacking === 'nothing') return;
  try {
    yield* flushAt(file.path);
  } catch (thrown) {
    if (thrown instanceof Errno) file.lacking = 'any';
    throw thrown;
  }
  file.lacking = 'nothing';
}

/** Removes what a failure has left behind the lines. */
function* cutOff(file: NotesFile): Procedure<void> {
  if (!file.isRagged) return;
  const { path, size } = file;
  const handle = yield* tell({ kind: 'open', path, urgency: 'in place' });
  try {
    yield* tell({ kind: 'truncate', path, handle, size, urgency: 'in place' });
  } finally {
    yield* tell({ kind: 'close', path, handle, urgency: 'in place' });
  }
  file.isRagged = false;
}

function notOurs(line: string): Error {
  return new Error(`not one of our lines: ${line}`);
}

/** Writes the notes anew without outdated lines. Where the upper has no room for both files, the old one stays. */
function* shorten(file: NotesFile): Procedure<void> {
  try {
    yield* readNotes(file, notOurs);
  } catch (thrown) {
    if (!isFull(thrown)) throw thrown;
    yield* removeIfPossible(`${file.path}.new`);
    file.limit = file.size * 2;
  }
}

/** Which of the attributes that were given to a file of the upper show differently there; undefined for none. */
export function keptOf(given: TakenAttributes, found: Attributes): Kept | undefined {
  const { uid, gid, links, birth, below } = given;
  const mode = given.mode ?? found.mode & 0o7777;
  const isMode = mode === (found.mode & 0o7777);
  const isOwner = uid === found.uid && gid === found.gid;
  const [atimeSec, atimeNsec, mtimeSec, mtimeNsec] = given.times;
  const isTimes =
    atimeSec === found.atimeSec &&
    atimeNsec === found.atimeNsec &&
    mtimeSec === found.mtimeSec &&
    mtimeNsec === found.mtimeNsec;
  if (isMode && isOwner && isTimes && !links && !below) return undefined;
  return {
    ...(!isMode && { mode: [mode, found.mode & 0o7777] as const }),
    ...(!isOwner && { owner: [uid, gid, found.uid, found.gid] as const }),
    ...(!isTimes && { times: [atimeSec, atimeNsec, mtimeSec, mtimeNsec, found.mtimeSec, found.mtimeNsec] as const }),
    ...(links && { links }),
    ...(birth && { birth }),
    ...(below && seenAs(below, found)),
  };
}
