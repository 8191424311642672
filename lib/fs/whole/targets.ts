/**
 * What `readFile`, `writeFile` and `appendFile` take in place of a path: a descriptor or, with promises, a FileHandle.
 */

import { EBADF, type Errno } from '../../errno.ts';
import type { OpenFile } from '../../ops/open.ts';
import { doubt, isDescriptor, takePath } from '../arguments.ts';
import { dryRun, isHandle, type Kind } from '../dry-run.ts';
import type { Session } from '../session.ts';

/** What may stand for a path: descriptors in the older forms, FileHandles with promises. */
export type Standing = 'descriptor' | 'handle';

/** A path; an open file, used at its position; or why there is none: an Error where Node refuses the number. */
export type Target = string | OpenFile | Errno | Error;

/** The kind of the argument for a dry run. */
export function kindOf(standing: Standing): Kind {
  return standing === 'handle' ? 'path or handle' : 'path or descriptor';
}

/** Reads a path, or what is given in its place. */
export function takeTarget(session: Session, value: unknown, standing: Standing): Target {
  if (standing === 'descriptor') {
    if (!isDescriptor(value)) return takePath(session, value);
    if (value < 0) doubt();
    return session.descriptors.get(value) ?? EBADF;
  }
  if (!isHandle(value)) return takePath(session, value);
  // A handle does not know if its descriptor was closed by its number, or with the whole overlay.
  return session.handles.has(value) ? (session.descriptors.get(value.fd) ?? EBADF) : refusal(value.fd);
}

/** The error for a FileHandle that is closed or of another filesystem. */
function refusal(fd: number): Errno | Error {
  try {
    if (fd < 0) dryRun('fstatSync', ['descriptor'], [fd]);
  } catch (error) {
    return error as Error;
  }
  return EBADF;
}
