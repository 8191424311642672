/**
 * When to write back in the background: when dirty data is old, when there is much of it, when an earlier write-back
 * has failed.
 *
 *     clean ── first change ──► dirty ── `expire` ms ──► write back ──┬─ all arrived ──► clean
 *                                 └──── over `dirtyBytes` ──►         └─ something failed ──► again, each time later
 *     over `dirtyLimit`: writers wait for a write-back first (or do it, in the synchronous API)
 *
 * An upper in memory is never written in the background: that would only hold everything twice (W7).
 */

import type { Timers } from '../../waiting/timers.ts';

/**
 * What `createOverlay({ writeback })` takes: when the upper is brought up to date in the background. It has no effect
 * for uppers in memory, which are written only when asked.
 */
export interface WriteBackOptions {
  /** With at least this many dirty bytes, they are written back in the background. Default 64 MiB. */
  readonly dirtyBytes?: number;
  /** With more dirty bytes than this, writers wait until some are written back. Default 256 MiB. */
  readonly dirtyLimit?: number;
  /** How long a change may stay dirty, in milliseconds; Infinity for no limit. Default 5000. */
  readonly expire?: number;
  /**
   * What becomes of a file that the upper refuses: `retain` keeps it dirty and tries again; `discard` drops what was
   * written to it, and shows what the upper or a lower has. Default `retain`.
   */
  readonly onError?: 'retain' | 'discard';
}

/**
 * These options with the defaults filled in. `behind`: in the background; `through`: every change reaches the upper
 * before its call returns; `manual`: only when asked.
 */
export interface Times extends Required<WriteBackOptions> {
  readonly mode: 'behind' | 'through' | 'manual';
}

/** By which factor the delay grows after each failure; the shortest and the longest delay, in milliseconds. */
const BACK_OFF = 2;
const SHORTEST = 1000;
const LONGEST = 60_000;

/** Decides when to write back in the background. */
export class Triggers {
  readonly #options: Required<WriteBackOptions>;
  readonly #timers: Pick<Timers, 'after'>;
  readonly #writeBack: () => Promise<void>;
  /** Cancels the timer; undefined while none is running. Changed by `noteChange`, `noteEnd`, `#start` and `stop`. */
  #cancel: (() => void) | undefined;
  /** A background write-back is under way. Changed by `#start`. */
  #isRunning = false;
  /** Something has become dirty since the last background write-back began. Changed by `noteChange` and `#start`. */
  #isChanged = false;
  /** How long to wait after the last failure, in milliseconds; 0 when there was none. Changed by `noteEnd`. */
  #delay = 0;
  /**
   * Dirty bytes that no write-back can make clean: those of files without a name. Changed by `noteRest` and `#movable`.
   */
  #rest = 0;
  /** Set by `stop`. */
  #isStopped = false;

  /** @param writeBack writes back everything that is dirty; rejects when something could not be written */
  constructor(options: Required<WriteBackOptions>, timers: Pick<Timers, 'after'>, writeBack: () => Promise<void>) {
    this.#options = options;
    this.#timers = timers;
    this.#writeBack = writeBack;
  }

  /** Notes that something has become dirty. */
  noteChange(): void {
    const { expire } = this.#options;
    this.#isChanged = true;
    if (this.#cancel !== undefined || this.#isRunning || this.#isStopped || expire === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#timers.after(Math.max(expire, this.#delay), () => this.#start());
  }

  /** Notes how many bytes are dirty after a write. */
  noteWrite(dirtyBytes: number): void {
    if (this.#movable(dirtyBytes) >= this.#options.dirtyBytes && this.#delay === 0) this.#start();
  }

  /**
   * Whether a writer must wait if so many bytes would be dirty. While the upper fails, writers do not wait:
   * `limits.bytes` bounds the memory.
   */
  mustWait(dirtyBytes: number): boolean {
    return this.#movable(dirtyBytes) > this.#options.dirtyLimit && this.#delay === 0;
  }

  /** How many of so many dirty bytes a write-back can make clean. */
  #movable(dirtyBytes: number): number {
    this.#rest = Math.min(this.#rest, dirtyBytes);
    return dirtyBytes - this.#rest;
  }

  /** Notes that so many bytes are still dirty after everything that can be written back has been. */
  noteRest(bytes: number): void {
    this.#rest = bytes;
  }

  #start(): void {
    if (this.#isRunning || this.#isStopped) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#isRunning = true;
    this.#isChanged = false;
    const ended = (how: 'arrived' | 'failed') => {
      this.#isRunning = false;
      this.noteEnd(how);
    };
    this.#writeBack().then(
      () => ended('arrived'),
      () => ended('failed'),
    );
  }

  /**
   * Notes that a write-back has ended, in the background or not. After a failure the next attempt comes by itself, each
   * time later.
   */
  noteEnd(how: 'arrived' | 'failed'): void {
    const wasFailing = this.#delay > 0;
    this.#delay = how === 'arrived' ? 0 : Math.min(LONGEST, Math.max(SHORTEST, this.#delay * BACK_OFF));
    if (this.#isStopped || this.#isRunning) return;
    if (wasFailing || how === 'failed') {
      this.#cancel?.();
      this.#cancel = undefined;
    }
    if (how === 'arrived') {
      if (this.#isChanged) this.noteChange();
      return;
    }
    this.#cancel = this.#timers.after(this.#delay, () => this.#start());
  }

  /** Ends background write-back. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
