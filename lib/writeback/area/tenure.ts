/**
 * Having an upper: from the mount, which takes it, to the unmount, after which it is somebody else's and nothing in it is ours to touch.
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
  /** Anew for each attempt: a lock of one that failed, which could not be removed, is nobody's. Changed by `#mount`. */
  #holder = newHolder();
  /** The giving back, once somebody has begun it; undefined again where it failed. Changed by `#leave`. */
  #leaving: Drive<void> | undefined;

  constructor(target: Target, area: Area, writer: Writer, room: Room) {
    this.#target = target;
    this.#area = area;
    this.#writer = writer;
    this.#room = room;
  }

  /**
   * Takes the upper. Throws an `UpperError` when somebody else has it or its work area is damaged.
   *
   * @param dev the device number that is remembered where the upper remembers none
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

  /** Gives the upper back. Whoever cannot wait goes on with what somebody else has begun. */
  get unmounting(): Errand {
    return { key: 'unmount', now: () => this.#leave().now(), later: () => this.#leave().later() };
  }

  #leave(): Drive<void> {
    this.#leaving ??= new Drive(this.#target, this.#unmount());
    return this.#leaving;
  }

  *#unmount(): Procedure<void> {
    try {
      yield* unmount(this.#area);
      // Not before: who takes the lock of a holder that is gone works with the upper at once.
      endHolder(this.#holder);
    } catch (thrown) {
      this.#leaving = undefined;
      throw thrown;
    }
  }

  /** The upper is being given back, or was. */
  get isEnding(): boolean {
    return this.#leaving !== undefined;
  }
}
