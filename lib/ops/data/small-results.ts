/**
 * Memory for what synchronous reads of small files return.
 *
 * A Buffer with an ArrayBuffer of its own takes longer to make and to collect than 4 KiB take to look up and to copy.
 * Node cuts small Buffers out of a pool: below 32 KiB since 24, but only below 4 KiB before. Where Node's pool is the
 * small one, results of up to `LARGEST` bytes are cut out of ours.
 *
 *     pool  ┌ result ┬ result ┬ result ┬┄┄┄┄┄┄┄┄┄┄┄┐
 *           └────────┴────────┴────────┴┄┄┄┄┄┄┄┄┄┄┄┘
 *                                      #used        POOL_BYTES
 *
 * The risk is that of every pool: whoever detaches its ArrayBuffer empties the results of all others. So it is marked
 * as not transferable, as Node's is; and where `ArrayBuffer.prototype.transfer` could detach it all the same (Node 22),
 * there is no pool of ours. No page lies in it: bytes are copied to it once, and then are the caller's.
 */

import { markAsUntransferable } from 'node:worker_threads';

/** The size of the pool of Node 24. */
const POOL_BYTES = 64 * 1024;
/** For more bytes the copy itself dominates, and a few long-lived results would keep much of a pool alive. */
const LARGEST = 8 * 1024;
/** Where Node's Buffers begin in its pool: at multiples of this. */
const ALIGNMENT = 8;

const isSafe = !('transfer' in ArrayBuffer.prototype);

/** The pool that results are cut out of; nobody else's results are read through it. Changed by `allocateSmall` only. */
let pool: Buffer | undefined;
/** How many of its bytes were given away. Changed likewise. */
let used = POOL_BYTES;

/**
 * A Buffer for the result of a synchronous read, with memory that it may share, and with anything in it. Who has set
 * `Buffer.poolSize` to 0 gets memory that is not shared.
 */
export function allocateResult(length: number): Buffer {
  const { poolSize } = Buffer;
  if (!isSafe || length > LARGEST || length < poolSize >>> 1 || poolSize === 0) return Buffer.allocUnsafe(length);
  return allocateSmall(length);
}

function allocateSmall(length: number): Buffer {
  if (pool === undefined || used + length > POOL_BYTES) {
    pool = Buffer.allocUnsafeSlow(POOL_BYTES);
    markAsUntransferable(pool.buffer);
    used = 0;
  }
  const start = used;
  used = (start + length + ALIGNMENT - 1) & -ALIGNMENT;
  return pool.subarray(start, start + length);
}
