/**
 * The staging directory as one overlay uses it: gives names in it, knows what the tree has there, and clears it when
 * that is no longer needed.
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
  /** What all names given here begin with. */
  readonly #prefix = randomBytes(4).toString('hex');
  /** How many names were given. Changed by `name`. */
  #names = 0;
  /** Something may be in the directory. Changed by `use` and `tidy`. */
  #isUsed = false;

  constructor(branch: Branch, area: Area, { company }: Writer) {
    this.#area = area;
    this.#company = company;
    this.source = new UpperSource(branch, area.stage, 0, undefined, '');
  }

  /**
   * Gives a name that is never used again, also not by a later overlay on the same upper: a straggler of this one may
   * act later. Where other authors may search the directory, the name cannot be guessed.
   */
  readonly name = (): string => {
    const name = `${this.#prefix}-${++this.#names}`;
    return this.#company === 'alone' ? name : `${name}-${randomBytes(12).toString('hex')}`;
  };

  /** Notes that something may be put there. */
  use(): void {
    this.#isUsed = true;
  }

  /** Removes what is there, except what is still read although it has no name. Failures are left to the next time. */
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
