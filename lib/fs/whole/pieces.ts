/**
 * Reading and writing piece by piece, where one operation does not do: because the file is used straight through its
 * branch (devices, FIFOs), or because a write was short.
 */

import { type Io, runAsync, runSync } from '../../fault.ts';
import { read } from '../../ops/data/read.ts';
import { write } from '../../ops/data/write.ts';
import { close, type OpenFile, release } from '../../ops/open.ts';
import { fsync } from '../../ops/sync.ts';
import type { Caller } from '../../tree/caller.ts';
import { systemError } from '../errors.ts';
import { type Sequence, step } from '../sequences/steps.ts';

/** How many bytes of a file of unknown size are read at once. */
const PIECE = 64 * 1024;

/** An operation as a step of a sequence. */
export function operation<R>({ tree }: Caller, operate: (io: Io) => R, signal?: AbortSignal): Sequence<R> {
  return step(
    () => runSync(tree, operate),
    () => runAsync(operate, signal),
  );
}

/** Reads from the position of a file to its end. */
export function* readBytes(caller: Caller, file: OpenFile, signal: AbortSignal | undefined): Sequence<Buffer> {
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = Buffer.allocUnsafeSlow(PIECE);
    const length = yield* operation(caller, (io) => read(io, caller, file, piece, -1), signal);
    if (length === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, length));
  }
}

/** Writes all of `source` at the position of the file. */
export function* writeBytes(
  caller: Caller,
  file: OpenFile,
  source: Uint8Array,
  signal: AbortSignal | undefined,
): Sequence<void> {
  let written = 0;
  while (written < source.length) {
    const rest = source.subarray(written);
    written += yield* operation(caller, (io) => write(io, caller, file, rest, -1), signal);
  }
}

/** Makes sure that the upper has what was written. */
export function* sync(caller: Caller, file: OpenFile, signal: AbortSignal | undefined): Sequence<void> {
  const failure = yield* operation(caller, (io) => fsync(io, caller, file), signal);
  if (failure !== undefined) throw failure;
}

/**
 * Uses an open file and closes it in any case. A failure of the close (a failed write-back) is thrown unless there is
 * another error.
 */
export function* thenClose<R>(caller: Caller, file: OpenFile, use: Sequence<R>): Sequence<R> {
  let answer: R;
  try {
    answer = yield* use;
  } catch (thrown) {
    release(caller, file);
    throw thrown;
  }
  const failure = yield* operation(caller, (io) => close(io, caller, file));
  if (failure !== undefined) throw systemError(failure, 'close', undefined, undefined, thenClose);
  return answer;
}
