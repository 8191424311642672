/**
 * Room on an upper that is full. Even a removal needs a little room, for its journal; without that, no room could be
 * made by removing something through the overlay. So the work area has a file of zeros: it is removed when something
 * does not fit, and made again after the batch.
 */

import { ENOSPC, Errno } from '../../errno.ts';
import { type Procedure, tell } from '../commands.ts';
import { removeIfPossible, writeNew } from './files.ts';
import type { Area } from './work-area.ts';

/** How many bytes are set aside: enough for the journal and notes of some hundred removals. */
const BYTES = 64 * 1024;

/** See the file comment. */
export class Room {
  readonly #path: string;
  /** Whether room is set aside: not where the upper is in memory. */
  readonly #use: 'set aside' | 'none';
  /** The room was used since it was last made. Changed by the methods here. */
  #isGiven = false;

  constructor({ room }: Area, use: 'set aside' | 'none') {
    this.#path = room;
    this.#use = use;
  }

  /** Does something that can be repeated; where the upper is full, once more with the room that was set aside. */
  *orGive<R>(procedure: () => Procedure<R>): Procedure<R> {
    try {
      return yield* procedure();
    } catch (thrown) {
      if (!isFull(thrown) || !(yield* this.#give())) throw thrown;
    }
    return yield* procedure();
  }

  /** Makes the room, unless it is there. If that fails, the next call tries again. */
  *make(): Procedure<void> {
    if (this.#use === 'none') return;
    try {
      if ((yield* tell({ kind: 'lstat', path: this.#path })) === undefined) {
        yield* writeNew(this.#path, '\0'.repeat(BYTES));
      }
      this.#isGiven = false;
    } catch (thrown) {
      if (!(thrown instanceof Errno)) throw thrown;
      yield* removeIfPossible(this.#path);
    }
  }

  /** Makes the room again where it was used. */
  *makeAgain(): Procedure<void> {
    if (this.#isGiven) yield* this.make();
  }

  *#give(): Procedure<boolean> {
    if (this.#use === 'none') return false;
    this.#isGiven = true;
    try {
      yield* tell({ kind: 'unlink', path: this.#path, urgency: 'in place' });
      return true;
    } catch (thrown) {
      if (thrown instanceof Errno) return false;
      throw thrown;
    }
  }
}

/** Whether an error says that the upper has no room. */
export function isFull(thrown: unknown): boolean {
  return thrown === ENOSPC || (thrown instanceof Errno && thrown.code === 'EDQUOT');
}
