/** What can be wrong with an upper itself, and how it is told: what it is, and how it can be repaired. Never a silent loss. */

import { constants } from 'node:fs';
import type { Attributes } from '../../branch/branch.ts';
import { type Procedure, tell } from '../commands.ts';

const { S_IFMT, S_IFDIR, S_IFREG } = constants;

/** Something is wrong with an upper itself, and what can be done about it. Code `EBUSY` or `ERR_OVERFS_UPPER`. */
export class UpperError extends Error {
  /**
   * `EBUSY`: another overlay has it. `ERR_OVERFS_UPPER`: its work area is damaged, or what a crash interrupted cannot be ended; or there is
   * none yet, and memfs, which would make it, cannot be loaded.
   */
  readonly code: 'EBUSY' | 'ERR_OVERFS_UPPER';
  /** As of every error. */
  override readonly name = 'UpperError';

  /** @internal */
  constructor(code: 'EBUSY' | 'ERR_OVERFS_UPPER', message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The error about an upper that cannot be used as it is: what is wrong, and what to do. */
export function damage(what: string, cure: string, cause?: unknown): UpperError {
  return new UpperError('ERR_OVERFS_UPPER', `${what}; ${cure}`, cause === undefined ? undefined : { cause });
}

/** What something in the work area is to be. */
const WANTED = {
  file: { type: S_IFREG, name: 'a file' },
  directory: { type: S_IFDIR, name: 'a directory' },
} as const;

/** Looks at something in the work area; undefined where there is nothing. Throws where it is something else than it should be. */
export function* look(path: string, what: keyof typeof WANTED): Procedure<Attributes | undefined> {
  const found = yield* tell({ kind: 'lstat', path });
  const { type, name } = WANTED[what];
  if (found === undefined || (found.mode & S_IFMT) === type) return found;
  throw damage(
    `'${path}' in the upper should be ${name} and is something else`,
    'move it away and mount the upper again',
  );
}
