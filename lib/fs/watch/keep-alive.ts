/** Keeps the process alive as long as somebody watches, as an open handle of Node's does, unless it is told not to. */

/** The longest that a timer can wait, in milliseconds. */
export const LONGEST = 2 ** 31 - 1;

/** As they were when overfs was loaded: a timer that is not real keeps no process alive. Nobody waits for it. */
const { setInterval, clearInterval } = globalThis;

/** See the file comment. */
export class KeepAlive {
  /** Undefined while it keeps nothing alive. Changed by `ref` and `unref`. */
  #timer: NodeJS.Timeout | undefined;
  /** Nobody watches any more. Set by `end`. */
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
