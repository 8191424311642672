/**
 * Files with holes. Whoever copies one as a kernel does, where the filesystem cannot share blocks, writes zeros into the holes: an image of a terabyte
 * that takes a megabyte would fill the disk.
 */

import type { Attributes } from '../../branch/branch.ts';
import type { Procedure } from '../commands.ts';
import { writeAll } from './writer.ts';

/** What counts as a hole is a whole block of zeros; the block of most filesystems, in bytes. */
const BLOCK = 4096;
const ZEROS = Buffer.alloc(BLOCK);

/** From how many bytes on holes are worth being kept. */
const WORTH_KEEPING = 256 * 1024;

/** Whether a file takes much less room than it is large. */
export function isSparse({ size, blocks }: Pick<Attributes, 'size' | 'blocks'>): boolean {
  return size - blocks * 512 >= WORTH_KEEPING;
}

/** What of these bytes is no hole, block by block; the last one may be short. */
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

/** Writes what of these bytes is no hole to their place in a new file; answers where the last of them ends, 0 where there is none. */
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
