/**
 * Open lower files, kept for a while: opening costs more than reading.
 *
 * A few files of a branch stay open after a read, the least recently used one is closed first. This file holds them and
 * says which to close; who reads and checks is `sync-requests.ts` and `async-requests.ts`. A file in use is never closed,
 * so that more than `CAPACITY` may be open while many reads are under way at once.
 *
 *     take / add ──► users + 1 ──► reading ──► release ──► kept, until newer ones push it out
 *                                        └───► drop    ──► closed as soon as nobody reads from it
 */

import type { Fingerprint } from '../branch.ts';
import { saysClosed } from '../dialect.ts';
import type { Handle } from '../fs-like.ts';

const CAPACITY = 16;

/** Who changes the files of a branch while it is read: what must be looked at after a read to know that it was the right file. */
export type Changes = 'never' | 'by us' | 'by others';

/** A lower file that is open. */
export interface OpenFile {
  readonly path: string;
  readonly handle: Handle;
  /** The fingerprint that it was last found to have; set by who reads. */
  checked: Fingerprint | undefined;
  /** How many reads are under way; changed by OpenFiles only. */
  users: number;
  /** Whether it is no longer to be found, and to be closed after its last user; set by OpenFiles only. */
  dropped: boolean;
  /** Whether it was found closed by somebody else (an overlay that is a branch was closed); set by OpenFiles only. */
  lost: boolean;
}

/** What a branch has open, and how that is closed. */
interface Kept {
  readonly files: ReadonlyMap<string, OpenFile>;
  readonly close: (handle: Handle) => void;
}

/**
 * Closes what branches have open that nobody can use any more: an overlay may be let go without being closed. A `FileHandle` that is
 * collected open is an error in newer Nodes, and a descriptor stays open for ever.
 */
const abandoned = new FinalizationRegistry<Kept>(({ files, close }) => {
  for (const { handle } of files.values()) close(handle);
});

/** The open files of one branch. */
export class OpenFiles {
  readonly #close: (handle: Handle) => void;
  /** By path, least recently used first; no dropped ones. */
  readonly #files = new Map<string, OpenFile>();
  /** Nothing is kept any longer; set by `closeAll`. */
  #closed = false;

  /**
   * `close` must not throw: nothing was written, so that there is nothing to lose. Nor may it hold on to who reads, who would then
   * never be abandoned.
   */
  constructor(close: (handle: Handle) => void) {
    this.#close = close;
    abandoned.register(this, { files: this.#files, close });
  }

  /** The open file for a path, to be given back by `release` or `drop`. */
  take(path: string): OpenFile | undefined {
    const file = this.#files.get(path);
    if (file === undefined) return undefined;
    this.#files.delete(path);
    this.#files.set(path, file);
    file.users += 1;
    return file;
  }

  /** Takes charge of a file just opened and gives it out as `take` does; it takes the place of what was open for the path. */
  add(path: string, handle: Handle): OpenFile {
    const former = this.#files.get(path);
    if (former !== undefined) this.#forget(former);
    const file: OpenFile = { path, handle, checked: undefined, users: 1, dropped: this.#closed, lost: false };
    if (!this.#closed) this.#files.set(path, file);
    this.#trim();
    return file;
  }

  /** Ends a use; the file stays open for the next. */
  release(file: OpenFile): void {
    file.users -= 1;
    if (file.dropped) this.#closeUnused(file);
    else this.#trim();
  }

  /** Ends a use of a file that is of no more use. */
  drop(file: OpenFile): void {
    file.users -= 1;
    if (file.dropped) this.#closeUnused(file);
    else this.#forget(file);
  }

  /** Ends a use that has failed. */
  fail(file: OpenFile, thrown: unknown): void {
    if (saysClosed(thrown)) file.lost = true;
    this.drop(file);
  }

  /** Closes all files, those in use after their last user, and keeps none from now on. */
  closeAll(): void {
    this.#closed = true;
    for (const file of [...this.#files.values()]) this.#forget(file);
  }

  #forget(file: OpenFile): void {
    file.dropped = true;
    this.#files.delete(file.path);
    this.#closeUnused(file);
  }

  #closeUnused(file: OpenFile): void {
    if (file.users > 0) return;
    // A number may be another file's by now; a FileHandle never is.
    if (!file.lost || typeof file.handle !== 'number') this.#close(file.handle);
  }

  #trim(): void {
    if (this.#files.size <= CAPACITY) return;
    for (const file of this.#files.values()) {
      if (file.users > 0) continue;
      this.#forget(file);
      if (this.#files.size <= CAPACITY) return;
    }
  }
}
