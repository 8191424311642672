/**
 * Overlays that are branches of other overlays: what is known of an fs-like object because one of ours made it.
 *
 * An object that merely passes calls on to an overlay is not known here. As an upper it does not work: it is told names
 * like `.wh.NAME`, which its own overlay refuses (`whiteout.ts`).
 */

import { threadWide } from '../node/thread-wide.ts';
import type { Loan } from './branch.ts';
import type { Handle } from './fs-like.ts';

/** How an overlay lends pages of its open files: like reading there, with the same failures, but without a copy. */
export interface Lender {
  /** Bytes in a page. */
  readonly pageSize: number;
  /** Undefined where the bytes must be read. */
  now(handle: Handle, offset: number, length: number): Loan | undefined;
  later(handle: Handle, offset: number, length: number): Promise<Loan | undefined>;
}

/** What is known of an overlay's `fs`. */
export interface Nesting {
  /** How many overlays lie below it, each the upper of the next: 0 for one whose upper is not an overlay. */
  readonly level: number;
  /** The owner of files that are made through it, and the permission bits that they do not get. */
  readonly writer: { readonly uid: number; readonly gid: number; umask(): number };
  /** In the end, what is written there is only held in memory. */
  readonly memory: boolean;
}

/**
 * What is known of overlays, by their `fs` and `promises`; of every copy of overfs in the thread. An entry lives as
 * long as the object.
 */
const known = threadWide('nestings', () => new WeakMap<object, Nesting>());

/** The lender of each `fs` that this copy of overfs made, and the functions by which it is read, as they were then. */
const lenders = new WeakMap<object, { readonly lender: Lender; readonly reading: readonly unknown[] }>();

function readingIn(fs: object): readonly unknown[] {
  const promises: unknown = Reflect.get(fs, 'promises');
  const open = typeof promises === 'object' && promises !== null ? Reflect.get(promises, 'open') : undefined;
  return [Reflect.get(fs, 'openSync'), Reflect.get(fs, 'readSync'), open];
}

/** Notes which overlay an `fs` and its `promises` belong to, and its lender. */
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
 * The lender of an fs-like object; undefined where no overlay of this copy of overfs made it, or where its functions
 * for reading have been replaced.
 */
export function lenderIn(fs: object): Lender | undefined {
  const made = lenders.get(fs);
  const isAsMade = made !== undefined && readingIn(fs).every((found, at) => found === made.reading[at]);
  return isAsMade ? made.lender : undefined;
}
