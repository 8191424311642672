/** Descriptors: integers for open files, in a range where no descriptor of the process can be. */

import type { OpenFile } from '../ops/open.ts';

/** Above every descriptor that a kernel gives out (fs.nr_open), below 2^31. */
const FIRST = 2 ** 30;
/** How many descriptors an overlay has; those of the next overlay begin after them. */
const RANGE = 2 ** 20;
const RANGES = 2 ** 10;

/** The open files of one overlay. */
export class Descriptors {
  /** The descriptor of the first of `#files`. Raised by `closeAll`. */
  #first: number;
  /** Open files by descriptor. Changed by `add` and `remove`. */
  readonly #files: (OpenFile | undefined)[] = [];
  /** Free indexes in `#files`. Changed by `add`, `remove` and `closeAll`. */
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
   * Removes every descriptor. Those that had one (an overlay over this one, say) may not know it yet, so no number is
   * ever used again.
   *
   * @returns the files that were open
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
