/**
 * `openAsBlob`, and `openAsBlobSync` where the running Node has it.
 */

import type { Blob } from 'node:buffer';
import { NotLoadedError } from '../../branch/errors.ts';
import { type Errno, isErrno } from '../../errno.ts';
import { type Io, runAsync, syncIo } from '../../fault.ts';
import { stat } from '../../ops/attributes.ts';
import type { Inode } from '../../tree/inode.ts';
import { doubt, takePath } from '../arguments.ts';
import { type Loose, parseOrThrow } from '../call.ts';
import { dryRun, type Kind } from '../dry-run.ts';
import { shownPath, systemError } from '../errors.ts';
import { takeObject } from '../options.ts';
import type { Parts, Session } from '../session.ts';
import { makeFileBlob } from './file-blob.ts';

const TAKES: readonly Kind[] = ['path'];

interface BlobRequest {
  readonly path: string;
  readonly type: string;
}

function parse(session: Session, path: unknown, options: unknown): BlobRequest {
  const type = takeObject(options).type || '';
  if (typeof type !== 'string') doubt();
  return { type: String(type), path: takePath(session, path) };
}

function look(io: Io, { caller }: Session, path: string): Inode {
  const inode: Inode | Errno = stat(io, caller, path);
  if (isErrno(inode)) throw inode;
  return inode;
}

function blobOf(session: Session, { path, type }: BlobRequest, { size, mtimeSec, mtimeNsec }: Inode): Blob {
  return makeFileBlob({ session, path, size, mtimeSec, mtimeNsec }, type);
}

/** The error for what `stat` throws. Before Node 26 it is a different one, which Node itself makes. */
function worded(thrown: unknown, given: unknown, above: Loose): unknown {
  if (!isErrno(thrown)) return thrown;
  try {
    dryRun('openAsBlob', TAKES, [given]);
  } catch (error) {
    return error;
  }
  return systemError(thrown, 'stat', shownPath(given), undefined, above);
}

/** The part of the front that makes Blobs. */
export function blobs(session: Session): Parts {
  const take = (name: string, path: unknown, options: unknown): BlobRequest =>
    parseOrThrow(name, TAKES, options === undefined ? [path] : [path, options], () => parse(session, path, options));
  const openNow = (request: BlobRequest, given: unknown, above: Loose): Blob => {
    try {
      return blobOf(session, request, look(syncIo, session, request.path));
    } catch (thrown) {
      throw worded(thrown, given, above);
    }
  };
  const openLater = async (request: BlobRequest, given: unknown): Promise<Blob> => {
    try {
      return blobOf(session, request, await runAsync((io) => look(io, session, request.path)));
    } catch (thrown) {
      throw worded(thrown, given, openAsBlob);
    }
  };
  const openAsBlobSync = (path: unknown, options: unknown): Blob =>
    openNow(take('openAsBlobSync', path, options), path, openAsBlobSync);
  // Node looks at the file and throws at once. So does this, unless a branch can only answer later.
  const openAsBlob = (path: unknown, options: unknown): Promise<Blob> => {
    const request = take('openAsBlob', path, options);
    try {
      return Promise.resolve(openNow(request, path, openAsBlob));
    } catch (thrown) {
      if (thrown instanceof NotLoadedError) return openLater(request, path);
      throw thrown;
    }
  };
  return { fs: { openAsBlob, openAsBlobSync } };
}
