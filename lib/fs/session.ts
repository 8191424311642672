/**
 * What a front works on: whose rights its calls have, its descriptors, and where relative paths start. One overlay has one
 * session for its own `fs`, and one more for each view with other rights.
 */

import type * as nodeFs from 'node:fs';
import type { Caller } from '../tree/caller.ts';
import type { Timers } from '../waiting/timers.ts';
import type { Descriptors } from './descriptors.ts';

/** See the file comment. */
export interface Session {
  readonly caller: Caller;
  readonly descriptors: Descriptors;
  /** The FileHandles of this session that are not closed: a handle may be given where Node takes one for a path. */
  readonly handles: WeakSet<object>;
  /** Where relative paths start: absolute, asked at each call since it may change. */
  cwd(): string;
  /** How to wait. */
  readonly timers: Timers;
}

/**
 * What an `fs` object is to its users: `node:fs`, and a constant that Node lacks though Linux has it.
 *
 * Every function has the arguments, results, errors and forms that the running Node's has: a synchronous one, which throws; one with a
 * callback, which is called in a later turn; and one in `promises`. The later forms ask the branches without blocking the event loop.
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
  /** Those of `node:fs`, and one more. */
  readonly constants: {
    /** For `open` of a directory: makes a file without a name in it. */
    readonly O_TMPFILE: number;
  };
};

/** Functions and classes by their names. */
export type Members = Record<string, unknown>;

/** What a part of the front brings. */
export interface Parts {
  /** Members of `fs`. */
  readonly fs?: Members;
  /** Members of `fs.promises`. */
  readonly promises?: Members;
}

/**
 * A part of the front. `fs` is the finished object: for use inside the functions that the part makes, as it is then, since its
 * users may have changed it.
 */
export type Part = (session: Session, fs: FileSystem) => Parts;
