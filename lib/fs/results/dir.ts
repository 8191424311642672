/**
 * `Dir`: an open directory, read name by name.
 *
 * The names are those that were there when it was opened (L10); a recursive one looks at each directory below when it comes
 * to it. Instances are instances of Node's `Dir` by their prototype, but nothing of that class is used: it asks the real disk
 * for what lies below.
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

/** What a `Dir` of Node's needs of a directory, which does nothing. */
const NO_HANDLE = { read: () => null, close: () => undefined };

/** Throws what Node throws at these options of `opendir`. It looks at them when the directory is open already, so no dry run sees it. */
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
  /** The directory being read, its relative path, and how many of its names were given out. Changed by `#take`. */
  #listing: Listing;
  #relative = '';
  #given = 0;
  /** Directories seen and not yet read, by relative path. Changed by `#take`. */
  readonly #waiting: string[] = [];
  /** Set by `#closeNow` and `closeSync`. */
  #isClosed = false;
  /** Asynchronous operations not yet settled, and the end of the last: they take turns. Changed by `#takeTurn`. */
  #pending = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: DirSource, listing: Listing) {
    this.#source = source;
    this.#listing = listing;
  }

  get path(): string {
    return showParent(this.#source.parent, '') as string;
  }

  /** The next name, or null. May stop; then nothing was given out. */
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

  /** Words what `#take` threw: of a bare error, that the directory which comes next could not be opened. */
  #worded(thrown: unknown): unknown {
    if (!(thrown instanceof Errno)) return thrown;
    const shown = showParent({ path: this.#source.parent.path, bytes: undefined }, this.#waiting[0] ?? '');
    return systemError(thrown, 'opendir', String(shown), undefined, this.read);
  }

  /** Does something when everything asked before is done. */
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
    // Null is a value here, not the lack of one.
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

  /** Closes behind what was asked before; at once where that is nothing, as in Node. */
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
