/**
 * Turns of the event loop.
 *
 * What ends a turn is taken when overfs is loaded. A test that has replaced the timers of the process by its own (`vi.useFakeTimers()`) still
 * reads its files then, as it does with node:fs, which waits for no timer.
 */

/** Calls back in the next turn, behind all that is ready now. */
export const inNextTurn: typeof setImmediate = setImmediate;

/** Resolves in the next turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => inNextTurn(resolve));
}
