/**
 * The options of `createOverlay`: what they may be, what they default to, and an error that names the option for what is wrong.
 */

import { constants } from 'node:fs';
import { type Branch, UPPER } from '../branch/branch.ts';
import { type Graft, graft } from '../branch/decorators/graft.ts';
import { recorded } from '../branch/decorators/recorded.ts';
import { BranchError } from '../branch/errors.ts';
import { fsLikeIn } from '../branch/fs-like.ts';
import { directoryBranch, makeBranch } from '../branch/make-branch.ts';
import { insistent } from '../branch/upper/insistent.ts';
import { makeUpper, type Upper } from '../branch/upper/upper.ts';
import { originalFs } from '../node/original-fs.ts';
import { SMALLEST_PAGE } from '../pages/memory.ts';
import type { Limits } from '../pages/quota.ts';
import type { Credentials } from '../tree/caller.ts';
import type { Timers } from '../waiting/timers.ts';
import type { Times, WriteBackOptions } from '../writeback/when/triggers.ts';
import {
  isWhole,
  mustKnow,
  OptionTypeError,
  parseCache,
  parseLimits,
  parseTimers,
  parseWriteBack,
  wrongType,
  wrongValue,
} from './option-values.ts';

/** One read-only branch, with all that can be said of it. */
export interface LowerOptions {
  /**
   * An fs-like object: `node:fs`, a memfs `Volume`, a `Union`, an overlay, or any object with enough functions of `node:fs`.
   * Default: the real disk.
   */
  readonly fs?: object;
  /** The directory of the branch to start from. Default `/`. */
  readonly root?: string;
  /** Where in the overlay it appears. Default `/`. */
  readonly at?: string;
  /**
   * Promises that nobody changes the branch while the overlay lives: what was looked up once is not looked up again. Default false.
   */
  readonly immutable?: boolean;
  /** Its names include whiteouts in the OCI layer spelling (`.wh.NAME`), as in a directory that was an upper. Default false. */
  readonly layered?: boolean;
  /** What error messages and `whence` call it. Default: `lower1`, `lower2`, ... */
  readonly name?: string;
}

/** The writable branch, with all that can be said of it. */
export interface UpperOptions extends LowerOptions {
  /**
   * Answers an fs-like object over the same files that does what it is told with somebody's rights; asked once for each distinct credential.
   * What is written through `overlay.as(credentials)`, or with the option `credentials`, is then handed to the upper by that object; what
   * that refuses is refused to nobody else. Default: the overlay writes everything.
   */
  readonly as?: (credentials: Required<Credentials>) => object;
}

/** A read-only branch: a directory of the real disk, an fs-like object, or either with more said about it. */
export type Lower = string | URL | LowerOptions | object;

/** What `createOverlay` takes. All of it is optional. */
export interface OverlayOptions {
  /** The read-only branches, the topmost first. Default: the real disk at `/`, so that every absolute path works unchanged. */
  readonly lower?: Lower | readonly Lower[];
  /**
   * The writable branch: a directory or an fs-like object. What it holds already is read as the topmost branch.
   * Default: none, all stays in memory.
   */
  readonly upper?: string | URL | UpperOptions | object;
  /** Where relative paths start: absolute. Default: `process.cwd()` at each call. */
  readonly cwd?: string | (() => string);
  /** Permission bits that new files do not get. Default: `process.umask()` at each creation. */
  readonly umask?: number;
  /** Whose rights the overlay's `fs` has. Default: the process's. */
  readonly credentials?: Credentials;
  /** The time in milliseconds since 1970, fractions allowed. Default: `Date.now`. */
  readonly clock?: () => number;
  /** How it waits: what a test sets. Those left out are of the process, which is the default. */
  readonly timers?: Partial<Timers>;
  /** How much may be written. Default: no limits. */
  readonly limits?: Limits;
  /** Bytes in a page: a power of two from 4096 to 1048576. Default 16384. */
  readonly pageSize?: number;
  /** Nothing may be written: EROFS. Default false. */
  readonly readonly?: boolean;
  /**
   * When the upper is brought up to date without being asked. `'through'`: before each call returns that changes something; what the upper
   * refuses is that call's error, and changes nothing. `'manual'`: never but by `sync`, `fsync` and the end of the overlay. Default: in the
   * background, see the members.
   */
  readonly writeback?: WriteBackOptions | 'through' | 'manual';
  /** How much is kept in memory of what can be had again from the branches. */
  readonly cache?: CacheOptions;
}

/** What `createOverlay({ cache })` takes. */
export interface CacheOptions {
  /**
   * The most bytes of unchanged file contents, and of memory kept ready for more. Default 256 MiB. Reads of 64 KiB and more from a file
   * of the disk that is larger than a quarter of it are not kept: the kernel does that. Nor are those of an overlay below, which has a cache
   * of its own.
   */
  readonly maxBytes?: number;
  /**
   * The most files, directories and links that are remembered though nobody changed them, and names that a listing has shown. Default
   * 1,000,000, which take about 350 MB.
   */
  readonly maxEntries?: number;
}

