/**
 * Overlays that are branches of other overlays: what is known of an fs-like object because one of ours made it.
 *
 * An object that merely passes calls on to an overlay is not known here; used as an upper it is refused by its own overlay, since it
 * is then told names that no overlay has (`whiteout.ts`).
 */

import { threadWide } from '../node/thread-wide.ts';
import type { Loan } from './branch.ts';
import type { Handle } from './fs-like.ts';

/** How an overlay lends pages of what is open in it: what reading there does, but that nothing is copied. Fails as that does. */
export interface Lender {
  /** Bytes in a page. */
  readonly pageSize: number;
  /** Undefined where the bytes must be read. */
  now(handle: Handle, offset: number, length: number): Loan | undefined;
  later(handle: Handle, offset: number, length: number): Promise<Loan | undefined>;
}

/** What is known of an overlay's `fs`. */
export interface Nesting {
  /** How many overlays it is made of, one being the upper of the next: 0 for one whose upper is no overlay. */
  readonly level: number;
  /** Who makes files by it, and which permission bits they do not get. */
  readonly writer: { readonly uid: number; readonly gid: number; umask(): number };
  /** What is written there is only held in memory, in the end. */
  readonly memory: boolean;
}

/** Of the overlays of every copy of overfs. An entry lives as long as the object. */
const known = threadWide('nestings', () => new WeakMap<object, Nesting>());

/** Who lends pages of what is open in each `fs` that this copy made, and the functions by which it is read, as they were then. */
const lenders = new WeakMap<object, { readonly lender: Lender; readonly reading: readonly unknown[] }>();

function readingIn(fs: object): readonly unknown[] {
  const promises: unknown = Reflect.get(fs, 'promises');
  const open = typeof promises === 'object' && promises !== null ? Reflect.get(promises, 'open') : undefined;
  return [Reflect.get(fs, 'openSync'), Reflect.get(fs, 'readSync'), open];
}

/** Says what an `fs` and its `promises` belong to, and who lends there. */
export function noteNesting(fs: object, promises: object, nesting: Nesting, lender: Lender): void {
  known.set(fs, nesting);
  known.set(promises, nesting);
  lenders.set(fs, { lender, reading: readingIn(fs) });
}

/** What is known of an fs-like object; undefined where no overlay made it. */
export function nestingOf(fs: object): Nesting | undefined {
  const promises: unknown = Reflect.get(fs, 'promises');
  return known.get(fs) ?? (typeof promises === 'object' && promises !== null ? known.get(promises) : undefined);
}

/** The level at which whiteouts are spelled in it; see `whiteout.ts`. */
export function levelIn(fs: object): number {
  const nesting = nestingOf(fs);
  return nesting === undefined ? 0 : nesting.level + 1;
}

/**
 * Who lends pages of what is open in an fs-like object: undefined where no overlay of this copy of overfs made it, or its users have replaced
 * functions that read.
 */
export function lenderIn(fs: object): Lender | undefined {
  const made = lenders.get(fs);
  const isAsMade = made !== undefined && readingIn(fs).every((found, at) => found === made.reading[at]);
  return isAsMade ? made.lender : undefined;
}
