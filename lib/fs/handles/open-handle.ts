/**
 * `promises.open`.
 */

import { open } from '../../ops/open.ts';
import { type Call, defineCall } from '../call.ts';
import { type OpenRequest, parseOpen } from '../calls/descriptors.ts';
import { promiseForm } from '../forms.ts';
import type { FileSystem, Parts, Session } from '../session.ts';
import { readFileRow } from '../whole/read-file.ts';
import { writeFilePromiseForm } from '../whole/write-file.ts';
import { FileHandle, type Owner } from './file-handle.ts';

interface OpenHandleRequest {
  readonly request: OpenRequest;
  /** The path as it was given. */
  readonly given: unknown;
}

function openCall(owner: Owner): Call<OpenHandleRequest, FileHandle> {
  return {
    name: 'open',
    takes: ['path', 'count', 'mode'],
    syscall: 'open',
    parse: (session, path, flags, mode) => ({ request: parseOpen(session, path, flags, mode), given: path }),
    run(io, { caller }, { request, given }) {
      const { path, flags, mode } = request;
      return new FileHandle(owner, open(io, caller, path, flags, mode), given);
    },
  };
}

/** The part of the front that makes FileHandles. */
export function handles(session: Session, fs: FileSystem): Parts {
  const { promise } = readFileRow;
  if (promise === undefined) throw new Error('readFile has a promise form');
  const owner: Owner = {
    session,
    fs,
    readFile: promiseForm(session, promise),
    writeFile: writeFilePromiseForm(session, 'writeFile'),
  };
  return { promises: { open: promiseForm(session, defineCall(openCall(owner))) } };
}