/** The upper: as a branch to be read, and what the user gave. */
export interface ParsedUpper {
  readonly branch: Branch;
  /** The same, to be written. */
  readonly upper: Upper;
  /** Where in the branch its root is. */
  readonly root: string;
  /** The fs-like object, or the directory. */
  readonly given: object | string;
  /** Answers an fs-like object that writes with somebody's rights; undefined where the overlay writes everything. */
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
  readonly clock: () => number;
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

/** What may be said of a branch; `as` only of the upper. */
const DESCRIBED: readonly (keyof UpperOptions)[] = ['fs', 'root', 'at', 'immutable', 'layered', 'name', 'as'];

/** Checks the options and fills in the defaults. Throws a TypeError or RangeError that names the option. */
export function parseOptions(options: OverlayOptions): ParsedOptions {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options);
  mustKnow('', Object.keys(options), KNOWN);
  const { umask, clock = Date.now, pageSize = DEFAULT_PAGE, readonly = false } = options;
  if (umask !== undefined && !isWhole(umask, 0o777)) throw wrongValue('umask', 'an integer from 0 to 0o777', umask);
  if (typeof clock !== 'function') throw wrongType('clock', 'a function that returns milliseconds', clock);
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
  if (typeof cwd === 'function') return cwd;
  if (typeof cwd !== 'string') throw wrongType('cwd', 'an absolute path or a function that returns one', cwd);
  if (!cwd.startsWith('/')) throw wrongValue('cwd', 'an absolute path', cwd);
  return () => cwd;
}

const MOST_ID = 2 ** 32 - 2;

function ourCredentials(): Credentials {
  return {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    groups: process.getgroups?.() ?? [],
  };
}

/** Checks credentials: those that are missing are nobody's, least of all ours. Throws a TypeError or RangeError that names what is wrong. */
export function parseCredentials(credentials: Credentials): Credentials {
  if (typeof credentials !== 'object' || credentials === null) {
    throw wrongType('credentials', 'an object { uid, gid, groups }', credentials);
  }
  const { uid, gid, groups = [] } = credentials;
  if (!isWhole(uid, MOST_ID)) throw wrongValue('credentials.uid', 'a user id', uid);
  if (!isWhole(gid, MOST_ID)) throw wrongValue('credentials.gid', 'a group id', gid);
  if (!Array.isArray(groups) || !groups.every((group) => isWhole(group, MOST_ID))) {
    throw wrongValue('credentials.groups', 'an array of group ids', groups);
  }
  return { uid, gid, groups };
}

/** @param reserved the level of whiteouts in the upper: such names of lowers never show */
function parseLowers(lower: OverlayOptions['lower'], reserved: number, timers: Timers): ParsedOptions['lowers'] {
  const lowers = lower === undefined ? ['/'] : Array.isArray(lower) ? lower : [lower];
  return lowers.map((one: unknown, i) => {
    const option = Array.isArray(lower) ? `lower[${i}]` : 'lower';
    const position = { id: i + 1, name: `lower${i + 1}`, layered: false, reserved, timers };
    const { branch, root } = parseBranch(option, one, position);
    return { branch: recorded(branch), root };
  });
}

function parseUpper(upper: NonNullable<OverlayOptions['upper']>, timers: Timers): ParsedUpper {
  if (typeof upper === 'object' && 'at' in upper && isLowerOptions(upper) && normal(`${upper.at}`) !== '/') {
    throw wrongValue('upper.at', 'left out: the upper begins where the overlay does', upper.at);
  }
  const position = { id: UPPER, name: 'upper', layered: true, reserved: 0, timers };
  const { branch, root } = parseBranch('upper', upper, position);
  const given = typeof upper === 'object' && isLowerOptions(upper) ? (upper.fs ?? root) : upper;
  const written = makeUpper(typeof given === 'object' && !(given instanceof URL) ? given : originalFs, branch.name);
  if (written.missing !== undefined) throw new BranchError(branch.name, written.missing);
  return { ...insistent(branch, written, root), root, given: given instanceof URL ? root : given, as: parseAs(upper) };
}

/** Refuses an upper that is a lower too: lowers are never changed. */
function mustLieBeside({ branch, root }: ParsedUpper, lowers: ParsedOptions['lowers'], options: OverlayOptions): void {
  const place = branch.onDisk?.(root);
  const thing = thingIn(options.upper);
  const given = Array.isArray(options.lower) ? options.lower : [options.lower];
  const isUpper = (lower: ParsedOptions['lowers'][number], i: number) =>
    place === undefined
      ? thing !== undefined && thingIn(given[i]) === thing && lower.root === root
      : lower.branch.onDisk?.(lower.root) === place;
  if (!lowers.some(isUpper)) return;
  const wanted = 'no lower too (to change a directory itself, leave it out of the option "lower")';
  throw wrongValue('upper', wanted, place ?? options.upper);
}

