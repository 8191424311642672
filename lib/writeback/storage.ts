/**
 * Stable storage: what the upper has taken is not safe from a power cut until it is flushed (`fsync`).
 *
 *     staged files, flushed ──► the staging directory ──► journal ──► `.overfs` ──► moves ──► their directories
 *         ──► `moved` ──► steps ──► files changed in place, directories ──► the journal goes
 *
 * A call that wants a file to be safe (`fsync`, `sync`, O_SYNC) gets all of that. A background write-back is not
 * flushed; what it changed is remembered, and flushed with the next such call.
 *
 * Where the upper is an overlay, none of this order is needed: its own batches happen as a whole and one after the
 * other, and one flush brings everything down. So it is flushed once at the end, and then each file is asked about,
 * since that overlay may have failed to bring some of them down.
 */

import { Errno } from '../errno.ts';
import { File, type Inode, isDirectory } from '../tree/inode.ts';
import { pathIn, type UpperSource } from '../tree/sources/source.ts';
import { flushAt, flushThere } from './area/flush.ts';
import { flushNotes, type NotesFile } from './area/notes.ts';
import type { Area } from './area/work-area.ts';
import type { Batch } from './batch.ts';
import { type Procedure, tell } from './commands.ts';
import { isOfPrint, placeOf, upperOf } from './places.ts';
import type { Plan } from './plan/plan.ts';

/** Files and directories of the upper. */
interface Places {
  readonly files: Set<Inode>;
  readonly directories: Set<UpperSource>;
}

/** The files and directories that a batch has changed. Requires: it is carried out. */
function touchedBy({ plan, failed, drafted }: Batch): Places {
  const files = new Set<Inode>();
  const directories = new Set<UpperSource>();
  const touch = (source: UpperSource | undefined) => void (source && directories.add(source));
  for (const inode of [...plan.contents.keys(), ...plan.inodes]) {
    if (isDirectory(inode)) touch(upperOf(inode));
    else if (inode instanceof File && inode.nlink > 0 && !failed.has(inode)) files.add(inode);
  }
  for (const { directory, want } of plan.items) {
    touch(upperOf(directory));
    if (want !== undefined && isDirectory(want)) touch(upperOf(want));
  }
  for (const { source } of drafted.moves) touch(source);
  // The name of a file that was written anew is new too.
  for (const { step, place } of drafted.steps) {
    if (typeof place !== 'object') continue;
    if (step.kind === 'place' || step.kind === 'link') touch(upperOf(place.directory));
  }
  return { files, directories };
}

/** Makes the names of staged files durable. The files themselves are durable already. */
export function* flushStage(stage: string, { stages }: Plan): Procedure<void> {
  for (const name of [...stages.values()].reverse()) yield* flushAt(`${stage}/${name}`);
  yield* flushAt(stage);
}

/**
 * Makes durable what the steps have changed. If that fails, what the storage has is unknown, so the steps are done
 * again.
 */
export function* flushBatch(batch: Batch): Procedure<void> {
  const { files, directories } = touchedBy(batch);
  for (const { inode, kind } of batch.plan.contents.values()) if (kind === 'whole') files.delete(inode);
  try {
    yield* flushPlaces({ files, directories });
  } catch (thrown) {
    batch.cursor.steps = 0;
    throw thrown;
  }
}

/** Flushes files, then directories. `onLoss` hears of a file for which that fails. */
function* flushPlaces({ files, directories }: Places, onLoss: (inode: Inode) => void = () => {}): Procedure<void> {
  for (const inode of files) {
    const place = placeOf(inode);
    if (place === undefined) continue;
    try {
      yield* flushAt(pathIn(place, inode.originName));
    } catch (thrown) {
      if (thrown instanceof Errno) onLoss(inode);
      throw thrown;
    }
  }
  for (const source of directories) yield* flushAt(source.path);
}

/** How many files and directories are remembered before a background write-back flushes them too. */
const MOST = 4096;

/** What the upper has taken and its stable storage may not have. Changed by `note` and `flush`. */
export class Unflushed implements Places {
  readonly files = new Set<Inode>();
  readonly directories = new Set<UpperSource>();

  get isEmpty(): boolean {
    return this.files.size + this.directories.size === 0;
  }

  get isFull(): boolean {
    return this.files.size + this.directories.size > MOST;
  }

  /** Notes what a batch has changed. Requires: it was not flushed. */
  note(batch: Batch): void {
    const { files, directories } = touchedBy(batch);
    for (const inode of files) this.files.add(inode);
    for (const source of directories) this.directories.add(source);
  }

  /**
   * Flushes everything noted, and what the batches have left in the work area: place by place or, where one flush brings
   * everything down, the root; then an overlay is asked about each file.
   *
   * @param onLoss hears of each file that the storage has failed to take: a kernel then counts the pages as written,
   *   and reports success to the next `fsync` (`fsync(2)`)
   * @returns the files that are not known to be on the storage, and the error where that holds for all of them
   */
  *flush(
    how: 'each' | 'last',
    { root, base }: Pick<Area, 'root' | 'base'>,
    notes: NotesFile | undefined,
    onLoss: (inode: Inode) => void,
  ): Procedure<Unsafe> {
    let lost: Map<Inode, Errno>;
    try {
      if (how === 'each') {
        if (notes !== undefined) yield* flushNotes(notes);
        // A journal that came back after a power cut might lack its content.
        yield* flushAt(base);
        yield* flushPlaces(this, onLoss);
      } else yield* again(() => flushAt(root));
      lost = how === 'each' ? new Map() : yield* this.#askEach(onLoss);
    } catch (thrown) {
      if (!(thrown instanceof Errno)) throw thrown;
      return { lost: new Map([...this.files].map((inode) => [inode, thrown])), thrown };
    }
    this.files.clear();
    this.directories.clear();
    return { lost, thrown: undefined };
  }

  /**
   * Asks about each file by `fsync` whether it has arrived. A file that the overlay below has discarded may be gone.
   */
  *#askEach(onLoss: (inode: Inode) => void): Procedure<Map<Inode, Errno>> {
    const lost = new Map<Inode, Errno>();
    for (const inode of this.files) {
      const place = placeOf(inode);
      if (place === undefined || inode.nlink === 0) continue;
      const errno = yield* whyNotThere(inode, pathIn(place, inode.originName));
      if (errno === undefined) continue;
      onLoss(inode);
      lost.set(inode, errno);
    }
    return lost;
  }
}

/**
 * Repeats something that fails: an overlay first reports an old failure once (W4), and then the present state (W5).
 * Answers the first failure.
 */
function* again(procedure: () => Procedure<void>): Procedure<Errno | undefined> {
  try {
    yield* procedure();
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof Errno)) throw thrown;
    yield* procedure();
    return thrown;
  }
}

/**
 * Why an overlay below has not brought a file to stable storage; undefined where it has. If it has discarded the file,
 * that has changed there.
 */
function* whyNotThere(inode: Inode, path: string): Procedure<Errno | undefined> {
  try {
    const errno = yield* again(() => flushThere(path));
    if (errno === undefined) return undefined;
    const found = yield* tell({ kind: 'lstat', path });
    return found !== undefined && isOfPrint(found, inode.extra?.fingerprint ?? inode) ? undefined : errno;
  } catch (thrown) {
    if (!(thrown instanceof Errno)) throw thrown;
    return thrown;
  }
}

/** What a flush has not brought to stable storage. */
interface Unsafe {
  readonly lost: ReadonlyMap<Inode, Errno>;
  readonly thrown: Errno | undefined;
}
