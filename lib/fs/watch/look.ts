/** Finding the inode to watch. */

import { NotLoadedError } from '../../branch/errors.ts';
import { type Errno, isErrno } from '../../errno.ts';
import { runAsync, syncIo } from '../../fault.ts';
import { stat } from '../../ops/attributes.ts';
import { type Inode, WATCHED } from '../../tree/inode.ts';
import type { Session } from '../session.ts';

/** Looks at once. Throws a NotLoadedError where a branch can only answer later. */
export function lookNow({ caller }: Session, path: string): Inode | Errno {
  try {
    return stat(syncIo, caller, path);
  } catch (thrown) {
    if (!isErrno(thrown)) throw thrown;
    return thrown;
  }
}

/**
 * Looks at once; undefined where that is not possible. So changes right after the call that begins to watch are seen,
 * as with Node, where a watcher begins before any later call that has to wait for a thread.
 */
export function lookIfLoaded(session: Session, path: string): Inode | Errno | undefined {
  try {
    return lookNow(session, path);
  } catch (thrown) {
    if (thrown instanceof NotLoadedError) return undefined;
    throw thrown;
  }
}

/** Looks without blocking. What is found stays in memory until `subscribe` holds it. */
export async function lookLater({ caller }: Session, path: string): Promise<Inode | Errno> {
  try {
    return await runAsync((io) => {
      const inode = stat(io, caller, path);
      if (!isErrno(inode)) inode.state |= WATCHED;
      return inode;
    });
  } catch (thrown) {
    if (!isErrno(thrown)) throw thrown;
    return thrown;
  }
}
