/** Calls on descriptors, except reading and writing: opening and closing, attributes, `fsync`. */

import { EBADF, EINVAL } from '../../errno.ts';
import * as attributes from '../../ops/attributes.ts';
import { close as closeFile, type OpenFile, open as openFile } from '../../ops/open.ts';
import { fsync as syncFile } from '../../ops/sync.ts';
import { takeDescriptor, takeFile, takeId, takeLength, takeMode, takePath, takeTime } from '../arguments.ts';
import { type Call, onDescriptor, type Row } from '../call.ts';
import { takeFlags } from '../options.ts';
import { REFUSES_NO_TIME } from '../quirks.ts';
import type { Session } from '../session.ts';

/** The mode of a new file where none is given, before the umask. */
export const NEW_FILE = 0o666;

/** The arguments of `open`. */
export interface OpenRequest {
  readonly path: string;
  readonly flags: number;
  readonly mode: number;
}

/** Reads the arguments of every `open`. */
export function parseOpen(session: Session, path: unknown, flags: unknown, mode: unknown): OpenRequest {
  return { flags: takeFlags(flags), mode: takeMode(mode, NEW_FILE), path: takePath(session, path) };
}

const openCall: Call<OpenRequest, number> = {
  name: 'open',
  takes: ['path', 'count', 'mode'],
  syscall: 'open',
  parse: parseOpen,
  run(io, { caller, descriptors }, { path, flags, mode }) {
    const fd = descriptors.add(openFile(io, caller, path, flags, mode));
    caller.tree.undo?.onRestore(() => void descriptors.remove(fd));
    return fd;
  },
};

const close = onDescriptor<OpenFile, undefined>({
  name: 'close',
  takes: ['descriptor'],
  syscall: 'close',
  // The number is free at once, even if the rest fails (as with `close(2)` on Linux), and cannot be used while the call
  // waits.
  parse(session, fd) {
    const file = session.descriptors.remove(takeDescriptor(fd));
    if (file === undefined) throw EBADF;
    return file;
  },
  run: (io, { caller }, file) => closeFile(io, caller, file),
  unheard(error) {
    if (error) throw error;
  },
});

function syncRow(name: string): Row {
  return onDescriptor<OpenFile, undefined>({
    name,
    takes: ['descriptor'],
    syscall: name,
    parse: takeFile,
    run: (io, { caller }, file) => syncFile(io, caller, file),
  });
}

const ftruncate = onDescriptor<{ file: OpenFile; length: number }, void>({
  name: 'ftruncate',
  takes: ['descriptor'],
  syscall: 'ftruncate',
  parse: (session, fd, length) => ({ length: takeLength(length), file: takeFile(session, fd) }),
  run: (io, { caller }, { file, length }) => attributes.ftruncate(io, caller, file, length),
});

const fchmod = onDescriptor<{ file: OpenFile; mode: number }, void>({
  name: 'fchmod',
  takes: ['descriptor', 'mode'],
  syscall: 'fchmod',
  parse: (session, fd, mode) => ({ mode: takeMode(mode), file: takeFile(session, fd) }),
  run: (io, { caller }, { file, mode }) => attributes.fchmod(io, caller, file, mode),
});

const fchown = onDescriptor<{ file: OpenFile; uid: number; gid: number }, void>({
  name: 'fchown',
  takes: ['descriptor'],
  syscall: 'fchown',
  parse: (session, fd, uid, gid) => ({ uid: takeId(uid), gid: takeId(gid), file: takeFile(session, fd) }),
  run: (io, { caller }, { file, uid, gid }) => attributes.fchown(io, caller, file, uid, gid),
});

const futimes = onDescriptor<{ file: OpenFile; atime: number; mtime: number }, undefined>({
  name: 'futimes',
  takes: ['descriptor'],
  syscall: 'futime',
  parse: (session, fd, atime, mtime) => ({
    atime: takeTime(atime),
    mtime: takeTime(mtime),
    file: takeFile(session, fd),
  }),
  run(io, { caller }, { file, atime, mtime }) {
    if (REFUSES_NO_TIME && Number.isNaN(atime + mtime)) return EINVAL;
    attributes.futimes(io, caller, file, atime, mtime);
    return undefined;
  },
});

/** Calls on descriptors. `promises.open` gives a FileHandle and is not here. */
export const descriptorCalls: readonly Row[] = [
  onDescriptor(openCall),
  close,
  syncRow('fsync'),
  syncRow('fdatasync'),
  ftruncate,
  fchmod,
  fchown,
  futimes,
];
