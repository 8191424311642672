/**
 * The journal of the work area: what a batch does. The batch is decided as soon as the journal is there: an overlay
 * that mounts the upper after a crash can finish it.
 *
 *     {"moves": [...], "steps": [...], "staged": {"7": [4096, 1700000000], ...}, "notes": [...]}
 *     4be1f3c2                            the CRC-32 of the first line
 *
 * `staged` says how large the staged contents are (and when they were modified), since a disk that loses its power may
 * have the journal and only a part of them. Paths begin at the root of the upper (which is ''), since an upper may be
 * moved before it is mounted again.
 */

import { constants } from 'node:fs';
import { crc32 } from 'node:zlib';
import { Errno } from '../../errno.ts';
import { type Procedure, tell } from '../commands.ts';
import type { Content } from '../plan/content.ts';
import type { Move, Step } from '../plan/steps.ts';
import type { Reach } from '../report.ts';
import type { Writer } from '../stage/writer.ts';
import { carryOutBatch, directoryOf, NOBODY, notesOf } from './carry-out.ts';
import { damage, look } from './damage.ts';
import { readText, removeFile, writeNew } from './files.ts';
import { flushAt } from './flush.ts';
import type { Note } from './notes.ts';
import type { Area } from './work-area.ts';

const { S_IFMT, S_IFREG, S_IFDIR } = constants;

/** The size of a staged content, and its `mtime` in seconds. */
type Size = readonly [bytes: number, modified: number];

/** What a journal holds. */
interface Journal {
  readonly moves: readonly Move[];
  readonly steps: readonly Step[];
  readonly staged: Readonly<Record<string, Size>>;
  readonly notes: readonly Note[];
}

/** What a journal needs of a batch. */
interface Decided {
  readonly moves: readonly Move[];
  readonly steps: readonly Step[];
  readonly notes: readonly Note[];
  readonly plan: { readonly contents: ReadonlyMap<unknown, Content> };
}

/**
 * Decides a batch: from then on it will be finished, by this overlay or by one that mounts the upper after a crash.
 *
 * @param stage a new name in the staging directory
 */
export function* writeJournal(
  area: Area,
  stage: string,
  { moves, steps, notes, plan }: Decided,
  reach: Reach,
): Procedure<void> {
  const staged: Record<string, Size> = {};
  for (const content of plan.contents.values()) {
    if (content.staged !== undefined) staged[content.stage] = [content.staged.size, content.staged.mtimeSec];
  }
  const base = baseOf(area);
  const inUpper = (path: string) => path.slice(base.length);
  const line = JSON.stringify({ ...withPaths({ moves, steps }, inUpper), staged, notes });
  const fresh = `${area.stage}/${stage}`;
  yield* writeNew(fresh, `${line}\n${seal(line)}\n`, reach, 'none');
  yield* tell({ kind: 'rename', from: fresh, to: area.journal, urgency: 'in place' });
}

function seal(line: string): string {
  return crc32(line).toString(16).padStart(8, '0');
}

/** Removes the journal, since the batch is done. */
export function* endBatch(area: Area, reach: Reach): Procedure<void> {
  yield* removeFile(area.journal);
  yield* removeFile(area.moved);
  // Before the staged files are removed: a journal that came back after a power cut would need them.
  if (reach === 'storage') yield* flushAt(area.base);
}

/** Finishes the batch that a crash interrupted, if there is one; answers the notes about it. */
export function* redo(area: Area, writer: Writer, reach: Reach): Procedure<readonly Note[]> {
  for (const each of [area.journal, area.moved]) yield* look(each, 'file');
  const before = yield* readText(area.journal);
  const text = before ?? (yield* readText(area.moved));
  if (text === undefined) return [];
  const path = before === undefined ? area.moved : area.journal;
  const read = parseJournal(text);
  if (read === undefined || !staysInside(read)) throw lost(area, path, `The journal '${path}' is damaged`);
  const journal: Journal = { ...read, ...withPaths(read, (path) => (path === '' ? area.root : baseOf(area) + path)) };
  const cursor = { moves: before === undefined ? journal.moves.length : 0, steps: 0, notes: new Map<number, Note>() };
  try {
    yield* checkStaged(area, path, journal);
    yield* carryOutBatch(area, { ...journal, reach }, cursor, writer, NOBODY);
    if (reach === 'storage') yield* flushSteps(journal);
    return yield* notesOf(journal.steps, new Map(), cursor, journal.notes);
  } catch (thrown) {
    if (!(thrown instanceof Errno)) throw thrown;
    const step = journal.steps[cursor.steps];
    const at = journal.moves[cursor.moves]?.from ?? (step && `${step.kind} ${step.path}`) ?? 'its end';
    throw lost(area, path, `What '${path}' says cannot be done (${thrown.code} at '${at}')`, thrown);
  }
}

/**
 * Makes durable what moves and steps have changed, before the journal goes. The batch may have been one that was not
 * flushed, so this includes what was staged.
 */
