/**
 * The wording of errors: a bare error of the inner code gets its system call, its path and Node's sentence here, once.
 */

import { getSystemErrorMap } from 'node:util';
import { isUint8Array } from 'node:util/types';
import { displayName } from '../branch/bytes.ts';
import { type Errno, ESTALE } from '../errno.ts';
import { givenPath, readTaken } from './arguments.ts';

/** Node's sentences, and the C library's for codes that libuv does not know. */
const sentences = new Map([[ESTALE.errno, [ESTALE.code, 'stale file handle']], ...getSystemErrorMap()]);

/** An error of a system call as Node makes it. */
export interface SystemError extends Error {
  errno: number;
  code: string;
  syscall: string;
  path?: string;
  dest?: string;
}

/** A path argument as messages show it: as it was given, with U+FFFD for bytes that are not UTF-8. */
export function shownPath(value: unknown): string {
  if (typeof value === 'string') return displayName(value);
  if (isUint8Array(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
  return displayName(readTaken(() => givenPath(value)));
}

/** The message and fields of an error of a system call. */
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

/** Adds the fields to an error that has the message already, in Node's order. */
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
 * Makes the error with these words.
 *
 * @param above the stack begins at the caller of this function, since frames of overfs would not help
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
  // Not by assignment, which throws where it cannot be set (`--frozen-intrinsics`). Then the stack is simply captured
  // twice.
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

/** The error of an aborted call. */
class AbortError extends Error {
  readonly code = 'ABORT_ERR';
  override name = 'AbortError';
}

/** The error of a call that this signal has aborted. */
export function abortError(signal: AbortSignal): Error {
  return new AbortError('The operation was aborted', { cause: signal.reason });
}

/** Ends a call that is aborted before it begins. A signal is whatever Node accepts, which need not have methods. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}
