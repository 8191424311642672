/** What can be asked of a write-back, and what it reports. */

import type { Author } from '../branch/upper/acting.ts';
import type { Errno } from '../errno.ts';
import type { Command } from './commands.ts';

/** How far a write-back has come. */
export interface Progress {
  /** Files done, including those that could not be written. */
  readonly done: number;
  /** All files of this write-back. */
  readonly total: number;
  /** Bytes that this write-back has given to the upper so far, including those of files not yet done. */
  readonly bytes: number;
  /** The file that was written last; absolute in the overlay. */
  readonly path: string;
}

/** One file that could not be written back. */
export interface Failure {
  /** Absolute in the overlay. */
  readonly path: string;
  readonly errno: Errno;
  /** The author whose data the upper has refused; undefined for the overlay's own data. */
  readonly author?: Author | undefined;
}

/** What becomes of what could not be written: it stays dirty, or is discarded. */
export type Fate = 'retained' | 'discarded';

/** Functions that hear what happens. */
export interface Listeners {
  /** Every command, before it is carried out. */
  onCommand(command: Command): void;
  /** Every file that could not be written, as soon as that is known, and what becomes of it. */
  onFailure(failure: Failure, fate: Fate): void;
}

/** How to do one write-back. */
export interface Manner {
  /** Called for each file when it is staged. */
  onProgress?(progress: Progress): void;
  /** Once aborted, the call ends and nothing more is begun. What is decided by then is done all the same. */
  readonly signal?: AbortSignal;
}

/** How far a write-back goes: until the upper has taken everything, or until that is on stable storage (fsync). */
export type Reach = 'upper' | 'storage';

/** Hears how an asynchronous write-back has ended, before anything else can happen. Neither function throws. */
export interface Heed {
  /** It has ended, and these could not be written. */
  ended(failures: readonly Failure[]): void;
  failed(thrown: unknown): void;
}

/** For a caller that need not hear. */
export const UNHEEDED: Heed = { ended: () => {}, failed: () => {} };
