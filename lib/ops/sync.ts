/**
 * Write-back that a call asks for. fsync and fdatasync are the same here, since attributes and names cost little beside
 * the content. Without an upper nothing is more durable than the tree itself, so they do nothing.
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
 * Makes the file, its attributes and the names that lead to it durable, together with everything else that is dirty.
 *
 * @returns the failure to write this file back that the descriptor has not heard of
 */
export function fsync(io: Io, caller: Caller, file: OpenFile): Errno | undefined {
  const errand = caller.tree.flusher?.flush(file.inode);
  if (errand !== undefined) io.perform(errand);
  // From here on nothing stops or fails.
  return hearFailures(file);
}

/** The same as an errand behind an operation; throws the failure. */
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
 * Brings what other authors have written into bytes `from` to `to` to the upper first, since their data must be written
 * with their rights and not with those of the author who writes over it (W13). Where that cannot be done, or is
 * refused, the bytes that are written over are lost.
 */
export function giveWay(io: Io, tree: Tree, file: File, author: Author, from: number, to: number): void {
  const { memory, flusher } = tree;
  if (file.nlink === 0 || memory.authors?.hasOthers(file, from, to, author) !== true) return;
  const errand = flusher?.bring();
  if (errand !== undefined) io.perform(errand);
}

/** The failure to write the file back that a descriptor has yet to hear; it hears it once (W4). */
function hearFailures(file: OpenFile): Errno | undefined {
  const { count, errno } = hear(file.inode, file.heard);
  file.heard = count;
  return errno;
}
