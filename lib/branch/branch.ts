/**
 * What lies below: the branch, as the rest of overfs sees it.
 *
 * A branch is any fs-like thing in the stack. The tree does not know `node:fs`: it asks a branch a handful of questions
 * (`Requests`), each of which can be answered at once (`sync`) or later (`async`). Absence is an answer, not an error:
 * ENOENT and ENOTDIR come back as `undefined`. Everything else that goes wrong is thrown as a bare `Errno`.
 *
 *     tree ── io.lstat(branch, path) ──► branch.sync.lstat(path)          the sync API
 *                                   └──► await branch.async.lstat(path)   the callback and promise APIs
 *
 * Paths are absolute inside the branch, normal, with `/` between names; bytes of a name that are not UTF-8 are carried
 * as lone surrogates U+DC80..U+DCFF (`branch/bytes.ts`), so that a name survives the way up and down.
 */

import type { Timers } from '../waiting/timers.ts';
import type { Spelling } from './whiteout.ts';

/** What a branch knows about a file: `lstat`, with times to the nanosecond as (seconds, nanoseconds). */
export interface Attributes {
  /** The branch's own device number of the file; 0 where it has none. */
  readonly dev: number;
  /**
   * The branch's own inode number; a bigint only where a number would lose digits; 0 where the branch has no lasting
   * ones.
   */
  readonly ino: number | bigint;
  /** Type and permission bits, as `st_mode`. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Device number of a device file, else 0. */
  readonly rdev: number;
  /** In bytes. */
  readonly size: number;
  /** In units of 512 bytes. */
  readonly blocks: number;
  readonly atimeSec: number;
  readonly atimeNsec: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  readonly ctimeSec: number;
  readonly ctimeNsec: number;
  readonly birthtimeSec: number;
  readonly birthtimeNsec: number;
}

/** The attributes by which a change of a file below is noticed. */
export type Fingerprint = Pick<Attributes, 'ino' | 'size' | 'mtimeSec' | 'mtimeNsec'>;

/** The size in the fingerprint of a file that overfs itself is changing: only its inode number is compared. */
export const ANY_SIZE = -1;

/** The attributes that a look at a lower file compares with what is remembered. */
export type Remembered = Omit<Attributes, 'dev' | 'rdev' | 'blocks' | 'birthtimeSec' | 'birthtimeNsec'>;

/** What `revalidate` answers when nothing has changed. */
export const SAME: unique symbol = Symbol('same');

/** A name in a listing, with the type bits of its mode (`S_IFMT`), or 0 where the branch does not tell types. */
export interface Entry {
  readonly name: string;
  readonly type: number;
}

