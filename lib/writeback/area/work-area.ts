/**
 * The work area of an upper: `.overfs` at its root. It never shows in the overlay.
 *
 *     .overfs/format     which version of all this wrote it, and the device number that the overlay shows
 *     .overfs/lock       who works with the upper
 *     .overfs/stage/     contents not yet in place; what was moved out of the way
 *     .overfs/journal    moves and steps of the batch that is being carried out; there only while it is
 *     .overfs/moved      the moves of that batch are done
 *     .overfs/numbers    inode numbers: those of the upper and those that the overlay shows
 *
 * A crash before the journal is there leaves the upper as it was; a crash after it is made up for when the upper is next mounted, by doing
 * the batch again to its end. So every batch happens as a whole or not at all (W11).
 */

import type { Spelling } from '../../branch/whiteout.ts';
import { EEXIST } from '../../errno.ts';
import { type Procedure, tell } from '../commands.ts';
import { type Writer, writeAll } from '../content.ts';
import type { Move, Step } from '../draft.ts';
import type { Reach } from '../report.ts';
import { carryOutBatch, NOBODY, numbersOf } from './carry-out.ts';
import { makeDirectory, quietly, readText, removeFile, removeTree, writeNew } from './files.ts';
import { flushAt } from './flush.ts';
import { type Holder, isGone, parseHolder } from './lock.ts';

const VERSION = 1;

/** Something is wrong with an upper itself, and what can be done about it. Code `EBUSY` or `ERR_OVERFS_UPPER`. */
export class UpperError extends Error {
  /** `EBUSY`: another overlay has it. `ERR_OVERFS_UPPER`: its work area is damaged. */
  readonly code: 'EBUSY' | 'ERR_OVERFS_UPPER';
  /** As of every error. */
  override readonly name = 'UpperError';

  /** @internal */
  constructor(code: 'EBUSY' | 'ERR_OVERFS_UPPER', message: string) {
    super(message);
    this.code = code;
  }
}

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
}

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
  };
}

/** What an upper remembers of earlier mounts. */
export interface Memories {
  /** The device number that the overlay showed. */
  readonly dev: number;
  /** Overlay inode numbers by the upper's own. */
  readonly numbers: ReadonlyMap<number, number>;
  /** Bytes in the file of numbers: where the next go. */
  readonly size: number;
}

/** Takes the upper: makes or checks the work area, locks it, and ends what a crash left half done. */
export function* mount(area: Area, holder: Holder, dev: number, writer: Writer): Procedure<Memories> {
  yield* makeDirectory(area.base, 0o700);
  yield* takeLock(area, holder);
  yield* makeDirectory(area.stage, 0o700);
  const text = yield* readText(area.format);
  if (text === undefined) yield* writeFormat(area, dev, writer);
  const format = text === undefined ? { dev } : parseFormat(area, text);
  yield* recover(area, writer);
  const lines = (yield* readText(area.numbers)) ?? '';
  return { dev: format.dev, numbers: parseNumbers(lines), size: Buffer.byteLength(lines) };
}

/** Gives the upper back. */
export function* unmount(area: Area): Procedure<void> {
  yield* clearStage(area, () => false);
  yield* removeFile(area.lock);
}

function* takeLock(area: Area, holder: Holder): Procedure<void> {
  for (;;) {
    try {
      yield* writeNew(area.lock, JSON.stringify(holder));
      return;
    } catch (thrown) {
      if (thrown !== EEXIST) throw thrown;
    }
    const text = yield* readText(area.lock);
    if (text === undefined) continue;
    const other = parseHolder(text);
    // An empty or torn lock is from a process that died while it wrote it.
    if (other !== undefined && !isGone(other)) {
      throw new UpperError(
        'EBUSY',
        `EBUSY: the upper '${area.root}' is in use by process ${other.pid} on ${other.host}; ` +
          `if that is not so, remove '${area.lock}'`,
      );
    }
    yield* removeFile(area.lock);
  }
}

