/**
 * What an fs-like thing is, and the functions taken from it.
 *
 * Anything with some functions named as those of `node:fs` may be a branch. Its functions are looked up once, when the
 * branch is made, and bound to their object, so that patching it afterwards cannot lead back into the overlay. A
 * missing function is replaced by one that throws a `BranchError` when it is called.
 *
 *     fs-like ──► SyncFunctions     lstatSync ?? statSync, readdirSync, readFileSync, ...
 *             └─► AsyncFunctions    callback forms, or those of `promises`, or own functions that return promises
 *
 * What the functions answer is judged elsewhere (`dialect.ts`, `attributes.ts`); here it is `unknown`.
 */

import { originalFs } from '../node/original-fs.ts';
import { isDisabled } from '../node/permission.ts';
import { answered, send } from '../waiting/bursts.ts';
import { BranchError } from './errors.ts';
import { sparing, sparingLater } from './files/spare.ts';
import { linuxLinks, permitted, volumeIn } from './memfs.ts';
import { nestingOf } from './nesting.ts';

/** A path as a branch gets it: bytes only where it is not UTF-8. */
export type BranchPath = string | Buffer;

/** An open file of a branch: a descriptor, or an object like `FileHandle`. */
export type Handle = unknown;

/**
 * The functions that answer for a branch at once. Options are always given, so that in the callback forms the callback
 * comes where Node expects it.
 */
export interface SyncFunctions {
  readonly lstat: (path: BranchPath, options: object) => unknown;
  readonly readdir: (path: BranchPath, options: object) => unknown;
  readonly readlink: (path: BranchPath, options: object) => unknown;
  readonly readFile: (path: BranchPath, options: object) => unknown;
  readonly open: (path: BranchPath, flags: number | string, mode: number) => Handle;
  readonly read: (handle: Handle, target: Uint8Array, at: number, length: number, position: number | null) => unknown;
  readonly write: (handle: Handle, source: Uint8Array, at: number, length: number, position: number | null) => unknown;
  /** Answers undefined where the branch has no such function. */
  readonly fstat: (handle: Handle) => unknown;
  readonly close: (handle: Handle) => unknown;
  /** Answers undefined where the branch has no such function. */
  readonly statfs: (path: BranchPath, options: object) => unknown;
}

/** The same functions, answering later. */
export type AsyncFunctions = {
  readonly [K in keyof SyncFunctions]: (...given: Parameters<SyncFunctions[K]>) => Promise<unknown>;
};

/** What is known of an fs-like thing besides its functions. */
export interface Traits {
  /** It is node:fs: what it says of inode numbers is true. */
  readonly kernel: boolean;
  /** Its contents are in memory, so that there is nothing to wait for (memfs). */
  readonly memory: boolean;
  /** It is a `Union` of unionfs, which mixes up the inode numbers and descriptors of its members. */
  readonly union: boolean;
  /** Who closes its files: the kernel has closed a file even if `close` fails. */
  readonly closer: 'kernel' | 'other';
  /** Its `lstatSync` honours `throwIfNoEntry: false`. */
  readonly quiet: boolean;
  /** It takes names as strings only, even those that are not UTF-8 (memfs). */
  readonly stringsOnly: boolean;
  /**
   * It takes flags as numbers, so that opening can be told not to follow a link and not to wait for a FIFO's other end.
   */
  readonly numericFlags: boolean;
  /** It can read through a handle: it has `open`, `read` and `close`; at once and later. */
  readonly opensSync: boolean;
  readonly opensAsync: boolean;
}

/** An fs-like thing taken apart. */
export interface Captured {
  readonly traits: Traits;
  readonly sync: SyncFunctions | undefined;
  readonly async: AsyncFunctions | undefined;
}

/** A function that answers at once. */
export type AnyFunction = (...given: unknown[]) => unknown;

/** A thing with at least one of these is fs-like. */
const ESSENTIAL = ['lstat', 'stat', 'readdir', 'readFile'];

/** A function of an object, bound to it; undefined where it has none of that name. */
export function functionOf(owner: object, name: string): AnyFunction | undefined {
  const found: unknown = Reflect.get(owner, name);
  return typeof found === 'function' ? found.bind(owner) : undefined;
}

/** A property of an object that is an object itself, such as `promises`. */
function objectIn(owner: object, name: string): object | undefined {
  const found: unknown = Reflect.get(owner, name);
  return typeof found === 'object' && found !== null ? found : undefined;
}

