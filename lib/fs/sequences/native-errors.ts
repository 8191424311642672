/** The errors of functions that Node implements in C++: another wording, and positive numbers. */

import { isNativeError } from 'node:util/types';
import { codeOf, Errno } from '../../errno.ts';
import { startingAbove, systemError } from '../errors.ts';
import { NATIVE_RM } from './quirks.ts';

type Above = (...args: never[]) => unknown;

function errorAt(message: string, cause: unknown, above: Above): Error {
  return startingAbove(above, () => (cause === undefined ? new Error(message) : new Error(message, { cause })));
}

/** The errors of `rmSync` that C++ knows. */
const SENTENCES: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  EPERM: 'Operation not permitted',
};

/**
 * The error of `rmSync` for a failed system call; anything else is returned as it is. For errors that it does not know,
 * Node gives neither code nor number; this gives both, with the usual wording.
 */
export function nativeRmError(thrown: unknown, path: string, above: Above): unknown {
  const code = codeOf(thrown);
  if (!(isNativeError(thrown) && 'errno' in thrown) || typeof code !== 'string') return thrown;
  const errno = Number(thrown.errno);
  // What a branch has said, if anything: C++ does not know of the call that has failed.
  const { cause } = thrown;
  const sentence = SENTENCES[code];
  if (sentence === undefined) return systemError(new Errno(code, errno, cause), 'rm', path, undefined, above);
  const subject = NATIVE_RM === 'names the path twice' ? `${path} '${path}'` : `'${path}'`;
  const error = errorAt(`${code}, ${sentence}: ${subject}`, cause, above);
  return Object.assign(error, { errno: -errno, code, path, syscall: 'rm' });
}

/** An error of the first checks of `cpSync`: a code and a sentence. */
export function nativeCpError(code: string, message: string, above: Above): Error {
  return Object.assign(errorAt(message, undefined, above), { code });
}
