/**
 * fsync and fdatasync, which are one here, since attributes and names cost little beside the content: bringing one file to the upper.
 * Without an upper nothing is more durable than the tree itself, so there is nothing to bring down.
 */

import type { Errno } from '../errno.ts';
import type { Io } from '../fault.ts';
import type { Caller } from '../tree/caller.ts';
import { hear } from '../writeback/errors.ts';
import type { OpenFile } from './open.ts';

/**
 * Makes the file, its attributes and the names that lead to it durable, with all else that is dirty.
 *
 * @returns the failure of a write-back of this file that the descriptor has not heard of
 */
export function fsync(io: Io, caller: Caller, file: OpenFile): Errno | undefined {
  const errand = caller.tree.flusher?.flush(file.inode);
  if (errand !== undefined) io.perform(errand);
  // From here on nothing stops or fails.
  return hearFailures(file);
}

/** What the descriptor has yet to hear of its file's failed write-backs; it hears it once (W4). */
function hearFailures(file: OpenFile): Errno | undefined {
  const { count, errno } = hear(file.inode, file.heard);
  file.heard = count;
  return errno;
}
