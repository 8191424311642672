/**
 * How an overlay waits. It is given its timers, as it is given its clock, so that a test can let an hour pass at once;
 * it never uses those of the process by itself.
 */

import { inspect } from 'node:util';

/**
 * What `createOverlay({ timers })` takes: how the overlay waits. These functions may be called in the middle of an
 * operation, so they must not use the overlay themselves. If one throws, that is an `uncaughtException`, and the
 * overlay goes on without waiting.
 */
export interface Timers {
  /**
   * Calls back after so many milliseconds, never at once; returns a function that cancels that. It does not keep the
   * process alive.
   */
  after(ms: number, callback: () => void): () => void;
  /** Resolves after so many milliseconds. It keeps the process alive. */
  wait(ms: number): Promise<void>;
  /** Blocks for so many milliseconds: for synchronous calls. */
  sleep(ms: number): void;
}

/** The longest that a timer of Node can wait, in milliseconds: it treats anything longer as 1. */
const MOST = 2 ** 31 - 1;

/** The timers of the process. */
export const PROCESS_TIMERS: Timers = {
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, MOST));
    timer.unref();
    return () => clearTimeout(timer);
  },
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  sleep(ms) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  },
};

/** Throws an error outside every `try`, so that it is an `uncaughtException`. */
function throwAlone(thrown: unknown): void {
  process.nextTick(() => {
    throw thrown;
  });
}

/**
 * Makes given timers safe to use in the middle of an operation: an error that they throw is an `uncaughtException`, and
 * the wait ends at once.
 */
export function givenTimers({ after, wait, sleep }: Timers): Timers {
  return {
    after(ms, callback) {
      try {
        const stop: unknown = after(ms, callback);
        if (typeof stop === 'function') return () => void stop();
        throw new TypeError(
          `The function "timers.after" must return a function. It returned ${inspect(stop, { depth: 0 })}`,
        );
      } catch (thrown) {
        throwAlone(thrown);
        return () => {};
      }
    },
    async wait(ms) {
      try {
        await wait(ms);
      } catch (thrown) {
        throwAlone(thrown);
      }
    },
    sleep(ms) {
      try {
        sleep(ms);
      } catch (thrown) {
        throwAlone(thrown);
      }
    },
  };
}
