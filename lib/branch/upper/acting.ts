/**
 * An upper that can act for others: for each credential it gives an fs-like thing that works with those rights.
 *
 *     { fs, as } ── as({ uid, gid, groups }) ──► fs-like ──► Upper, through which that author's data is written
 */

import { inspect } from 'node:util';
import { EACCES, EIO, Errno, errnoOf } from '../../errno.ts';
import { BranchError } from '../errors.ts';
import { fsLikeIn } from '../fs-like.ts';
import { makeUpper, type Upper } from './upper.ts';

/**
 * The rights with which data is written. There is one object for each distinct credential, so that authors are compared
 * by identity.
 */
export interface Author {
  /** The user. */
  readonly uid: number;
  /** The user's group. */
  readonly gid: number;
  /** Supplementary groups, in order, each once. */
  readonly groups: readonly number[];
}

/** What errors call it. */
const NAME = 'upper.as';

/** What `as` returned is not fs-like. */
class ReturnValueError extends TypeError {
  readonly code = 'ERR_INVALID_RETURN_VALUE';
}

/** See the file comment. */
export class ActingUppers {
  readonly #as: (credentials: Author) => unknown;
  /** What `as` returned for each author, as long as anybody uses the author. Entries are only added. */
  readonly #uppers = new WeakMap<Author, Upper>();

  constructor(as: (credentials: Author) => unknown) {
    this.#as = as;
  }

  /**
   * Asks for the upper of a new author, so that a wrong answer shows at once. If `as` itself throws, that is ignored
   * here: it is asked again when there is something to write.
   */
  meet(author: Author): void {
    try {
      this.of(author);
    } catch (thrown) {
      if (!(thrown instanceof Errno)) throw thrown;
    }
  }

  /**
   * The upper that acts for an author. Where `as` throws, throws its code as a bare error, or EACCES where it has none.
   * Throws a TypeError or a BranchError where `as` returns something that is not an upper.
   */
  of(author: Author): Upper {
    const known = this.#uppers.get(author);
    if (known !== undefined) return known;
    const { uid, gid, groups } = author;
    const upper = upperIn(this.#ask({ uid, gid, groups: [...groups] }));
    this.#uppers.set(author, upper);
    return upper;
  }

  #ask(credentials: Author): unknown {
    try {
      return this.#as(credentials);
    } catch (thrown) {
      const errno = errnoOf(thrown);
      throw errno.code === EIO.code && errno !== EIO ? EACCES : errno;
    }
  }
}

function upperIn(given: unknown): Upper {
  if (fsLikeIn(given) === undefined) {
    const shown = inspect(given, { depth: 0 });
    throw new ReturnValueError(`The function "${NAME}" must return an fs-like object. Received ${shown}`);
  }
  const upper = makeUpper(given, NAME);
  if (upper.missing !== undefined) throw new BranchError(NAME, upper.missing);
  return upper;
}
