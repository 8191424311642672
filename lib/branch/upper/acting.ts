/**
 * An upper that can act for others: asked for a credential, it answers an fs-like thing that does what it is told with those rights.
 *
 *     { fs, as } ── as({ uid, gid, groups }) ──► fs-like ──► Upper, by which the data of that author is written
 */

import { inspect } from 'node:util';
import { EACCES, EIO, Errno, errnoOf } from '../../errno.ts';
import { BranchError } from '../errors.ts';
import { fsLikeIn } from '../fs-like.ts';
import { makeUpper, type Upper } from './upper.ts';

/** Whose rights data is written with. One object for each distinct credential, so that authors are compared by identity. */
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

/** What `as` answered cannot be written to. */
class ReturnValueError extends TypeError {
  readonly code = 'ERR_INVALID_RETURN_VALUE';
}

/** See the file comment. */
export class ActingUppers {
  readonly #as: (credentials: Author) => unknown;
  /** What was answered for whom. Entries are only added. */
  readonly #uppers = new Map<Author, Upper>();

  constructor(as: (credentials: Author) => unknown) {
    this.#as = as;
  }

  /**
   * Asks for the upper of an author who is new, so that what is wrong with it shows at once. What `as` itself throws is no such thing: it
   * is asked again when there is something to be written.
   */
  meet(author: Author): void {
    try {
      this.of(author);
    } catch (thrown) {
      if (!(thrown instanceof Errno)) throw thrown;
    }
  }

  /**
   * The upper that acts for an author. Throws the bare error of an `as` that throws, EACCES where that is no system error; a TypeError or a
   * BranchError where what it answers is no upper.
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
