/**
 * A clock that the user has given. It is read before each change and never during one. So nothing is left half done if
 * it throws, answers nonsense, or uses the overlay that it belongs to.
 */

import { inspect } from 'node:util';
import { EBUSY } from '../errno.ts';

/** How far from 1970 a `Date` can be, in milliseconds (ECMAScript, time values). */
const FARTHEST = 8.64e15;

/** See the file comment. */
export class GivenClock {
  readonly #ask: () => unknown;
  /** Its last answer. Changed by `look`. */
  #time = 0;
  /** The clock's function is running. Changed by `look`. */
  #isAsked = false;

  constructor(ask: () => unknown) {
    this.#ask = ask;
    this.look();
  }

  /**
   * Reads the time of the change that is about to be made. Throws what the clock throws; a TypeError for an answer that
   * is not a time; EBUSY to a clock that makes a change itself.
   */
  readonly look = (): void => {
    if (this.#isAsked) throw EBUSY;
    this.#isAsked = true;
    try {
      this.#time = timeIn(this.#ask());
    } finally {
      this.#isAsked = false;
    }
  };

  /** The time of the change that is being made, in milliseconds since 1970. */
  readonly time = (): number => this.#time;
}

function timeIn(answer: unknown): number {
  if (typeof answer === 'number' && Math.abs(answer) <= FARTHEST) return answer;
  const said = `The option "clock" must return milliseconds since 1970. It returned ${inspect(answer, { depth: 0 })}`;
  throw Object.assign(new TypeError(said), { code: 'ERR_INVALID_RETURN_VALUE' });
}
