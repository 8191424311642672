/** Node's `SystemError`: the error when `cp` or `rm` itself refuses something, rather than a system call. */

import { constants } from 'node:os';
import { startingAbove } from '../errors.ts';
import type { Path } from './file-steps.ts';

/** The general sentence of each code. */
const SUBJECTS = {
  ERR_FS_EISDIR: 'Path is a directory',
  ERR_FS_CP_DIR_TO_NON_DIR: 'Cannot overwrite non-directory with directory',
  ERR_FS_CP_EEXIST: 'Target already exists',
  ERR_FS_CP_EINVAL: 'Invalid src or dest',
  ERR_FS_CP_FIFO_PIPE: 'Cannot copy a FIFO pipe',
  ERR_FS_CP_NON_DIR_TO_DIR: 'Cannot overwrite directory with non-directory',
  ERR_FS_CP_SOCKET: 'Cannot copy a socket file',
  ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY: 'Cannot overwrite symlink in subdirectory of self',
  ERR_FS_CP_UNKNOWN: 'Cannot copy an unknown file type',
} as const;

export type RefusalCode = keyof typeof SUBJECTS;

/** What is refused, as `info` of the error shows it. */
export interface Refusal {
  /** The system's code for it, such as `EINVAL`. */
  readonly code: keyof typeof constants.errno;
  /** What is wrong in particular. */
  readonly message: string;
  /** As given. */
  readonly path: Path | URL;
  readonly syscall: 'cp' | 'rm';
  /** The number of `code`, positive, except where Node gives another. */
  readonly errno?: number;
}

/** See the file comment. */
class SystemError extends Error {
  // Declared only, so that they come in the order in which they are set, which is Node's.
  declare readonly code: RefusalCode;
  declare readonly info: Required<Refusal>;
  declare errno: number;
  declare syscall: string;
  declare path: string;

  /** The name with which the first line of the stack begins; `refusal` sets the final one. */
  constructor(code: RefusalCode, info: Required<Refusal>) {
    super(`${SUBJECTS[code]}: ${info.syscall} returned ${info.code} (${info.message}) ${info.path}`);
    this.code = code;
    nameIt(this, `SystemError [${code}]`);
    this.info = info;
    this.errno = info.errno;
    this.syscall = info.syscall;
    this.path = String(info.path);
  }

  override toString(): string {
    return `${this.name} [${this.code}]: ${this.message}`;
  }
}

function nameIt(error: Error, name: string): void {
  Object.defineProperty(error, 'name', { value: name, writable: true, configurable: true });
}

/**
 * Makes the error of a refusal.
 *
 * @param above the stack begins at the caller of this function
 */
export function refusal(code: RefusalCode, refused: Refusal, above: (...args: never[]) => unknown): Error {
  const says = { ...refused, errno: refused.errno ?? constants.errno[refused.code] };
  const error = startingAbove(above, () => new SystemError(code, says));
  // The first line of the stack names the code as well, which the error's name does not (node lib/internal/errors.js):
  // some versions of Node make it on access.
  void error.stack;
  nameIt(error, 'SystemError');
  return error;
}
