/**
 * An overlay's account of the cells that it has borrowed from others (`loan.ts`).
 *
 * Pages give their cells back themselves. But an overlay may be collected without having been closed, and its pages
 * with it; then the lender would keep their cells for ever. So the borrowed cells are recorded where the collector
 * leaves them.
 */

import type { Holders } from './page.ts';

/** How many pages of the borrower hold each cell. */
type Entries = Map<Holders, number>;

/** Gives back the cells of a borrower that was collected. */
const abandoned = new FinalizationRegistry<Entries>((entries) => {
  for (const [holders, times] of entries) {
    holders.count -= times;
    if (holders.count === 0) holders.slab.owner.giveBack(holders.slab, holders.start);
  }
});

/** See the file comment. */
export class Borrowed {
  /** Undefined until a cell is borrowed. Changed by `note` and `strike`. */
  #entries: Entries | undefined;
  /** Bytes in these cells, each counted as often as it is held. Changed likewise. */
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

  /** Notes that one page fewer holds the cell. */
  strike(holders: Holders): void {
    const times = this.#entries?.get(holders);
    if (times === undefined) return;
    if (times === 1) this.#entries?.delete(holders);
    else this.#entries?.set(holders, times - 1);
    this.#bytes -= holders.slab.cell;
  }
}
