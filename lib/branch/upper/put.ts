/**
 * Putting a small new file into an upper in one go. Written once, as a procedure that yields what each step has come to: a value where the
 * upper is told at once, a promise where it is told later.
 *
 *     create ──► write ... ──► futimes, fsync, fstat ──► close        where what it says of a handle can be relied on
 *     create ──► write ... ──► close ──► times, flush by the path     elsewhere; it is looked at by who wants to know
 */

import { EIO } from '../../errno.ts';
import { attributesOf, statsIn } from '../attributes.ts';
import type { Attributes } from '../branch.ts';
import type { Handle } from '../fs-like.ts';
import type { NewFile, UpperRequests } from './upper.ts';

/** With these functions nothing need be asked by a path of what is open. */
export const ON_HANDLES = ['futimes', 'fsync', 'fstat'];

/** What `fstat` is given. */
export const EXACT = { bigint: true } as const;

/** The commands of an upper that are needed for it, at once or later. */
type Steps = {
  readonly [K in 'create' | 'write' | 'flush' | 'close' | 'setTimes' | 'flushAt' | 'unlink']: (
    ...given: Parameters<UpperRequests[K]>
  ) => unknown;
} & {
  /** What it says of what is open is what it says by its path, and is not changed by closing it. */
  readonly isSureOfHandles: boolean;
  setTimesOf(handle: Handle, atime: number, mtime: number): unknown;
  /** What `fstat` says. */
  look(handle: Handle): unknown;
};

/** Yields what each step has come to, and is given what came of that. */
type Putting = Generator<unknown, Attributes | undefined, unknown>;

function* putting(to: Steps, path: string, file: NewFile): Putting {
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
      yield to.close(handle);
    }
    yield to.setTimes(path, atime, mtime);
    if (isFlushed) yield to.flushAt(path);
    return undefined;
  } catch (thrown) {
    yield* removeQuietly(to, path);
    throw thrown;
  }
}

function* writeAll(to: Steps, handle: Handle, pieces: readonly Uint8Array[]): Generator<unknown, void, unknown> {
  let at = 0;
  for (const piece of pieces) {
    for (let done = 0; done < piece.length; ) {
      const written = (yield to.write(handle, done === 0 ? piece : piece.subarray(done), at)) as number;
      // An upper that takes nothing and gives no reason would be asked for ever.
      if (written === 0) throw EIO;
      done += written;
      at += written;
    }
  }
}

/** Whoever tries again is to find the name free; if he does not, he is told so. */
function* removeQuietly(to: Steps, path: string): Generator<unknown, void, unknown> {
  try {
    yield to.unlink(path);
  } catch {
    // What is left is in nobody's way but his.
  }
}

/** Puts a file where the steps are taken at once. */
export function putNow(to: Steps, path: string, file: NewFile): Attributes | undefined {
  const procedure = putting(to, path, file);
  let state = procedure.next();
  while (!state.done) state = procedure.next(state.value);
  return state.value;
}

/** Puts a file where they are taken later. */
export async function putLater(to: Steps, path: string, file: NewFile): Promise<Attributes | undefined> {
  const procedure = putting(to, path, file);
  let state = procedure.next();
  while (!state.done) {
    let answer: unknown;
    try {
      answer = await state.value;
    } catch (thrown) {
      state = procedure.throw(thrown);
      continue;
    }
    state = procedure.next(answer);
  }
  return state.value;
}
