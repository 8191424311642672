/**
 * What is done to the upper once the contents are staged, as data that a journal can hold: moves out of the way, then
 * steps.
 *
 * Each can be repeated after a crash: a move is done when its target is there, a placing when its source is gone.
 */

import type { TakenAttributes } from './content.ts';

/** Moves something from its old path to a name in the staging directory. */
export interface Move {
  readonly from: string;
  readonly stage: string;
}

/** One thing done to the upper. `stage` names something in the staging directory; paths are absolute in the upper. */
export type Step =
  | {
      readonly kind: 'place';
      readonly stage: string;
      readonly path: string;
      /** The inode number that the overlay shows for it; only if it is new in the upper. */
      readonly number?: number;
      /** What is staged in it, if it is a new directory: relative paths and inode numbers. */
      readonly inner?: readonly (readonly [string, number])[];
    }
  | { readonly kind: 'link'; readonly existing: string; readonly stage: string; readonly path: string }
  | { readonly kind: 'mark'; readonly path: string }
  | { readonly kind: 'unmark'; readonly path: string }
  | {
      readonly kind: 'patch';
      readonly stage: string;
      readonly path: string;
      /** Where the pieces of the staged file belong: position and length, in bytes. */
      readonly ranges: readonly (readonly [number, number])[];
      /** The file is cut to this size first. */
      readonly cut: number;
      readonly size: number;
    }
  | {
      readonly kind: 'attributes';
      readonly path: string;
      /** The inode number that the overlay shows. */
      readonly number: number;
      readonly attributes: TakenAttributes;
    };
