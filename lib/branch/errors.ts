/** The two errors of a branch that reach the user as they are: it lacks a function, or it cannot answer at once. */

import { codeOf } from '../errno.ts';
import type { Branch } from './branch.ts';

const LACKING = 'ERR_OVERFS_BRANCH';

/** A branch lacks a function that a call needs. Code `ERR_OVERFS_BRANCH`. */
export class BranchError extends Error {
  /** Tells it from other errors. */
  readonly code = LACKING;
  /** The name of the class. */
  override readonly name = 'BranchError';
  /** The name of the branch. */
  readonly branch: string;
  /** The function it lacks. */
  readonly missing: string;

  /** @internal */
  constructor(branch: string, missing: string) {
    super(`The branch ${JSON.stringify(branch)} has no function ${missing}, which this needs`);
    this.branch = branch;
    this.missing = missing;
  }

  /** @internal also one that another copy of overfs made, of whose overlays a branch is */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return codeOf(value) === LACKING;
  }
}

const NOT_LOADED = 'ERR_OVERFS_NOT_LOADED';

/**
 * What the synchronous API throws when it needs an answer that a branch can only give later.
 *
 * Code `ERR_OVERFS_NOT_LOADED`. The cure is `await overlay.preload(path)`, or the callback or promise form of the call.
 */
export class NotLoadedError extends Error {
  /** Tells it from other errors. */
  readonly code = NOT_LOADED;
  /** The name of the class. */
  override readonly name = 'NotLoadedError';

  /**
   * @internal
   * @param path what was asked about; without it the question is a command, for which nothing can be loaded beforehand
   */
  constructor(branch: Pick<Branch, 'name'>, question: string, path?: string) {
    const what = `The branch ${JSON.stringify(branch.name)} has only promise functions`;
    super(
      path === undefined
        ? `${what} and cannot ${question} at once: use the callback or promise form, and sync() and \`await using\` of the overlay`
        : `${what}, and ${question} '${path}' is not loaded yet: await overlay.preload(path) first, or use the callback or promise form`,
    );
  }

  /** @internal also one that another copy of overfs made, of whose overlays a branch is */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return codeOf(value) === NOT_LOADED;
  }
}
