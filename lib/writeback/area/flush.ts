/** Making durable what is at a path of the upper; when and why is in `../storage.ts`. */

import { EACCES, ELOOP, ENOENT, ENOTDIR } from '../../errno.ts';
import { type Procedure, tell } from '../commands.ts';

/**
 * With these it is gone, and a file or a link may be in the place of one of its directories; or we may not open it: then only its attributes
 * are new, and its directory takes them along.
 */
const NOTHING_TO_FLUSH: ReadonlySet<unknown> = new Set([ENOENT, ENOTDIR, ELOOP, EACCES]);

/** Flushes what is at a path. */
export function* flushAt(path: string): Procedure<void> {
  try {
    yield* tell({ kind: 'flushAt', path });
  } catch (thrown) {
    if (!NOTHING_TO_FLUSH.has(thrown)) throw thrown;
  }
}
