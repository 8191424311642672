/**
 * Memory for pages.
 *
 * An ArrayBuffer for each page would cost about half a microsecond and 200 bytes, too much for a file of 100 bytes; and
 * new memory costs more than a copy, since the kernel has to find and clear it. So bytes lie in cells of a slab: one
 * Buffer cut into cells of one size, which are used again and again. Sizes rise in steps of an eighth (at least 64
 * bytes), so a cell wastes little.
 *
 *     class 1024:  slab ┌────┬────┬────┬────┬┄┄┄┄┄┄┐     free:   [1]     cells given back
 *                       │ 0  │ 1  │ 2  │ 3  │      │     unused: 4       cells never taken
 *                       └────┴────┴────┴────┴┄┄┄┄┄┄┘
 *
 * A slab is given up when its last cell is given back, except for a few that stay idle. A single page keeps its whole
 * slab alive, so slabs are small, and the first of each size are smaller still. Pages that came together lie together
 * and are forgotten together, so nearly empty slabs are rare.
 *
 * No view of a slab ever gets to a caller, who could detach the ArrayBuffer by transferring it.
 */

import { Borrowed } from './borrowed.ts';
import type { Holders } from './page.ts';

const SMALLEST = 64;
/** Slabs of cells of at least this many bytes are larger. */
const LARGE_CELL = 4096;
/**
 * Cells of these sizes have a view, which copies twice as fast as a part of a slab: small files are read whole, and
 * often. For larger cells the copy itself dominates, and a view for each page of a large file would only burden the
 * processor's cache.
 */
const SMALLEST_VIEW = 4096;
const LARGEST_VIEW = 8192;
const MOST_BYTES = 256 * 1024;
const MOST_BYTES_OF_LARGE = 1024 * 1024;
/** An empty slab of no more than this is kept where it is the only one of its size. */
const LITTLE = 16 * 1024;

/** One Buffer cut into cells of one size. */
export class Slab {
  /** Where its cells are given back, whichever overlay had them last. */
  readonly owner: Slabs;
  readonly #bytes: Buffer;
  /** Bytes in a cell. */
  readonly cell: number;
  /** Views of the cells, made when first needed; undefined for sizes without views. Changed by `bytesOf`. */
  readonly #views: (Buffer | undefined)[] | undefined;
  /** Where the cells that were given back start. Changed by `take` and `giveBack`. */
  readonly #free: number[] = [];
  /** Where the cells that were never taken begin. Changed by `take`. */
  #unused = 0;
  /** How many cells are taken. Changed by `take` and `giveBack`. */
  #taken = 0;
  /** Empty, and counted as idle. Changed by `Slabs`. */
  isIdle = false;

  constructor(owner: Slabs, cell: number, cells: number) {
    this.owner = owner;
    this.cell = cell;
    // Not zeroed: bytes of a cell are written before they count as content.
    this.#bytes = Buffer.allocUnsafeSlow(cell * cells);
    this.#views = cell >= SMALLEST_VIEW && cell <= LARGEST_VIEW ? [] : undefined;
  }

  /** Bytes in all cells. */
  get size(): number {
    return this.#bytes.length;
  }

  get full(): boolean {
    return this.#free.length === 0 && this.#unused + this.cell > this.#bytes.length;
  }

  get empty(): boolean {
    return this.#taken === 0;
  }

  /** The Buffer through which the cell at `start` is used: the whole slab, or a view that begins there. */
  bytesOf(start: number): Buffer {
    const views = this.#views;
    if (views === undefined) return this.#bytes;
    const at = start / this.cell;
    while (views.length <= at) views.push(undefined);
    views[at] ??= this.#bytes.subarray(start, start + this.cell);
    return views[at];
  }

  /** Takes a cell, and returns where it starts. Requires: not full. */
  take(): number {
    this.#taken++;
    const again = this.#free.pop();
    if (again !== undefined) return again;
    const start = this.#unused;
    this.#unused += this.cell;
    return start;
  }

  /** Gives a cell back. Requires: `start` came from `take` and was not given back since. */
  giveBack(start: number): void {
    this.#taken--;
    this.#free.push(start);
  }
}