function hasEssentials(owner: object | undefined, suffix: string): owner is object {
  return owner !== undefined && ESSENTIAL.some((name) => typeof Reflect.get(owner, name + suffix) === 'function');
}

/** The fs-like object in `value`: itself, or its `fs` (an overlay has one); undefined where there is none. */
export function fsLikeIn(value: unknown): object | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  for (const candidate of [value, objectIn(value, 'fs')]) {
    if (candidate === undefined) continue;
    if (hasEssentials(candidate, 'Sync') || hasEssentials(candidate, '')) return candidate;
    if (hasEssentials(objectIn(candidate, 'promises'), '')) return candidate;
  }
  return undefined;
}

function has(owner: object | undefined, ...names: string[]): boolean {
  return owner !== undefined && names.every((each) => typeof Reflect.get(owner, each) === 'function');
}

/** Whether it is node:fs, or a copy of it with some functions replaced: its answers are the kernel's. */
export function isKernel(fs: object): boolean {
  return Reflect.get(fs, 'lstatSync') === originalFs.lstatSync;
}

/** Who closes its files. */
export function closerOf(fs: object): Traits['closer'] {
  const isNodes = (name: 'close' | 'closeSync') => Reflect.get(fs, name) === originalFs[name];
  return isNodes('close') && isNodes('closeSync') ? 'kernel' : 'other';
}

/** Whether its `open`, asked to answer later, gives an object like `FileHandle` rather than a descriptor. */
export function opensHandles(fs: object): boolean {
  const promises = promisesOf(fs);
  return has(promises, 'open') || (promises === undefined && has(fs, 'open') && !has(fs, 'read'));
}

/**
 * Takes an fs-like thing apart; `name` is what a BranchError calls it.
 *
 * Requires: `fs` is what `fsLikeIn` gave.
 */
export function capture(fs: object, name: string): Captured {
  const volume = volumeIn(fs);
  const memory = volume !== undefined;
  const union = typeof Reflect.get(fs, 'use') === 'function' && Array.isArray(Reflect.get(fs, 'fss'));
  const asIs = hasEssentials(fs, 'Sync') ? captureSync(fs, name) : undefined;
  const sync = asIs && volume ? permittedSync(volume, asIs) : asIs;
  const promises = promisesOf(fs);
  const async = answersLater(fs) && !(memory && sync !== undefined) ? captureAsync(fs, name) : undefined;
  const kernel = isKernel(fs);
  const traits: Traits = {
    kernel,
    memory,
    union,
    closer: closerOf(fs),
    quiet: memory || kernel || nestingOf(fs) !== undefined,
    stringsOnly: memory,
    numericFlags: [fs, promises].some((owner) => owner && objectIn(owner, 'constants') !== undefined),
    // A descriptor of one member of a Union may mean another file to another member; a FileHandle may not.
    opensSync: !union && has(fs, 'openSync', 'readSync', 'closeSync'),
    opensAsync: opensHandles(fs) || (!union && has(fs, 'open', 'read', 'close')),
  };
  return { traits, sync, async };
}

/**
 * The promise functions to use. Where an object has callback functions and Node's own `promises` (node:fs itself, or a
 * copy of it with some functions replaced), the callback functions are used: they may have been replaced, and they are
 * faster.
 */
function promisesOf(fs: object): object | undefined {
  const promises = objectIn(fs, 'promises');
  if (promises === originalFs.promises && hasEssentials(fs, '')) return undefined;
  return hasEssentials(promises, '') ? promises : undefined;
}

/** Whether an fs-like thing has functions that answer later. */
export function answersLater(fs: object): boolean {
  return promisesOf(fs) !== undefined || hasEssentials(fs, '');
}

/** Stands for a missing function that need not be there. */
function noAnswer(): undefined {
  return undefined;
}

function captureSync(fs: object, branch: string): SyncFunctions {
  const find = nowFinder(fs);
  const take = (name: string): AnyFunction =>
    find(name) ??
    (() => {
      throw new BranchError(branch, `${name}Sync`);
    });
  return {
    lstat: find('lstat') ?? take('stat'),
    readdir: take('readdir'),
    readlink: take('readlink'),
    readFile: take('readFile'),
    open: take('open'),
    read: take('read'),
    write: take('write'),
    fstat: find('fstat') ?? noAnswer,
    close: take('close'),
    statfs: find('statfs') ?? noAnswer,
  };
}

