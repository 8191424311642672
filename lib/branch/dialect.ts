/**
 * How one branch is talked to: what its functions are given, and how their answers are checked and translated.
 *
 * A branch is somebody else's code. Its answers are checked once, here, so that nothing malformed gets any further. An
 * answer that makes no sense is a TypeError, which `failureIn` turns into EIO with the TypeError as its cause.
 */

import { constants } from 'node:fs';
import { isNativeError, isUint8Array } from 'node:util/types';
import { codeOf, EIO, type Errno, errnoOf } from '../errno.ts';
import {
  attributesOf,
  printsButNumber,
  type StatsLike,
  sameButNumber,
  sameNumber,
  type TypeQuestions,
  typeAnswered,
} from './attributes.ts';
import type { Attributes, Entry, Fingerprint, Remembered, Space } from './branch.ts';
import { decodeName, encodeName, isPlain } from './bytes.ts';
import { BranchError, NotLoadedError } from './errors.ts';
import type { BranchPath, Traits } from './fs-like.ts';

/**
 * Reading only. If a link has taken the file's place it is not followed, and if a FIFO has its writer is not waited
 * for.
 */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * What opening or reading says where there is nothing any more; where there is a link (not followed), a directory, a
 * socket or a FIFO; or where the open file has been replaced.
 */
const REPLACED: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO', 'ESPIPE', 'ESTALE']);

/** A position as `read` and `write` of a branch take it: null for where the descriptor stands. */
export function positionFor(position: number): number | null {
  return position < 0 ? null : position;
}

/** What is given to `readdir`: to get types, and bytes where the strings may have lost some. */
export const WITH_TYPES = { withFileTypes: true } as const;
export const WITH_TYPES_IN_BYTES = { withFileTypes: true, encoding: 'buffer' } as const;
const IN_BYTES = { encoding: 'buffer' } as const;
/** What `open` is given for the mode. Nothing is created, but the callback must come after a mode. */
export const NEW_FILE_MODE = 0o666;
/** What is given to `readFile` and `statfs`. */
export const AS_IT_COMES = {} as const;

/** How one branch behaves, as far as is known; some of it is learnt from its answers. */
export class Dialect {
  /** The options that ask `lstat` for nanoseconds. */
  readonly exact: object;
  /** The options that ask `lstat` for numbers. */
  readonly plain: object;
  /** What is given to `readlink`. */
  readonly target: object;
  /** The flags that open a file for reading. */
  readonly readFlags: number | string;
  readonly #union: boolean;
  readonly #stringsOnly: boolean;
  /**
   * Whether inode numbers last, as far as is known; undefined until two answers were compared. Set by `compareTwins`
   * only.
   */
  #lasting: boolean | undefined;
  readonly closer: Traits['closer'];
  /** It is node:fs itself: its inode numbers last. */
  readonly isKernel: boolean;

  constructor(traits: Traits) {
    this.exact = traits.quiet ? { bigint: true, throwIfNoEntry: false } : { bigint: true };
    this.plain = traits.quiet ? { bigint: false, throwIfNoEntry: false } : { bigint: false };
    this.readFlags = traits.numericFlags ? READ_FLAGS : 'r';
    this.target = traits.stringsOnly ? AS_IT_COMES : IN_BYTES;
    this.#union = traits.union;
    this.#stringsOnly = traits.stringsOnly;
    this.isKernel = traits.kernel;
    this.closer = traits.closer;
    this.#lasting = traits.kernel ? true : undefined;
  }

  /** A path as the branch takes it. */
  pathFor(path: string): BranchPath {
    return isPlain(path) || this.#stringsOnly ? path : encodeName(path);
  }

