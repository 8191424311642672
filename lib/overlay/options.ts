/**
 * The options of `createOverlay`: their types, their defaults, and the errors for wrong ones, which name the option.
 */

import { inspect } from 'node:util';
import type { Branch } from '../branch/branch.ts';
import type { Upper } from '../branch/upper/upper.ts';
import { SMALLEST_PAGE } from '../pages/memory.ts';
import type { Limits } from '../pages/quota.ts';
import type { Credentials } from '../tree/caller.ts';
import type { Timers } from '../waiting/timers.ts';
import type { Times, WriteBackOptions } from '../writeback/when/triggers.ts';
import { mustLieBeside, parseLowers, parseUpper } from './branch-options.ts';
import {
  isRecord,
  isWhole,
  mustKnow,
  parseCache,
  parseLimits,
  parseTimers,
  parseWriteBack,
  wrongType,
  wrongValue,
} from './option-values.ts';

/** A read-only branch with properties. */
export interface LowerOptions {
  /**
   * An fs-like object: `node:fs`, a memfs `Volume`, a `Union`, an overlay, or any object with enough functions of
   * `node:fs`. Default: the real disk.
   */
  readonly fs?: object;
  /** The directory of the branch to start from. Default `/`. */
  readonly root?: string;
  /** Where in the overlay it appears: an absolute path. Default `/`. */
  readonly at?: string;
  /**
   * Promises that nothing changes the branch while the overlay lives, so that what was looked up once is not looked up
   * again. Default false.
   */
  readonly immutable?: boolean;
  /**
   * Names like `.wh.NAME` in it are whiteouts, as in OCI image layers and in a directory that was an upper. Default
   * false.
   */
  readonly layered?: boolean;
  /** What error messages and `whence` call it. Default: `lower1`, `lower2`, ..., `upper`. */
  readonly name?: string;
}

/** The writable branch with properties. */
export interface UpperOptions extends Pick<LowerOptions, 'fs' | 'root' | 'name'> {
  /**
   * Returns an fs-like object over the same files that acts with these credentials; it is called once for each distinct
   * credential. What is written through `overlay.as(credentials)`, or with the option `credentials`, is then brought to
   * the upper by that object. A refusal concerns only that user's data. Default: the overlay writes everything.
   */
  readonly as?: (credentials: Required<Credentials>) => object;
}

/** A read-only branch: a directory of the real disk, an fs-like object, or either with properties. */
export type Lower = string | URL | LowerOptions | object;

/** What `createOverlay` takes. All of it is optional. */
export interface OverlayOptions {
  /**
   * The read-only branches, the topmost first. Default: the real disk at `/`, so that every absolute path works
   * unchanged.
   */
  readonly lower?: Lower | readonly Lower[];
  /**
   * The writable branch: a directory or an fs-like object. What it holds already is read as the topmost branch.
   * Default: none; everything stays in memory.
   */
  readonly upper?: string | URL | UpperOptions | object;
  /** Where relative paths start: absolute. Default: `process.cwd()` at each call. */
  readonly cwd?: string | (() => string);
  /** Permission bits that new files do not get. Default: `process.umask()` at each creation. */
  readonly umask?: number;
  /** The user whose rights the overlay's `fs` has. Default: the process's user when the overlay is made. */
  readonly credentials?: Credentials;
  /**
   * Returns the time in milliseconds since 1970, fractions allowed. Default: `Date.now`. It is called once when the
   * overlay is made and before each change. If it throws, the call throws that and nothing has changed; an answer that
   * is not a time is an `ERR_INVALID_RETURN_VALUE`.
   */
  readonly clock?: () => number;
  /** How the overlay waits, which tests can replace. Default: the timers of the process, also for those left out. */
  readonly timers?: Partial<Timers>;
  /** How much may be written. Default: no limits. */
  readonly limits?: Limits;
  /** Bytes in a page: a power of two from 4096 to 1048576. Default 16384. */
  readonly pageSize?: number;
  /** Whether every change is refused with EROFS. Default false. */
  readonly readonly?: boolean;
  /**
   * When the upper is brought up to date. `'through'`: before each call that changes something returns; if the upper
   * refuses, the call fails and nothing has changed. `'manual'`: only by `sync`, `fsync` and the end of the overlay.
   * Default: also in the background; an object sets when.
   */
  readonly writeback?: WriteBackOptions | 'through' | 'manual';
  /** How much is kept in memory of what the branches can supply again. */
  readonly cache?: CacheOptions;
}

/** What `createOverlay({ cache })` takes. */
export interface CacheOptions {
  /**
   * The most bytes of unchanged file contents, including memory kept ready for more. Default 256 MiB. Reads of 64 KiB
   * and more are not kept if the file is larger than a quarter of this and is on the disk or in an overlay below, which
   * have caches of their own.
   */
  readonly maxBytes?: number;
  /**
   * The most unchanged files, directories, links and listed names that are remembered. Default 1,000,000, which take
   * about 350 MB.
   */
  readonly maxEntries?: number;
}

