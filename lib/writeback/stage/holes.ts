/**
 * Files with holes. Where the filesystem cannot share blocks, a copy by the kernel writes zeros into the holes: a disk
 * image of a terabyte that takes up a megabyte would fill the disk. So such files are copied here, without their holes.
 */

import type { Attributes } from '../../branch/branch.ts';
import type { Procedure } from '../commands.ts';
import { writeAll } from './writer.ts';

/** A whole block of zeros counts as a hole. The block size of most filesystems, in bytes. */
const BLOCK = 4096;
const ZEROS = Buffer.alloc(BLOCK);

/** Holes are kept if there are at least this many bytes of them. */
const WORTH_KEEPING = 256 * 1024;

/** Whether a file takes much less room than its size. */
export function isSparse({ size, blocks }: Pick<Attributes, 'size' | 'blocks'>): boolean {
  return size - blocks * 512 >= WORTH_KEEPING;
}

/** The parts of these bytes that are not holes, block by block; the last block may be short. */
function* withoutHoles(bytes: Uint8Array): Iterable<{ readonly at: number; readonly bytes: Uint8Array }> {
  let from = 0;
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK);
    const isHole = Buffer.compare(block, block.length === BLOCK ? ZEROS : ZEROS.subarray(0, block.length)) === 0;
    if (!isHole) continue;
    if (at > from) yield { at: from, bytes: bytes.subarray(from, at) };
    from = at + BLOCK;
  }
  if (from < bytes.length) yield { at: from, bytes: from === 0 ? bytes : bytes.subarray(from) };
}

/**
 * Writes bytes to their place in a new file, except the holes. Answers where the last written byte ends, 0 where there
 * is none.
 */
export function* writeSparsely(
  path: string,
  handle: unknown,
  bytes: Uint8Array,
  position: number,
  urgency: 'none' | 'in place' = 'none',
): Procedure<number> {
  let end = 0;
  for (const run of withoutHoles(bytes)) {
    yield* writeAll(path, handle, run.bytes, position + run.at, urgency);
    end = position + run.at + run.bytes.length;
  }
  return end;
}
