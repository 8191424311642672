/**
 * Which bytes of a file were written by whom since it was last written back.
 *
 *     offset   0        100           4096      5000
 *              ├────────┼─────────────┼─────────┤
 *              │ A      │             │ B       │      what nobody claims is the origin's, or zeros
 *              └────────┴─────────────┴─────────┘
 */

import type { Author } from '../branch/upper/acting.ts';

/** Bytes `from` to `to` were written by one author. */
export interface Claim {
  readonly from: number;
  readonly to: number;
  readonly author: Author;
}

/** See the file comment. */
export class Claims {
  /** In order, disjoint, as few as possible. Changed by `add` and `release`. */
  readonly #list: Claim[] = [];

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** All of them as they are now. */
  get all(): readonly Claim[] {
    return [...this.#list];
  }

  /** Notes that an author has written these bytes. Requires: there are some. */
  add(from: number, to: number, author: Author): void {
    const list = this.#list;
    // Claims of the same author that touch it are joined with it.
    const first = this.#firstReaching(from);
    let [begin, end] = [from, to];
    const rest: Claim[] = [];
    let next = first;
    for (let claim = list[next]; claim !== undefined && claim.from <= to; claim = list[++next]) {
      if (claim.author === author) {
        begin = Math.min(begin, claim.from);
        end = Math.max(end, claim.to);
      } else {
        addRest(rest, claim, from, to);
      }
    }
    rest.push({ from: begin, to: end, author });
    rest.sort((a, b) => a.from - b.from);
    list.splice(first, next - first, ...rest);
  }

  /** Notes that these bytes belong to no author. */
  release(from: number, to: number): void {
    const list = this.#list;
    const first = this.#firstReaching(from);
    const rest: Claim[] = [];
    let next = first;
    for (let claim = list[next]; claim !== undefined && claim.from <= to; claim = list[++next]) {
      addRest(rest, claim, from, to);
    }
    list.splice(first, next - first, ...rest);
  }

  /** The claims within bytes `from` to `to`, in order. */
  within(from: number, to: number): Claim[] {
    const found: Claim[] = [];
    for (let i = this.#firstReaching(from); i < this.#list.length; i++) {
      const claim = this.#list[i];
      if (claim === undefined || claim.from >= to) break;
      if (claim.to > from) {
        found.push({ from: Math.max(from, claim.from), to: Math.min(to, claim.to), author: claim.author });
      }
    }
    return found;
  }

  /** The index of the first claim that ends at or after `at`. */
  #firstReaching(at: number): number {
    let [low, high] = [0, this.#list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#list[middle]?.to ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Adds what is left of a claim without bytes `from` to `to`. */
function addRest(rest: Claim[], { from: begin, to: end, author }: Claim, from: number, to: number): void {
  if (begin < from) rest.push({ from: begin, to: Math.min(end, from), author });
  if (end > to) rest.push({ from: Math.max(begin, to), to: end, author });
}
