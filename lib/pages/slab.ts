/**
 * Memory for small runs of bytes.
 *
 * An ArrayBuffer of its own costs about half a microsecond and 200 bytes, which a file of 100 bytes should not pay. So
 * runs shorter than a page live in cells of a slab: one Buffer cut into cells of one size. Sizes rise in steps of an
 * eighth (64 bytes at least), so a cell wastes little. A slab whose last cell is given back is dropped.
 *
 *     class 1024:  slab ┌────┬────┬────┬────┬┄┄┄┄┄┄┐     free:   [1]     cells given back
 *                       │ 0  │ 1  │ 2  │ 3  │      │     unused: 4       cells never taken
 *                       └────┴────┴────┴────┴┄┄┄┄┄┄┘
 *
 * No view of a slab ever leaves overfs: a caller could transfer the ArrayBuffer under everybody's feet.
 */

const SMALLEST = 64;
const MOST_BYTES = 256 * 1024;

/** One Buffer cut into cells of one size. */
export class Slab {
  readonly bytes: Buffer;
  /** Bytes in a cell. */
  readonly cell: number;
  /** Where the cells that were given back start. Changed by `take` and `giveBack`. */
  readonly #free: number[] = [];
  /** Where the cells begin that were never taken. Changed by `take`. */
  #unused = 0;
  /** How many cells are taken. Changed by `take` and `giveBack`. */
  #taken = 0;

  constructor(cell: number, cells: number) {
    this.cell = cell;
    // Not zeroed: whoever takes a cell writes its bytes before it counts them as content.
    this.bytes = Buffer.allocUnsafeSlow(cell * cells);
  }

  get full(): boolean {
    return this.#free.length === 0 && this.#unused + this.cell > this.bytes.length;
  }

  get empty(): boolean {
    return this.#taken === 0;
  }

  /** Takes a cell; returns where it starts. Requires: not full. */
  take(): number {
    this.#taken++;
    const again = this.#free.pop();
    if (again !== undefined) return again;
    const start = this.#unused;
    this.#unused += this.cell;
    return start;
  }

  /** Requires: `start` came from `take` and was not given back since. */
  giveBack(start: number): void {
    this.#taken--;
    this.#free.push(start);
  }
}

/** The slabs of one cell size. */
class SizeClass {
  readonly cell: number;
  /** Slabs with room; the last one is used first. Changed by the methods here. */
  readonly #roomy: Slab[] = [];
  /** How many slabs are alive; later ones are larger. Changed by the methods here. */
  #alive = 0;

  constructor(cell: number) {
    this.cell = cell;
  }

  /** A slab with a free cell. */
  roomy(): Slab {
    const last = this.#roomy.at(-1);
    if (last !== undefined) return last;
    const bytes = Math.min(MOST_BYTES, this.cell * 4 * 2 ** Math.min(this.#alive, 16));
    const slab = new Slab(this.cell, Math.max(1, Math.floor(bytes / this.cell)));
    this.#alive++;
    this.#roomy.push(slab);
    return slab;
  }

  /** Requires: `slab`, the last roomy one, has just become full. */
  filled(): void {
    this.#roomy.pop();
  }

  /** Requires: a cell of `slab` has just been given back. */
  freed(slab: Slab, wasFull: boolean): void {
    if (wasFull) this.#roomy.push(slab);
    // The last roomy slab is kept even when empty: create and unlink in turn would otherwise make a slab each time.
    if (slab.empty && this.#roomy.length > 1) {
      this.#roomy.splice(this.#roomy.indexOf(slab), 1);
      this.#alive--;
    }
  }
}

/** All slabs of one overlay. */
export class Slabs {
  readonly #classes = new Map<number, SizeClass>();

  /** A slab with room for `length` bytes; the caller takes the cell with `take`. */
  take(length: number): { slab: Slab; start: number } {
    const cell = cellSize(length);
    let sizeClass = this.#classes.get(cell);
    if (sizeClass === undefined) {
      sizeClass = new SizeClass(cell);
      this.#classes.set(cell, sizeClass);
    }
    const slab = sizeClass.roomy();
    const start = slab.take();
    if (slab.full) sizeClass.filled();
    return { slab, start };
  }

  /** Gives a cell back. Requires: nobody reads it any more. */
  giveBack(slab: Slab, start: number): void {
    const wasFull = slab.full;
    slab.giveBack(start);
    this.#classes.get(slab.cell)?.freed(slab, wasFull);
  }
}

/** The smallest cell that holds `length` bytes: multiples of an eighth of the power of two below. */
export function cellSize(length: number): number {
  if (length <= SMALLEST) return SMALLEST;
  const power = 2 ** (31 - Math.clz32(length - 1));
  const step = Math.max(SMALLEST, power / 8);
  return Math.ceil(length / step) * step;
}