/** What `statfs` tells about the filesystem of a branch. */
export interface Space {
  readonly type: number;
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

/** The questions that a lower must answer. All of them leave the branch as it is. */
export interface Requests {
  /** The attributes of the file itself, links not followed; undefined where there is none. */
  lstat(path: string): Attributes | undefined;
  /**
   * Whether a file still is as remembered: SAME, its new attributes, or undefined where it is gone. The cheapest
   * question there is: at most one `lstat` with plain numbers.
   */
  revalidate(path: string, remembered: Remembered): typeof SAME | Attributes | undefined;
  /** The names in a directory, in any order; undefined where there is no such directory. */
  list(path: string): readonly Entry[] | undefined;
  /** Where a symbolic link points, as it is written; undefined where there is no such link. */
  readlink(path: string): string | undefined;
  /**
   * Up to `length` bytes from `offset` on, in a buffer of their own; fewer only at the end of the file (short reads of
   * the branch are continued). Undefined when the file is gone or no longer the one with this fingerprint, before or
   * after.
   */
  read(path: string, fingerprint: Fingerprint, offset: number, length: number): Uint8Array | undefined;
  /** The space of the filesystem that holds the path; undefined where the branch cannot tell. */
  statfs(path: string): Space | undefined;
  /**
   * Opens a special file (device, FIFO, socket) or one whose size lies (`/proc`) to be used straight through.
   * @returns the branch's own descriptor
   */
  openThrough(path: string, flags: number): number;
  /**
   * Reads from what `openThrough` gave, at `position`, or from where the descriptor stands if that is -1. Returns the
   * number of bytes.
   */
  readThrough(handle: number, target: Uint8Array, position: number): number;
  /**
   * Writes to what `openThrough` gave, at `position`, or where the descriptor stands if that is -1. Returns the number
   * of bytes.
   */
  writeThrough(handle: number, source: Uint8Array, position: number): number;
}

/**
 * The same questions, answered later. There is no `revalidate`: what is remembered may change before the branch
 * answers.
 */
export type AsyncRequests = {
  readonly [K in Exclude<keyof Requests, 'revalidate'>]: (
    ...question: Parameters<Requests[K]>
  ) => Promise<ReturnType<Requests[K]>>;
};

/**
 * Reading into the caller's own memory: like `read`, but the answer is the number of bytes. Until it is there, nothing
 * else may use `target`.
 */
export interface StraightReads {
  now(path: string, fingerprint: Fingerprint, offset: number, target: Uint8Array): number | undefined;
  later(path: string, fingerprint: Fingerprint, offset: number, target: Uint8Array): Promise<number | undefined>;
}

/** Pages of a file that an overlay lends. Only `pages/loan.ts` knows what is in it. */
export interface Loan {
  /** Bytes in each of them. */
  readonly pageSize: number;
}

/** A loan of no pages: the bytes must be read. */
export const NO_LOAN: Loan = Object.freeze({ pageSize: 0 });

/**
 * Reading from an overlay without a copy: like `read`, but instead of the bytes the overlay may lend the pages that
 * hold them. A loan may have become useless when it is taken; then the bytes are read. `later` gives the bytes
 * themselves where there is no loan.
 */
export interface Loans {
  /** Bytes in a page of the overlay. Only an overlay with pages of this size can borrow. */
  readonly pageSize: number;
  now(path: string, offset: number, length: number): Loan | undefined;
  later(path: string, fingerprint: Fingerprint, offset: number, length: number): Promise<Loan | Uint8Array | undefined>;
}

/** The `id` of the upper. */
export const UPPER = 0;

/** An fs-like thing in the stack. */
export interface Branch {
  /** Distinguishes the branches of one overlay: UPPER, or from 1 for the lowers, top first. */
  readonly id: number;
  /** What error messages call it. */
  readonly name: string;
  /** Nothing changes it while the overlay lives, so what was learnt once (absence too) stays true. */
  readonly immutable: boolean;
  /** Its names may be whiteouts and opaque marks in the OCI layer spelling (`branch/whiteout.ts`). */
  readonly layered: boolean;
  /**
   * How whiteouts are spelled in it where it is layered, and which of its names never show because they are marks of
   * some overlay.
   */
  readonly spelling: Spelling;
  /** How to ask it at once; undefined where it has only promise functions and their answers are not recorded. */
  readonly sync: Requests | undefined;
  /**
   * How to ask it without blocking; undefined where it has only synchronous functions, which are then asked directly.
   */
  readonly async: AsyncRequests | undefined;
  /**
   * How to read without keeping a copy; undefined where what was read should be kept. The kernel and other overlays
   * keep it themselves, so reading it again is cheap.
   */
  readonly straight?: StraightReads | undefined;
  /** How to borrow pages from it; undefined where it is no overlay. */
  readonly loans?: Loans | undefined;
  /**
   * Where on the disk a path of the branch is, so that the kernel can copy the file; undefined where the branch is not
   * on the disk.
   */
  readonly onDisk?: ((path: string) => string | undefined) | undefined;
  /**
   * The path in the given fs-like thing for a path of the branch; undefined for a made-up directory. Without this
   * function the two are the same.
   */
  readonly inside?: (path: string) => string | undefined;
  /** Closes what `openThrough` opened, whichever half of the branch opened it. Failures are ignored. */
  closeThrough(handle: number): void;
  /**
   * Loads the content of a file for good, so that it can be read at once; false where the file no longer has this
   * fingerprint. Undefined where the branch can be asked at once anyway.
   */
  readonly keep?: (path: string, fingerprint: Fingerprint) => Promise<boolean>;
  /**
   * Reports changes at a path, as `fs.watch` does; undefined where the branch cannot be watched.
   *
   * @param depth `tree`: also below subdirectories; names are then paths below the directory
   * @returns how to stop it; where watching fails, nothing is reported
   */
  readonly watch?:
    | ((
        path: string,
        depth: 'entries' | 'tree',
        listener: (event: 'rename' | 'change', name: string) => void,
      ) => () => void)
    | undefined;
  /** How to limit the wait for an answer. */
  readonly timers: Pick<Timers, 'after'>;
  /** Closes everything that the branch keeps open. */
  close(): void;
}