/** Begins a work area. Without a format it is one that nobody has worked with yet. */
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
  const format = parsed(text);
  if (format?.version !== VERSION || typeof format.dev !== 'number') {
    throw new UpperError(
      'ERR_OVERFS_UPPER',
      `The work area '${area.base}' was written by another version of overfs or is damaged: '${area.format}' says ` +
        `${JSON.stringify(text.slice(0, 80))}. The files of the upper are not affected; move '${area.base}' away to start anew ` +
        '(inode numbers will change)',
    );
  }
  return { dev: format.dev };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function parseNumbers(lines: string): Map<number, number> {
  const numbers = new Map<number, number>();
  for (const line of lines.split('\n')) {
    const [ino, number] = line.split(' ').map(Number);
    if (ino !== undefined && number !== undefined && ino > 0 && number > 0) numbers.set(ino, number);
  }
  return numbers;
}

/** Ends a batch that a crash interrupted, and clears what is staged. */
function* recover(area: Area, writer: Writer): Procedure<void> {
  // Nobody knows what was promised of it before the crash.
  const reach: Reach = writer.can.flush === 'each' ? 'storage' : 'upper';
  const text = yield* readText(area.journal);
  if (text !== undefined) {
    const journal = parsed(text);
    if (journal === undefined || !Array.isArray(journal.moves) || !Array.isArray(journal.steps)) {
      throw new UpperError(
        'ERR_OVERFS_UPPER',
        `The journal '${area.journal}' is damaged, so a write-back that was interrupted cannot be ended. What it had staged is in ` +
          `'${area.stage}'; move '${area.journal}' away to go on without it`,
      );
    }
    const { moves, steps } = journal as { moves: Move[]; steps: Step[] };
    const isMoved = (yield* tell({ kind: 'lstat', path: area.moved })) !== undefined;
    const cursor = { moves: isMoved ? moves.length : 0, steps: 0 };
    yield* carryOutBatch(area, { moves, steps, reach }, cursor, writer, NOBODY);
    const size = (yield* tell({ kind: 'lstat', path: area.numbers }))?.size ?? 0;
    yield* noteNumbers(area, yield* numbersOf(steps, new Map()), size, reach);
  }
  yield* endBatch(area, reach);
  yield* clearStage(area, () => false);
}

/**
 * Decides a batch: from here on it is done to its end, by us or by who mounts the upper after a crash.
 *
 * @param stage a name in the staging directory that was never used before
 */
export function* writeJournal(
  area: Area,
  stage: string,
  { moves, steps }: { readonly moves: readonly Move[]; readonly steps: readonly Step[] },
  reach: Reach,
): Procedure<void> {
  const fresh = `${area.stage}/${stage}`;
  yield* writeNew(fresh, JSON.stringify({ moves, steps }), reach, 'none');
  yield* tell({ kind: 'rename', from: fresh, to: area.journal, urgency: 'in place' });
}

/** Says that a batch is carried out. In this order: moves done a second time would take away what was put in place. */
export function* endBatch(area: Area, reach: Reach): Procedure<void> {
  yield* removeFile(area.journal);
  if (reach === 'storage') yield* flushAt(area.base);
  yield* removeFile(area.moved);
}

/** Removes what is staged but for what is still needed; answers whether something is. */
export function* clearStage(area: Area, isNeeded: (name: string) => boolean): Procedure<'empty' | 'in use'> {
  let state: 'empty' | 'in use' = 'empty';
  for (const { name, type } of (yield* tell({ kind: 'list', path: area.stage })) ?? []) {
    if (isNeeded(name)) state = 'in use';
    else yield* removeTree(`${area.stage}/${name}`, type);
  }
  return state;
}

/** Notes the inode numbers that the overlay shows for files of the upper. */
export function* noteNumbers(
  area: Area,
  numbers: ReadonlyMap<number, number>,
  size: number,
  reach: Reach,
): Procedure<number> {
  if (numbers.size === 0) return size;
  const lines = Buffer.from([...numbers].map(([ino, number]) => `${ino} ${number}\n`).join(''));
  if (size === 0) yield* quietly(EEXIST, writeNew(area.numbers, ''));
  const [path, urgency] = [area.numbers, 'in place'] as const;
  const handle = yield* tell({ kind: 'open', path, urgency });
  try {
    yield* writeAll(path, handle, lines, size, urgency);
    if (reach === 'storage') yield* tell({ kind: 'flush', path, handle, urgency });
  } finally {
    yield* tell({ kind: 'close', path, handle, urgency });
  }
  if (reach === 'storage' && size === 0) yield* flushAt(area.base);
  return size + lines.length;
}
