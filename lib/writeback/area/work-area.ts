/**
 * The work area of an upper: `.overfs` at its root. It never shows in the overlay.
 *
 *     .overfs/format     the version of this format, and the device number that the overlay shows
 *     .overfs/lock       who uses the upper
 *     .overfs/stage/     contents not yet in place; what was moved out of the way
 *     .overfs/journal    moves and steps of the batch that is being carried out; there only while it is
 *     .overfs/moved      the same, once the moves are done
 *     .overfs/numbers    inode numbers, and other attributes that the upper cannot hold (`notes.ts`)
 *     .overfs/room       zeros: room for a write-back where the upper is full (`room.ts`)
 *
 * A crash before the journal is there leaves the upper as it was. After a crash behind it, the next mount finishes the
 * batch. So every batch happens as a whole or not at all (W11).
 */

import type { Attributes } from '../../branch/branch.ts';
import type { Spelling } from '../../branch/whiteout.ts';
import { S_ISGID } from '../../tree/caller.ts';
import { type Procedure, tell } from '../commands.ts';
import type { Reach } from '../report.ts';
import { allowed, type Writer } from '../stage/writer.ts';
import { damage, look } from './damage.ts';
import { makeDirectory, readText, removeFile, removeIfPossible, removeTree, writeNew } from './files.ts';
import { flushAt } from './flush.ts';
import { endBatch, redo } from './journal.ts';
import { beginHolder, endHolder, type Holder } from './lock.ts';
import { addNotes, type Note, type NotesFile, readNotes } from './notes.ts';
import { takeLock } from './take-lock.ts';

const VERSION = 1;

/** The paths of a work area. */
export interface Area {
  readonly root: string;
  readonly base: string;
  readonly format: string;
  readonly lock: string;
  readonly stage: string;
  readonly journal: string;
  readonly moved: string;
  readonly numbers: string;
  readonly room: string;
}

/** The paths of the work area of an upper that begins at `root`. */
export function areaAt(root: string, { workArea }: Spelling): Area {
  const base = `${root === '/' ? '' : root}/${workArea}`;
  return {
    root,
    base,
    format: `${base}/format`,
    lock: `${base}/lock`,
    stage: `${base}/stage`,
    journal: `${base}/journal`,
    moved: `${base}/moved`,
    numbers: `${base}/numbers`,
    room: `${base}/room`,
  };
}

/** What an upper remembers of earlier mounts. */
export interface Memories {
  /** The device number that the overlay showed. */
  readonly dev: number;
  /** Whether the upper knows when files were born. */
  readonly births: 'known' | 'unknown';
  /** In the order in which they were made. */
  readonly notes: readonly Note[];
  readonly notesFile: NotesFile;
}

/** Takes the upper: makes or checks the work area, locks it, and finishes what a crash left half done. */
export function* mount(area: Area, holder: Holder, dev: number, writer: Writer): Procedure<Memories> {
  yield* makeDirectory(area.base, 0o700);
  yield* prepare(area.base, yield* look(area.base, 'directory'), writer);
  const stage = yield* look(area.stage, 'directory');
  yield* makeDirectory(area.stage, 0o700);
  yield* prepare(area.stage, stage, writer);
  beginHolder(holder);
  let lock: 'free' | 'ours' = 'free';
  try {
    yield* takeLock(area, holder, writer);
    lock = 'ours';
    return yield* enter(area, dev, writer);
  } catch (thrown) {
    // This attempt must not keep others from mounting the upper once it is repaired.
    endHolder(holder);
    if (lock === 'ours') yield* removeIfPossible(area.lock);
    throw thrown;
  }
}

/**
 * Prepares a directory of the work area. Other authors who write there may search it, but not list it. And new files
 * must get the group of their maker, not that of the directory, so a set-group-ID bit inherited from the root is
 * removed (POSIX open, mkdir).
 *
 * @param found the attributes of the directory if it was there before
 */
function* prepare(path: string, found: Attributes | undefined, { company, can, gid }: Writer): Procedure<void> {
  const handsDown = found !== undefined && (found.mode & S_ISGID) !== 0;
  if (handsDown && can.chown) yield* allowed({ kind: 'chown', path, uid: found.uid, gid, urgency: 'in place' });
  if (!can.chmod) return;
  if (company === 'with others') yield* tell({ kind: 'chmod', path, mode: 0o711, urgency: 'in place' });
  else if (handsDown) yield* tell({ kind: 'chmod', path, mode: 0o700, urgency: 'in place' });
}

