/**
 * How an overlay waits. Its timers are given to it as its clock is, so that a test can let an hour pass at once; nothing in it uses those of
 * the process by itself.
 */

/** What `createOverlay({ timers })` takes: how the overlay waits. */
export interface Timers {
  /** Calls back after so many milliseconds, unless the function that it returns is called before. It keeps no process alive. */
  after(ms: number, callback: () => void): () => void;
  /** Resolves after so many milliseconds. Somebody waits for it, so it keeps the process alive. */
  wait(ms: number): Promise<void>;
  /** Returns after so many milliseconds, and lets nothing else happen meanwhile: for synchronous calls. */
  sleep(ms: number): void;
}

/** The most that a timer of Node can wait, in milliseconds: it takes more for 1. */
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
