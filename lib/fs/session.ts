/**
 * What a front works on: the rights of its calls, its descriptors, and where relative paths start. An overlay has one
 * session for its own `fs`, and one for each view with other rights.
 */

import type * as nodeFs from 'node:fs';
import type { Caller } from '../tree/caller.ts';
import type { Timers } from '../waiting/timers.ts';
import type { Descriptors } from './descriptors.ts';

/** See the file comment. */
export interface Session {
  readonly caller: Caller;
  readonly descriptors: Descriptors;
  /** The open FileHandles of this session, which may be given in place of a path. */
  readonly handles: WeakSet<object>;
  /** Where relative paths start, absolute; asked at each call, since it may change. */
  cwd(): string;
  /** How to wait. */
  readonly timers: Timers;
}

/**
 * The type of `overlay.fs`: that of `node:fs`, with one more constant, which Linux has and Node lacks.
 *
 * Every function has the arguments, results and errors that the running Node's has, in the same forms: a synchronous
 * one, which throws; one with a callback, which is called in a later turn; and one in `promises`. The last two ask the
 * branches without blocking the event loop.
 *
 * @example
 * ```ts
 * import { createOverlay } from 'overfs';
 *
 * const { fs } = createOverlay({ lower: '.' });
 * fs.writeFileSync('/a.txt', 'one');
 * console.log(fs.statSync('/a.txt').size); // 3
 * ```
 *
 * @example
 * ```ts
 * import { createOverlay } from 'overfs';
 *
 * const { fs } = createOverlay({ lower: '.' });
 * await new Promise<void>((resolve, reject) => {
 *   fs.appendFile('/a.txt', 'one', (error) => {
 *     if (error) return reject(error);
 *     console.log(fs.readFileSync('/a.txt', 'utf8')); // one
 *     resolve();
 *   });
 * });
 * ```
 *
 * @example
 * ```ts
 * import { createOverlay } from 'overfs';
 *
 * const { fs } = createOverlay({ lower: '.' });
 * await fs.promises.writeFile('/a.txt', ['one', ' and ', 'two']);
 * for await (const line of (await fs.promises.open('/a.txt')).readLines()) console.log(line); // one and two
 * ```
 */
export type FileSystem = typeof nodeFs & {
  /** The constants of `node:fs`, and one more. */
  readonly constants: {
    /** A flag for `open` of a directory: makes a file without a name in it. */
    readonly O_TMPFILE: number;
  };
};

/** Functions and classes by their names. */
export type Members = Record<string, unknown>;

/** The members that a part of the front adds. */
export interface Parts {
  /** Members of `fs`. */
  readonly fs?: Members;
  /** Members of `fs.promises`. */
  readonly promises?: Members;
}

/**
 * A part of the front. `fs` is the finished object. The part's functions use its members as they are when they are
 * called, since users may have replaced them.
 */
export type Part = (session: Session, fs: FileSystem) => Parts;
