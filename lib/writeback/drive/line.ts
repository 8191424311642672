/**
 * Who works with an upper without blocking goes one after the other, in the order in which they came.
 *
 *     first ──► second ──► third      each waits for the one before him alone: when one ends, one goes on
 */

/** A place in a line. */
export class Place {
  /** Resolves when all before it have left; undefined where there is nobody. */
  readonly turn: Promise<void> | undefined;
  /** Resolves when this one has left too. */
  readonly end: Promise<void>;
  readonly #onEnd: () => void;
  /** Who had it has left. Changed by `leave`. */
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

  /** Gives the place up: whoever is behind it waits for those before it still. */
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
  /** Undefined while the line is empty. Changed by `join` and the leaving. */
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
