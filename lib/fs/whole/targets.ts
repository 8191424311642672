/**
 * What `readFile`, `writeFile` and `appendFile` take in the place of a path: a descriptor or, with promises, a FileHandle.
 */

import { EBADF, type Errno } from '../../errno.ts';
import type { OpenFile } from '../../ops/open.ts';
import { doubt, isDescriptor, takePath } from '../arguments.ts';
import { dryRun, isHandle, type Kind } from '../dry-run.ts';
import type { Session } from '../session.ts';

/** What may stand for a path: descriptors in the older forms, FileHandles with promises. */
export type Standing = 'descriptor' | 'handle';

/** A path; an open file, used where it stands; or why there is none: an Error of its own where Node refuses the number. */
export type Target = string | OpenFile | Errno | Error;

/** What a dry run must know of the argument. */
export function kindOf(standing: Standing): Kind {
  return standing === 'handle' ? 'path or handle' : 'path or descriptor';
}

/** Reads what stands in the place of a path. */
export function takeTarget(session: Session, value: unknown, standing: Standing): Target {
  if (standing === 'descriptor') {
    if (!isDescriptor(value)) return takePath(session, value);
    if (value < 0) doubt();
    return session.descriptors.get(value) ?? EBADF;
  }
  if (!isHandle(value)) return takePath(session, value);
  // One whose descriptor was closed by its number, or with the whole overlay, does not know it.
  return session.handles.has(value) ? (session.descriptors.get(value.fd) ?? EBADF) : refusal(value.fd);
}

/** What the number of a FileHandle is refused with that is closed or another filesystem's. */
function refusal(fd: number): Errno | Error {
  try {
    if (fd < 0) dryRun('fstatSync', ['descriptor'], [fd]);
  } catch (error) {
    return error as Error;
  }
  return EBADF;
}
