/** Making durable what is at a path of the upper; `../storage.ts` says when and why. */

import { cannotFlushDirectories } from '../../branch/upper/commands.ts';
import { StillOpen } from '../../branch/upper/not-now.ts';
import { EACCES, EBADF, ELOOP, ENOENT, ENOTDIR, Errno } from '../../errno.ts';
import { type Procedure, tell, type Urgency } from '../commands.ts';
import { quietly } from './files.ts';

/** What says that it is gone, or that a file or a link has taken the place of a directory above it. */
const GONE: ReadonlySet<unknown> = new Set([ENOENT, ENOTDIR, ELOOP]);

/** Flushes what is at a path, if anything is there. */
export function* flushAt(path: string): Procedure<void> {
  try {
    yield* flushThere(path);
  } catch (thrown) {
    if (!GONE.has(thrown)) throw thrown;
  }
}

/** Flushes what is at a path. Fails where nothing is there. */
export function* flushThere(path: string): Procedure<void> {
  try {
    yield* tell({ kind: 'flushAt', path });
  } catch (thrown) {
    if (thrown instanceof StillOpen) yield* flushOpened(path, thrown);
    // The process may not open it. Then only its attributes are new, and they are flushed with its directory.
    else if (thrown !== EACCES) throw thrown;
  }
}

/** Continues where the command was told "not now". */
function* flushOpened(path: string, { handle, left }: StillOpen): Procedure<void> {
  // A `close` sent twice, because a take-over came while it was under way, would close whatever file has the descriptor
  // then. An object is closed only once.
  const urgency: Urgency = typeof handle === 'number' ? 'in place' : 'none';
  try {
    if (left === 'flush and close') yield* tell({ kind: 'flush', path, handle, urgency });
  } catch (thrown) {
    if (!(thrown instanceof Errno) || !cannotFlushDirectories(thrown.code)) throw thrown;
  } finally {
    // It may have been closed when it said "not now".
    yield* quietly(EBADF, tell({ kind: 'close', path, handle, urgency }));
  }
}
