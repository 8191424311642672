/** Holding back changes for a while: what `freeze` and `thaw` of an overlay do. */

import { EBUSY } from '../errno.ts';
import type { Tree } from '../tree/tree.ts';

/** See the file comment. */
export class Freezing {
  readonly #tree: Pick<Tree, 'thawing'>;
  /** Lets changes go on; undefined while they are not held back. Changed by `begin` and `end`. */
  #thaw: (() => void) | undefined;
  /** How often the tree was frozen: tells one thaw from the next. Changed by `begin`. */
  #times = 0;

  constructor(tree: Pick<Tree, 'thawing'>) {
    this.#tree = tree;
  }

  /** Holds every change back from now on; synchronous calls are refused. */
  begin(): void {
    if (this.#tree.thawing !== undefined) return;
    const thawed = new Promise<void>((resolve) => {
      this.#thaw = resolve;
    });
    this.#tree.thawing = {
      key: `thaw ${++this.#times}`,
      now: () => {
        throw EBUSY;
      },
      later: () => thawed,
    };
  }

  /** Lets held back changes go on. */
  end(): void {
    this.#tree.thawing = undefined;
    this.#thaw?.();
    this.#thaw = undefined;
  }
}
