/**
 * How an overlay waits. It is given its timers, as it is given its clock, so that a test can let an hour pass at once;
 * it never uses those of the process by itself.
 */

/** What `createOverlay({ timers })` takes: how the overlay waits. */
export interface Timers {
  /**
   * Calls back after so many milliseconds, unless the function that it returns is called before. It does not keep the
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
