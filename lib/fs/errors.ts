/**
 * The wording of errors: what the inner code throws bare gets its system call, its path and Node's sentence here, once.
 */

import { getSystemErrorMap } from 'node:util';
import { isUint8Array } from 'node:util/types';
import { displayName } from '../branch/bytes.ts';
import { type Errno, ESTALE } from '../errno.ts';
import { givenPath, readTaken } from './arguments.ts';

/** Node's words, and those of the C library for what libuv has no words for. */
const sentences = new Map([[ESTALE.errno, [ESTALE.code, 'stale file handle']], ...getSystemErrorMap()]);

/** An error of a system call as Node makes it. */
export interface SystemError extends Error {
  errno: number;
  code: string;
  syscall: string;
  path?: string;
  dest?: string;
}

/** A path argument as messages show it: as it was given, bytes that are no UTF-8 as U+FFFD. */
export function shownPath(value: unknown): string {
  if (typeof value === 'string') return displayName(value);
  if (isUint8Array(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
  return displayName(readTaken(() => givenPath(value)));
}

/** What an error of a system call says. */
export interface Words extends Pick<SystemError, 'message' | 'errno' | 'code' | 'syscall'> {
  readonly path: string | undefined;
  readonly dest: string | undefined;
  readonly cause: unknown;
}

/** Finds the words for a bare error. */
export function findWords(
  { code, errno, cause }: Errno,
  syscall: string,
  path: string | undefined,
  dest: string | undefined,
): Words {
  const sentence = sentences.get(errno)?.[1] ?? 'unknown error';
  let message = `${code}: ${sentence}, ${syscall}`;
  if (path !== undefined) message += ` '${path}'`;
  if (dest !== undefined) message += ` -> '${dest}'`;
  return { message, errno, code, syscall, path, dest, cause };
}

/** Gives an error with the right message the fields that go with it, in Node's order. */
export function complete(made: Error, { errno, code, syscall, path, dest, cause }: Words): SystemError {
  const error = made as SystemError;
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  if (dest !== undefined) error.dest = dest;
  if (cause !== undefined) error.cause = cause;
  return error;
}

/**
 * Makes the error that says these words.
 *
 * @param above the stack begins at the caller of this function: the frames of our own below it tell nobody anything
 */
export function makeError(words: Words, above: (...args: never[]) => unknown): SystemError {
  return complete(
    startingAbove(above, () => new Error(words.message)),
    words,
  );
}

/** Makes an error whose stack begins at the caller of a function. */
export function startingAbove(above: (...args: never[]) => unknown, make: () => Error): Error {
  const limit = Error.stackTraceLimit;
  // Not by assignment, which throws where it cannot be set (`--frozen-intrinsics`): the stack is taken twice then.
  Reflect.set(Error, 'stackTraceLimit', 0);
  const error = make();
  Reflect.set(Error, 'stackTraceLimit', limit);
  Error.captureStackTrace(error, above);
  return error;
}

/** Words a bare error; `above` as in `makeError`. */
export function systemError(
  errno: Errno,
  syscall: string,
  path: string | undefined,
  dest: string | undefined,
  above: (...args: never[]) => unknown,
): SystemError {
  return makeError(findWords(errno, syscall, path, dest), above);
}

/** What an aborted call ends with. */
class AbortError extends Error {
  readonly code = 'ABORT_ERR';
  override name = 'AbortError';
}

/** What a call that this signal has aborted ends with. */
export function abortError(signal: AbortSignal): Error {
  return new AbortError('The operation was aborted', { cause: signal.reason });
}

/** Ends a call that is aborted before it begins. The signal is whatever Node takes for one, and that need not have methods. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}
