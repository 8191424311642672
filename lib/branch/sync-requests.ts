/**
 * A branch asked at once: `Requests` over the synchronous functions of an fs-like thing.
 */

import { codeOf } from '../errno.ts';
import type { Timers } from '../waiting/timers.ts';
import { mayHideChange, type StatsLike, statsIn } from './attributes.ts';
import type { Attributes, Entry, Fingerprint, Loan, Remembered, Requests, Space } from './branch.ts';
import { NO_LOAN, SAME } from './branch.ts';
import {
  AS_IT_COMES,
  bytesIn,
  countIn,
  type Dialect,
  entriesIn,
  failureIn,
  listIn,
  mostBytes,
  NEW_FILE_MODE,
  ownCopy,
  positionFor,
  printAlike,
  printOf,
  saysReplaced,
  spaceIn,
  targetIn,
  WITH_TYPES,
  WITH_TYPES_IN_BYTES,
} from './dialect.ts';
import { type Changes, type OpenFile, OpenFiles } from './files/open-files.ts';
import { quietCloser } from './files/quiet-closer.ts';
import type { Handle, SyncFunctions } from './fs-like.ts';
import type { Lender } from './nesting.ts';

/** The file that was last read whole, and what it held. */
interface WholeFile {
  readonly path: string;
  readonly fingerprint: Fingerprint;
  readonly bytes: Uint8Array;
}

/** Asks a branch at once. */
export class SyncBranchRequests implements Requests {
  readonly #fs: SyncFunctions;
  readonly #dialect: Dialect;
  readonly #changes: Changes;
  /** Closes what was only read. */
  readonly #closeQuietly: (handle: Handle) => void;
  /** The open files; undefined where the branch is read whole file by whole file. */
  readonly #files: OpenFiles | undefined;
  /** What `openThrough` opened and `closeThrough` has not closed. Changed by these two and `close`. */
  readonly #through = new Set<number>();
  /** Kept for the next range of the same file, where files are read whole. Changed by `#readWhole` and `close`. */
  #whole: WholeFile | undefined;

  constructor(
    fs: SyncFunctions,
    dialect: Dialect,
    reads: 'by handle' | 'whole',
    changes: Changes,
    timers: Pick<Timers, 'after'>,
  ) {
    this.#fs = fs;
    this.#dialect = dialect;
    this.#closeQuietly = quietCloser(fs.close, dialect.closer, timers);
    this.#changes = changes;
    this.#files = reads === 'by handle' ? new OpenFiles(this.#closeQuietly) : undefined;
  }

