/**
 * What write-back needs of an upper: commands, each one function of the upper and no more.
 *
 * Reading the upper is asking a branch like any other (`branch.ts`); this is the other direction. A command does what the
 * system call of its name does, throws a bare `Errno` where that fails, and a `BranchError` where the upper has no such
 * function; which those are can be seen beforehand (`Abilities`).
 *
 *     makeUpper(fs) ──► sync    SyncUpper     commands carried out at once
 *                   ├─► async   LaterUpper    the same, carried out later
 *                   └─► can     what it can do at all
 */

import type { Attributes } from '../branch.ts';
import {
  type AnyFunction,
  answersLater,
  closerOf,
  type Finder,
  fsLikeIn,
  type Handle,
  isKernel,
  laterFinder,
  nowFinder,
  opensHandles,
} from '../fs-like.ts';
import { volumeIn } from '../memfs.ts';
import { type Nesting, nestingOf } from '../nesting.ts';
import type { Nature } from './commands.ts';
import { LaterUpper } from './later-upper.ts';
import { SyncUpper } from './sync-upper.ts';
import { WholeLaterUpper, WholeSyncUpper } from './whole-files.ts';

/** A small new file, to be written in one go. */
export interface NewFile {
  readonly mode: number;
  /** All that it holds. */
  readonly pieces: readonly Uint8Array[];
  /** In seconds. */
  readonly atime: number;
  readonly mtime: number;
  /** Whether all of it is to be on stable storage then. */
  readonly isFlushed: boolean;
}

/** How a file is copied: sharing its blocks or not at all; or sharing them where the filesystem can, else byte by byte, holes too. */
export type Copying = 'sharing' | 'any';

/**
 * The commands. Paths are as in `Requests`, and links in them are never followed but by `copy`.
 *
 * An upper may change the time of modification by any of these (memfs does so by `chmod` and `chown`), so `setTimes` comes
 * last. The process's umask applies to what is made; `chmod` does away with that.
 */
export interface UpperRequests {
  mkdir(path: string, mode: number): void;
  /** Makes an empty file that was not there before, open for writing. */
  create(path: string, mode: number): Handle;
  /**
   * Makes a file that was not there before, with all that it holds. What fails leaves no file, as far as that can be.
   *
   * @returns what it looks like then; undefined where that is to be asked by its path. Requires: `can.setTimes`
   */
  put(path: string, file: NewFile): Attributes | undefined;
  /** Opens a file for writing that is there. */
  openForWriting(path: string): Handle;
  /** Writes bytes at a position; returns how many, which may be fewer than there are. */
  write(handle: Handle, source: Uint8Array, position: number): number;
  truncate(handle: Handle, size: number): void;
  /** Waits until the bytes of a file are on stable storage; does nothing where the upper has none. */
  flush(handle: Handle): void;
  /**
   * Waits until the names in a directory, or the bytes and attributes of a file, are on stable storage; does nothing where the upper
   * has none, or cannot do so.
   */
  flushAt(path: string): void;
  close(handle: Handle): void;
  /** Writes a whole file in one piece, new or not: for an upper that opens nothing. */
  writeFile(path: string, bytes: Uint8Array, mode: number): void;
  /** Copies a file to a name that was not there before. */
  copy(from: string, to: string, how: Copying): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  rmdir(path: string): void;
  symlink(target: string, path: string): void;
  /** Gives a file another name. */
  link(existing: string, path: string): void;
  /** Requires: the path is no link. */
  chmod(path: string, mode: number): void;
  /** Requires: the path is no link, unless `can.chownLinks`. */
  chown(path: string, uid: number, gid: number): void;
  /** Sets the times of access and modification, in seconds. Requires: the path is no link, unless `can.setTimesOfLinks`. */
  setTimes(path: string, atime: number, mtime: number): void;
}

/** The same commands, carried out later. */
export type AsyncUpperRequests = {
  readonly [K in keyof UpperRequests]: (
    ...given: Parameters<UpperRequests[K]>
  ) => Promise<ReturnType<UpperRequests[K]>>;
};

