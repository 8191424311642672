/**
 * What write-back needs of an upper: commands, most of them one function of the upper.
 *
 * The upper is read like any other branch (`branch.ts`); this is the other direction. A command does what the system
 * call of its name does. It throws a bare `Errno` where that fails, and a `BranchError` where the upper has no such
 * function, which can be known beforehand (`Abilities`).
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
  /** Whether it must be on stable storage when the command returns. */
  readonly isFlushed: boolean;
}

/**
 * How a file is copied: `sharing` its blocks or not at all; `any`: sharing them where the filesystem can, else byte by
 * byte, holes too.
 */
export type Copying = 'sharing' | 'any';

/**
 * The commands. Paths are as in `Requests`, and links in them are never followed but by `copy`.
 *
 * Any of these may change the time of modification (memfs does so at `chmod` and `chown`), so `setTimes` comes last.
 * The process's umask applies to what is made, so `chmod` follows.
 */
export interface UpperRequests {
  mkdir(path: string, mode: number): void;
  /** Makes an empty file that was not there before, open for writing. */
  create(path: string, mode: number): Handle;
  /**
   * Makes a file that was not there before, with its whole content. A failure leaves no file, if it can be removed.
   *
   * @returns its attributes; undefined where they must be asked by its path. Requires: `can.setTimes`
   */
  put(path: string, file: NewFile): Attributes | undefined;
  /** Opens an existing file for writing. */
  openForWriting(path: string): Handle;
  /** Writes bytes at a position; returns how many, which may be fewer than there are. */
  write(handle: Handle, source: Uint8Array, position: number): number;
  truncate(handle: Handle, size: number): void;
  /** Waits until the bytes of a file are on stable storage; does nothing where the upper has none. */
  flush(handle: Handle): void;
  /**
   * Waits until the names in a directory, or the bytes and attributes of a file, are on stable storage; does nothing
   * where the upper has none, or cannot do so.
   */
  flushAt(path: string): void;
  close(handle: Handle): void;
  /** Writes a whole file in one piece, new or not: for an upper that cannot open files. */
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
  /**
   * Sets the times of access and modification, in seconds. Requires: the path is no link, unless `can.setTimesOfLinks`.
   */
  setTimes(path: string, atime: number, mtime: number): void;
}

/** The same commands, carried out later. */
export type AsyncUpperRequests = {
  readonly [K in keyof UpperRequests]: (
    ...given: Parameters<UpperRequests[K]>
  ) => Promise<ReturnType<UpperRequests[K]>>;
};

/** The functions that it takes to write pieces of files. */
const PIECES = ['open', 'write', 'ftruncate', 'close'];

/** Without these nothing can be brought to an upper: complete files are renamed into their place. */
const ESSENTIAL = ['mkdir', 'rename', 'unlink', 'rmdir'];

/** What an upper can do. A command for something that is false here throws a `BranchError`. */
interface Abilities {
  /** Pieces of a file can be written. Otherwise a file is written as a whole when it is closed (`whole-files.ts`). */
  readonly writePieces: boolean;
  readonly copy: boolean;
  readonly symlink: boolean;
  readonly link: boolean;
  readonly chmod: boolean;
  readonly chown: boolean;
  readonly chownLinks: boolean;
  readonly setTimes: boolean;
  readonly setTimesOfLinks: boolean;
  /**
   * What `flush` brings to stable storage: `each` file by itself; everything at once, so that only the `last` flush
   * counts; false: nothing.
   */
  readonly flush: 'each' | 'last' | false;
}

/** A writable fs-like thing, taken apart for writing. */
export interface Upper {
  /**
   * What is written there is only held in memory (memfs, or an overlay over one): there is no gain in background
   * write-back.
   */
  readonly memory: boolean;
  /** What is known of it as an overlay; undefined where it is not one. */
  readonly nesting: Nesting | undefined;
  /** An indispensable function that it lacks; undefined where it has them all. */
  readonly missing: string | undefined;
  readonly can: Abilities;
  /** Undefined where it has only promise or callback functions. */
  readonly sync: UpperRequests | undefined;
  /** Undefined where it has only synchronous functions, or is in memory; then those are used. */
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
  // `laterFinder` falls back on the synchronous functions, so it finds a function in any form.
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

/** Each form is judged by itself: an object may be able to write pieces later but only whole files at once. */
function makeSync(now: Finder<AnyFunction>, name: string, nature: Nature): SyncUpper {
  const isWhole = !PIECES.every((each) => now(each) !== undefined) && now('writeFile') && now('readFile');
  return isWhole ? new WholeSyncUpper(now, name) : new SyncUpper(now, name, nature);
}
