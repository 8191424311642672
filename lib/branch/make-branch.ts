/** Makes branches of anything fs-like, and of a directory on the disk. */

import { inspect } from 'node:util';
import { originalFs } from '../node/original-fs.ts';
import { PROCESS_TIMERS, type Timers } from '../waiting/timers.ts';
import { AsyncBranchRequests } from './async-requests.ts';
import { type Branch, type Loans, type StraightReads, UPPER } from './branch.ts';
import { decodeName } from './bytes.ts';
import { Dialect } from './dialect.ts';
import { capture, fsLikeIn, functionOf } from './fs-like.ts';
import { type Lender, lenderIn, levelIn } from './nesting.ts';
import { SyncBranchRequests } from './sync-requests.ts';
import { Spelling } from './whiteout.ts';

/** What to make a branch of. */
export interface BranchOrigin extends Pick<Branch, 'id' | 'name' | 'immutable' | 'layered'> {
  /** An fs-like object, or one that has such an object as its `fs`. */
  readonly fs: unknown;
  /** The highest level of whiteouts that the overlay cannot show (`whiteout.ts`). Default: the level of this branch. */
  readonly reserved?: number;
  /** Default: those of the process. */
  readonly timers?: Timers;
}

/** A branch, and where in it to start. */
export interface RootedBranch {
  readonly branch: Branch;
  readonly root: string;
}

const originalRealpath = originalFs.realpathSync.native;

/**
 * Makes a branch of anything fs-like.
 *
 * Throws a TypeError (`ERR_INVALID_ARG_TYPE`) where it is not fs-like. A single missing function shows only when it is
 * needed, as a `BranchError`.
 */
export function makeBranch(origin: BranchOrigin): Branch {
  const { fs, id, name, immutable, layered, reserved = 0, timers = PROCESS_TIMERS } = origin;
  const found = fsLikeIn(fs);
  if (found === undefined) throw notFsLike(name, fs);
  const { traits, sync, async } = capture(found, name);
  const dialect = new Dialect(traits);
  const lender = lenderIn(found);
  const changes = !immutable ? 'by others' : id === UPPER ? 'by us' : 'never';
  const now = sync && new SyncBranchRequests(sync, dialect, traits.opensSync ? 'by handle' : 'whole', changes, timers);
  const reads = traits.opensAsync ? 'by handle' : 'whole';
  const later = async && new AsyncBranchRequests(async, dialect, reads, changes, timers);
  return {
    id,
    name,
    immutable,
    layered,
    spelling: new Spelling(levelIn(found), reserved),
    sync: now,
    async: later,
    onDisk: traits.kernel ? (path) => path : undefined,
    straight: traits.kernel || lender !== undefined ? straightReads(now, later) : undefined,
    loans: loansFrom(lender, now, later),
    closeThrough: (handle) => {
      if (later?.hasOpened(handle) === true) later.closeThrough(handle);
      else now?.closeThrough(handle);
    },
    watch: watchIn(found),
    timers,
    close: () => {
      now?.close();
      later?.close();
    },
  };
}

function straightReads(
  now: SyncBranchRequests | undefined,
  later: AsyncBranchRequests | undefined,
): StraightReads | undefined {
  if (now === undefined || later === undefined) return undefined;
  return {
    now: (path, fingerprint, offset, target) => now.readStraight(path, fingerprint, offset, target),
    later: (path, fingerprint, offset, target) => later.readStraight(path, fingerprint, offset, target),
  };
}

function loansFrom(
  lender: Lender | undefined,
  now: SyncBranchRequests | undefined,
  later: AsyncBranchRequests | undefined,
): Loans | undefined {
  if (lender === undefined || now === undefined || later === undefined) return undefined;
  return {
    pageSize: lender.pageSize,
    now: (path, offset, length) => now.borrow(lender, path, offset, length),
    later: (path, fingerprint, offset, length) => later.borrow(lender, path, fingerprint, offset, length),
  };
}

/** The functions of an object that `fs.watch` returns. */
interface Watcher {
  close(): void;
  on?(event: 'error', listener: () => void): unknown;
}

/** How to watch an fs-like thing; undefined where it has no `watch`. */
function watchIn(fs: object): Branch['watch'] {
  const watch = functionOf(fs, 'watch');
  if (watch === undefined) return undefined;
  return (path, depth, listener) => {
    const options = { persistent: false, recursive: depth === 'tree' };
    const hear = (event: unknown, name: unknown) => {
      if (event !== 'rename' && event !== 'change') return;
      listener(event, typeof name === 'string' ? name : '');
    };
    try {
      const watcher = watch(path, options, hear) as Watcher;
      watcher.on?.('error', () => watcher.close());
      return () => watcher.close();
    } catch {
      // It vanished, or the system has no watchers left. Changes by the overlay itself are reported all the same.
      return () => {};
    }
  };
}

/**
 * Makes a branch of the disk, and the path in it of a directory.
 *
 * Throws Node's own error where there is no such directory.
 */
export function directoryBranch(directory: string | Buffer | URL, origin: Omit<BranchOrigin, 'fs'>): RootedBranch {
  const root = decodeName(originalRealpath(directory, 'buffer'));
  // Refuses what is not a directory, without listing it.
  originalFs.closeSync(originalFs.openSync(directory, originalFs.constants.O_DIRECTORY));
  return { branch: makeBranch({ ...origin, fs: originalFs }), root };
}

function notFsLike(name: string, given: unknown): TypeError {
  const error = new TypeError(
    `The branch ${JSON.stringify(name)} must be an object with functions of node:fs (at least statSync, readdirSync and ` +
      `readFileSync, or promises of theirs) or have one as its fs. Received ${inspect(given, { depth: -1 })}`,
  );
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}
