/**
 * Write-back that a call asks for. fsync and fdatasync are one here, since attributes and names cost little beside the content: both bring
 * one file to the upper. Without an upper nothing is more durable than the tree itself, so there is nothing to bring down.
 */

import type { Author } from '../branch/upper/acting.ts';
import type { Errno } from '../errno.ts';
import type { Errand, Io } from '../fault.ts';
import type { Caller } from '../tree/caller.ts';
import type { File } from '../tree/inode.ts';
import type { Tree } from '../tree/tree.ts';
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

/** The same as something that is done behind an operation; throws the failure. */
export function fsyncBehind({ tree }: Caller, file: OpenFile): Errand {
  const tell = () => {
    const failure = hearFailures(file);
    if (failure !== undefined) throw failure;
  };
  return {
    key: 'fsync',
    now: () => {
      tree.flusher?.flush(file.inode)?.now();
      tell();
    },
    later: async () => {
      await tree.flusher?.flush(file.inode)?.later();
      tell();
    },
  };
}

/**
 * Has what others have written into bytes `from` to `to` brought to the upper first, since their data is written with their rights and not
 * with those of whoever writes over it (W13). Where that cannot be done, or is refused, they lose the bytes that are written over.
 */
export function giveWay(io: Io, tree: Tree, file: File, author: Author, from: number, to: number): void {
  const { memory, flusher } = tree;
  if (file.nlink === 0 || memory.authors?.hasOthers(file, from, to, author) !== true) return;
  const errand = flusher?.bring();
  if (errand !== undefined) io.perform(errand);
}

/** What the descriptor has yet to hear of its file's failed write-backs; it hears it once (W4). */
function hearFailures(file: OpenFile): Errno | undefined {
  const { count, errno } = hear(file.inode, file.heard);
  file.heard = count;
  return errno;
}
