/**
 * Carrying out a decided batch: its moves and steps, by the overlay that planned them, or by one that mounts the upper
 * after a crash.
 */

import { constants } from 'node:fs';
import type { Attributes, Fingerprint } from '../../branch/branch.ts';
import { EEXIST, ENOENT, Errno, ESTALE } from '../../errno.ts';
import { type Procedure, tell } from '../commands.ts';
import { isOfPrint } from '../places.ts';
import type { Move, Step } from '../plan/steps.ts';
import type { Reach } from '../report.ts';
import { isSparse } from '../stage/holes.ts';
import { giveAttributes, type Writer, writeAll } from '../stage/writer.ts';
import { CHUNK, copyBytes, quietly, removeFile, removeTree, writeNew } from './files.ts';
import { flushAt } from './flush.ts';
import { keptOf, type Note, noteOf } from './notes.ts';
import type { Area } from './work-area.ts';

const { S_IFMT, S_IFDIR } = constants;

/** How far a batch has come. Changed as it is carried out, so that it can be continued after a failure. */
export interface Cursor {
  moves: number;
  steps: number;
  /** Notes about the files that were given attributes, by the upper's own number. */
  readonly notes: Map<number, Note>;
}

/** Is told of each thing as soon as it is done, so that what is known of the upper is always true. */
export interface Watcher {
  /** A move is done. */
  moved(index: number): void;
  /**
   * The name in the staging directory under which to keep the old content of a file that is about to change; undefined
   * if it is not needed.
   */
  keeps(index: number): string | undefined;
  /** The old content is kept there; `found` are its attributes. */
  kept(index: number, stage: string, found: Attributes | undefined): void;
  /**
   * Whether a step must be done at the latest when it is answered: because what the upper has under the name is still
   * read until then, or because a step that fails must not be done after all.
   */
  givesAtOnce(index: number): boolean;
  /** A file is about to change in its place. */
  changing(index: number): void;
  /** The fingerprint of a file whose attributes are to change; undefined where it is not known. */
  expected(index: number): Fingerprint | undefined;
  /** The file is not there any more: another tool has removed it (ENOENT) or changed it (ESTALE). */
  lost(index: number, errno: Errno): void;
  /** A step is done; `found` are the attributes of a file that it changed in its place. */
  done(index: number, found: Attributes | undefined): void;
}

/** For the mount, when the tree knows nothing yet. */
export const NOBODY: Watcher = {
  moved: () => {},
  keeps: () => undefined,
  kept: () => {},
  givesAtOnce: () => false,
  changing: () => {},
  expected: () => undefined,
  lost: () => {},
  done: () => {},
};

/**
 * Carries out the moves and steps of a batch, from where the cursor is. A process that crashed may have done them
 * before.
 */
export function* carryOutBatch(
  area: Area,
  { moves, steps, reach }: { readonly moves: readonly Move[]; readonly steps: readonly Step[]; readonly reach: Reach },
  cursor: Cursor,
  writer: Writer,
  watcher: Watcher,
): Procedure<void> {
  for (let move = moves[cursor.moves]; move !== undefined; move = moves[cursor.moves]) {
    const to = `${area.stage}/${move.stage}`;
    yield* quietly(ENOENT, tell({ kind: 'rename', from: move.from, to, urgency: 'at once' }));
    watcher.moved(cursor.moves++);
  }
  // Moves must not be repeated, since they would take away what was put in place. The name of the journal says that
  // they are done.
  if (moves.length > 0 && cursor.steps === 0) {
    // It must not say so on a disk that does not have them.
    if (reach === 'storage') for (const path of leftBy(moves, area)) yield* flushAt(path);
    yield* quietly(ENOENT, tell({ kind: 'rename', from: area.journal, to: area.moved, urgency: 'in place' }));
    if (reach === 'storage') yield* flushAt(area.base);
  }
  for (let step = steps[cursor.steps]; step !== undefined; step = steps[cursor.steps]) {
    const index = cursor.steps;
    if (step.kind === 'patch') yield* keepBytes(area, step.path, index, writer, watcher);
    const found = yield* carryOutStep(area, step, index, writer, watcher);
    watcher.done(index, found);
    if (step.kind === 'attributes' && step.number !== undefined && found !== undefined) {
      const note = noteOf(found, step.number, keptOf(step.attributes, found));
      cursor.notes.set(note.ino, note);
    }
    cursor.steps++;
  }
}

