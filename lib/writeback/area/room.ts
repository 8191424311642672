/**
 * Room on an upper that has none left. Even a removal needs a little of it, for its journal; refused that, nobody could make room by removing
 * something through the overlay. So the work area has a file that holds nothing: it goes when something does not fit, and is made again when
 * the batch is over.
 */

import { ENOSPC, Errno } from '../../errno.ts';
import { type Procedure, tell } from '../commands.ts';
import { removeIfPossible, writeNew } from './files.ts';
import type { Area } from './work-area.ts';

/** Bytes that are set aside: journal and notes of some hundred removals. */
const BYTES = 64 * 1024;

/** See the file comment. */
export class Room {
  readonly #path: string;
  /** Whether any is set aside: not where the upper is in memory. */
  readonly #use: 'set aside' | 'none';
  /** It was given up since it was last made, or somebody was about to. Changed by the methods here. */
  #isGiven = false;

  constructor({ room }: Area, use: 'set aside' | 'none') {
    this.#path = room;
    this.#use = use;
  }

  /** Does something that may be done again; where the upper is full, a second time with the room that was set aside. */
  *orGive<R>(procedure: () => Procedure<R>): Procedure<R> {
    try {
      return yield* procedure();
    } catch (thrown) {
      if (!isFull(thrown) || !(yield* this.#give())) throw thrown;
    }
    return yield* procedure();
  }

  /** Makes the room, unless it is there. What stands in the way is left to the next time. */
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

  /** Makes it again where it was given. */
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

/** Whether an upper says that it has no room. */
export function isFull(thrown: unknown): boolean {
  return thrown === ENOSPC || (thrown instanceof Errno && thrown.code === 'EDQUOT');
}
