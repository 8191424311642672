/**
 * Commands of several steps. Each is written once, as a generator that yields the result of each step: a value where
 * the upper answers at once, a promise where it answers later.
 */

import { codeOf } from '../../errno.ts';
import type { Handle } from '../fs-like.ts';
import { cannotFlushDirectories } from './commands.ts';
import { isNotNow, StillOpen } from './not-now.ts';
import type { UpperRequests } from './upper.ts';

/** Yields the result of each step, and is given the value of it. */
export type Steps<R> = Generator<unknown, R, unknown>;

/** Commands of an upper, carried out at once or later. */
export type Either<K extends keyof UpperRequests> = {
  readonly [each in K]: (...given: Parameters<UpperRequests[each]>) => unknown;
};

/** Runs steps that answer at once. */
export function takeNow<R>(steps: Steps<R>): R {
  let state = steps.next();
  while (!state.done) state = steps.next(state.value);
  return state.value;
}

/** Runs steps that answer later. */
export async function takeLater<R>(steps: Steps<R>): Promise<R> {
  let state = steps.next();
  while (!state.done) {
    let answer: unknown;
    try {
      answer = await state.value;
    } catch (thrown) {
      state = steps.throw(thrown);
      continue;
    }
    state = steps.next(answer);
  }
  return state.value;
}

/** Closes what the same command has opened. */
export function* closing(to: Either<'close'>, handle: Handle): Steps<void> {
  try {
    yield to.close(handle);
  } catch (thrown) {
    throw isNotNow(thrown) ? new StillOpen(thrown, handle, 'close') : thrown;
  }
}

/** Flushes the file or directory at a path. */
export function* flushing(
  to: Either<'flush' | 'close'> & { openForFlushing(path: string): unknown },
  path: string,
): Steps<void> {
  try {
    const handle = yield to.openForFlushing(path);
    try {
      yield to.flush(handle);
    } catch (thrown) {
      if (isNotNow(thrown)) throw new StillOpen(thrown, handle, 'flush and close');
      yield* closing(to, handle);
      throw thrown;
    }
    yield* closing(to, handle);
  } catch (thrown) {
    if (!cannotFlushDirectories(codeOf(thrown))) throw thrown;
  }
}
