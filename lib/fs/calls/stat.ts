/**
 * `stat`, `lstat`, `fstat`, `statfs`, `exists`.
 */

import type { BigIntStats, BigIntStatsFs, Stats, StatsFs } from 'node:fs';
import { Errno, isErrno } from '../../errno.ts';
import { type Io, runCallback, syncIo } from '../../fault.ts';
import * as ops from '../../ops/attributes.ts';
import type { OpenFile } from '../../ops/open.ts';
import { makeRoom } from '../../tree/cache/sweep.ts';
import type { Caller } from '../../tree/caller.ts';
import type { Inode } from '../../tree/inode.ts';
import { DOUBT, takeFile, takePath } from '../arguments.ts';
import { type Call, inAllForms, onDescriptor, type Row } from '../call.ts';
import { dryRun } from '../dry-run.ts';
import { type Options, takeObject, takeOptions } from '../options.ts';
import { NO_ENTRY, NO_ENTRY_OF_LATER_STAT, NO_ENTRY_OF_STAT, STAT_CALLBACK_SIGNALS, STAT_SIGNALS } from '../quirks.ts';
import { makeBigIntStats, makeStatFs, makeStats } from '../results/stats.ts';
import type { Session } from '../session.ts';

/** The kind of numbers in the answer. */
type Numbers = 'number' | 'bigint';

function numbersIn(options: Options): Numbers {
  return options.bigint === true ? 'bigint' : 'number';
}

function statsOf({ caller }: Session, inode: Inode, numbers: Numbers): Stats | BigIntStats {
  return numbers === 'number' ? makeStats(inode, caller.tree) : makeBigIntStats(inode, caller.tree);
}

/** Whether a call can be aborted; some versions of Node ignore the signal. */
type Heeding = 'heeds signals' | 'ignores signals';

/** The signal in options; where the running Node heeds it, the other fields are checked too. */
function takeSignal(options: Options, heeding: Heeding): AbortSignal | undefined {
  const { signal } = takeOptions(options);
  return heeding === 'heeds signals' ? (signal as AbortSignal | undefined) : undefined;
}

interface StatRequest {
  readonly path: string;
  readonly numbers: Numbers;
  /** The errors that mean an undefined answer; undefined where there are none. */
  readonly missing: readonly Errno[] | undefined;
  readonly signal: AbortSignal | undefined;
}

type Look = (io: Io, caller: Caller, path: string) => Inode | Errno;

/** `stat` or `lstat`; `missing` are the errors that `throwIfNoEntry: false` turns into undefined. */
function statCall(
  name: string,
  look: Look,
  missing: readonly Errno[],
  heeding: Heeding,
): Call<StatRequest, Stats | BigIntStats | undefined> {
  return {
    name,
    takes: ['path'],
    syscall: name,
    parse(session, path, options) {
      if (options === undefined) {
        return { path: takePath(session, path), numbers: 'number', missing: undefined, signal: undefined };
      }
      const given = takeObject(options);
      return {
        numbers: numbersIn(given),
        missing: given.throwIfNoEntry === false ? missing : undefined,
        signal: takeSignal(given, heeding),
        path: takePath(session, path),
      };
    },
    run(io, session, { path, numbers, missing }) {
      const found = look(io, session.caller, path);
      if (!isErrno(found)) return statsOf(session, found, numbers);
      return missing?.includes(found) ? undefined : found;
    },
    signal: (request) => request.signal,
  };
}

const stat: Row = {
  name: 'stat',
  sync: statCall('stat', ops.stat, NO_ENTRY_OF_STAT, 'ignores signals'),
  callback: statCall('stat', ops.stat, NO_ENTRY_OF_LATER_STAT, STAT_CALLBACK_SIGNALS),
  promise: statCall('stat', ops.stat, NO_ENTRY_OF_LATER_STAT, STAT_SIGNALS),
};

const laterLstat = statCall('lstat', ops.lstat, [], STAT_SIGNALS);
const lstat: Row = {
  name: 'lstat',
  sync: statCall('lstat', ops.lstat, NO_ENTRY, 'ignores signals'),
  callback: laterLstat,
  promise: laterLstat,
};

interface FstatRequest {
  readonly file: OpenFile;
  readonly numbers: Numbers;
  readonly signal: AbortSignal | undefined;
}

const fstat = onDescriptor<FstatRequest, Stats | BigIntStats>({
  name: 'fstat',
  takes: ['descriptor'],
  syscall: 'fstat',
  parse(session, fd, options) {
    const given = takeObject(options);
    return { numbers: numbersIn(given), signal: takeSignal(given, STAT_SIGNALS), file: takeFile(session, fd) };
  },
  run: (io, session, { file, numbers }) => statsOf(session, ops.fstat(io, session.caller, file), numbers),
  signal: (request) => request.signal,
});

interface StatfsRequest {
  readonly path: string;
  readonly numbers: Numbers;
}

const statfs = inAllForms<StatfsRequest, StatsFs | BigIntStatsFs>({
  name: 'statfs',
  takes: ['path'],
  syscall: 'statfs',
  parse: (session, path, options) => ({ numbers: numbersIn(takeObject(options)), path: takePath(session, path) }),
  run: (io, { caller }, { path, numbers }) => makeStatFs(ops.statfs(io, caller, path), numbers),
});

/** The `stat` family. */
export const statCalls: readonly Row[] = [stat, lstat, fstat, statfs];

/** `existsSync`, which never throws for its argument. */
export function existsSyncForm(session: Session): (path?: unknown) => boolean {
  const { tree } = session.caller;
  const { entries } = tree;
  return (path) => {
    try {
      if (entries.isCrowded) makeRoom(tree);
      return ops.exists(syncIo, session.caller, takePath(session, path));
    } catch (thrown) {
      if (thrown instanceof Errno) return false;
      // A BranchError or NotLoadedError (L13) is no answer.
      if (thrown !== DOUBT) throw thrown;
      // Node warns about a wrong argument.
      dryRun('existsSync', ['path'], [path]);
      return false;
    }
  };
}

/** `exists`, whose callback gets no error; for a wrong path it is called at once (node lib/fs.js). */
export function existsForm(session: Session): (path?: unknown, callback?: unknown) => void {
  return (path, callback) => {
    if (typeof callback !== 'function') dryRun('exists', ['path'], [path, callback]);
    const answer = callback as (exists: boolean) => void;
    let absolute: string;
    try {
      absolute = takePath(session, path);
    } catch {
      answer(false);
      return;
    }
    runCallback(
      (io) => ops.exists(io, session.caller, absolute),
      (thrown, exists) => answer(thrown === undefined && exists === true),
    );
  };
}
