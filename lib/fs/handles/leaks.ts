/**
 * FileHandles that were never closed: when they are collected, their descriptors are closed, and there is a warning (or
 * an error) as in Node.
 */

import { inNextTurn } from '../../node/turns.ts';
import { type OpenFile, release } from '../../ops/open.ts';
import { shownPath } from '../errors.ts';
import { LEAKED_HANDLE_IS_ERROR } from '../quirks.ts';
import type { Session } from '../session.ts';

/** What is left of a handle. Requires: nothing in it leads to the handle. */
export interface Remains {
  readonly session: Session;
  readonly fd: number;
  readonly file: OpenFile;
  /** The path as it was given to `open`. */
  readonly path: unknown;
}

const DEPRECATION =
  'Closing a FileHandle object on garbage collection is deprecated. Please close FileHandle objects explicitly using ' +
  'FileHandle.prototype.close(). In the future, an error will be thrown if a file descriptor is closed during garbage ' +
  'collection.';

/** Whether the deprecation was told: once in a process. Set by `tell`. */
let isDeprecationTold = false;

function tell({ fd, path }: Remains): void {
  if (LEAKED_HANDLE_IS_ERROR) {
    const error = new Error(
      'A FileHandle object was closed during garbage collection. This used to be allowed with a deprecation warning but is ' +
        `now considered an error. Please close FileHandle objects explicitly. File descriptor: ${fd} (${shownPath(path)})`,
    );
    throw Object.assign(error, { code: 'ERR_INVALID_STATE' });
  }
  process.emitWarning(`Closing file descriptor ${fd} on garbage collection`);
  if (isDeprecationTold) return;
  isDeprecationTold = true;
  process.emitWarning(DEPRECATION, 'DeprecationWarning', 'DEP0137');
}

const registry = new FinalizationRegistry<Remains>((remains) => {
  const { session, fd, file } = remains;
  // Closed by its number, or with the whole overlay.
  if (session.descriptors.get(fd) !== file) return;
  session.descriptors.remove(fd);
  release(session.caller, file);
  // Outside the collector's callback, so that what is thrown is an uncaught exception.
  inNextTurn(tell, remains);
});

/** Watches over a handle. */
export function watchForLeak(handle: object, remains: Remains): void {
  registry.register(handle, remains, handle);
}

/** The handle is closed. */
export function forgetLeak(handle: object): void {
  registry.unregister(handle);
}