  /** Whether a list has a name that may have lost bytes on the way: Node puts U+FFFD for what is not UTF-8. */
  mayHaveLostBytes(list: readonly unknown[]): boolean {
    if (this.#stringsOnly) return false;
    return list.some((each) => {
      const name = typeof each === 'object' && each !== null && 'name' in each ? each.name : each;
      return typeof name === 'string' && name.includes('\uFFFD');
    });
  }

  /**
   * Whether an error says that there is no such file. A branch that refuses paths in bytes cannot have a file with such
   * a name.
   */
  saysAbsent(thrown: unknown, path: string): boolean {
    const code = codeOf(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR') return true;
    return (
      !isPlain(path) &&
      (code === 'ERR_INVALID_ARG_TYPE' || (code === undefined && isNativeError(thrown) && thrown.name === 'TypeError'))
    );
  }

  /** Whether two answers about one file are still to be compared (`compareTwins`). */
  get undecided(): boolean {
    return this.#lasting === undefined;
  }

  /**
   * Learns from two answers about one file, one asked right after the other, whether inode numbers last: node:vfs makes
   * up a new one for each answer.
   */
  compareTwins(first: StatsLike, second: StatsLike | undefined): void {
    if (second === undefined || this.isKernel) return;
    const one = attributesOf(first, 'keep');
    if (sameNumber(second, one.ino)) this.#lasting ??= true;
    else if (sameButNumber(second, one)) this.#lasting = false;
  }

  /** Attributes from stats, with no inode number where it does not last, or does not tell files apart. */
  attributesIn(stats: StatsLike): Attributes {
    return attributesOf(stats, this.#keepsNumber(stats) ? 'keep' : 'drop');
  }

  /** Whether stats show what is remembered. */
  shows(stats: StatsLike, remembered: Remembered): boolean {
    return sameButNumber(stats, remembered) && this.#sameFile(stats, remembered.ino);
  }

  /** Whether stats show everything that is remembered except the inode number, which is a reason to compare twins. */
  showsOther(stats: StatsLike, remembered: Remembered): boolean {
    return sameButNumber(stats, remembered) && !this.#sameFile(stats, remembered.ino);
  }

  /** Whether stats have this fingerprint. */
  prints(stats: StatsLike | undefined, fingerprint: Fingerprint): boolean {
    return stats !== undefined && printsButNumber(stats, fingerprint) && this.#sameFile(stats, fingerprint.ino);
  }

  #sameFile(stats: StatsLike, ino: number | bigint): boolean {
    return this.#lasting === false || sameNumber(stats, ino);
  }

  /** Members of a Union that have no device numbers (memfs) give different files the same inode numbers. */
  #keepsNumber(stats: StatsLike): boolean {
    return this.#lasting !== false && !(this.#union && (stats.dev === 0 || stats.dev === 0n));
  }
}

/**
 * The error to throw when a branch threw `thrown`: a BranchError or a NotLoadedError (L13) as it is, everything else as
 * a bare error. EBADF about an open file becomes EIO: it speaks of a descriptor of the branch, which the caller does
 * not know.
 */
export function failureIn(thrown: unknown, of?: 'what is open'): Errno | BranchError | NotLoadedError {
  if (of !== undefined && saysClosed(thrown)) return EIO;
  return thrown instanceof BranchError || thrown instanceof NotLoadedError ? thrown : errnoOf(thrown);
}

/**
 * Whether an error of opening or reading says that the path, or what is open, is no longer the regular file that it
 * was.
 */
export function saysReplaced(thrown: unknown): boolean {
  return REPLACED.has(codeOf(thrown)) || saysClosed(thrown);
}

/** Whether an error says that a file is not open which we have not closed: an overlay that is a branch was closed. */
export function saysClosed(thrown: unknown): boolean {
  return codeOf(thrown) === 'EBADF';
}

/**
 * How many bytes a read can give at most. The size of a file in /proc says nothing, so a read beyond the size is asked
 * in full.
 */
export function mostBytes({ size }: Fingerprint, offset: number, length: number): number {
  return size > offset ? Math.min(length, size - offset) : length;
}

/** A copy of a fingerprint: an inode is its own fingerprint and changes. */
export function printOf({ ino, size, mtimeSec, mtimeNsec }: Fingerprint): Fingerprint {
  return { ino, size, mtimeSec, mtimeNsec };
}

/** Whether two fingerprints are the same. */
export function printAlike(one: Fingerprint, other: Fingerprint): boolean {
  return (
    one.ino === other.ino &&
    one.size === other.size &&
    one.mtimeSec === other.mtimeSec &&
    one.mtimeNsec === other.mtimeNsec
  );
}

/** The list in the answer to `readdir`: strings, Buffers or Dirents. */
export function listIn(answer: unknown): readonly unknown[] {
  if (Array.isArray(answer)) return answer;
  throw new TypeError('readdir gave no array');
}

/** The entries in a list, without `.` and `..`. */
export function entriesIn(list: readonly unknown[]): Entry[] {
  const entries: Entry[] = [];
  for (const each of list) {
    const dirent = typeof each === 'object' && each !== null && 'name' in each ? each : undefined;
    const given = dirent === undefined ? each : dirent.name;
    const name = typeof given === 'string' ? given : isUint8Array(given) ? decodeName(given) : undefined;
    if (name === undefined) throw new TypeError('readdir gave something that is no name');
    if (name === '' || name === '.' || name === '..' || name.includes('/')) continue;
    entries.push({ name, type: dirent === undefined ? 0 : typeAnswered(dirent as TypeQuestions) });
  }
  return entries;
}

/** The target in the answer to `readlink`. */
export function targetIn(answer: unknown): string {
  if (typeof answer === 'string') return answer;
  if (isUint8Array(answer)) return decodeName(answer);
  throw new TypeError('readlink gave no path');
}

/** The bytes in the answer to `readFile`. */
export function bytesIn(answer: unknown): Uint8Array {
  if (isUint8Array(answer)) return answer;
  if (typeof answer === 'string') return Buffer.from(answer);
  throw new TypeError('readFile gave no bytes');
}

/** The number of bytes in the answer to `read` or `write`, which may be at most `most`. */
export function countIn(answer: unknown, most: number): number {
  const count = typeof answer === 'object' && answer !== null ? countField(answer) : answer;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= most) return count;
  throw new TypeError('no sensible count of bytes');
}

function countField(answer: object): unknown {
  return 'bytesRead' in answer ? answer.bytesRead : 'bytesWritten' in answer ? answer.bytesWritten : undefined;
}

/** The space in the answer to `statfs`; undefined where it tells nothing. */
export function spaceIn(answer: unknown): Space | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const number = (name: keyof Space): number => {
    const value: unknown = Reflect.get(answer, name);
    const converted = typeof value === 'bigint' ? Number(value) : value;
    return typeof converted === 'number' && Number.isFinite(converted) ? converted : 0;
  };
  const bsize = number('bsize');
  // node:vfs answers with nothing but zeros.
  if (bsize <= 0) return undefined;
  return {
    type: number('type'),
    bsize,
    blocks: number('blocks'),
    bfree: number('bfree'),
    bavail: number('bavail'),
    files: number('files'),
    ffree: number('ffree'),
  };
}

/** A copy of a range of bytes in memory of its own; shorter where the bytes end before the range does. */
export function ownCopy(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  const range = bytes.subarray(offset, offset + length);
  const copy = Buffer.allocUnsafeSlow(range.length);
  copy.set(range);
  return copy;
}
