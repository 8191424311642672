/**
 * The users of an open file: a FileHandle closes its file when the last one has released it.
 */

/** Says that there is one more user. Node's internal `kRef`. */
export const HOLD: unique symbol = Symbol('hold');
/** Says that a user needs the file no more. Node's internal `kUnref`. */
export const RELEASE: unique symbol = Symbol('release');

/** What can be held and released. */
export interface Held {
  [HOLD](): void;
  [RELEASE](): void;
}