/** The rest of mounting. Requires: the lock is held. */
function* enter(area: Area, dev: number, writer: Writer): Procedure<Memories> {
  for (const path of [area.format, area.numbers]) yield* look(path, 'file');
  const text = yield* readText(area.format);
  if (text === undefined) yield* writeFormat(area, dev, writer);
  const format = text === undefined ? { dev } : parseFormat(area, text);
  // A call before a crash may have been promised stable storage.
  const reach: Reach = writer.can.flush === 'each' ? 'storage' : 'upper';
  const notesFile: NotesFile = {
    path: area.numbers,
    most: reach,
    size: 0,
    limit: 0,
    isRagged: false,
    lacking: 'nothing',
  };
  const notes = yield* readNotes(notesFile, (line) => damagedNotes(area, line));
  const recovered = yield* redo(area, writer, reach);
  yield* addNotes(notesFile, recovered, reach);
  yield* endBatch(area, reach);
  yield* clearStage(area, () => false);
  return { dev: format.dev, births: yield* lookForBirths(area), notes: [...notes, ...recovered], notesFile };
}

/**
 * Whether the upper knows when files were born. Some systems show the last change of attributes instead (libuv without
 * `statx`); then the directory in which the lock was just made seems to be just born.
 */
function* lookForBirths({ base }: Area): Procedure<'known' | 'unknown'> {
  const found = yield* look(base, 'directory');
  if (found === undefined) return 'unknown';
  const { birthtimeSec, birthtimeNsec, ctimeSec, ctimeNsec } = found;
  return birthtimeSec === ctimeSec && birthtimeNsec === ctimeNsec ? 'unknown' : 'known';
}

/** Gives the upper back. */
export function* unmount(area: Area): Procedure<void> {
  yield* clearStage(area, () => false);
  yield* removeFile(area.lock);
}

/** Begins a work area. One without a format was never used. */
function* writeFormat(area: Area, dev: number, { can }: Writer): Procedure<void> {
  const fresh = `${area.stage}/format`;
  yield* removeFile(fresh);
  yield* writeNew(fresh, JSON.stringify({ version: VERSION, dev }), can.flush === 'each' ? 'storage' : 'upper');
  yield* tell({ kind: 'rename', from: fresh, to: area.format });
  if (can.flush !== 'each') return;
  yield* flushAt(area.base);
  yield* flushAt(area.root);
}

function parseFormat(area: Area, text: string): { readonly dev: number } {
  const { version, dev } = parsed(text) ?? {};
  if (version === VERSION && typeof dev === 'number') return { dev };
  const what =
    typeof version === 'number' && Number.isInteger(version) && version > VERSION
      ? `'${area.format}' is of version ${version}, and this overfs knows versions up to ${VERSION}`
      : `'${area.format}' is damaged: it says ${JSON.stringify(text.slice(0, 80))}`;
  throw damage(
    what,
    `mount it with the overfs that wrote it, or move '${area.base}' away to start anew (inode numbers will change, and an interrupted ` +
      'write-back will not be finished; the files of the upper are not affected otherwise)',
  );
}

function damagedNotes({ numbers }: Area, line: string): Error {
  return damage(
    `'${numbers}' is damaged: ${JSON.stringify(line.slice(0, 80))} is not a valid line`,
    `remove that line, or move '${numbers}' away to start anew (inode numbers, and attributes that the upper itself cannot hold, such as ` +
      'owners and nanoseconds, will be those that the upper shows; the files of the upper are not affected otherwise)',
  );
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Removes what is staged, except what is still needed; answers whether anything is. */
export function* clearStage(area: Area, isNeeded: (name: string) => boolean): Procedure<'empty' | 'in use'> {
  let state: 'empty' | 'in use' = 'empty';
  for (const { name, type } of (yield* tell({ kind: 'list', path: area.stage })) ?? []) {
    if (isNeeded(name)) state = 'in use';
    else yield* removeTree(`${area.stage}/${name}`, type);
  }
  return state;
}
