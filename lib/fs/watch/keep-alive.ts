/** Keeps the process alive as long as somebody watches, as an open handle of Node's does, unless it is told not to. */

/** The longest that a timer can wait, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

export class KeepAlive {
  readonly #timer: NodeJS.Timeout;

  constructor(state: 'referenced' | 'unreferenced') {
    this.#timer = setInterval(() => {}, LONGEST);
    if (state === 'unreferenced') this.#timer.unref();
  }

  ref(): void {
    this.#timer.ref();
  }

  unref(): void {
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