/** Copies the old content of a file for copies that still need it after the change. */
function* keepBytes(area: Area, path: string, index: number, writer: Writer, watcher: Watcher): Procedure<void> {
  const stage = watcher.keeps(index);
  if (stage === undefined) return;
  const to = `${area.stage}/${stage}`;
  // In place: a take-over could not know how far the copy has come.
  if (writer.can.copy && !(yield* hasHoles(path)))
    yield* tell({ kind: 'copy', from: path, to, how: 'any', urgency: 'in place' });
  else yield* copyBytes(path, to);
  watcher.kept(index, stage, yield* tell({ kind: 'lstat', path: to }));
}

function* hasHoles(path: string): Procedure<boolean> {
  const found = yield* tell({ kind: 'lstat', path });
  return found !== undefined && isSparse(found);
}

/** The directories that moves change. */
function leftBy(moves: readonly Move[], area: Area): Set<string> {
  return new Set([area.stage, ...moves.map(({ from }) => directoryOf(from))]);
}

/**
 * Carries out one step; does nothing where it was done before. Answers the attributes of a file that it changed in its
 * place.
 */
function* carryOutStep(
  area: Area,
  step: Step,
  index: number,
  writer: Writer,
  watcher: Watcher,
): Procedure<Attributes | undefined> {
  switch (step.kind) {
    case 'place': {
      const isHeld = step.number === undefined || watcher.givesAtOnce(index);
      yield* place(`${area.stage}/${step.stage}`, step.path, isHeld ? 'held' : 'new');
      return undefined;
    }
    case 'link': {
      const stage = `${area.stage}/${step.stage}`;
      yield* quietly(EEXIST, tell({ kind: 'link', existing: step.existing, path: stage }));
      yield* place(stage, step.path, 'new');
      // Renaming one name of a file to another name of the same file does nothing (POSIX rename).
      yield* removeFile(stage, 'none');
      return undefined;
    }
    case 'mark':
      yield* quietly(EEXIST, writeNew(step.path, ''));
      return undefined;
    case 'unmark':
      yield* removeMark(step.path);
      return undefined;
    case 'patch':
      yield* patch(area, step, () => watcher.changing(index));
      return undefined;
    case 'attributes':
      return yield* changeAttributes(step, index, writer, watcher);
  }
}

/**
 * Changes attributes in place. If another file is there, its attributes are left alone, and it is not taken for the
 * file (C7); the rest of the batch goes on.
 */
function* changeAttributes(
  { path, attributes }: Extract<Step, { kind: 'attributes' }>,
  index: number,
  writer: Writer,
  watcher: Watcher,
): Procedure<Attributes | undefined> {
  const expected = watcher.expected(index);
  try {
    const found = yield* tell({ kind: 'lstat', path, urgency: 'at once' });
    if (found === undefined) throw ENOENT;
    if (expected !== undefined && !isOfPrint(found, expected)) throw ESTALE;
    watcher.changing(index);
    yield* giveAttributes(path, attributes, writer, found);
    return yield* tell({ kind: 'lstat', path, urgency: 'at once' });
  } catch (thrown) {
    if (!(thrown instanceof Errno) || (thrown !== ENOENT && thrown !== ESTALE)) throw thrown;
    watcher.lost(index, thrown);
    return undefined;
  }
}

/** Gives something in the staging directory its name. */
function* place(from: string, to: string, what: 'held' | 'new'): Procedure<void> {
  try {
    yield* tell(what === 'held' ? { kind: 'rename', from, to, urgency: 'at once' } : { kind: 'rename', from, to });
  } catch (thrown) {
    // It was done before, if the source is gone and the target is there.
    if (thrown !== ENOENT) throw thrown;
    if ((yield* tell({ kind: 'lstat', path: from })) !== undefined) throw thrown;
    if ((yield* tell({ kind: 'lstat', path: to })) === undefined) throw thrown;
  }
}

