/**
 * Putting a small new file into an upper in one go.
 *
 *     create ──► write ... ──► futimes, fsync, fstat ──► close       where what it says of a handle can be relied on
 *     create ──► write ... ──► close ──► times, flush by the path    elsewhere; its attributes are asked for separately
 */

import { EIO } from '../../errno.ts';
import { attributesOf, statsIn } from '../attributes.ts';
import type { Attributes } from '../branch.ts';
import type { Handle } from '../fs-like.ts';
import { closing, type Either, type Steps } from './steps.ts';
import type { NewFile } from './upper.ts';

/** With these functions an open file need not be asked about by its path. */
export const ON_HANDLES = ['futimes', 'fsync', 'fstat'];

/** What `fstat` is given. */
export const EXACT = { bigint: true } as const;

/** The commands of an upper that this takes, at once or later. */
type Teller = Either<'create' | 'write' | 'flush' | 'close' | 'setTimes' | 'flushAt' | 'unlink'> & {
  /** What it says about a handle is what it says about the path, and closing the handle changes nothing. */
  readonly isSureOfHandles: boolean;
  setTimesOf(handle: Handle, atime: number, mtime: number): unknown;
  /** What `fstat` says. */
  look(handle: Handle): unknown;
};

/** `UpperRequests.put`. */
export function* putting(to: Teller, path: string, file: NewFile): Steps<Attributes | undefined> {
  const { atime, mtime, isFlushed } = file;
  const handle = yield to.create(path, file.mode);
  try {
    try {
      yield* writeAll(to, handle, file.pieces);
      if (to.isSureOfHandles) {
        yield to.setTimesOf(handle, atime, mtime);
        if (isFlushed) yield to.flush(handle);
        const stats = statsIn(yield to.look(handle));
        return stats && attributesOf(stats, 'keep');
      }
    } finally {
      yield* closing(to, handle);
    }
    yield to.setTimes(path, atime, mtime);
    if (isFlushed) yield to.flushAt(path);
    return undefined;
  } catch (thrown) {
    yield* removeQuietly(to, path);
    throw thrown;
  }
}

function* writeAll(to: Teller, handle: Handle, pieces: readonly Uint8Array[]): Steps<void> {
  let at = 0;
  for (const piece of pieces) {
    for (let done = 0; done < piece.length; ) {
      const written = (yield to.write(handle, done === 0 ? piece : piece.subarray(done), at)) as number;
      // Otherwise an upper that takes nothing and gives no reason would be asked for ever.
      if (written === 0) throw EIO;
      done += written;
      at += written;
    }
  }
}

/** Frees the name for the next attempt. If that fails, the next attempt says so. */
function* removeQuietly(to: Teller, path: string): Steps<void> {
  try {
    yield to.unlink(path);
  } catch {
    // What is left is in the way of the next attempt only.
  }
}
