/**
 * A clock that somebody has given. It is asked before anything is changed, and not while it is: so nothing is half done where it throws, says
 * nonsense, or looks at the overlay whose clock it is.
 */

import { inspect } from 'node:util';
import { EBUSY } from '../errno.ts';

/** The first and last time that a `Date` can be, in milliseconds from 1970 (ECMAScript, time values). */
const FARTHEST = 8.64e15;

/** See the file comment. */
export class GivenClock {
  readonly #ask: () => unknown;
  /** What it has answered last. Changed by `look`. */
  #time = 0;
  /** It is being asked. Changed by `look`. */
  #isAsked = false;

  constructor(ask: () => unknown) {
    this.#ask = ask;
    this.look();
  }

  /** Asks for the time of what is about to be changed. Throws what the clock throws, a TypeError for what is no time, EBUSY to the clock. */
  readonly look = (): void => {
    if (this.#isAsked) throw EBUSY;
    this.#isAsked = true;
    try {
      this.#time = timeIn(this.#ask());
    } finally {
      this.#isAsked = false;
    }
  };

  /** The time of what is being changed, in milliseconds since 1970. */
  readonly time = (): number => this.#time;
}

function timeIn(answer: unknown): number {
  if (typeof answer === 'number' && Math.abs(answer) <= FARTHEST) return answer;
  const said = `The option "clock" must return milliseconds since 1970. It returned ${inspect(answer, { depth: 0 })}`;
  throw Object.assign(new TypeError(said), { code: 'ERR_INVALID_RETURN_VALUE' });
}
