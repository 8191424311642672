/**
 * The users of an open file: a FileHandle closes its file when the last one has released it.
 */

/** Adds a user. Node's internal `kRef`. */
export const HOLD: unique symbol = Symbol('hold');
/** Removes a user. Node's internal `kUnref`. */
export const RELEASE: unique symbol = Symbol('release');

/** What can be held and released. */
export interface Held {
  [HOLD](): void;
  [RELEASE](): void;
}
