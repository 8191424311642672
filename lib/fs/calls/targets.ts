/**
 * What `readFile`, `writeFile` and `appendFile` take in the place of a path: a descriptor or, with promises, a FileHandle.
 */

import { EBADF, type Errno } from '../../errno.ts';
import type { OpenFile } from '../../ops/open.ts';
import { doubt, isDescriptor, takePath } from '../arguments.ts';
import type { Kind } from '../dry-run.ts';
import type { Session } from '../session.ts';

/** What may stand for a path: descriptors in the older forms, FileHandles with promises. */
export type Standing = 'descriptor' | 'handle';

/** A path; an open file, used where it stands; or why there is none. */
export type Target = string | OpenFile | Errno;

/** What a dry run must know of the argument. */
export function kindOf(standing: Standing): Kind {
  return standing === 'handle' ? 'path' : 'path or descriptor';
}

export function takeTarget(session: Session, value: unknown, standing: Standing): Target {
  if (standing === 'descriptor') {
    if (!isDescriptor(value)) return takePath(session, value);
    if (value < 0) doubt();
    return session.descriptors.get(value) ?? EBADF;
  }
  if (typeof value === 'object' && value !== null && 'fd' in value) {
    const file = session.handles.get(value);
    if (file !== undefined) return file;
    // A FileHandle that is closed or another filesystem's. Whatever else has an `fd` is no path to Node either.
    if ('datasync' in value) return EBADF;
  }
  return takePath(session, value);
}
