/**
 * "Not now" (EAGAIN, EBUSY): an upper that says so has done nothing of what it was asked, and is asked the same again a little later (W3).
 *
 * A command that consists of one function is sent again as it is. One that opens a file for itself would leave it open, and never come to its
 * end where one step in two is told "not now": it hands over what it has open, and what is left to be done is done step by step.
 */

import { EAGAIN, EBADF, EBUSY, EIO, Errno } from '../../errno.ts';
import type { Handle } from '../fs-like.ts';
import type { Nature } from './commands.ts';

/** How long is waited before each new attempt, in milliseconds. */
export const PATIENCE: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** Whether a bare error says "not now". */
export function isNotNow(thrown: unknown): thrown is Errno {
  return thrown === EAGAIN || thrown === EBUSY;
}

/** "Not now" from a command that has opened a file for itself: whoever is told closes it. */
export class StillOpen extends Errno {
  readonly handle: Handle;
  /** What is to be done with it. */
  readonly left: 'flush and close' | 'close';

  constructor({ code, errno }: Errno, handle: Handle, left: StillOpen['left']) {
    super(code, errno);
    this.handle = handle;
    this.left = left;
  }
}

/**
 * Whether a failure of `close` is none of what was written: an overlay tells whoever closes a file what it has failed to bring further, perhaps
 * long ago. It is asked about that when it counts, by a flush.
 */
export function isOfOthers(thrown: unknown, { nesting }: Pick<Nature, 'nesting'>): boolean {
  return nesting !== undefined && thrown instanceof Errno && !isNotNow(thrown) && thrown !== EBADF;
}

/**
 * What a kernel says of a file that it has closed. It has done so whatever it says (Linux close(2), "Dealing with error returns"): asked again, it
 * would close somebody else's.
 */
export function closedAnyway(thrown: unknown): unknown {
  return isNotNow(thrown) ? EIO : thrown;
}
