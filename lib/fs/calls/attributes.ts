/**
 * Calls by path that look at or change what is known of a file: rights, owner, times, size.
 */

import { constants } from 'node:fs';
import { EFBIG, EINVAL, ENOSPC, type Errno } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import * as ops from '../../ops/attributes.ts';
import type { OpenFile } from '../../ops/open.ts';
import type { Caller } from '../../tree/caller.ts';
import { doubt, takeBits, takeFile, takeId, takeLength, takeMode, takePath, takeTime } from '../arguments.ts';
import { type Call, inAllForms, type Row } from '../call.ts';
import { dryRun } from '../dry-run.ts';
import type { Session } from '../session.ts';

const { R_OK, W_OK, X_OK } = constants;

interface AccessRequest {
  readonly path: string;
  readonly mode: number;
}

const access = inAllForms<AccessRequest, undefined>({
  name: 'access',
  takes: ['path'],
  syscall: 'access',
  parse: (session, path, mode) => ({ mode: takeBits(mode, R_OK | W_OK | X_OK), path: takePath(session, path) }),
  run: (io, { caller }, { path, mode }) => ops.access(io, caller, path, mode),
});

const chmod = inAllForms<AccessRequest, void>({
  name: 'chmod',
  takes: ['path'],
  syscall: 'chmod',
  parse: (session, path, mode) => ({ mode: takeMode(mode), path: takePath(session, path) }),
  run: (io, { caller }, { path, mode }) => ops.chmod(io, caller, path, mode),
});

interface ChownRequest {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
}

type Chown = (io: Io, caller: Caller, path: string, uid: number, gid: number) => void;

function chownRow(name: string, change: Chown): Row {
  return inAllForms<ChownRequest, void>({
    name,
    takes: ['path'],
    syscall: name,
    parse: (session, path, uid, gid) => ({ uid: takeId(uid), gid: takeId(gid), path: takePath(session, path) }),
    run: (io, { caller }, { path, uid, gid }) => change(io, caller, path, uid, gid),
  });
}

interface UtimesRequest {
  readonly path: string;
  readonly atime: number;
  readonly mtime: number;
}

type Utimes = (io: Io, caller: Caller, path: string, atime: number, mtime: number) => void;

function utimesRow(name: string, syscall: string, change: Utimes): Row {
  return inAllForms<UtimesRequest, void>({
    name,
    takes: ['path'],
    syscall,
    parse: (session, path, atime, mtime) => ({
      atime: takeTime(atime),
      mtime: takeTime(mtime),
      path: takePath(session, path),
    }),
    run: (io, { caller }, { path, atime, mtime }) => change(io, caller, path, atime, mtime),
  });
}

interface TruncateRequest {
  /** A path, or a descriptor's file where Node still takes one. */
  readonly target: string | OpenFile;
  readonly length: number;
}

/** Node opens the file before it looks at the length, so a dry run never comes to that: `ftruncate` is asked instead. */
function takeTruncation(length: unknown): number {
  if (length === undefined || Number.isSafeInteger(length)) return takeLength(length);
  doubt();
  dryRun('ftruncateSync', ['descriptor'], [0, length]);
  return takeLength(length);
}

function truncationTarget(session: Session, path: unknown): string | OpenFile {
  if (typeof path !== 'number') return takePath(session, path);
  // Deprecated, and gone since Node 24.
  doubt();
  return takeFile(session, path);
}

/** What `ftruncate` says once the file is open; all else is said by `open` (node lib/fs.js makes `truncate` of the two). */
const AFTER_OPEN: ReadonlySet<Errno> = new Set([EFBIG, ENOSPC, EINVAL]);

const truncateCall: Call<TruncateRequest, void> = {
  name: 'truncate',
  takes: ['path or descriptor'],
  syscall: 'open',
  parse: (session, path, length) => ({
    length: takeTruncation(length),
    target: truncationTarget(session, path),
  }),
  run(io, { caller }, { target, length }) {
    if (typeof target === 'string') ops.truncate(io, caller, target, length);
    else ops.ftruncate(io, caller, target, length);
  },
  blame: (errno, { target }) =>
    typeof target !== 'string' || AFTER_OPEN.has(errno) ? { syscall: 'ftruncate' } : undefined,
};

/** Calls by path that look at or change attributes. */
export const attributeCalls: readonly Row[] = [
  access,
  chmod,
  chownRow('chown', ops.chown),
  chownRow('lchown', ops.lchown),
  utimesRow('utimes', 'utime', ops.utimes),
  utimesRow('lutimes', 'lutime', ops.lutimes),
  inAllForms(truncateCall),
];
