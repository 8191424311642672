/**
 * The errors of what Node does in C++: another wording, positive numbers.
 */

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
 * What `rmSync` says where a system call failed; anything else that was thrown, as it is. Of errors that it does not know
 * Node tells neither code nor number; we do, in the words of other calls.
 */
export function nativeRmError(thrown: unknown, path: string, above: Above): unknown {
  const code = codeOf(thrown);
  if (!(isNativeError(thrown) && 'errno' in thrown) || typeof code !== 'string') return thrown;
  const errno = Number(thrown.errno);
  const sentence = SENTENCES[code];
  if (sentence === undefined) return systemError(new Errno(code, errno, thrown), 'rm', path, undefined, above);
  const subject = NATIVE_RM === 'names the path twice' ? `${path} '${path}'` : `'${path}'`;
  const error = errorAt(`${code}, ${sentence}: ${subject}`, thrown, above);
  return Object.assign(error, { errno: -errno, code, path, syscall: 'rm' });
}

/** What the first checks of `cpSync` say: a code and a sentence. */
export function nativeCpError(code: string, message: string, above: Above): Error {
  return Object.assign(errorAt(message, undefined, above), { code });
}
