/**
 * "Not now" (EAGAIN, EBUSY): an upper that says so has done nothing, and is sent the same command again a little later
 * (W3).
 *
 * A command of one function is sent again as it is. A command that opens a file for itself would leave that open, and
 * would never end where every second step is told "not now". So it hands over what it has open, and the rest is done
 * step by step.
 */

import { EAGAIN, EBADF, EBUSY, EIO, Errno } from '../../errno.ts';
import type { Handle } from '../fs-like.ts';
import type { Nature } from './commands.ts';

/** How long to wait before each new attempt, in milliseconds. */
export const PATIENCE: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** Whether a bare error says "not now". */
export function isNotNow(thrown: unknown): thrown is Errno {
  return thrown === EAGAIN || thrown === EBUSY;
}

/** "Not now" from a command that has opened a file for itself. Whoever catches it closes the file. */
export class StillOpen extends Errno {
  readonly handle: Handle;
  /** What is left to do with it. */
  readonly left: 'flush and close' | 'close';

  constructor({ code, errno }: Errno, handle: Handle, left: StillOpen['left']) {
    super(code, errno);
    this.handle = handle;
    this.left = left;
  }
}

/**
 * Whether a failure of `close` is not about what was just written. An overlay reports at `close` what it has failed to
 * bring to its own upper, perhaps long ago. Write-back learns of that by a flush, where it counts.
 */
export function isOfOthers(thrown: unknown, { nesting }: Pick<Nature, 'nesting'>): boolean {
  return nesting !== undefined && thrown instanceof Errno && !isNotNow(thrown) && thrown !== EBADF;
}

/**
 * The failure of a `close` by the kernel, which has closed the file all the same (Linux close(2), "Dealing with error
 * returns"). It must not look like "not now": a second `close` would close somebody else's file.
 */
export function closedAnyway(thrown: unknown): unknown {
  return isNotNow(thrown) ? EIO : thrown;
}
