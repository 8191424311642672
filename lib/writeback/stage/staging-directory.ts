/**
 * The staging directory as one overlay uses it: names in it, what the tree has there, and that it is cleared when nobody needs any of that.
 */

import { randomBytes } from 'node:crypto';
import type { Branch } from '../../branch/branch.ts';
import { Errno } from '../../errno.ts';
import { UpperSource } from '../../tree/sources/source.ts';
import { type Area, clearStage } from '../area/work-area.ts';
import type { Procedure } from '../commands.ts';
import { isRead } from '../places.ts';
import type { Writer } from './writer.ts';

/** See the file comment. */
export class StagingDirectory {
  readonly #area: Area;
  readonly #company: Writer['company'];
  /** What the tree has there. */
  readonly source: UpperSource;
  /** With what the names begin that are given here. */
  readonly #prefix = randomBytes(4).toString('hex');
  /** How many names were given. Changed by `name`. */
  #names = 0;
  /** Something may be left in it. Changed by `use` and `tidy`. */
  #isUsed = false;

  constructor(branch: Branch, area: Area, { company }: Writer) {
    this.#area = area;
    this.#company = company;
    this.source = new UpperSource(branch, area.stage, 0, undefined, '');
  }

  /**
   * Gives a name that was never used before, nor will be by an overlay that has the upper after this one: what was under way when this one
   * was closed may act later. Where others may search the directory it cannot be guessed.
   */
  readonly name = (): string => {
    const name = `${this.#prefix}-${++this.#names}`;
    return this.#company === 'alone' ? name : `${name}-${randomBytes(12).toString('hex')}`;
  };

  /** Notes that something is put there, or may be. */
  use(): void {
    this.#isUsed = true;
  }

  /** Removes what is there, but for what is still read although it has no name any more. What fails is left to the next time. */
  *tidy(): Procedure<void> {
    if (!this.#isUsed) return;
    const { source } = this;
    try {
      const state = yield* clearStage(this.#area, (name) => isRead(source, name));
      for (const name of source.held.keys()) if (!isRead(source, name)) source.held.delete(name);
      this.#isUsed = state === 'in use';
    } catch (thrown) {
      if (!(thrown instanceof Errno)) throw thrown;
    }
  }
}