/** With these pieces of files can be written. */
const PIECES = ['open', 'write', 'ftruncate', 'close'];

/** Without these nothing reaches an upper: what is complete is renamed into its place. */
const ESSENTIAL = ['mkdir', 'rename', 'unlink', 'rmdir'];

/** What an upper can do at all; what is false here is a `BranchError` when asked for. */
interface Abilities {
  /** Pieces of a file can be written. Else what is written goes there when it is closed, as a whole (`whole-files.ts`). */
  readonly writePieces: boolean;
  readonly copy: boolean;
  readonly symlink: boolean;
  readonly link: boolean;
  readonly chmod: boolean;
  readonly chown: boolean;
  readonly chownLinks: boolean;
  readonly setTimes: boolean;
  readonly setTimesOfLinks: boolean;
  /** What `flush` brings to stable storage: `each` file by itself; all at once, so that the `last` one does; false: nothing. */
  readonly flush: 'each' | 'last' | false;
}

/** A writable fs-like thing, taken apart for writing. */
export interface Upper {
  /** What is written there is held in memory (memfs, or an overlay of which that is so): nothing is won by writing it before somebody asks. */
  readonly memory: boolean;
  /** What is known of it where it is an overlay. */
  readonly nesting: Nesting | undefined;
  /** A function that it lacks and without which nothing can be brought there; undefined where there is none such. */
  readonly missing: string | undefined;
  readonly can: Abilities;
  /** Undefined where it has only promise or callback functions. */
  readonly sync: UpperRequests | undefined;
  /** Undefined where it has only synchronous functions, or is in memory; those are then asked directly. */
  readonly async: AsyncUpperRequests | undefined;
}

/**
 * Takes a writable fs-like thing apart for writing; `name` is what errors call it.
 *
 * Requires: a branch can be made of it (`makeBranch`). What it lacks shows in `missing` and `can`.
 */
export function makeUpper(given: unknown, name: string): Upper {
  const fs = fsLikeIn(given);
  if (fs === undefined) throw new TypeError(`The upper ${JSON.stringify(name)} is not fs-like`);
  const volume = volumeIn(fs);
  const [now, later] = [nowFinder(fs), laterFinder(fs)];
  // `laterFinder` falls back on the synchronous functions, so that it finds whatever there is in any form.
  const has = (...names: string[]) => names.every((each) => later(each) !== undefined);
  const handles = opensHandles(fs);
  const writePieces = handles || has(...PIECES);
  const writeWholes = !writePieces && has('writeFile', 'readFile');
  const missing = [...ESSENTIAL, ...(writePieces ? [] : ['writeFile'])].find((each) => !has(each));
  const nesting = nestingOf(fs);
  const canFlush = volume === undefined && writePieces && (handles || has('fsync'));
  const can: Abilities = {
    writePieces,
    copy: has('copyFile'),
    symlink: has('symlink'),
    link: has('link'),
    chmod: has('chmod'),
    chown: has('lchown') || has('chown'),
    chownLinks: has('lchown'),
    setTimes: has('lutimes') || has('utimes'),
    setTimesOfLinks: has('lutimes'),
    flush: canFlush && (nesting === undefined ? 'each' : 'last'),
  };
  const nature: Nature = { volume, kernel: isKernel(fs), closer: closerOf(fs), nesting };
  const sync = now('mkdir') && makeSync(now, name, nature);
  const inMemory = volume !== undefined && sync !== undefined;
  const Later = writeWholes ? WholeLaterUpper : LaterUpper;
  const async = answersLater(fs) && !inMemory ? new Later(later, name, nature) : undefined;
  return { memory: volume !== undefined || nesting?.memory === true, nesting, missing, can, sync, async };
}

/** In each form by itself: an object may write pieces later, and at once only whole files. */
function makeSync(now: Finder<AnyFunction>, name: string, nature: Nature): SyncUpper {
  const isWhole = !PIECES.every((each) => now(each) !== undefined) && now('writeFile') && now('readFile');
  return isWhole ? new WholeSyncUpper(now, name) : new SyncUpper(now, name, nature);
}
