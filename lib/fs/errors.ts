/**
 * The wording of errors: what the inner code throws bare gets its system call, its path and Node's sentence here, once.
 */

import { getSystemErrorMap } from 'node:util';
import { isUint8Array } from 'node:util/types';
import { displayName } from '../branch/bytes.ts';
import type { Errno } from '../errno.ts';
import { givenPath, readTaken } from './arguments.ts';

const sentences = getSystemErrorMap();

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

/**
 * Words a bare error.
 *
 * @param above the stack begins at the caller of this function
 */
export function systemError(
  { code, errno, cause }: Errno,
  syscall: string,
  path: string | undefined,
  dest: string | undefined,
  above: (...args: never[]) => unknown,
): SystemError {
  const sentence = sentences.get(errno)?.[1] ?? 'unknown error';
  let message = `${code}: ${sentence}, ${syscall}`;
  if (path !== undefined) message += ` '${path}'`;
  if (dest !== undefined) message += ` -> '${dest}'`;
  // The frames of our own between the call and here tell nobody anything: the stack is taken once, without them.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = new Error(message) as SystemError;
  Error.stackTraceLimit = limit;
  Error.captureStackTrace(error, above);
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  if (dest !== undefined) error.dest = dest;
  if (cause !== undefined) error.cause = cause;
  return error;
}

/** What an aborted call ends with. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return Object.assign(error, { code: 'ABORT_ERR' });
}
