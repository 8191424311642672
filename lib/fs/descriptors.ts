/** Descriptors: small integers for open files, in a range where no descriptor of the process can be. */

import type { OpenFile } from '../ops/open.ts';

/** Above every descriptor that a kernel gives out (fs.nr_open), below 2^31. */
const FIRST = 2 ** 30;
/** How many descriptors an overlay has; the next one's begin after them. */
const RANGE = 2 ** 20;
const RANGES = 2 ** 10;

/** The open files of one overlay. */
export class Descriptors {
  /** What the first of `#files` has. Raised by `closeAll`. */
  #first: number;
  /** Open files by descriptor. Changed by `add` and `remove`. */
  readonly #files: (OpenFile | undefined)[] = [];
  /** Descriptors below the length of `#files` that are free. */
  readonly #free: number[] = [];

  /** @param overlay the overlay's ordinal: a descriptor of one overlay is EBADF in another */
  constructor(overlay: number) {
    this.#first = FIRST + (overlay % RANGES) * RANGE;
  }

  /** How many are open. */
  get count(): number {
    return this.#files.length - this.#free.length;
  }

  add(file: OpenFile): number {
    const at = this.#free.pop() ?? this.#files.length;
    this.#files[at] = file;
    return this.#first + at;
  }

  get(fd: number): OpenFile | undefined {
    return this.#files[fd - this.#first];
  }

  /** Takes a descriptor away; undefined when it is not open. */
  remove(fd: number): OpenFile | undefined {
    const at = fd - this.#first;
    const file = this.#files[at];
    if (file === undefined) return undefined;
    this.#files[at] = undefined;
    this.#free.push(at);
    return file;
  }

  /**
   * Takes every descriptor away. Whoever had one (an overlay that lies over this one, say) may not know it yet, so that no number that was given
   * out so far is given out again.
   *
   * @returns what was open
   */
  closeAll(): OpenFile[] {
    const open = [...this];
    this.#first += this.#files.length;
    this.#files.length = 0;
    this.#free.length = 0;
    return open;
  }

  /** Every file that is open. */
  *[Symbol.iterator](): IterableIterator<OpenFile> {
    for (const file of this.#files) if (file !== undefined) yield file;
  }
}
