/**
 * What write-back tells the upper, as data. Everything goes through this one door, so it can be traced, cut short and
 * made to fail in tests, and carried out at once or later by the same code (`drive/`).
 *
 *     procedure (generator) ── yields a Command ──► the driver carries it out ── returns the answer ──► procedure
 */

import type { Attributes, Branch, Entry, Fingerprint } from '../branch/branch.ts';
import type { Handle } from '../branch/fs-like.ts';
import type { Author } from '../branch/upper/acting.ts';
import type { Copying, NewFile } from '../branch/upper/upper.ts';
import type { Errno } from '../errno.ts';

/**
 * How soon a command must act and its answer must be taken in, where the upper has synchronous functions.
 *
 * - `none`: it may act at any time, even long after the procedure was taken over or given up. So it only asks, or
 *   touches a name in the staging directory that is never used again.
 * - `in place`: it changes what others use too, and would do harm if it acted after the commands that follow it.
 * - `at once`: in place; besides, what is known of the upper is wrong from the sending of the command until its answer
 *   is taken in, so the upper must not be asked anything in between.
 */
export type Urgency = 'none' | 'in place' | 'at once';

/** One request to the upper, and how urgent it is. */
export type Command = Request & {
  /** Default `none`. */
  readonly urgency?: Urgency;
  /** The author whose rights it needs (`upper.as`). Default: the overlay itself. */
  readonly as?: Author;
};

/**
 * One request to the upper; `lstat` and `read` may go to any branch, `copy` may come from anywhere on the same disk.
 * Paths are absolute in the branch. `kind` is the system call, the rest are its arguments.
 */
type Request =
  | { readonly kind: 'mkdir'; readonly path: string; readonly mode: number }
  | { readonly kind: 'create'; readonly path: string; readonly mode: number }
  | ({ readonly kind: 'put'; readonly path: string } & NewFile)
  | { readonly kind: 'open'; readonly path: string }
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly handle: Handle;
      readonly bytes: Uint8Array;
      readonly position: number;
    }
  | { readonly kind: 'truncate'; readonly path: string; readonly handle: Handle; readonly size: number }
  | { readonly kind: 'flush'; readonly path: string; readonly handle: Handle }
  | { readonly kind: 'flushAt'; readonly path: string }
  | { readonly kind: 'close'; readonly path: string; readonly handle: Handle }
  | { readonly kind: 'copy'; readonly from: string; readonly to: string; readonly how: Copying }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rmdir'; readonly path: string }
  | { readonly kind: 'symlink'; readonly target: string; readonly path: string }
  | { readonly kind: 'link'; readonly existing: string; readonly path: string }
  | { readonly kind: 'chmod'; readonly path: string; readonly mode: number }
  | { readonly kind: 'chown'; readonly path: string; readonly uid: number; readonly gid: number }
  | { readonly kind: 'setTimes'; readonly path: string; readonly atime: number; readonly mtime: number }
  | {
      readonly kind: 'lstat';
      /** Default: the upper. */
      readonly branch?: Branch;
      readonly path: string;
    }
  | { readonly kind: 'list'; readonly path: string }
  | {
      readonly kind: 'read';
      /** Default: the upper. */
      readonly branch?: Branch;
      readonly path: string;
      readonly fingerprint: Fingerprint;
      readonly offset: number;
      readonly length: number;
    };

/** The answers to commands; the others have none. */
interface Answers {
  readonly create: Handle;
  readonly open: Handle;
  readonly write: number;
  readonly lstat: Attributes | undefined;
  readonly list: readonly Entry[] | undefined;
  readonly read: Uint8Array | undefined;
}

/**
 * Commands that are independent of each other, and may be carried out in any order or at the same time. Their urgency
 * is `none`.
 */
export interface Together {
  readonly kind: 'together';
  readonly commands: readonly Command[];
}

/** How one of several commands has ended. */
export type Ended = { readonly answer: unknown } | { readonly errno: Errno };

/** A procedure: commands one after the other, each answered before the next, except those that go together. */
export type Procedure<R> = Generator<Command | Together, R, unknown>;

type AnswerTo<C extends Command> = C['kind'] extends keyof Answers ? Answers[C['kind']] : undefined;

/** Asks for one command to be carried out. */
export function* tell<C extends Command>(command: C): Generator<Command, AnswerTo<C>, unknown> {
  return (yield command) as AnswerTo<C>;
}

/** Asks for several commands to be carried out; where one fails, the others are not undone. */
export function* tellTogether(commands: readonly Command[]): Generator<Together, readonly Ended[], unknown> {
  return (yield { kind: 'together', commands }) as readonly Ended[];
}
