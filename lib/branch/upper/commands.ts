/** The functions of an upper, and what commands give them: flags, options, paths, times. The same for both forms. */

import { constants } from 'node:fs';
import { encodeName, isPlain } from '../bytes.ts';
import type { BranchPath, Traits } from '../fs-like.ts';
import type { Nesting } from '../nesting.ts';
import type { Copying } from './upper.ts';

const {
  O_RDONLY,
  O_RDWR,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW = 0,
  COPYFILE_EXCL,
  COPYFILE_FICLONE,
  COPYFILE_FICLONE_FORCE,
} = constants;

export const CREATE_FLAGS = O_RDWR | O_CREAT | O_EXCL;
export const WRITE_FLAGS = O_RDWR | O_NOFOLLOW;
export const DIRECTORY_FLAGS = O_RDONLY;
export const COPY_FLAGS: Readonly<Record<Copying, number>> = {
  sharing: COPYFILE_EXCL | COPYFILE_FICLONE_FORCE,
  any: COPYFILE_EXCL | COPYFILE_FICLONE,
};
/** `open` is always given a mode, so that the callback comes where Node expects it. */
export const NO_MODE = 0;

/** Functions that take a path, and how far along it memfs would check permissions. */
export const BY_PATH: Readonly<Record<string, 'way' | 'file'>> = {
  mkdir: 'way',
  open: 'file',
  writeFile: 'file',
  readFile: 'file',
  copyFile: 'file',
  lstat: 'way',
  stat: 'way',
  rename: 'way',
  unlink: 'way',
  rmdir: 'way',
  symlink: 'way',
  link: 'way',
  chmod: 'way',
  lchown: 'way',
  chown: 'way',
  lutimes: 'way',
  utimes: 'way',
};
/** Functions that take a descriptor. */
export const BY_HANDLE = ['write', 'ftruncate', 'futimes', 'fsync', 'fstat', 'close'];

/** The methods of a handle that is an object, such as `FileHandle`. */
export const METHODS = { write: 'write', ftruncate: 'truncate', fsync: 'sync', close: 'close' } as const;

/** What is known of an upper besides its functions. */
export interface Nature extends Pick<Traits, 'kernel' | 'closer'> {
  /** The memfs volume that it is, if it is one. */
  readonly volume: object | undefined;
  /**
   * Set where it is an overlay: that has what it was given, and a failure of `close` is about what it could not bring
   * to its own upper.
   */
  readonly nesting: Nesting | undefined;
}

/** A path as an upper takes it. */
export function upperPath(path: string): BranchPath {
  return isPlain(path) ? path : encodeName(path);
}

/**
 * A time as `utimes` takes it: Node reads a negative number as the present, but not the same as a string of digits
 * (lib/internal/fs/utils.js, toUnixTimestamp).
 */
export function upperTime(seconds: number): number | string {
  return seconds < 0 ? String(seconds) : seconds;
}

/**
 * Whether a code says that a directory cannot be flushed here, which is no error: on Windows, and where there is no
 * disk.
 */
export function cannotFlushDirectories(code: unknown): boolean {
  return code === 'EISDIR' || code === 'EPERM' || code === 'EINVAL' || code === 'ENOTSUP' || code === 'ENOSYS';
}
