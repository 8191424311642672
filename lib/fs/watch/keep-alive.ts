/** Keeps the process alive while something is watched, like an open handle of Node's, unless it is unreferenced. */

/** The longest that a timer can wait, in milliseconds. */
export const LONGEST = 2 ** 31 - 1;

/** The real timers, captured when overfs is loaded: a fake timer would not keep the process alive. */
const { setInterval, clearInterval } = globalThis;

/** See the file comment. */
export class KeepAlive {
  /** Undefined while it does not keep the process alive. Changed by `ref` and `unref`. */
  #timer: NodeJS.Timeout | undefined;
  /** Watching has ended. Set by `end`. */
  #isEnded = false;

  constructor(state: 'referenced' | 'unreferenced') {
    if (state === 'referenced') this.ref();
  }

  ref(): void {
    if (!this.#isEnded) this.#timer ??= setInterval(() => {}, LONGEST);
  }

  unref(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  end(): void {
    this.unref();
    this.#isEnded = true;
  }
}
