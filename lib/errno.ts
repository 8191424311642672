/**
 * Bare errors: a code and a number, nothing else.
 *
 * The inner code needs no stack, path or sentence. Below the front an error is one of the shared values of this file,
 * thrown or (where absence is an ordinary answer) returned. The front (`fs/errors.ts`) words it once, with the system
 * call and the paths that only the front knows. Throwing a shared value costs a fraction of making an `Error`.
 */

import { constants } from 'node:os';

/** An error without words: what a system call would leave in `errno`. */
export class Errno {
  /** The symbolic name, such as `ENOENT`. */
  readonly code: string;
  /** The number as libuv gives it: negative. */
  readonly errno: number;
  /** What a branch threw, where the code alone would lose something. */
  readonly cause: unknown;

  constructor(code: string, errno: number, cause?: unknown) {
    this.code = code;
    this.errno = errno;
    this.cause = cause;
  }
}

const known = new Map<string, Errno>();
for (const [code, number] of Object.entries(constants.errno)) known.set(code, new Errno(code, -number));

function bare(code: string, linuxNumber: number): Errno {
  const found = known.get(code);
  if (found !== undefined) return found;
  // Not every platform has every code (Windows lacks ESTALE). Linux's number is used there.
  const made = new Errno(code, -linuxNumber);
  known.set(code, made);
  return made;
}

export const EPERM = bare('EPERM', 1);
export const ENOENT = bare('ENOENT', 2);
export const EIO = bare('EIO', 5);
export const ENXIO = bare('ENXIO', 6);
export const EBADF = bare('EBADF', 9);
export const EAGAIN = bare('EAGAIN', 11);
export const EACCES = bare('EACCES', 13);
export const EBUSY = bare('EBUSY', 16);
export const EEXIST = bare('EEXIST', 17);
export const ENOTDIR = bare('ENOTDIR', 20);
export const EISDIR = bare('EISDIR', 21);
export const EINVAL = bare('EINVAL', 22);
export const EFBIG = bare('EFBIG', 27);
export const ENOSPC = bare('ENOSPC', 28);
export const EROFS = bare('EROFS', 30);
export const ENAMETOOLONG = bare('ENAMETOOLONG', 36);
export const ENOSYS = bare('ENOSYS', 38);
export const ENOTEMPTY = bare('ENOTEMPTY', 39);
export const ELOOP = bare('ELOOP', 40);
export const ENOTSUP = bare('ENOTSUP', 95);
export const ESTALE = bare('ESTALE', 116);

/** Whether `value` is a bare error that an operation returned instead of its answer. */
export function isErrno(value: unknown): value is Errno {
  return value instanceof Errno;
}

/** The `code` of whatever was thrown; undefined where it has none. */
export function codeOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
}

/**
 * The bare error for whatever a branch threw: the one with its code, where that is a code of the system, else EIO with
 * what was thrown as the cause. A refusal by Node's permission model (`--permission`) is EACCES, with the cause.
 */
export function errnoOf(thrown: unknown): Errno {
  if (thrown instanceof Errno) return thrown;
  const code = codeOf(thrown);
  if (code === 'ERR_ACCESS_DENIED') return new Errno(EACCES.code, EACCES.errno, thrown);
  const found = typeof code === 'string' ? known.get(code) : undefined;
  return found ?? new Errno(EIO.code, EIO.errno, thrown);
}
