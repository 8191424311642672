/**
 * A branch asked without waiting: `AsyncRequests` over the callback or promise functions of an fs-like thing.
 *
 * The questions are those of `sync-requests.ts`, step by step, but many may be under way at once. So reads of the same
 * file share an `open` that is under way, and the reading of a whole file (`files/whole-files.ts`).
 */

import { codeOf, EBADF } from '../errno.ts';
import { Question } from '../waiting/questions.ts';
import type { Timers } from '../waiting/timers.ts';
import { type StatsLike, statsIn } from './attributes.ts';
import type { AsyncRequests, Attributes, Entry, Fingerprint, Loan, Space } from './branch.ts';
import {
  AS_IT_COMES,
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
import { SmallFiles } from './files/small-files.ts';
import { WholeFiles } from './files/whole-files.ts';
import type { AsyncFunctions, Handle } from './fs-like.ts';
import type { Lender } from './nesting.ts';

/** Asks a branch without waiting. */
export class AsyncBranchRequests implements AsyncRequests {
  readonly #fs: AsyncFunctions;
  readonly #dialect: Dialect;
  readonly #changes: Changes;
  readonly #timers: Pick<Timers, 'after'>;
  /** Closes what was only read. */
  readonly #closeQuietly: (handle: Handle) => void;
  /** The open files; undefined where the branch is read whole file by whole file. */
  readonly #files: OpenFiles | undefined;
  readonly #small: SmallFiles;
  readonly #whole: WholeFiles;
  /** Files being opened, by path. Changed by `#openFile`. */
  readonly #opening = new Map<string, Question<OpenFile>>();
  /** What `openThrough` opened, by the number that it gave. Changed by it and by `closeThrough` and `close` only. */
  readonly #through = new Map<number, Handle>();
  /** The number for the next handle that is not itself a number. Counted down by `openThrough`. */
  #nextNumber = -2;

  constructor(
    fs: AsyncFunctions,
    dialect: Dialect,
    reads: 'by handle' | 'whole',
    changes: Changes,
    timers: Pick<Timers, 'after'>,
  ) {
    this.#timers = timers;
    this.#fs = fs;
    this.#dialect = dialect;
    this.#closeQuietly = quietCloser(fs.close, dialect.closer, timers);
    this.#changes = changes;
    this.#small = new SmallFiles(fs, dialect, changes, this.#closeQuietly);
    this.#whole = new WholeFiles(fs, dialect, timers, (path) => this.#stats(path, dialect.plain));
    this.#files = reads === 'by handle' ? new OpenFiles(this.#closeQuietly) : undefined;
  }

  async lstat(path: string): Promise<Attributes | undefined> {
    const dialect = this.#dialect;
    try {
      const stats = statsIn(await this.#fs.lstat(dialect.pathFor(path), dialect.exact));
      if (stats === undefined) return undefined;
      if (dialect.undecided) dialect.compareTwins(stats, await this.#stats(path, dialect.plain));
      return dialect.attributesIn(stats);
    } catch (thrown) {
      if (dialect.saysAbsent(thrown, path)) return undefined;
      throw failureIn(thrown);
    }
  }

  async list(path: string): Promise<readonly Entry[] | undefined> {
    const at = this.#dialect.pathFor(path);
    try {
      const list = listIn(await this.#fs.readdir(at, WITH_TYPES));
      if (!this.#dialect.mayHaveLostBytes(list)) return entriesIn(list);
      return entriesIn(listIn(await this.#fs.readdir(at, WITH_TYPES_IN_BYTES)));
    } catch (thrown) {
      if (this.#dialect.saysAbsent(thrown, path)) return undefined;
      throw failureIn(thrown);
    }
  }

  async readlink(path: string): Promise<string | undefined> {
    try {
      return targetIn(await this.#fs.readlink(this.#dialect.pathFor(path), this.#dialect.target));
    } catch (thrown) {
      // EINVAL: it is not a link.
      if (codeOf(thrown) === 'EINVAL' || this.#dialect.saysAbsent(thrown, path)) return undefined;
      throw failureIn(thrown);
    }
  }

  async read(path: string, fingerprint: Fingerprint, offset: number, length: number): Promise<Uint8Array | undefined> {
    const files = this.#files;
    try {
      if (files === undefined) return await this.#whole.read(path, fingerprint, offset, length);
      if (this.#small.isWhole(fingerprint, offset, length)) return await this.#small.read(path, fingerprint);
      const target = Buffer.allocUnsafeSlow(mostBytes(fingerprint, offset, length));
      const got = await this.#readInto(files, path, fingerprint, offset, target);
      if (got === undefined) return undefined;
      return got === target.length ? target : ownCopy(target, 0, got);
    } catch (thrown) {
      if (saysReplaced(thrown)) return undefined;
      throw failureIn(thrown);
    }
  }

  /** `StraightReads.later`. Requires: files are read by handle. */
  async readStraight(
    path: string,
    fingerprint: Fingerprint,
    offset: number,
    target: Uint8Array,
  ): Promise<number | undefined> {
    const files = this.#files;
    if (files === undefined) return undefined;
    try {
      return await this.#readInto(files, path, fingerprint, offset, target);
    } catch (thrown) {
      if (saysReplaced(thrown)) return undefined;
      throw failureIn(thrown);
    }
  }

  /**
   * `Loans.later`. Whether a loan is of the right file is checked when it is taken. Requires: files are read by handle.
   */
  async borrow(
    lender: Lender,
    path: string,
    fingerprint: Fingerprint,
    offset: number,
    length: number,
  ): Promise<Loan | Uint8Array | undefined> {
    const files = this.#files;
    if (files === undefined) return this.read(path, fingerprint, offset, length);
    let file: OpenFile | undefined;
    try {
      file = files.take(path) ?? (this.#opening.has(path) ? await this.#openedByOther(files, path) : undefined);
      file ??= await this.#openFile(files, path);
      const loan = await lender.later(file.handle, offset, length);
      files.release(file);
      if (loan !== undefined) return loan;
    } catch (thrown) {
      if (file !== undefined) files.fail(file, thrown);
      if (!saysReplaced(thrown)) throw failureIn(thrown);
    }
    return this.read(path, fingerprint, offset, length);
  }

  async statfs(path: string): Promise<Space | undefined> {
    try {
      return spaceIn(await this.#fs.statfs(this.#dialect.pathFor(path), AS_IT_COMES));
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOSYS' || this.#dialect.saysAbsent(thrown, path)) return undefined;
      throw failureIn(thrown);
    }
  }

  async openThrough(path: string, flags: number): Promise<number> {
    try {
      const handle = await this.#fs.open(this.#dialect.pathFor(path), flags, NEW_FILE_MODE);
      const number = typeof handle === 'number' ? handle : this.#nextNumber--;
      this.#through.set(number, handle);
      return number;
    } catch (thrown) {
      throw failureIn(thrown);
    }
  }

  async readThrough(handle: number, target: Uint8Array, position: number): Promise<number> {
    const { length } = target;
    try {
      return countIn(await this.#fs.read(this.#opened(handle), target, 0, length, positionFor(position)), length);
    } catch (thrown) {
      throw failureIn(thrown, 'what is open');
    }
  }

  async writeThrough(handle: number, source: Uint8Array, position: number): Promise<number> {
    const { length } = source;
    try {
      return countIn(await this.#fs.write(this.#opened(handle), source, 0, length, positionFor(position)), length);
    } catch (thrown) {
      throw failureIn(thrown, 'what is open');
    }
  }

  /** Whether `openThrough` gave this number and it has not been closed since. */
  hasOpened(handle: number): boolean {
    return this.#through.has(handle);
  }

  /** Closes what `openThrough` opened, and ignores failures. */
  closeThrough(handle: number): void {
    const opened = this.#opened(handle);
    this.#through.delete(handle);
    this.#closeQuietly(opened);
  }

  /** Closes what is open, now or as soon as it is no longer in use. */
  close(): void {
    this.#whole.close();
    this.#files?.closeAll();
    for (const handle of this.#through.values()) this.#closeQuietly(handle);
    this.#through.clear();
  }

  /** What a number stands for; a descriptor may have been opened at once, by the other half of the branch. */
  #opened(handle: number): Handle {
    const opened = this.#through.get(handle);
    if (opened === undefined && handle < 0) throw EBADF;
    return opened ?? handle;
  }

  async #stats(path: string, options: object): Promise<StatsLike | undefined> {
    try {
      return statsIn(await this.#fs.lstat(this.#dialect.pathFor(path), options));
    } catch (thrown) {
      if (this.#dialect.saysAbsent(thrown, path)) return undefined;
      throw thrown;
    }
  }

  /** The file that another read is opening, once it is open; undefined where opening failed or takes too long. */
  async #openedByOther(files: OpenFiles, path: string): Promise<OpenFile | undefined> {
    await this.#opening.get(path)?.settledForOthers(this.#timers);
    return files.take(path);
  }

  async #openFile(files: OpenFiles, path: string): Promise<OpenFile> {
    const opening = new Question(() => this.#openNow(files, path));
    this.#opening.set(path, opening);
    await opening.settled;
    if (this.#opening.get(path) === opening) this.#opening.delete(path);
    return opening.result();
  }

  async #openNow(files: OpenFiles, path: string): Promise<OpenFile> {
    return files.add(path, await this.#fs.open(this.#dialect.pathFor(path), this.#dialect.readFlags, NEW_FILE_MODE));
  }

  /**
   * Reads a range of a file, from what is open for the path if that is still the right file; returns the number of
   * bytes.
   */
  async #readInto(
    files: OpenFiles,
    path: string,
    fingerprint: Fingerprint,
    offset: number,
    target: Uint8Array,
  ): Promise<number | undefined> {
    const kept = files.take(path) ?? (this.#opening.has(path) ? await this.#openedByOther(files, path) : undefined);
    const got = kept && (await this.#readFrom(files, kept, fingerprint, offset, target));
    if (got !== undefined) return got;
    const opened = await this.#openFile(files, path);
    const found = await this.#readFrom(files, opened, fingerprint, offset, target);
    return opened.lost ? this.#readFrom(files, await this.#openFile(files, path), fingerprint, offset, target) : found;
  }

  /** Reads a range of an open file; undefined where it turns out to be the wrong file. Ends the use of `file`. */
  async #readFrom(
    files: OpenFiles,
    file: OpenFile,
    fingerprint: Fingerprint,
    offset: number,
    target: Uint8Array,
  ): Promise<number | undefined> {
    try {
      const got = await this.#fill(file.handle, offset, target);
      // One look afterwards is enough: a change before or during the read would show now.
      if (!this.#isKnown(file, fingerprint) && !(await this.#isStill(file, fingerprint))) {
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
  async #fill(handle: Handle, offset: number, target: Uint8Array): Promise<number> {
    const { length } = target;
    let got = 0;
    while (got < length) {
      const count = countIn(await this.#fs.read(handle, target, got, length - got, offset + got), length - got);
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

  async #isStill(file: OpenFile, fingerprint: Fingerprint): Promise<boolean> {
    const stats = statsIn(await this.#fs.fstat(file.handle)) ?? (await this.#stats(file.path, this.#dialect.plain));
    return this.#dialect.prints(stats, fingerprint);
  }
}
