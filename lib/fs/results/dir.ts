/**
 * `Dir`: an open directory, read name by name.
 *
 * The names are those at the time of opening (L10); a recursive `Dir` reads each directory below when it comes to it.
 * Instances are instances of Node's `Dir` by their prototype, but they use none of its methods, which would read the
 * real disk.
 */

import nodeFs from 'node:fs';
import { Errno } from '../../errno.ts';
import { type Io, runAsync, syncIo } from '../../fault.ts';
import type { Listing } from '../../tree/inode.ts';
import type { Callback } from '../call.ts';
import { systemError } from '../errors.ts';
import { deliver } from '../forms.ts';
import { type Encoding, showName } from '../options.ts';
import { READ_OF_CLOSED_DIR_REJECTS } from '../quirks.ts';
import { makeDirent, type Parent, showParent } from './dirent.ts';

const { S_IFDIR } = nodeFs.constants;

/** Node's constructor, which it does not document. */
const NodeDir = nodeFs.Dir as unknown as new (handle: object, path: string, options?: unknown) => nodeFs.Dir;

/** A handle that does nothing, for a `Dir` of Node's. */
const NO_HANDLE = { read: () => null, close: () => undefined };

/**
 * Throws what Node throws for these options of `opendir`. Node checks them once the directory is open, so a dry run
 * does not show it.
 */
export function checkDirOptions(options: unknown): void {
  new NodeDir(NO_HANDLE, '', options);
}

function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function closedError(): Error {
  return codedError('ERR_DIR_CLOSED', 'Directory handle was closed');
}

function concurrentError(): Error {
  return codedError(
    'ERR_DIR_CONCURRENT_OPERATION',
    'Cannot do synchronous work on directory handle with concurrent asynchronous operations',
  );
}

/** Where the names of a `Dir` come from. */
export interface DirSource {
  readonly parent: Parent;
  readonly encoding: Encoding;
  readonly depth: 'one' | 'all';
  /** The names in a directory below the opened one, by its relative path. */
  list(io: Io, relative: string): Listing | Errno;
}

/** See the file comment. The type is Node's; the prototype chain is joined below. */
export class Dir {
  readonly #source: DirSource;
  /** The directory being read, its relative path, and how many of its names were returned. Changed by `#take`. */
  #listing: Listing;
  #relative = '';
  #given = 0;
  /** Directories seen and not yet read, by relative path. Changed by `#take`. */
  readonly #waiting: string[] = [];
  /** Set by `#closeNow` and `closeSync`. */
  #isClosed = false;
  /**
   * How many asynchronous operations are under way, and the end of the last one, since they take turns. Changed by
   * `#takeTurn`.
   */
  #pending = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: DirSource, listing: Listing) {
    this.#source = source;
    this.#listing = listing;
  }

  get path(): string {
    return showParent(this.#source.parent, '') as string;
  }

  /** The next name, or null. May stop before a name is taken. */
  #take(io: Io): nodeFs.Dirent | null {
    const { parent, encoding, depth } = this.#source;
    while (this.#given >= this.#listing.names.length) {
      const relative = this.#waiting[0];
      if (relative === undefined) return null;
      const listing = this.#source.list(io, relative);
      if (listing instanceof Errno) throw listing;
      this.#waiting.shift();
      this.#listing = listing;
      this.#relative = relative;
      this.#given = 0;
    }
    const name = this.#listing.names[this.#given] ?? '';
    const type = this.#listing.types[this.#given] ?? 0;
    this.#given++;
    if (depth === 'all' && type === S_IFDIR) {
      this.#waiting.push(this.#relative === '' ? name : `${this.#relative}/${name}`);
    }
    return makeDirent(showName(name, encoding), type, showParent(parent, this.#relative));
  }

  /** The error for what `#take` threw: a bare error means that the next directory could not be opened. */
  #worded(thrown: unknown): unknown {
    if (!(thrown instanceof Errno)) return thrown;
    const shown = showParent({ path: this.#source.parent.path, bytes: undefined }, this.#waiting[0] ?? '');
    return systemError(thrown, 'opendir', String(shown), undefined, this.read);
  }

  /** Runs something after all earlier operations. */
  #takeTurn<T>(act: () => Promise<T>): Promise<T> {
    this.#pending++;
    const turn = this.#last.then(act).finally(() => {
      this.#pending--;
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #next(): Promise<nodeFs.Dirent | null> {
    return this.#takeTurn(async () => {
      if (this.#isClosed) throw closedError();
      try {
        return await runAsync((io) => this.#take(io));
      } catch (thrown) {
        throw this.#worded(thrown);
      }
    });
  }

  read(callback?: unknown): Promise<nodeFs.Dirent | null> | undefined {
    if (this.#isClosed) {
      if (callback === undefined && READ_OF_CLOSED_DIR_REJECTS) return Promise.reject(closedError());
      throw closedError();
    }
    if (callback === undefined) return this.#next();
    if (typeof callback !== 'function') new NodeDir(NO_HANDLE, '').read(callback as never);
    // Null is an answer here.
    deliver(this.#next(), callback as Callback);
    return undefined;
  }

  readSync(): nodeFs.Dirent | null {
    if (this.#isClosed) throw closedError();
    if (this.#pending > 0) throw concurrentError();
    try {
      return this.#take(syncIo);
    } catch (thrown) {
      throw this.#worded(thrown);
    }
  }

  async #closeNow(): Promise<void> {
    if (this.#isClosed) throw closedError();
    this.#isClosed = true;
  }

  /** Closes after earlier operations, or at once where there are none, as in Node. */
  #close(): Promise<void> {
    return this.#pending === 0 ? this.#closeNow() : this.#takeTurn(() => this.#closeNow());
  }

  close(callback?: unknown): Promise<void> | undefined {
    if (callback === undefined) return this.#isClosed ? Promise.reject(closedError()) : this.#close();
    if (typeof callback !== 'function') new NodeDir(NO_HANDLE, '').close(callback as never);
    deliver(this.#close(), callback as Callback);
    return undefined;
  }

  closeSync(): void {
    if (this.#isClosed) throw closedError();
    if (this.#pending > 0) throw concurrentError();
    this.#isClosed = true;
  }

  async *entries(): AsyncGenerator<nodeFs.Dirent, void> {
    try {
      for (let next = await this.#next(); next !== null; next = await this.#next()) yield next;
    } finally {
      await this.#close();
    }
  }

  [Symbol.dispose](): void {
    if (!this.#isClosed) this.closeSync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) await this.#close();
  }
}

Object.defineProperty(Dir.prototype, Symbol.asyncIterator, {
  value: Dir.prototype.entries,
  writable: true,
  configurable: true,
});
Object.setPrototypeOf(Dir.prototype, nodeFs.Dir.prototype);