/** Removes a whiteout. By its name alone it is one, so it may be a directory if another tool has made it. */
function* removeMark(path: string): Procedure<void> {
  try {
    yield* removeFile(path);
  } catch (thrown) {
    if (!(thrown instanceof Errno) || !(yield* isDirectoryAt(path))) throw thrown;
    yield* removeTree(path, S_IFDIR, 'in place');
  }
}

function* isDirectoryAt(path: string): Procedure<boolean> {
  return (((yield* tell({ kind: 'lstat', path }))?.mode ?? 0) & S_IFMT) === S_IFDIR;
}

/** Copies staged pages into a file. */
function* patch(
  area: Area,
  { stage, path, ranges, cut, size }: Extract<Step, { kind: 'patch' }>,
  changing: () => void,
): Procedure<void> {
  const from = `${area.stage}/${stage}`;
  const staged = yield* tell({ kind: 'lstat', path: from });
  // Gone: the patch was done, and the staging directory cleared.
  if (staged === undefined) return;
  changing();
  const handle = yield* tell({ kind: 'open', path, urgency: 'at once' });
  try {
    yield* tell({ kind: 'truncate', path, handle, size: Math.min(cut, size), urgency: 'at once' });
    let offset = 0;
    for (const piece of piecesOf(ranges)) {
      const length = lengthOf(piece);
      const bytes = yield* tell({ kind: 'read', path: from, fingerprint: staged, offset, length });
      if (bytes === undefined || bytes.length < length) throw ESTALE;
      let at = 0;
      for (const [position, size] of piece) {
        yield* writeAll(path, handle, bytes.subarray(at, at + size), position, 'at once');
        at += size;
      }
      offset += length;
    }
    const [position, length] = ranges.at(-1) ?? [0, 0];
    const end = Math.max(Math.min(cut, size), position + length);
    if (end !== size) yield* tell({ kind: 'truncate', path, handle, size, urgency: 'at once' });
  } finally {
    yield* tell({ kind: 'close', path, handle, urgency: 'at once' });
  }
}

type Ranges = Extract<Step, { kind: 'patch' }>['ranges'];

/** Groups ranges into pieces that can be read at once. */
function* piecesOf(ranges: Ranges): Iterable<Ranges> {
  let from = 0;
  let bytes = 0;
  for (const [index, [, length]] of ranges.entries()) {
    if (index > from && bytes + length > CHUNK) {
      yield ranges.slice(from, index);
      from = index;
      bytes = 0;
    }
    bytes += length;
  }
  if (from < ranges.length) yield ranges.slice(from);
}

function lengthOf(ranges: Ranges): number {
  return ranges.reduce((sum, [, length]) => sum + length, 0);
}

/**
 * The notes about files that steps have placed or given attributes. `known` are the attributes of staged files, `notes`
 * the notes of the batch itself.
 */
export function* notesOf(
  steps: readonly Step[],
  known: ReadonlyMap<string, Attributes>,
  cursor: Cursor,
  notes: readonly Note[],
): Procedure<Note[]> {
  const all = new Map<number, Note>();
  for (const step of steps) {
    if (step.kind !== 'place' || step.number === undefined) continue;
    for (const [inner, number] of [['', step.number] as const, ...(step.inner ?? [])]) {
      const at = inner === '' ? '' : `/${inner}`;
      const found = known.get(step.stage + at) ?? (yield* tell({ kind: 'lstat', path: step.path + at }));
      if (found !== undefined && found.ino > 0) all.set(Number(found.ino), noteOf(found, number));
    }
  }
  const lost = notes.filter(({ ino }) => ino === 0);
  for (const note of [...notes, ...cursor.notes.values()]) if (note.ino > 0) all.set(note.ino, note);
  return [...all.values(), ...lost];
}

/** The directory that a path of the upper lies in. */
export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