function* flushSteps({ moves, steps }: Journal): Procedure<void> {
  const directories = new Set(moves.map(({ from }) => directoryOf(from)));
  const places = new Set<string>();
  for (const step of steps) {
    if (step.kind !== 'attributes' && step.kind !== 'patch') directories.add(directoryOf(step.path));
    if (step.kind === 'mark' || step.kind === 'unmark') continue;
    places.add(step.path);
    if (step.kind === 'place') for (const [inner] of step.inner ?? []) places.add(`${step.path}/${inner}`);
  }
  for (const path of places) {
    const type = ((yield* tell({ kind: 'lstat', path }))?.mode ?? 0) & S_IFMT;
    // What a link leads to need not even be in the upper.
    if (type === S_IFREG || type === S_IFDIR) yield* flushAt(path);
  }
  for (const path of directories) yield* flushAt(path);
}

function lost({ stage }: Area, path: string, what: string, cause?: unknown): Error {
  const cure =
    `the files that it had staged are in '${stage}'. Remove the cause and mount the upper again, or move '${path}' away to go on ` +
    'without them';
  return damage(`${what}, so an interrupted write-back cannot be finished`, cure, cause);
}

/** Checks that the staged contents are there as they were when the batch was decided, or in their places already. */
function* checkStaged(area: Area, journal: string, { moves, steps, staged }: Journal): Procedure<void> {
  const begun = journal === area.moved || moves.length === 0;
  const places = new Map<string, string>();
  for (const step of steps) {
    if (step.kind === 'place') places.set(step.stage, step.path);
    if (step.kind === 'patch') yield* checkPatch(area, journal, step);
  }
  for (const [stage, [size, modified]] of Object.entries(staged)) {
    const top = stage.split('/')[0] as string;
    const place = places.get(top);
    if (place === undefined) continue;
    let found = yield* tell({ kind: 'lstat', path: `${area.stage}/${stage}` });
    for (const path of begun ? whereabouts(area, places, place + stage.slice(top.length)) : []) {
      if (found !== undefined) break;
      found = yield* tell({ kind: 'lstat', path });
    }
    if (found?.size !== size || found.mtimeSec !== modified) throw spoilt(area, journal, stage);
  }
}

/**
 * Where something may be that has got its place: there, or still in the staging directory with a directory that is to be
 * above it. A disk that lost its power may have the later of two renames only. `places` are the places, by stage.
 */
function* whereabouts({ stage }: Area, places: ReadonlyMap<string, string>, path: string): Iterable<string> {
  yield path;
  for (const [above, place] of places) {
    if (path.startsWith(`${place}/`)) yield `${stage}/${above}${path.slice(place.length)}`;
  }
}

function* checkPatch(
  area: Area,
  journal: string,
  { stage, ranges }: Extract<Step, { kind: 'patch' }>,
): Procedure<void> {
  const found = yield* tell({ kind: 'lstat', path: `${area.stage}/${stage}` });
  if (found?.size !== ranges.reduce((sum, [, length]) => sum + length, 0)) throw spoilt(area, journal, stage);
}

function spoilt(area: Area, journal: string, stage: string): Error {
  return lost(area, journal, `'${area.stage}/${stage}', which '${journal}' needs, is not what it was`);
}

/** What all paths in the upper begin with. */
function baseOf({ root }: Area): string {
  return root === '/' ? '/' : `${root}/`;
}

/** The moves and steps with their paths mapped by `other`. */
function withPaths({ moves, steps }: Pick<Journal, 'moves' | 'steps'>, other: (path: string) => string) {
  return {
    moves: moves.map((move) => ({ ...move, from: other(move.from) })),
    steps: steps.map((step): Step => {
      const path = other(step.path);
      return step.kind === 'link' ? { ...step, path, existing: other(step.existing) } : { ...step, path };
    }),
  };
}

/** Whether everything that a journal names is in the upper: the journal may have been forged. */
function staysInside({ moves, steps, staged }: Journal): boolean {
  return (
    moves.every(({ from, stage }) => isInside(from) && isInside(stage)) &&
    steps.every(
      (step) =>
        isInside(step.path) &&
        (!('stage' in step) || isInside(step.stage)) &&
        (step.kind !== 'link' || isInside(step.existing)),
    ) &&
    Object.keys(staged).every(isInside)
  );
}

function isInside(path: unknown): path is string {
  return typeof path === 'string' && !path.startsWith('/') && !path.split('/').includes('..');
}

/** Reads a journal; undefined when it is not one. */
function parseJournal(text: string): Journal | undefined {
  const [line = '', sum = ''] = text.split('\n');
  if (sum !== seal(line)) return undefined;
  try {
    const journal = JSON.parse(line) as Partial<Journal>;
    const { moves, steps, staged, notes } = journal;
    const isOne = Array.isArray(moves) && Array.isArray(steps) && Array.isArray(notes) && staged instanceof Object;
    return isOne ? (journal as Journal) : undefined;
  } catch {
    return undefined;
  }
}
