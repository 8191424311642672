/**
 * What can be wrong with an upper itself. The error says what it is and how it can be repaired, so that nothing is lost
 * silently.
 */

import { constants } from 'node:fs';
import type { Attributes } from '../../branch/branch.ts';
import { type Procedure, tell } from '../commands.ts';

const { S_IFMT, S_IFDIR, S_IFREG } = constants;

/**
 * Something is wrong with an upper itself; the message says what can be done about it. Code `EBUSY` or
 * `ERR_OVERFS_UPPER`.
 */
export class UpperError extends Error {
  /**
   * `EBUSY`: another overlay uses the upper. `ERR_OVERFS_UPPER`: its work area is damaged, or an interrupted write-back
   * cannot be finished; or there is no upper yet, and memfs cannot be loaded to make one.
   */
  readonly code: 'EBUSY' | 'ERR_OVERFS_UPPER';
  /** The name of the class. */
  override readonly name = 'UpperError';

  /** @internal */
  constructor(code: 'EBUSY' | 'ERR_OVERFS_UPPER', message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The error for an upper that cannot be used as it is: what is wrong, and what to do. */
export function damage(what: string, cure: string, cause?: unknown): UpperError {
  return new UpperError('ERR_OVERFS_UPPER', `${what}; ${cure}`, cause === undefined ? undefined : { cause });
}

/** What something in the work area must be. */
const WANTED = {
  file: { type: S_IFREG, name: 'a file' },
  directory: { type: S_IFDIR, name: 'a directory' },
} as const;

/** Looks at something in the work area; undefined where there is nothing. Throws where it is of the wrong type. */
export function* look(path: string, what: keyof typeof WANTED): Procedure<Attributes | undefined> {
  const found = yield* tell({ kind: 'lstat', path });
  const { type, name } = WANTED[what];
  if (found === undefined || (found.mode & S_IFMT) === type) return found;
  throw damage(
    `'${path}' in the upper should be ${name} and is something else`,
    'move it away and mount the upper again',
  );
}
