/**
 * Open lower files, kept for a while, since opening costs more than reading.
 *
 * A few files of a branch stay open after a read; the least recently used one is closed first. There is also a bound
 * for all branches of the process together, since descriptors are scarce and an overlay may never be closed. This file
 * holds the open files and says which to close; `sync-requests.ts` and `async-requests.ts` read and check them. A file
 * in use is never closed, so more may be open while many reads are under way at once.
 *
 *     take / add ──► users + 1 ──► reading ──► release ──► idle, until newer ones push it out
 *                                        └───► drop    ──► closed as soon as it has no users
 */

import type { Fingerprint } from '../branch.ts';
import { saysClosed } from '../dialect.ts';
import type { Handle } from '../fs-like.ts';

/** How many files of a branch are kept open. */
const OF_ONE = 16;
/** How many of all branches together. */
const OF_ALL = 64;

/**
 * Who changes the files of a branch while it is read. It decides whether a read must look afterwards that it was the
 * right file.
 */
export type Changes = 'never' | 'by us' | 'by others';

/** A lower file that is open. */
export interface OpenFile {
  readonly path: string;
  readonly handle: Handle;
  /** The fingerprint that it was last found to have. Set by whoever reads. */
  checked: Fingerprint | undefined;
  /** How many reads are under way. Changed by OpenFiles only. */
  users: number;
  /** It is no longer handed out, and is closed after its last user. Set by `Kept.forget` and `OpenFiles.add`. */
  dropped: boolean;
  /** Something else has closed it (an overlay that is a branch was closed). Set by OpenFiles only. */
  lost: boolean;
}

/** What a branch has open. */
class Kept {
  /** By path, without dropped ones. Changed by OpenFiles and `forget`. */
  readonly files = new Map<string, OpenFile>();
  /** Those without users, least recently used first. Changed by `setIdle` and `setBusy`. */
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

  /** Closes a file, now or after its last user. */
  forget(file: OpenFile): void {
    file.dropped = true;
    this.files.delete(file.path);
    this.setBusy(file);
    this.closeUnused(file);
  }

  closeUnused(file: OpenFile): void {
    if (file.users > 0) return;
    closed++;
    // Where it was closed by somebody else, a descriptor may be another file's by now; a FileHandle never is.
    if (!file.lost || typeof file.handle !== 'number') this.close(file.handle);
  }

  forgetAll(): void {
    for (const file of [...this.files.values()]) this.forget(file);
  }
}

/**
 * The branches that have idle files, the most recently read last. It does not reference `OpenFiles`, so that those can
 * be collected. Changed by Kept.
 */
const keepers = new Set<Kept>();
/** How many idle files all branches have. Changed by Kept. */
let idleOfAll = 0;

/** How many files were closed so far. Changed by Kept. */
let closed = 0;

/** Closes idle files of all branches, the least recently read first, until at most `most` are left. */
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
 * Closes the files of branches that were collected: an overlay may be dropped without being closed. A `FileHandle` that
 * is collected while open is an error in newer Nodes, and a descriptor would stay open for ever.
 */
const abandoned = new FinalizationRegistry<Kept>((kept) => kept.forgetAll());

/** The open files of one branch. */
export class OpenFiles {
  readonly #kept: Kept;
  /** Nothing is kept any longer; set by `closeAll`. */
  #closed = false;

  /**
   * `close` must not throw: nothing was written, so there is nothing to lose. Nor may it reference the reader, which
   * would then never be collected.
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

  /**
   * Takes charge of a file just opened and gives it out as `take` does; it takes the place of what was open for the
   * path.
   */
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

  /** Ends a use of a file that is not to be used again. */
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