/** The upper as a branch and for writing, and as the user gave it. */
export interface ParsedUpper {
  readonly branch: Branch;
  /** The same, for writing. */
  readonly upper: Upper;
  /** The directory of the branch that is its root. */
  readonly root: string;
  /** The fs-like object, or the directory. */
  readonly given: object | string;
  /** The option `upper.as`; undefined where the overlay writes everything. */
  readonly as: UpperOptions['as'] | undefined;
}

/** The options with every default filled in. */
export interface ParsedOptions {
  /** The lowers from the top: branches and where in them to start. */
  readonly lowers: readonly { readonly branch: Branch; readonly root: string }[];
  readonly upper: ParsedUpper | undefined;
  readonly cwd: () => string;
  readonly umask: () => number;
  readonly credentials: Credentials;
  /** Undefined for the system's. */
  readonly clock: (() => number) | undefined;
  readonly timers: Timers;
  readonly limits: Limits;
  readonly pageSize: number;
  readonly readonly: boolean;
  readonly cache: Required<CacheOptions>;
  readonly writeback: Times;
}

const LARGEST_PAGE = 2 ** 20;
const DEFAULT_PAGE = 16 * 1024;
const KNOWN: readonly (keyof OverlayOptions)[] = [
  'lower',
  'upper',
  'cwd',
  'umask',
  'credentials',
  'clock',
  'timers',
  'limits',
  'pageSize',
  'readonly',
  'cache',
  'writeback',
];

/** Checks the options and fills in the defaults. Throws a TypeError or RangeError that names the option. */
export function parseOptions(options: OverlayOptions): ParsedOptions {
  if (!isRecord(options)) throw wrongType('options', 'an object', options);
  mustKnow('', Object.keys(options), KNOWN);
  const { umask, clock, pageSize = DEFAULT_PAGE, readonly = false } = options;
  if (umask !== undefined && !isWhole(umask, 0o777)) throw wrongValue('umask', 'an integer from 0 to 0o777', umask);
  if (clock !== undefined && typeof clock !== 'function')
    throw wrongType('clock', 'a function that returns milliseconds', clock);
  if (typeof readonly !== 'boolean') throw wrongType('readonly', 'a boolean', readonly);
  if (!isWhole(pageSize, LARGEST_PAGE) || pageSize < SMALLEST_PAGE || (pageSize & (pageSize - 1)) !== 0) {
    throw wrongValue('pageSize', `a power of two from ${SMALLEST_PAGE} to ${LARGEST_PAGE}`, pageSize);
  }
  const timers = parseTimers(options.timers);
  const upper = options.upper === undefined ? undefined : parseUpper(options.upper, timers);
  const lowers = parseLowers(options.lower, upper?.branch.spelling.level ?? 0, timers);
  if (upper !== undefined) mustLieBeside(upper, lowers, options);
  return {
    lowers,
    upper,
    cwd: parseCwd(options.cwd),
    umask: umask === undefined ? () => process.umask() : () => umask,
    credentials: options.credentials === undefined ? ourCredentials() : parseCredentials(options.credentials),
    clock,
    timers,
    limits: parseLimits(options.limits),
    pageSize,
    readonly,
    cache: parseCache(options.cache),
    writeback: parseWriteBack(options.writeback),
  };
}

function parseCwd(cwd: OverlayOptions['cwd']): () => string {
  if (cwd === undefined) return () => process.cwd();
  if (typeof cwd === 'function') return () => absolute(cwd());
  if (typeof cwd !== 'string') throw wrongType('cwd', 'an absolute path or a function that returns one', cwd);
  if (!cwd.startsWith('/')) throw wrongValue('cwd', 'an absolute path', cwd);
  return () => cwd;
}

/** Refuses an answer of `cwd` that is not an absolute path. */
function absolute(answer: unknown): string {
  if (typeof answer === 'string' && answer.startsWith('/')) return answer;
  const said = `The option "cwd" must return an absolute path. It returned ${inspect(answer, { depth: 0 })}`;
  throw Object.assign(new TypeError(said), { code: 'ERR_INVALID_RETURN_VALUE' });
}

const MOST_ID = 2 ** 32 - 2;

function ourCredentials(): Credentials {
  return {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    groups: process.getgroups?.() ?? [],
  };
}

/** What `os.userInfo()` tells besides the ids, which can be given as they are. */
const ABOUT_USERS = ['username', 'homedir', 'shell'];

/**
 * Checks credentials. Missing ones are an error and never default to the process's. Throws a TypeError or RangeError
 * that names what is wrong.
 */
export function parseCredentials(credentials: Credentials): Credentials {
  if (!isRecord(credentials)) throw wrongType('credentials', 'an object { uid, gid, groups }', credentials);
  const said = Object.keys(credentials).filter((key) => !ABOUT_USERS.includes(key));
  mustKnow('credentials.', said, ['uid', 'gid', 'groups']);
  const { uid, gid, groups = [] } = credentials;
  if (!isWhole(uid, MOST_ID)) throw wrongValue('credentials.uid', 'a user id', uid);
  if (!isWhole(gid, MOST_ID)) throw wrongValue('credentials.gid', 'a group id', gid);
  if (!Array.isArray(groups) || !groups.every((group) => isWhole(group, MOST_ID))) {
    throw wrongValue('credentials.groups', 'an array of group ids', groups);
  }
  return { uid, gid, groups };
}
