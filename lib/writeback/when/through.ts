/**
 * Writing through: every change reaches the upper before the call that makes it returns, and a change that the upper
 * refuses is taken back (W7).
 *
 *     operation: plan ─► commit ─► write back ──┬─ taken ───► the call returns
 *                          │                    └─ refused ─► the change is taken back, the call fails
 *                          └ what it changes is kept first (`tree/changing/undo.ts`)
 *
 * Changes go one after the other: the next one waits until this one is taken or refused or, if it cannot wait, finishes
 * it at once. So only this one change is taken back. Readers meanwhile see the change already, and may see it go again,
 * as with any page cache.
 *
 * A change is taken once its batch is decided: then it is in the upper's journal and will be done, even after a crash.
 * A later failure is no refusal; it is reported by the event and tried again before the next change, which fails if
 * that fails again.
 */

import { EBUSY } from '../../errno.ts';
import type { Errand, Io } from '../../fault.ts';
import { nextTurn } from '../../node/turns.ts';
import { Undo } from '../../tree/changing/undo.ts';
import type { Through, Tree } from '../../tree/tree.ts';
import type { Failure, Heed } from '../report.ts';
import type { WriteBack } from '../write-back.ts';

/** A change on its way to the upper. */
class Going {
  readonly #writeBack: WriteBack;
  readonly #undo: Undo;
  /** The moment (`WriteBack.moment`) at which it was made. */
  readonly #moment: number;
  /** Whether it was taken, or why not. Set once. */
  #outcome: { readonly refusal: unknown } | undefined;

  constructor(writeBack: WriteBack, undo: Undo) {
    this.#writeBack = writeBack;
    this.#undo = undo;
    this.#moment = writeBack.moment;
  }

  /** How the tree was before; undefined once the outcome is known. */
  get undo(): Undo | undefined {
    return this.#outcome === undefined ? this.#undo : undefined;
  }

  /** Brings it to the upper at once. */
  now(): void {
    if (this.#outcome !== undefined) return;
    try {
      this.#conclude(this.#writeBack.now({}, 'upper'));
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Brings it to the upper without blocking; never rejects. */
  async later(): Promise<void> {
    const heed: Heed = {
      ended: (failures) => this.#conclude(failures),
      failed: (thrown) => this.#fail(thrown),
    };
    // `heed` takes a refused change back before the next write-back could bring it along.
    await this.#writeBack.later({}, 'upper', heed).catch(() => {});
  }

  /** Throws why it was refused. Requires: the outcome is known. */
  tell(): void {
    const { refusal } = this.#outcome ?? {};
    if (refusal !== undefined) throw refusal;
  }

  #conclude([first]: readonly Failure[]): void {
    if (first === undefined) this.#stand();
    else this.#fail(first.errno);
  }

  #stand(): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = { refusal: undefined };
    this.#undo.drop();
  }

  #fail(thrown: unknown): void {
    if (this.#outcome !== undefined) return;
    // The change has arrived. What failed was dirty before or after it, and concerns the next change.
    if (this.#writeBack.hasArrivedSince(this.#moment)) {
      this.#stand();
      return;
    }
    this.#outcome = { refusal: thrown };
    this.#undo.restore();
  }
}

/** See the file comment. */
export class WriteThrough implements Through {
  readonly #tree: Tree;
  readonly #writeBack: WriteBack;
  /** The change on its way; undefined while there is none. Changed by `#sent`, `endNow` and `#errandFor`. */
  #going: Going | undefined;
  /** How many changes there were, which makes the keys of errands unique. Changed by `#sent`. */
  #count = 0;
  /** Resumes the calls that wait to make a change, in the order in which they came. Changed by `#wait` and `#letOn`. */
  readonly #line: (() => void)[] = [];
  /** `#letOn` is at work. Changed by it. */
  #isCalling = false;

  constructor(tree: Tree, writeBack: WriteBack) {
    this.#tree = tree;
    this.#writeBack = writeBack;
  }

  get undo(): Undo | undefined {
    return this.#going?.undo;
  }

  begin(io: Io): void {
    const going = this.#going;
    if (going !== undefined) {
      io.perform({
        key: `change ${this.#count}`,
        now: () => this.endNow(),
        later: () => this.#wait(),
      });
      // Another call may have been first.
      if (this.#going !== undefined && this.#going !== going) {
        this.begin(io);
        return;
      }
    }
    this.#endEarlier(io);
    const undo = new Undo(this.#tree);
    this.#tree.undo = undo;
    io.afterwards(this.#errandFor(undo), this.#tree);
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#line.push(resolve);
    });
  }

  /**
   * Resumes waiting calls one by one until one has a change on its way: if all were resumed at once, all but one would
   * have to wait again. Not every call makes a change in the end, and one that still has to ask a branch lets the next
   * one go first.
   */
  async #letOn(): Promise<void> {
    if (this.#isCalling) return;
    this.#isCalling = true;
    while (this.#going === undefined) {
      const next = this.#line.shift();
      if (next === undefined) break;
      next();
      await nextTurn();
    }
    this.#isCalling = false;
  }

  /**
   * Finishes the change on its way at once; the outcome goes to the call that made it. Throws EBUSY from within its own
   * write-back, and a `NotLoadedError` where the upper cannot be written to at once; then the change goes on by itself.
   */
  endNow(): void {
    const going = this.#going;
    if (going === undefined) return;
    // It cannot be finished from there.
    if (this.#writeBack.isBusy) throw EBUSY;
    this.#writeBack.mustWriteNow();
    going.now();
    this.#going = undefined;
  }

  /** Resolves when no change is on its way. */
  async ended(): Promise<void> {
    while (this.#going !== undefined) await this.#wait();
  }

  follow(io: Io, errand: Errand): void {
    const { undo } = this.#tree;
    if (undo === undefined) return;
    const first = this.#errandFor(undo);
    const both: Errand = {
      key: first.key,
      now: () => {
        first.now();
        errand.now();
      },
      later: async () => {
        await first.later();
        await errand.later();
      },
    };
    io.afterwards(both, this.#tree);
  }

  /**
   * Finishes a decided batch that a failure has left. If that came after the change, taking the change back would lead
   * to a state before the batch, with files where the upper had them then.
   */
  #endEarlier(io: Io): void {
    const writeBack = this.#writeBack;
    if (!writeBack.isUnfinished) return;
    io.perform({
      key: `what was before change ${this.#count}`,
      now: () => void writeBack.now({}, 'upper'),
      later: () => writeBack.later({}, 'upper').then(() => {}),
    });
  }

  /** Brings what an operation has changed to the upper. Requires: it is begun before anything else changes. */
  #errandFor(undo: Undo): Errand {
    return {
      key: 'through',
      now: () => {
        const going = this.#sent(undo);
        going?.now();
        this.#going = undefined;
        going?.tell();
      },
      later: async () => {
        const going = this.#sent(undo);
        if (going === undefined) return;
        await going.later();
        if (this.#going === going) this.#going = undefined;
        void this.#letOn();
        going.tell();
      },
    };
  }

  /** The change that was made; undefined where there is nothing to write back. */
  #sent(undo: Undo): Going | undefined {
    if (this.#tree.undo === undo) this.#tree.undo = undefined;
    if (undo.isEmpty || this.#tree.dirty?.isEmpty !== false) {
      undo.drop();
      return undefined;
    }
    this.#count++;
    this.#going = new Going(this.#writeBack, undo);
    return this.#going;
  }
}
