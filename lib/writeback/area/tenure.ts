/**
 * Having an upper: from the mount, which takes it, to the unmount, after which it may be another overlay's and must not
 * be touched.
 */

import type { Errand } from '../../fault.ts';
import type { Procedure } from '../commands.ts';
import { carryOutLater, carryOutNow, Drive } from '../drive/drive.ts';
import type { Target } from '../drive/perform.ts';
import type { Writer } from '../stage/writer.ts';
import { endHolder, newHolder } from './lock.ts';
import type { Room } from './room.ts';
import { type Area, type Memories, mount, unmount } from './work-area.ts';

/** See the file comment. */
export class Tenure {
  readonly #target: Target;
  readonly #area: Area;
  readonly #writer: Writer;
  readonly #room: Room;
  /** What is done before the upper is given back. */
  readonly #last: () => Procedure<void>;
  /**
   * New for each attempt, so that the lock of a failed attempt that could not be removed has no living holder. Changed
   * by `#mount`.
   */
  #holder = newHolder();
  /** The unmount under way or done; undefined before, and after it failed. Changed by `#leave` and `#unmount`. */
  #leaving: Drive<void> | undefined;

  constructor(target: Target, area: Area, writer: Writer, room: Room, last: () => Procedure<void>) {
    this.#target = target;
    this.#area = area;
    this.#writer = writer;
    this.#room = room;
    this.#last = last;
  }

  /**
   * Takes the upper. Throws an `UpperError` when another overlay has it or its work area is damaged.
   *
   * @param dev the device number to remember where the upper has none yet
   * @param heed is given what the upper remembers
   */
  mounting(dev: () => number, heed: (memories: Memories) => void): Errand {
    const procedure = () => this.#mount(dev(), heed);
    return {
      key: 'mount',
      now: () => carryOutNow(this.#target, procedure()),
      later: () => carryOutLater(this.#target, procedure()),
    };
  }

  *#mount(dev: number, heed: (memories: Memories) => void): Procedure<void> {
    const memories = yield* this.#room.orGive(() => {
      this.#holder = newHolder();
      return mount(this.#area, this.#holder, dev, this.#writer);
    });
    yield* this.#room.make();
    heed(memories);
  }

  /** Gives the upper back. A synchronous call continues an unmount that is under way. */
  get unmounting(): Errand {
    return { key: 'unmount', now: () => this.#leave().now(), later: () => this.#leave().later() };
  }

  #leave(): Drive<void> {
    this.#leaving ??= new Drive(this.#target, this.#unmount());
    return this.#leaving;
  }

  *#unmount(): Procedure<void> {
    try {
      yield* this.#last();
      yield* unmount(this.#area);
      // Not before: another overlay could take the lock of a holder that is gone, and would use the upper at once.
      endHolder(this.#holder);
    } catch (thrown) {
      this.#leaving = undefined;
      throw thrown;
    }
  }

  /** Whether the upper is being given back, or was. */
  get isEnding(): boolean {
    return this.#leaving !== undefined;
  }
}