  lstat(path: string): Attributes | undefined {
    try {
      const stats = this.#stats(path, this.#dialect.exact);
      if (stats === undefined) return undefined;
      if (this.#dialect.undecided) this.#dialect.compareTwins(stats, this.#stats(path, this.#dialect.plain));
      return this.#dialect.attributesIn(stats);
    } catch (thrown) {
      throw failureIn(thrown);
    }
  }

  revalidate(path: string, remembered: Remembered): typeof SAME | Attributes | undefined {
    try {
      const stats = this.#stats(path, this.#dialect.plain);
      if (stats === undefined) return undefined;
      return this.#dialect.shows(stats, remembered) ? SAME : this.#lookAgain(path, remembered);
    } catch (thrown) {
      throw failureIn(thrown);
    }
  }

  list(path: string): readonly Entry[] | undefined {
    const at = this.#dialect.pathFor(path);
    try {
      const list = listIn(this.#fs.readdir(at, WITH_TYPES));
      if (!this.#dialect.mayHaveLostBytes(list)) return entriesIn(list);
      return entriesIn(listIn(this.#fs.readdir(at, WITH_TYPES_IN_BYTES)));
    } catch (thrown) {
      if (this.#dialect.saysAbsent(thrown, path)) return undefined;
      throw failureIn(thrown);
    }
  }

  readlink(path: string): string | undefined {
    try {
      return targetIn(this.#fs.readlink(this.#dialect.pathFor(path), this.#dialect.target));
    } catch (thrown) {
      // EINVAL: it is not a link.
      if (codeOf(thrown) === 'EINVAL' || this.#dialect.saysAbsent(thrown, path)) return undefined;
      throw failureIn(thrown);
    }
  }

  read(path: string, fingerprint: Fingerprint, offset: number, length: number): Uint8Array | undefined {
    const files = this.#files;
    try {
      if (files === undefined) return this.#readWhole(path, fingerprint, offset, length);
      const target = Buffer.allocUnsafeSlow(mostBytes(fingerprint, offset, length));
      const got = this.#readInto(files, path, fingerprint, offset, target);
      if (got === undefined) return undefined;
      return got === target.length ? target : ownCopy(target, 0, got);
    } catch (thrown) {
      if (saysReplaced(thrown)) return undefined;
      throw failureIn(thrown);
    }
  }

  /** `StraightReads.now`. Requires: files are read by handle. */
  readStraight(path: string, fingerprint: Fingerprint, offset: number, target: Uint8Array): number | undefined {
    const files = this.#files;
    if (files === undefined) return undefined;
    try {
      return this.#readInto(files, path, fingerprint, offset, target);
    } catch (thrown) {
      if (saysReplaced(thrown)) return undefined;
      throw failureIn(thrown);
    }
  }

  /**
   * `Loans.now`. Whether a loan is of the right file is checked when it is taken. Requires: files are read by handle.
   */
  borrow(lender: Lender, path: string, offset: number, length: number): Loan | undefined {
    const files = this.#files;
    if (files === undefined) return NO_LOAN;
    let file: OpenFile | undefined;
    try {
      file = files.take(path) ?? this.#openFile(files, path);
      const loan = lender.now(file.handle, offset, length);
      files.release(file);
      return loan ?? NO_LOAN;
    } catch (thrown) {
      if (file !== undefined) files.fail(file, thrown);
      if (!saysReplaced(thrown)) throw failureIn(thrown);
      return NO_LOAN;
    }
  }

  statfs(path: string): Space | undefined {
    try {
      return spaceIn(this.#fs.statfs(this.#dialect.pathFor(path), AS_IT_COMES));
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOSYS' || this.#dialect.saysAbsent(thrown, path)) return undefined;
      throw failureIn(thrown);
    }
  }

  openThrough(path: string, flags: number): number {
    try {
      const handle = this.#fs.open(this.#dialect.pathFor(path), flags, NEW_FILE_MODE);
      if (typeof handle !== 'number') throw new TypeError('open gave no descriptor');
      this.#through.add(handle);
      return handle;
    } catch (thrown) {
      throw failureIn(thrown);
    }
  }

  readThrough(handle: number, target: Uint8Array, position: number): number {
    try {
      const read = this.#fs.read(handle, target, 0, target.length, positionFor(position));
      return countIn(read, target.length);
    } catch (thrown) {
      throw failureIn(thrown, 'what is open');
    }
  }

  writeThrough(handle: number, source: Uint8Array, position: number): number {
    try {
      const written = this.#fs.write(handle, source, 0, source.length, positionFor(position));
      return countIn(written, source.length);
    } catch (thrown) {
      throw failureIn(thrown, 'what is open');
    }
  }

  /** Closes what `openThrough` opened, and ignores failures. */
  closeThrough(handle: number): void {
    this.#through.delete(handle);
    this.#closeQuietly(handle);
  }

  /** Closes what is open. */
  close(): void {
    this.#whole = undefined;
    this.#files?.closeAll();
    for (const handle of this.#through) this.#closeQuietly(handle);
    this.#through.clear();
  }

  #stats(path: string, options: object): StatsLike | undefined {
    try {
      return statsIn(this.#fs.lstat(this.#dialect.pathFor(path), options));
    } catch (thrown) {
      if (this.#dialect.saysAbsent(thrown, path)) return undefined;
      throw thrown;
    }
  }

  /** Whether a file that seems to have changed really has; asks for nanoseconds. */
  #lookAgain(path: string, remembered: Remembered): typeof SAME | Attributes | undefined {
    const dialect = this.#dialect;
    const stats = this.#stats(path, dialect.exact);
    if (stats === undefined) return undefined;
    if (dialect.showsOther(stats, remembered)) dialect.compareTwins(stats, this.#stats(path, dialect.plain));
    return dialect.shows(stats, remembered) ? SAME : dialect.attributesIn(stats);
  }

  /**
   * Reads a range of a file, from what is open for the path if that is still the right file; returns the number of
   * bytes.
   */
  #readInto(
    files: OpenFiles,
    path: string,
    fingerprint: Fingerprint,
    offset: number,
    target: Uint8Array,
  ): number | undefined {
    const kept = files.take(path);
    const got = kept && this.#readFrom(files, kept, fingerprint, offset, target);
    if (got !== undefined) return got;
    const opened = this.#openFile(files, path);
    const found = this.#readFrom(files, opened, fingerprint, offset, target);
    return opened.lost ? this.#readFrom(files, this.#openFile(files, path), fingerprint, offset, target) : found;
  }

  #openFile(files: OpenFiles, path: string): OpenFile {
    return files.add(path, this.#fs.open(this.#dialect.pathFor(path), this.#dialect.readFlags, NEW_FILE_MODE));
  }

  /** Reads a range of an open file; undefined where it turns out to be the wrong file. Ends the use of `file`. */
  #readFrom(
    files: OpenFiles,
    file: OpenFile,
    fingerprint: Fingerprint,
    offset: number,
    target: Uint8Array,
  ): number | undefined {
    try {
      const got = this.#fill(file.handle, offset, target);
      // One look afterwards is enough: a change before or during the read would show now.
      if (!this.#isKnown(file, fingerprint) && !this.#isStill(file, fingerprint)) {
        files.drop(file);
        return undefined;
      }
      file.checked = printOf(fingerprint);
      files.release(file);
      return got;
    } catch (thrown) {
      files.fail(file, thrown);
      // The open file may have been replaced below the branch. The caller opens it once more, as after a look that
      // shows another file.
      if (saysReplaced(thrown)) return undefined;
      throw thrown;
    }
  }

  /**
   * Reads until the target is full or the branch has no more (short reads are continued); returns the number of bytes.
   */
  #fill(handle: Handle, offset: number, target: Uint8Array): number {
    const { length } = target;
    let got = 0;
    while (got < length) {
      const count = countIn(this.#fs.read(handle, target, got, length - got, offset + got), length - got);
      if (count === 0) break;
      got += count;
    }
    return got;
  }

  /**
   * Whether there is no need to look: nothing changes the file, or only overfs does and it was the right file before.
   */
  #isKnown(file: OpenFile, fingerprint: Fingerprint): boolean {
    if (this.#changes !== 'by us') return this.#changes === 'never';
    return file.checked !== undefined && printAlike(file.checked, fingerprint);
  }

  #isStill(file: OpenFile, fingerprint: Fingerprint): boolean {
    const stats = statsIn(this.#fs.fstat(file.handle)) ?? this.#stats(file.path, this.#dialect.plain);
    return this.#dialect.prints(stats, fingerprint);
  }

  #readWhole(path: string, fingerprint: Fingerprint, offset: number, length: number): Uint8Array | undefined {
    const known = this.#whole;
    if (known?.path === path && printAlike(known.fingerprint, fingerprint)) return ownCopy(known.bytes, offset, length);
    const asked = Date.now();
    const bytes = bytesIn(this.#fs.readFile(this.#dialect.pathFor(path), AS_IT_COMES));
    if (!this.#dialect.prints(this.#stats(path, this.#dialect.plain), fingerprint)) return undefined;
    const more = (offset > 0 || length < bytes.length) && !mayHideChange(fingerprint, asked);
    this.#whole = more ? { path, fingerprint, bytes } : undefined;
    return ownCopy(bytes, offset, length);
  }
}