/** The fs-like object that an option names, where all of it is meant to appear at the root. */
function thingIn(given: unknown): object | undefined {
  if (typeof given !== 'object' || given === null || !isLowerOptions(given)) return fsLikeIn(given);
  return normal(given.at ?? '/') === '/' ? fsLikeIn(given.fs) : undefined;
}

/** The `as` of a described upper. That of an overlay is none: it answers for whoever uses it. */
function parseAs(upper: NonNullable<OverlayOptions['upper']>): UpperOptions['as'] {
  const described = upper as UpperOptions;
  if (typeof upper !== 'object' || !Object.hasOwn(upper, 'as') || described.as === undefined) return undefined;
  if (typeof described.as !== 'function') throw wrongType('upper.as', 'a function of credentials', described.as);
  return described.as.bind(upper);
}

/** What the position of a branch in the stack says about it. */
interface Position {
  readonly id: number;
  readonly name: string;
  readonly layered: boolean;
  readonly reserved: number;
  readonly timers: Timers;
}

function parseBranch(option: string, given: unknown, position: Position) {
  if (typeof given === 'string' || given instanceof URL) {
    // Only we write the upper while the overlay lives, so what it says does not change by itself.
    return directoryBranch(given, { ...position, immutable: position.id === UPPER });
  }
  if (typeof given !== 'object' || given === null) {
    throw wrongType(option, 'a directory, an fs-like object or { fs, root, at, immutable, name }', given);
  }
  return isLowerOptions(given) ? parseDescribed(option, given, position) : makePlain(option, given, position);
}

/** An object that says more about a branch has at least one of these and no functions of node:fs itself. */
function isLowerOptions(given: object): given is LowerOptions {
  if ('readFileSync' in given || 'readFile' in given || 'promises' in given) return false;
  // An overlay has an `fs` too, but nothing else of these.
  return (
    'root' in given || 'at' in given || 'immutable' in given || 'name' in given || 'layered' in given || 'fs' in given
  );
}

/** Refuses what is misspelt. What carries an `fs` may carry other things (memfs gives `{ fs, vol }`), but if it is of no class no plain values. */
function mustDescribe(option: string, given: object): void {
  const prototype: unknown = Object.getPrototypeOf(given);
  if (prototype !== Object.prototype && prototype !== null) return;
  const isSaid = (value: unknown) => value !== undefined && typeof value !== 'object' && typeof value !== 'function';
  const said = Object.keys(given).filter((key) => isSaid(Reflect.get(given, key)));
  mustKnow(`${option}.`, said, DESCRIBED);
}

function makePlain(option: string, fs: object, position: Position) {
  return { branch: named(option, () => makeBranch({ fs, ...position, immutable: position.id === UPPER })), root: '/' };
}

function parseDescribed(option: string, given: LowerOptions, position: Position) {
  const {
    fs,
    root = '/',
    at = '/',
    immutable = position.id === UPPER,
    layered = position.layered,
    name = position.name,
  } = given;
  mustDescribe(option, given);
  if (typeof root !== 'string') throw wrongType(`${option}.root`, 'an absolute path in the branch', root);
  if (!root.startsWith('/')) throw wrongValue(`${option}.root`, 'an absolute path in the branch', root);
  if (typeof at !== 'string') throw wrongType(`${option}.at`, 'an absolute path in the overlay', at);
  if (!at.startsWith('/')) throw wrongValue(`${option}.at`, 'an absolute path in the overlay', at);
  if (typeof immutable !== 'boolean') throw wrongType(`${option}.immutable`, 'a boolean', immutable);
  if (typeof layered !== 'boolean') throw wrongType(`${option}.layered`, 'a boolean', layered);
  if (typeof name !== 'string') throw wrongType(`${option}.name`, 'a string', name);
  const { id, reserved, timers } = position;
  const origin = { id, name, immutable, layered, reserved, timers };
  const rooted =
    fs === undefined
      ? directoryBranch(root, origin)
      : { branch: named(option, () => makeBranch({ ...origin, fs })), root: normal(root) };
  if (fs !== undefined && rooted.root !== '/') mustBeDirectory(`${option}.root`, rooted.branch, rooted.root);
  if (normal(at) === '/') return rooted;
  const where: Graft = { from: rooted.root, at: normal(at) };
  return { branch: graft(rooted.branch, where), root: '/' };
}

/** Refuses a root that the branch does not have, where it can be asked at once. */
function mustBeDirectory(option: string, branch: Branch, root: string): void {
  if (branch.sync === undefined) return;
  const found = branch.sync.lstat(root);
  if (found === undefined || (found.mode & constants.S_IFMT) !== constants.S_IFDIR) {
    throw wrongValue(option, 'a directory of the branch', root);
  }
}

/** A path without double slashes, dots and a slash at the end. */
function normal(path: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}

/** Says which option it was that is not fs-like. */
function named(option: string, make: () => Branch): Branch {
  try {
    return make();
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    throw new OptionTypeError(`The option "${option}" is no branch. ${thrown.message}`, { cause: thrown });
  }
}
