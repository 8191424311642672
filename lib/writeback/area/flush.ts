/** Making durable what is at a path of the upper; when and why is in `../storage.ts`. */

import { cannotFlushDirectories } from '../../branch/upper/commands.ts';
import { StillOpen } from '../../branch/upper/not-now.ts';
import { EACCES, EBADF, ELOOP, ENOENT, ENOTDIR, Errno } from '../../errno.ts';
import { type Procedure, tell, type Urgency } from '../commands.ts';
import { quietly } from './files.ts';

/** With these it is gone, and a file or a link may be in the place of one of its directories. */
const GONE: ReadonlySet<unknown> = new Set([ENOENT, ENOTDIR, ELOOP]);

/** Flushes what is at a path, if anything is. */
export function* flushAt(path: string): Procedure<void> {
  try {
    yield* flushThere(path);
  } catch (thrown) {
    if (!GONE.has(thrown)) throw thrown;
  }
}

/** Flushes what is at a path. */
export function* flushThere(path: string): Procedure<void> {
  try {
    yield* tell({ kind: 'flushAt', path });
  } catch (thrown) {
    if (thrown instanceof StillOpen) yield* flushOpened(path, thrown);
    // We may not open it: then only its attributes are new, and its directory takes them along.
    else if (thrown !== EACCES) throw thrown;
  }
}

/** Goes on where the command was told "not now". */
function* flushOpened(path: string, { handle, left }: StillOpen): Procedure<void> {
  // Told twice, by whoever takes over from a close that is under way, it would close whoever has the number then; an object is closed once.
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
