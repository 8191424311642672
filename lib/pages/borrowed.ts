/**
 * The books of an overlay about cells that it has from others (`loan.ts`).
 *
 * Pages give their cells back themselves. But an overlay may be let go without being closed, and its pages with it: then the overlay
 * that has lent them would keep cells for ever that nobody reads. So it is written down what is borrowed, where the collector leaves it.
 */

import type { Holders } from './page.ts';

/** How often each is borrowed. */
type Entries = Map<Holders, number>;

/** Gives back what an overlay had borrowed of which nothing is left. */
const abandoned = new FinalizationRegistry<Entries>((entries) => {
  for (const [holders, times] of entries) {
    holders.count -= times;
    if (holders.count === 0) holders.slab.owner.giveBack(holders.slab, holders.start);
  }
});

/** See the file comment. */
export class Borrowed {
  /** Undefined until something is borrowed. Changed by `note` and `strike`. */
  #entries: Entries | undefined;
  /** Bytes in the cells, counted as often as they are borrowed. Changed likewise. */
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Notes that one more page holds a cell of another overlay. `borrower` lives as long as any of its pages. */
  note(borrower: object, holders: Holders): void {
    if (this.#entries === undefined) {
      this.#entries = new Map();
      abandoned.register(borrower, this.#entries);
    }
    this.#entries.set(holders, (this.#entries.get(holders) ?? 0) + 1);
    this.#bytes += holders.slab.cell;
  }

  /** Notes that one of them does no longer. */
  strike(holders: Holders): void {
    const times = this.#entries?.get(holders);
    if (times === undefined) return;
    if (times === 1) this.#entries?.delete(holders);
    else this.#entries?.set(holders, times - 1);
    this.#bytes -= holders.slab.cell;
  }
}
