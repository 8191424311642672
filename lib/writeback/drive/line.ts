/**
 * Asynchronous calls that work with an upper go one after the other, in the order in which they came.
 *
 *     first ──► second ──► third      each waits only for the one before it: when one ends, one goes on
 */

/** A place in a line. */
export class Place {
  /** Resolves when all places before it are free; undefined for the first. */
  readonly turn: Promise<void> | undefined;
  /** Resolves when this place is free too. */
  readonly end: Promise<void>;
  readonly #onEnd: () => void;
  /** The call has left its place. Changed by `leave`. */
  isLeft = false;
  /** Resolves `end`. Set with it. */
  #resolve = (): void => {};

  constructor(turn: Promise<void> | undefined, onEnd: (place: Place) => void) {
    this.turn = turn;
    this.end = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#onEnd = () => onEnd(this);
  }

  /** Leaves the place. Those behind it still wait for those before it. */
  leave(): void {
    this.isLeft = true;
    const end = () => {
      this.#onEnd();
      this.#resolve();
    };
    if (this.turn === undefined) end();
    else void this.turn.then(end);
  }
}

/** See the file comment. */
export class Line {
  /** The last place; undefined while the line is empty. Changed by `join` and when places become free. */
  #last: Place | undefined;

  /** Takes the place behind all others. */
  join(): Place {
    const place = new Place(this.#last?.end, (ended) => {
      if (this.#last === ended) this.#last = undefined;
    });
    this.#last = place;
    return place;
  }
}