/** The slabs of one cell size. */
class SizeClass {
  readonly #owner: Slabs;
  readonly cell: number;
  /** Slabs with room; the last one is used first. Changed by the methods here. */
  readonly #roomy: Slab[] = [];
  /** How many slabs are alive; later ones are larger. Changed by the methods here. */
  #alive = 0;

  constructor(owner: Slabs, cell: number) {
    this.#owner = owner;
    this.cell = cell;
  }

  /** A slab with a free cell. */
  roomy(): Slab {
    const last = this.#roomy.at(-1);
    if (last !== undefined) return last;
    const most = this.cell < LARGE_CELL ? MOST_BYTES : MOST_BYTES_OF_LARGE;
    const bytes = Math.min(most, this.cell * 4 * 2 ** Math.min(this.#alive, 16));
    const slab = new Slab(this.#owner, this.cell, Math.max(1, Math.floor(bytes / this.cell)));
    this.#alive++;
    this.#roomy.push(slab);
    return slab;
  }

  /** Notes that a slab has no room. Requires: `slab`, the last roomy one, has just become full. */
  filled(): void {
    this.#roomy.pop();
  }

  /** Notes that a slab has room again. Requires: `slab` was full until a cell of it was given back. */
  freed(slab: Slab): void {
    this.#roomy.push(slab);
  }

  /** Whether no other slab has room. */
  isOnly(slab: Slab): boolean {
    return this.#roomy.length === 1 && this.#roomy[0] === slab;
  }

  /** Gives up an empty slab. */
  drop(slab: Slab): void {
    this.#roomy.splice(this.#roomy.lastIndexOf(slab), 1);
    this.#alive--;
  }
}

/** All slabs of one overlay. */
export class Slabs {
  readonly #classes = new Map<number, SizeClass>();
  readonly #idleMost: () => number;
  /** The cells of other overlays that its pages hold. */
  readonly borrowed = new Borrowed();
  /** Bytes of the empty slabs that are idle. Changed by `take` and `giveBack`. */
  #idle = 0;

  /** @param idleMost how many bytes may be idle now */
  constructor(idleMost: () => number) {
    this.#idleMost = idleMost;
  }

  /** How many bytes of empty slabs are kept, apart from a few little ones. */
  get idle(): number {
    return this.#idle;
  }

  /** Takes a cell for `length` bytes: its slab, and where it begins there. */
  take(length: number): { slab: Slab; start: number } {
    const cell = cellSize(length);
    let sizeClass = this.#classes.get(cell);
    if (sizeClass === undefined) {
      sizeClass = new SizeClass(this, cell);
      this.#classes.set(cell, sizeClass);
    }
    const slab = sizeClass.roomy();
    if (slab.isIdle) {
      slab.isIdle = false;
      this.#idle -= slab.size;
    }
    const start = slab.take();
    if (slab.full) sizeClass.filled();
    return { slab, start };
  }

  /** Notes that one more page of this overlay holds a cell, which may be another overlay's. */
  borrow(holders: Holders): void {
    if (holders.slab.owner !== this) this.borrowed.note(this, holders);
  }

  /** Gives a cell back. Requires: it was taken here, and no page holds it any more. */
  giveBack(slab: Slab, start: number): void {
    const sizeClass = this.#classes.get(slab.cell);
    if (sizeClass === undefined) return;
    const wasFull = slab.full;
    slab.giveBack(start);
    if (wasFull) sizeClass.freed(slab);
    if (slab.empty) this.#leave(sizeClass, slab);
  }

  /**
   * Keeps an empty slab as idle, or gives it up. Otherwise pages that come and go in turn would make a slab each time.
   */
  #leave(sizeClass: SizeClass, slab: Slab): void {
    if (slab.size <= LITTLE && sizeClass.isOnly(slab)) return;
    if (this.#idle + slab.size > this.#idleMost()) {
      sizeClass.drop(slab);
      return;
    }
    slab.isIdle = true;
    this.#idle += slab.size;
  }
}

/** The smallest cell that holds `length` bytes: multiples of an eighth of the power of two below. */
export function cellSize(length: number): number {
  if (length <= SMALLEST) return SMALLEST;
  const eighth = 1 << (28 - Math.clz32(length - 1));
  const step = eighth > SMALLEST ? eighth : SMALLEST;
  return (length + step - 1) & -step;
}
