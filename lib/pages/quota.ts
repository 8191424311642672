/**
 * How much the overlay may hold. Space is charged when a write is made, so that a lack of it shows then and never later
 * (P1).
 */

/** What `createOverlay({ limits })` takes. */
export interface Limits {
  /** The most bytes of changed content; default: no limit. */
  readonly bytes?: number;
  /** The most files, directories and links made or changed; default: no limit. */
  readonly inodes?: number;
}

/** Counts bytes and inodes against their limits. */
export class Quota {
  readonly byteLimit: number;
  readonly inodeLimit: number;
  /** Bytes of dirty pages. Changed by the methods here. */
  #bytes = 0;
  /** Inodes that the overlay made or owns. Changed by the methods here. */
  #inodes = 0;

  constructor(limits: Limits) {
    this.byteLimit = limits.bytes ?? Number.POSITIVE_INFINITY;
    this.inodeLimit = limits.inodes ?? Number.POSITIVE_INFINITY;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get inodes(): number {
    return this.#inodes;
  }

  /** How many bytes may still be charged. */
  get bytesLeft(): number {
    return this.byteLimit - this.#bytes;
  }

  /** Whether one more inode may be charged. */
  get hasInode(): boolean {
    return this.#inodes < this.inodeLimit;
  }

  /** Charges bytes, or gives them back when negative. Requires: no more than `bytesLeft`. */
  chargeBytes(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Requires: `hasInode`. */
  chargeInode(): void {
    this.#inodes++;
  }

  giveBackInode(): void {
    this.#inodes--;
  }
}
