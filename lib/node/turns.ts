/**
 * Turns of the event loop.
 *
 * `setImmediate` is captured when overfs is loaded. So a test that has replaced the timers of the process
 * (`vi.useFakeTimers()`) can still read its files, as it can with node:fs, which waits for no timer.
 */

/** Calls back in the next turn, after everything that is ready now. */
export const inNextTurn: typeof setImmediate = setImmediate;

/** Resolves in the next turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => inNextTurn(resolve));
}
