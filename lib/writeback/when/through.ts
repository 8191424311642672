/**
 * Writing through: every change goes down before the call that makes it returns, and one that the upper refuses is taken back (W7).
 *
 *     operation: plan ─► commit ─► write back ──┬─ taken ───► the call returns
 *                          │                    └─ refused ─► the change is taken back, the call fails
 *                          └ what it changes is kept first (`tree/changing/undo.ts`)
 *
 * One change after the other: the next waits until this one is taken or refused, or, if it cannot wait, ends it at once. So what is
 * taken back is one change and nothing else. Whoever reads meanwhile sees the change already, and may see it go again, as with any page cache.
 *
 * A change is taken once its batch is decided: the upper has it in its journal then, and does it even after a crash. What fails
 * behind that is no refusal; it is told by the event, and tried again before the next change, which fails where that does.
 */

import { EBUSY } from '../../errno.ts';
import type { Errand, Io } from '../../fault.ts';
import { nextTurn } from '../../node/turns.ts';
import { Undo } from '../../tree/changing/undo.ts';
import type { Through, Tree } from '../../tree/tree.ts';
import type { Failure, Heed } from '../report.ts';
import type { WriteBack } from '../write-back.ts';

/** One change on its way down. */
class Going {
  readonly #writeBack: WriteBack;
  readonly #undo: Undo;
  /** When it was made. */
  readonly #moment: number;
  /** It was taken, or why not. Set once. */
  #outcome: { readonly refusal: unknown } | undefined;

  constructor(writeBack: WriteBack, undo: Undo) {
    this.#writeBack = writeBack;
    this.#undo = undo;
    this.#moment = writeBack.moment;
  }

  /** How the tree was before; undefined once it has ended. */
  get undo(): Undo | undefined {
    return this.#outcome === undefined ? this.#undo : undefined;
  }

  /** Ends it at once. */
  now(): void {
    if (this.#outcome !== undefined) return;
    try {
      this.#conclude(this.#writeBack.now({}, 'upper'));
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Ends it without blocking; never rejects. */
  async later(): Promise<void> {
    const heed: Heed = {
      ended: (failures) => this.#conclude(failures),
      failed: (thrown) => this.#fail(thrown),
    };
    // What is refused is taken back before it could go down with what somebody else has waited to bring there.
    await this.#writeBack.later({}, 'upper', heed).catch(() => {});
  }

  /** Throws why it was refused. Requires: it has ended. */
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
    // What has failed then was dirty before, or is since, and is for the next change.
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
  /** The change on its way down; undefined while there is none. Changed by `#sent`. */
  #going: Going | undefined;
  /** How many changes there were: tells what waits for one from what waits for another. Changed by `#sent`. */
  #count = 0;
  /** Those who wait to make a change, in the order in which they came: calls each back. Changed by `#wait` and `#letOn`. */
  readonly #line: (() => void)[] = [];
  /** Somebody in the line has been called and has not made his change yet. Changed by `#letOn`. */
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
      // Somebody else may have been first.
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
   * Calls those who wait, one by one until one has a change on its way: all at once would find, but for one of them, that they have to wait
   * again. Not every one makes a change in the end, and who still has something to ask a branch lets the next one go first.
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
   * Ends the change on its way at once: what comes of it is for whoever has made it. Throws EBUSY from within its own write-back, and a
   * `NotLoadedError` where the upper cannot be told at once: then it goes on as it can.
   */
  endNow(): void {
    const going = this.#going;
    if (going === undefined) return;
    // Nobody can bring it to its end from there, nor say that it was refused.
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
   * Ends what a failure has left decided. If that came behind the change, the change would be taken back to a time before it: files would
   * be where they were in the upper then.
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

  /** Brings down what an operation has changed. Requires: it is begun before anything else changes. */
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

  /** The change that was made; undefined where there is nothing to bring down. */
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
