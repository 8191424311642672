/**
 * Inode numbers: stable for the life of a file and unique in the overlay (C3).
 *
 *     born here     0 .. 2^40           counted
 *     from below    slot * 2^40 + ino   a slot for each (branch, device): the branch's id for its first device
 *     odd ones      2^52 .. 2^53        counted: numbers of 2^40 and more, devices beyond the slots, branches without numbers
 *
 * A number from below depends on the branch's place in the stack and the file's own number alone, so copy-up, rename, forgetting and
 * a remount leave it as it is.
 */

import { type Branch, UPPER } from '../branch/branch.ts';

const SLOT = 2 ** 40;
const SLOTS = 2 ** 12;
const ODD = 2 ** 52;

export class Numbers {
  /** The last number given to something born here. */
  #born = 0;
  /** The last odd number. */
  #odd = ODD;
  /** Slots by `branch.id:device`, and which are taken. Entries are only added. */
  readonly #slots = new Map<string, number>();
  readonly #taken = new Set<number>();
  /** Odd numbers by `branch.id:device:ino` or `branch.id:path`. Entries are only added. */
  readonly #odds = new Map<string, number>();
  /** Numbers that files of the upper had in earlier mounts, by the upper's own number. Set by `remember`. */
  #remembered: ReadonlyMap<number, number> = new Map();
  // The slot asked for last: nearly always the one asked for next.
  #lastBranch: Branch | undefined;
  #lastDev = 0;
  #lastSlot = 0;

  /** A number for something born here. */
  born(): number {
    return ++this.#born;
  }

  /** Takes over what an upper says of the numbers that its files had when it was mounted before. */
  remember(numbers: ReadonlyMap<number, number>): void {
    this.#remembered = numbers;
    for (const number of numbers.values()) if (number < SLOT && number > this.#born) this.#born = number;
  }

  /** The number of a file of a branch: the same for the same file, always. */
  of(branch: Branch, dev: number, ino: number | bigint, path: string): number {
    if (branch.id === UPPER && typeof ino === 'number') {
      const known = this.#remembered.get(ino);
      if (known !== undefined) return known;
    }
    if (ino === 0) return this.#oddNumber(`${branch.id}:${path}`);
    if (typeof ino === 'bigint' || ino >= SLOT) return this.#oddNumber(`${branch.id}:${dev}:${ino}`);
    const slot = this.#slot(branch, dev);
    return slot === 0 ? this.#oddNumber(`${branch.id}:${dev}:${ino}`) : slot * SLOT + ino;
  }

  /** A number for a file of a branch whose own number is still shown by another file here. */
  another(): number {
    return ++this.#odd;
  }

  #oddNumber(key: string): number {
    let number = this.#odds.get(key);
    if (number === undefined) {
      number = ++this.#odd;
      this.#odds.set(key, number);
    }
    return number;
  }

  /** The slot of a device of a branch, or 0 when there is none left. */
  #slot(branch: Branch, dev: number): number {
    if (branch === this.#lastBranch && dev === this.#lastDev) return this.#lastSlot;
    const key = `${branch.id}:${dev}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = this.#freeSlot(branch, dev);
      this.#slots.set(key, slot);
      this.#taken.add(slot);
    }
    this.#lastBranch = branch;
    this.#lastDev = dev;
    this.#lastSlot = slot;
    return slot;
  }

  #freeSlot(branch: Branch, dev: number): number {
    // A branch's first device (its root's) has the branch's own slot; further devices are spread by their number, so that
    // the order in which they are met matters only where two of them meet in one slot.
    const first = branch.id + 1;
    if (first < SLOTS / 2 && !this.#taken.has(first)) return first;
    const half = SLOTS / 2;
    const start = (branch.id * 31 + dev * 17) % half;
    for (let i = 0; i < half; i++) {
      const slot = half + ((start + i) % half);
      if (!this.#taken.has(slot)) return slot;
    }
    return 0;
  }
}
