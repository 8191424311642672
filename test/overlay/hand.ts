/** Timers for tests: time passes when the test says so. */

import type { Timers } from '../../lib/index.ts';

/** Timers that go off when told to. Their functions are methods, and want their `this`. */
export class Hand implements Timers {
  readonly waiting: { readonly ms: number; readonly callback: () => void }[] = [];
  readonly waited: number[] = [];
  readonly slept: number[] = [];

  after(ms: number, callback: () => void): () => void {
    const one = { ms, callback };
    this.waiting.push(one);
    return () => {
      const at = this.waiting.indexOf(one);
      if (at >= 0) this.waiting.splice(at, 1);
    };
  }

  async wait(ms: number): Promise<void> {
    this.waited.push(ms);
  }

  sleep(ms: number): void {
    this.slept.push(ms);
  }

  /** Lets the first timer go off; tells how long it would have waited. */
  fire(): number | undefined {
    const one = this.waiting.shift();
    one?.callback();
    return one?.ms;
  }
}
