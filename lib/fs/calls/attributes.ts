/** Calls by path that ask about or change the attributes of a file: rights, owner, times, size. */

import { constants } from 'node:fs';
import { EFBIG, EINVAL, ENOSPC, type Errno, isErrno } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import * as ops from '../../ops/attributes.ts';
import { open, release } from '../../ops/open.ts';
import type { Caller } from '../../tree/caller.ts';
import type { Inode } from '../../tree/inode.ts';
import { doubt, takeBits, takeId, takeLength, takeMode, takePath, takeTime } from '../arguments.ts';
import { type Call, inAllForms, type Row } from '../call.ts';
import { dryRun } from '../dry-run.ts';
import { REFUSES_NO_TIME, TRUNCATE_TAKES_DESCRIPTORS } from '../quirks.ts';
import { type Target, takeTarget } from '../whole/targets.ts';

const { O_RDWR, R_OK, W_OK, X_OK } = constants;

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

type Chmod = (io: Io, caller: Caller, path: string, mode: number) => void;

function chmodRow(name: string, syscall: string, change: Chmod): Row {
  return inAllForms<AccessRequest, void>({
    name,
    takes: ['path', 'mode'],
    syscall,
    parse: (session, path, mode) => ({ mode: takeMode(mode), path: takePath(session, path) }),
    run: (io, { caller }, { path, mode }) => change(io, caller, path, mode),
  });
}

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
type Look = (io: Io, caller: Caller, path: string) => Inode | Errno;

function utimesRow(name: string, syscall: string, look: Look, change: Utimes): Row {
  return inAllForms<UtimesRequest, undefined>({
    name,
    takes: ['path'],
    syscall,
    parse: (session, path, atime, mtime) => ({
      atime: takeTime(atime),
      mtime: takeTime(mtime),
      path: takePath(session, path),
    }),
    run(io, { caller }, { path, atime, mtime }) {
      // An invalid date is refused once the file is found (Linux vfs_utimes).
      if (REFUSES_NO_TIME && Number.isNaN(atime + mtime)) {
        const found = look(io, caller, path);
        return isErrno(found) ? found : EINVAL;
      }
      change(io, caller, path, atime, mtime);
      return undefined;
    },
  });
}

interface TruncateRequest extends Truncation {
  readonly target: Target;
}

/** The new length of a file. */
interface Truncation {
  readonly length: number;
  /** What is wrong with the length, to be thrown once the file is open. */
  readonly refusal?: unknown;
}

/**
 * Reads a length. Where Node refuses one at once, the dry run shows it. Otherwise Node opens the file before it looks
 * at the length, and what `ftruncate` throws is kept until then.
 */
function takeTruncation(length: unknown): Truncation {
  if (length === undefined || Number.isSafeInteger(length)) return { length: takeLength(length) };
  doubt();
  try {
    dryRun('ftruncateSync', ['descriptor'], [0, length]);
  } catch (refusal) {
    return { length: 0, refusal };
  }
  return { length: takeLength(length) };
}

/** Errors of `ftruncate`; all others are of `open` (node lib/fs.js makes `truncate` of the two). */
const AFTER_OPEN: ReadonlySet<Errno> = new Set([EFBIG, ENOSPC, EINVAL]);

/** `truncate`; in the older forms a descriptor may stand for the path where Node still takes one. */
function truncateCall(takes: 'path' | 'path or descriptor'): Call<TruncateRequest, void> {
  return {
    name: 'truncate',
    takes: [takes],
    syscall: 'open',
    parse(session, path, length) {
      const size = takeTruncation(length);
      if (takes === 'path') return { ...size, target: takePath(session, path) };
      // Node warns that this is deprecated.
      if (typeof path === 'number') doubt();
      return { ...size, target: takeTarget(session, path, 'descriptor') };
    },
    run(io, { caller }, { target, length, refusal }) {
      if (isErrno(target) || target instanceof Error) throw target;
      if (refusal !== undefined) {
        if (typeof target === 'string') release(caller, open(io, caller, target, O_RDWR, 0));
        throw refusal;
      }
      if (typeof target === 'string') ops.truncate(io, caller, target, length);
      else ops.ftruncate(io, caller, target, length);
    },
    blame: (errno, { target }) =>
      typeof target !== 'string' || AFTER_OPEN.has(errno) ? { syscall: 'ftruncate' } : undefined,
  };
}

const olderTruncate = truncateCall(TRUNCATE_TAKES_DESCRIPTORS ? 'path or descriptor' : 'path');
const truncate: Row = { name: 'truncate', sync: olderTruncate, callback: olderTruncate, promise: truncateCall('path') };

/** Calls by path that look at or change attributes. */
export const attributeCalls: readonly Row[] = [
  access,
  chmodRow('chmod', 'chmod', ops.chmod),
  // Where there is one (macOS) Node makes it of `open` and `fchmod`.
  chmodRow('lchmod', 'open', ops.lchmod),
  chownRow('chown', ops.chown),
  chownRow('lchown', ops.lchown),
  utimesRow('utimes', 'utime', ops.stat, ops.utimes),
  utimesRow('lutimes', 'lutime', ops.lstat, ops.lutimes),
  truncate,
];
