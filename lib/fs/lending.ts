/**
 * The private door between stacked overlays: an overlay borrows pages of the files that it has open in an overlay
 * below. It is like reading, but nothing is copied.
 */

import type { Lender } from '../branch/nesting.ts';
import { EBADF } from '../errno.ts';
import { type Io, runAsync, syncIo } from '../fault.ts';
import { mayLie, prepareRead } from '../ops/data/prepare.ts';
import { aheadOf, passesBy } from '../ops/data/read.ts';
import { inodeOf, type OpenFile } from '../ops/open.ts';
import { lacks } from '../pages/fill.ts';
import { PageLoan } from '../pages/loan.ts';
import type { Caller } from '../tree/caller.ts';
import { File } from '../tree/inode.ts';
import { isHandle } from './dry-run.ts';
import type { Session } from './session.ts';

/** How to borrow from the overlay of a session. The session's rights were checked when the file was opened. */
export function lenderOf(session: Session): Lender {
  const { caller } = session;
  return {
    pageSize: caller.tree.memory.pageSize,
    now: (handle, offset, length) => lend(syncIo, caller, openFileOf(session, handle), offset, length),
    later: async (handle, offset, length) => {
      const file = openFileOf(session, handle);
      return runAsync((io) => lend(io, caller, file, offset, length));
    },
  };
}

/** What a descriptor or FileHandle of a session stands for. */
function openFileOf({ descriptors, handles }: Session, handle: unknown): OpenFile {
  const fd = isHandle(handle) && handles.has(handle) ? handle.fd : handle;
  const file = typeof fd === 'number' ? descriptors.get(fd) : undefined;
  if (file === undefined) throw EBADF;
  return file;
}

/**
 * A loan for an asynchronous call must stay in memory until it is taken, while other calls read too. So the cache must
 * be this many times larger.
 */
const TIMES_ASKED = 16;

/** Lends the pages with `length` bytes from `from` on; undefined where the bytes must be read past the cache. */
function lend(io: Io, { tree }: Caller, file: OpenFile, from: number, length: number): PageLoan | undefined {
  const inode = inodeOf(file);
  const { memory } = tree;
  if (!file.readable) throw EBADF;
  if (file.through !== undefined || !(inode instanceof File)) return undefined;
  const to = from + length;
  const isPassing = passesBy(memory, inode, length) && inode.origin?.branch.straight !== undefined;
  if (isPassing && lacks(memory, inode, from, to)) return undefined;
  if (!io.isAtOnce && length * TIMES_ASKED > memory.clean.maxBytes) return undefined;
  const ahead = isPassing ? 0 : aheadOf(memory, file, from);
  prepareRead(io, tree, inode, from, to, ahead);
  if (mayLie(inode)) return undefined;
  // From here on nothing stops or fails.
  file.sequential = to;
  file.ahead = ahead;
  return new PageLoan(memory, inode);
}
