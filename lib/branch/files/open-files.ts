/**
 * Open lower files, kept for a while: opening costs more than reading.
 *
 * A few files of a branch stay open after a read, the least recently used one is closed first; and no more than a few of all branches of
 * the process together, since its descriptors are few and an overlay may never be closed. This file holds them and says which to close; who
 * reads and checks is `sync-requests.ts` and `async-requests.ts`. A file in use is never closed, so that more may be open while many reads
 * are under way at once.
 *
 *     take / add ──► users + 1 ──► reading ──► release ──► idle, until newer ones push it out
 *                                        └───► drop    ──► closed as soon as nobody reads from it
 */

import type { Fingerprint } from '../branch.ts';
import { saysClosed } from '../dialect.ts';
import type { Handle } from '../fs-like.ts';

/** How many files of a branch are kept open. */
const OF_ONE = 16;
/** How many of all branches together. */
const OF_ALL = 64;

/** Who changes the files of a branch while it is read: what must be looked at after a read to know that it was the right file. */
export type Changes = 'never' | 'by us' | 'by others';

/** A lower file that is open. */
export interface OpenFile {
  readonly path: string;
  readonly handle: Handle;
  /** The fingerprint that it was last found to have; set by whoever reads. */
  checked: Fingerprint | undefined;
  /** How many reads are under way; changed by OpenFiles only. */
  users: number;
  /** Whether it is no longer to be found, and to be closed after its last user; set by OpenFiles only. */
  dropped: boolean;
  /** Whether it was found closed by somebody else (an overlay that is a branch was closed); set by OpenFiles only. */
  lost: boolean;
}

/** What a branch has open. */
class Kept {
  /** By path; no dropped ones. Changed by OpenFiles and `forget`. */
  readonly files = new Map<string, OpenFile>();
  /** Those that nobody reads from, least recently used first. Changed by `setIdle` and `setBusy`. */
  readonly idle = new Set<OpenFile>();
  /** Closes a file; never throws. */
  readonly close: (handle: Handle) => void;

  constructor(close: (handle: Handle) => void) {
    this.close = close;
  }

  setIdle(file: OpenFile): void {
    this.idle.add(file);
    idleOfAll++;
    keepers.delete(this);
    keepers.add(this);
  }

  setBusy(file: OpenFile): void {
    if (!this.idle.delete(file)) return;
    idleOfAll--;
    if (this.idle.size === 0) keepers.delete(this);
  }

  /** Lets a file go: it is closed, if in use then after its last user. */
  forget(file: OpenFile): void {
    file.dropped = true;
    this.files.delete(file.path);
    this.setBusy(file);
    this.closeUnused(file);
  }

  closeUnused(file: OpenFile): void {
    if (file.users > 0) return;
    closed++;
    // A number may be another file's by now; a FileHandle never is.
    if (!file.lost || typeof file.handle !== 'number') this.close(file.handle);
  }

  forgetAll(): void {
    for (const file of [...this.files.values()]) this.forget(file);
  }
}

/** Who has idle files; who was read from last comes last. It holds nobody who reads, so that those can be abandoned. Changed by Kept. */
const keepers = new Set<Kept>();
/** How many idle files they have together. Changed by Kept. */
let idleOfAll = 0;

/** How many were closed so far. Changed by Kept. */
let closed = 0;

/** Closes idle files, of whichever branch: those first that were not read for longest, until no more than so many are left. */
function trimAll(most: number): void {
  for (const kept of keepers) {
    for (const file of kept.idle) {
      if (idleOfAll <= most) return;
      kept.forget(file);
    }
  }
}

/** Closes all idle files of the process. */
export function closeIdle(): void {
  trimAll(0);
}

/** How many files that were kept have been closed so far, in the whole process. */
export function closedSoFar(): number {
  return closed;
}

/**
 * Closes what branches have open that nobody can use any more: an overlay may be let go without being closed. A `FileHandle` that is
 * collected open is an error in newer Nodes, and a descriptor stays open for ever.
 */
const abandoned = new FinalizationRegistry<Kept>((kept) => kept.forgetAll());

/** The open files of one branch. */
export class OpenFiles {
  readonly #kept: Kept;
  /** Nothing is kept any longer; set by `closeAll`. */
  #closed = false;

  /**
   * `close` must not throw: nothing was written, so that there is nothing to lose. Nor may it hold on to whoever reads, who would then
   * never be abandoned.
   */
  constructor(close: (handle: Handle) => void) {
    this.#kept = new Kept(close);
    abandoned.register(this, this.#kept);
  }

  /** The open file for a path, to be given back by `release` or `drop`. */
  take(path: string): OpenFile | undefined {
    const file = this.#kept.files.get(path);
    if (file === undefined) return undefined;
    this.#kept.setBusy(file);
    file.users += 1;
    return file;
  }

  /** Takes charge of a file just opened and gives it out as `take` does; it takes the place of what was open for the path. */
  add(path: string, handle: Handle): OpenFile {
    const { files } = this.#kept;
    const former = files.get(path);
    if (former !== undefined) this.#kept.forget(former);
    const file: OpenFile = { path, handle, checked: undefined, users: 1, dropped: this.#closed, lost: false };
    if (!this.#closed) files.set(path, file);
    this.#trim();
    return file;
  }

  /** Ends a use; the file stays open for the next. */
  release(file: OpenFile): void {
    file.users -= 1;
    if (file.dropped) {
      this.#kept.closeUnused(file);
    } else if (file.users === 0) {
      this.#kept.setIdle(file);
      this.#trim();
    }
  }

  /** Ends a use of a file that is of no more use. */
  drop(file: OpenFile): void {
    file.users -= 1;
    if (file.dropped) this.#kept.closeUnused(file);
    else this.#kept.forget(file);
  }

  /** Ends a use that has failed. */
  fail(file: OpenFile, thrown: unknown): void {
    if (saysClosed(thrown)) file.lost = true;
    this.drop(file);
  }

  /** Closes all files, those in use after their last user, and keeps none from now on. */
  closeAll(): void {
    this.#closed = true;
    this.#kept.forgetAll();
  }

  #trim(): void {
    const { files, idle } = this.#kept;
    for (const file of idle) {
      if (files.size <= OF_ONE) break;
      this.#kept.forget(file);
    }
    if (idleOfAll > OF_ALL) trimAll(OF_ALL);
  }
}