/** The functions of a memfs volume. Those that take a path skip its permission checks; see `memfs.ts`. */
function permittedSync(volume: object, fs: SyncFunctions): SyncFunctions {
  const readlink = permitted(volume, fs.readlink, 'way');
  return {
    ...fs,
    lstat: linuxLinks(permitted(volume, fs.lstat, 'way'), readlink),
    readdir: permitted(volume, fs.readdir, 'file'),
    readlink,
    readFile: permitted(volume, fs.readFile, 'file'),
    open: permitted(volume, fs.open, 'file'),
  };
}

/** A function that answers later. */
export type Later = (...given: unknown[]) => Promise<unknown>;

/** Makes a promise function of one that calls back, or of one that returns a promise (and ignores the callback). */
function settling(run: AnyFunction): Later {
  return (...given) =>
    new Promise((resolve, reject) => {
      const returned = run(...given, (error: unknown, value: unknown) => {
        if (error === null || error === undefined) resolve(value);
        else reject(error);
      });
      if (typeof returned === 'object' && returned !== null && 'then' in returned) resolve(returned);
    });
}

/** The same for a callback function of node:fs itself. */
function settlingInBursts(run: AnyFunction): Later {
  return (...given) =>
    new Promise((resolve, reject) => {
      const done = (error: unknown, value: unknown) => {
        answered();
        if (error === null || error === undefined) resolve(value);
        else reject(error);
      };
      send(() => {
        try {
          run(...given, done);
        } catch (thrown) {
          done(thrown, undefined);
        }
      });
    });
}

/** Finds functions by their names without `Sync`. */
export type Finder<Found> = (name: string) => Found | undefined;

/** Finds the synchronous functions of an fs-like thing. */
export function nowFinder(fs: object): Finder<AnyFunction> {
  return (name) => {
    if (isTaken(fs, `${name}Sync`, name)) return undefined;
    const found = functionOf(fs, `${name}Sync`);
    return found && sparing(name, found);
  };
}

/**
 * Finds the functions of an fs-like thing that answer later: the promise form, else the callback form, else the
 * synchronous form.
 */
export function laterFinder(fs: object): Finder<Later> {
  const find = laterForms(fs);
  return (name) => {
    if (isTaken(fs, name, name)) return undefined;
    const found = find(name);
    return found && sparingLater(name, found);
  };
}

/** Whether a function is one of node:fs that Node's permission model has disabled. */
function isTaken(fs: object, form: string, name: string): boolean {
  return Reflect.get(fs, form) === Reflect.get(originalFs, form) && isDisabled(name);
}

function laterForms(fs: object): Finder<Later> {
  const promises = promisesOf(fs);
  return (name) => {
    const promising = promises && functionOf(promises, name);
    if (promising !== undefined) return async (...given) => promising(...given);
    const own = functionOf(fs, name);
    const isOfNode = Reflect.get(fs, name) === Reflect.get(originalFs, name);
    if (own !== undefined) return isOfNode ? settlingInBursts(own) : settling(own);
    const sync = functionOf(fs, `${name}Sync`);
    return sync && (async (...given) => sync(...given));
  };
}

/**
 * A function of an open file: its own method where the handle is an object, else the function that takes a descriptor.
 */
export function onHandle(branch: string, method: string, byDescriptor: Later): Later {
  const onObject = async (handle: object, given: unknown[]): Promise<unknown> => {
    const own = functionOf(handle, method);
    if (own !== undefined) return own(...given);
    if (method === 'stat' || method === 'sync') return undefined;
    throw new BranchError(branch, `${method}() of what its open() gave`);
  };
  return (handle, ...given) =>
    typeof handle === 'object' && handle !== null ? onObject(handle, given) : byDescriptor(handle, ...given);
}

/** Stands for a function that is missing. */
export function missingLater(branch: string, name: string): Later {
  return () => Promise.reject(new BranchError(branch, name));
}

function captureAsync(fs: object, branch: string): AsyncFunctions {
  const find = laterFinder(fs);
  const take = (name: string): Later => find(name) ?? missingLater(branch, name);
  return {
    lstat: find('lstat') ?? take('stat'),
    readdir: take('readdir'),
    readlink: take('readlink'),
    readFile: take('readFile'),
    open: take('open'),
    read: onHandle(branch, 'read', take('read')),
    write: onHandle(branch, 'write', take('write')),
    fstat: onHandle(branch, 'stat', find('fstat') ?? (async () => noAnswer())),
    close: onHandle(branch, 'close', take('close')),
    statfs: find('statfs') ?? (async () => noAnswer()),
  };
}
