/**
 * What is asked of a write-back, and what is told of it.
 */

import type { Author } from '../branch/upper/acting.ts';
import type { Errno } from '../errno.ts';
import type { Command } from './commands.ts';

/** How far a write-back is. */
export interface Progress {
  /** Files done, those that could not be written included. */
  readonly done: number;
  /** Files to be done in all. */
  readonly total: number;
  /** Bytes that this write-back has given to the upper so far, of files that are under way too. */
  readonly bytes: number;
  /** The file that was last written: absolute in the overlay. */
  readonly path: string;
}

/** One file that could not be written back. */
export interface Failure {
  /** Absolute in the overlay. */
  readonly path: string;
  readonly errno: Errno;
  /** Whose data the upper has refused; undefined where it was the overlay's own, or nobody's. */
  readonly author?: Author | undefined;
}

/** What becomes of what could not be written: it stays dirty, or is given up. */
export type Fate = 'retained' | 'discarded';

/** Who is told of what happens. */
export interface Listeners {
  /** Every command, before it is carried out. */
  onCommand(command: Command): void;
  /** Every file that could not be written, at once, and what becomes of what is dirty of it. */
  onFailure(failure: Failure, fate: Fate): void;
}

/** How one write-back is done. */
export interface Manner {
  /** Hears of each file when it is staged. */
  onProgress?(progress: Progress): void;
  /** Once aborted, nobody waits and nothing more is begun; what is decided by then is done all the same. */
  readonly signal?: AbortSignal;
}

/** How far down it goes: until the upper has taken it, or until that has it on stable storage (fsync). */
export type Reach = 'upper' | 'storage';

/** Hears at once how a write-back has ended that is carried out later. Neither throws. */
export interface Heed {
  /** These could not be written. */
  ended(failures: readonly Failure[]): void;
  failed(thrown: unknown): void;
}

/** Nobody has to. */
export const UNHEEDED: Heed = { ended: () => {}, failed: () => {} };
