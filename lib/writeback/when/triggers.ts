/**
 * When to write back without being asked: when dirty data is old, when there is much of it, when a write before failed.
 *
 *     clean ── first change ──► dirty ── `expire` ms ──► write back ──┬─ all arrived ──► clean
 *                                 └──── over `dirtyBytes` ──►         └─ something failed ──► again, each time later
 *     over `dirtyLimit`: whoever writes waits for a write-back first (or does it, in the synchronous API)
 *
 * An upper in memory is never written without being asked: that would only hold everything twice (W7).
 */

import type { Timers } from '../../waiting/timers.ts';

/** What `createOverlay({ writeback })` takes: when the upper is brought up to date without being asked. Not for uppers in memory. */
export interface WriteBackOptions {
  /** Dirty bytes from which on they are written back in the background. Default 64 MiB. */
  readonly dirtyBytes?: number;
  /** Dirty bytes from which on writers wait until they are written back. Default 256 MiB. */
  readonly dirtyLimit?: number;
  /** How long a change may stay dirty, in milliseconds; Infinity for as long as nobody asks. Default 5000. */
  readonly expire?: number;
  /**
   * What becomes of a file that the upper refuses: `retain` keeps it dirty, to be tried again; `discard` gives up what was written to it, and
   * shows what the upper or a lower has. Default `retain`.
   */
  readonly onError?: 'retain' | 'discard';
}

/** Those with the defaults filled in; `through`: every change goes down before its call returns; `manual`: nothing goes down unasked. */
export interface Times extends Required<WriteBackOptions> {
  readonly mode: 'behind' | 'through' | 'manual';
}

/** How much later each attempt is after a failure; the first, and the most, in milliseconds. */
const BACK_OFF = 2;
const SHORTEST = 1000;
const LONGEST = 60_000;

/** Decides when to write back in the background. */
export class Triggers {
  readonly #options: Required<WriteBackOptions>;
  readonly #timers: Pick<Timers, 'after'>;
  readonly #writeBack: () => Promise<void>;
  /** Cancels the timer that is running. Changed by `noteChange`, `noteEnd`, `#start` and `stop`. */
  #cancel: (() => void) | undefined;
  /** A write-back of ours is under way. Changed by `#start`. */
  #isRunning = false;
  /** Something has become dirty since the last write-back of ours began. Changed by `noteChange` and `#start`. */
  #isChanged = false;
  /** How long to wait after the last failure; 0 when there was none. Changed by `noteEnd`. */
  #delay = 0;
  /** Bytes that count as dirty and that no write-back can take away: those of files without a name. Changed by `noteRest` and `#movable`. */
  #rest = 0;
  /** Set by `stop`. */
  #isStopped = false;

  /** @param writeBack writes back all that is dirty; rejects when something could not be written */
  constructor(options: Required<WriteBackOptions>, timers: Pick<Timers, 'after'>, writeBack: () => Promise<void>) {
    this.#options = options;
    this.#timers = timers;
    this.#writeBack = writeBack;
  }

  /** Something has become dirty. */
  noteChange(): void {
    const { expire } = this.#options;
    this.#isChanged = true;
    if (this.#cancel !== undefined || this.#isRunning || this.#isStopped || expire === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#timers.after(Math.max(expire, this.#delay), () => this.#start());
  }

  /** So many bytes are dirty after a write. */
  noteWrite(dirtyBytes: number): void {
    if (this.#movable(dirtyBytes) >= this.#options.dirtyBytes && this.#delay === 0) this.#start();
  }

  /** Whether a writer must wait when so many bytes would be dirty. While the upper fails nobody waits for it: memory is the limit. */
  mustWait(dirtyBytes: number): boolean {
    return this.#movable(dirtyBytes) > this.#options.dirtyLimit && this.#delay === 0;
  }

  /** How many of so many dirty bytes a write-back can take away. */
  #movable(dirtyBytes: number): number {
    this.#rest = Math.min(this.#rest, dirtyBytes);
    return dirtyBytes - this.#rest;
  }

  /** All that can be written back has been, and so many bytes are left. */
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

  /** A write-back has ended, whoever has asked for it. After a failure the next attempt is made by itself, each time later. */
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

  /** Writes nothing back any more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
