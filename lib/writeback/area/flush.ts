/** Making durable what is at a path of the upper; when and why is in `../storage.ts`. */

import { EACCES, ENOENT } from '../../errno.ts';
import { type Procedure, tell } from '../commands.ts';

/** Flushes what is at a path. */
export function* flushAt(path: string): Procedure<void> {
  try {
    yield* tell({ kind: 'flushAt', path });
  } catch (thrown) {
    // It is gone, or we may not open it: then only its attributes are new, and its directory takes them along.
    if (thrown !== ENOENT && thrown !== EACCES) throw thrown;
  }
}
