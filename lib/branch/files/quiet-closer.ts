/** Closing files that were only read, and ignoring failures: nothing was written, so there is nothing to lose. */

import { isPromise } from 'node:util/types';
import { errnoOf } from '../../errno.ts';
import type { Timers } from '../../waiting/timers.ts';
import type { Handle, Traits } from '../fs-like.ts';
import { isNotNow, PATIENCE } from '../upper/not-now.ts';

/**
 * Makes a function that closes a handle by `close`, which may answer at once or later. A branch that says "not now" is
 * asked again a little later, but not the kernel, which has closed the file all the same.
 */
export function quietCloser(
  close: (handle: Handle) => unknown,
  closer: Traits['closer'],
  timers: Pick<Timers, 'after'>,
): (handle: Handle) => void {
  const attempt = (handle: Handle, count: number): void => {
    const refused = (thrown: unknown): void => {
      const delay = closer === 'other' && isNotNow(errnoOf(thrown)) ? PATIENCE[count] : undefined;
      if (delay !== undefined) timers.after(delay, () => attempt(handle, count + 1));
    };
    try {
      const closed = close(handle);
      if (isPromise(closed)) closed.catch(refused);
    } catch (thrown) {
      refused(thrown);
    }
  };
  return (handle) => attempt(handle, 0);
}
