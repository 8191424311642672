/**
 * `FileHandle`: an open file as an object, what `promises.open` gives.
 *
 * It counts the users of the file (calls under way, streams made of it), and `close` waits for them. A handle that is
 * collected while open is closed then, with a warning (`leaks.ts`). Node does not export its class, so these are not
 * instances of it; they have the same members.
 */

import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import type * as nodeFs from 'node:fs';
import readline from 'node:readline';
import type { ReadableStream } from 'node:stream/web';
import { nextTurn } from '../../node/turns.ts';
import type { OpenFile } from '../../ops/open.ts';
import type { Loose } from '../call.ts';
import type { PromiseFunction } from '../forms.ts';
import type { FileSystem, Session } from '../session.ts';
import { type HandleCall, handleCalls, runOnHandle } from './handle-calls.ts';
import { forgetLeak, watchForLeak } from './leaks.ts';
import { type Held, HOLD, RELEASE } from './users.ts';
import { makeWebStream, takeWebStreamOptions } from './web-stream.ts';

/** What all handles of a front share. */
export interface Owner {
  readonly session: Session;
  /** The front, whose present functions streams use. */
  readonly fs: FileSystem;
  /** `promises.readFile` and `promises.writeFile`, which take handles. */
  readonly readFile: PromiseFunction;
  readonly writeFile: PromiseFunction;
}

/** The number that a closed handle has. */
const CLOSED = -1;

function invalidState(what: string): Error {
  return Object.assign(new Error(`Invalid state: The FileHandle is ${what}`), { code: 'ERR_INVALID_STATE' });
}

function closedError(name: string): Error {
  return Object.assign(new Error('file closed'), { code: 'EBADF', syscall: name });
}

/** A promise of `close` that waits for the users of the file. */
interface Waiting {
  resolve(closed: Promise<void>): void;
}

/** See the file comment. */
export class FileHandle extends EventEmitter implements Held {
  readonly #owner: Owner;
  /** The descriptor; CLOSED from the moment when no call can begin any more. Changed by `#closeNow`. */
  #fd: number;
  /**
   * How many users the file has: the handle itself until `close`, calls under way, streams. Changed by HOLD, RELEASE
   * and `close`.
   */
  #uses = 1;
  /** What `close` returned, until it is settled. Changed by `close`. */
  #closing: Promise<void> | undefined;
  /** The `close` that waits for the last user. Set by `close`. */
  #waiting: Waiting | undefined;
  /** A web stream was made of it: there is only ever one. Set by `readableWebStream`. */
  #isLocked = false;
  /** Made by `getAsyncId`. */
  #resource: AsyncResource | undefined;

  /** @param path as it was given to `open` */
  constructor(owner: Owner, file: OpenFile, path: unknown) {
    super();
    const { session } = owner;
    this.#owner = owner;
    const fd = session.descriptors.add(file);
    this.#fd = fd;
    session.handles.add(this);
    watchForLeak(this, { session, fd, file, path });
    // Not given to anybody if the upper refuses what the opening has changed.
    session.caller.tree.undo?.onRestore(() => {
      forgetLeak(this);
      session.descriptors.remove(fd);
    });
  }

  getAsyncId(): number {
    this.#resource ??= new AsyncResource('FILEHANDLE');
    return this.#resource.asyncId();
  }

  get fd(): number {
    // The prototype, whose members some tools look at, has none.
    return #fd in this ? this.#fd : (undefined as never);
  }

  /** Keeps the file open while something is done with it. */
  async #use(name: string, act: () => Promise<unknown>): Promise<unknown> {
    if (this.#fd === CLOSED) throw closedError(name);
    this.#uses++;
    try {
      return await act();
    } finally {
      this[RELEASE]();
    }
  }

  #run(call: HandleCall, args: readonly unknown[], above: Loose): Promise<unknown> {
    if (this.#fd === CLOSED) return Promise.reject(closedError(call.name));
    this.#uses++;
    return runOnHandle(this.#owner.session, this.#fd, call, args, above, this);
  }

  appendFile(data: unknown, options: unknown): Promise<unknown> {
    // A handle always continues at its position, however it was opened (node lib/internal/fs/promises.js).
    return this.#use('writeFile', () => this.#owner.writeFile(this, data, options));
  }

  chmod(mode: unknown): Promise<unknown> {
    return this.#run(handleCalls.chmod, [mode], this.chmod);
  }

  chown(uid: unknown, gid: unknown): Promise<unknown> {
    return this.#run(handleCalls.chown, [uid, gid], this.chown);
  }

  datasync(): Promise<unknown> {
    return this.#run(handleCalls.datasync, [], this.datasync);
  }

  sync(): Promise<unknown> {
    return this.#run(handleCalls.sync, [], this.sync);
  }

  read(buffer: unknown, offset: unknown, length: unknown, position: unknown): Promise<unknown> {
    return this.#run(handleCalls.read, [buffer, offset, length, position], this.read);
  }

  readv(buffers: unknown, position: unknown): Promise<unknown> {
    return this.#run(handleCalls.readv, [buffers, position], this.readv);
  }

  readFile(options: unknown): Promise<unknown> {
    return this.#use('readFile', () => this.#owner.readFile(this, options));
  }

  readLines(options: unknown = undefined): readline.Interface {
    return readline.createInterface({ input: this.createReadStream(options), crlfDelay: Number.POSITIVE_INFINITY });
  }

  stat(options: unknown): Promise<unknown> {
    return this.#run(handleCalls.stat, [options], this.stat);
  }

  truncate(length: unknown = 0): Promise<unknown> {
    return this.#run(handleCalls.truncate, [length], this.truncate);
  }

  utimes(atime: unknown, mtime: unknown): Promise<unknown> {
    return this.#run(handleCalls.utimes, [atime, mtime], this.utimes);
  }

  write(buffer: unknown, offset: unknown, length: unknown, position: unknown): Promise<unknown> {
    return this.#run(handleCalls.write, [buffer, offset, length, position], this.write);
  }

  writev(buffers: unknown, position: unknown): Promise<unknown> {
    return this.#run(handleCalls.writev, [buffers, position], this.writev);
  }

  writeFile(data: unknown, options: unknown): Promise<unknown> {
    return this.#use('writeFile', () => this.#owner.writeFile(this, data, options));
  }

  /** Closes the descriptor; from now on the handle counts as closed. */
  async #closeNow(): Promise<void> {
    const fd = this.#fd;
    const { session } = this.#owner;
    this.#fd = CLOSED;
    session.handles.delete(this);
    forgetLeak(this);
    await runOnHandle(session, fd, handleCalls.close, [], this.close, undefined);
  }

  // A member of each handle, as in Node: it can be taken out and called alone.
  close = (): Promise<void> => {
    if (this.#fd === CLOSED) return Promise.resolve();
    if (this.#closing !== undefined) return this.#closing;
    this.#uses--;
    const closed =
      this.#uses === 0
        ? this.#closeNow()
        : new Promise<void>((resolve) => {
            this.#waiting = { resolve };
          });
    this.#closing = closed.finally(() => {
      this.#closing = undefined;
    });
    const closing = this.#closing;
    this.emit('close');
    return closing;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  readableWebStream(options: unknown = {}): ReadableStream {
    if (this.#fd === CLOSED) throw invalidState('closed');
    if (this.#closing !== undefined) throw invalidState('closing');
    if (this.#isLocked) throw invalidState('locked');
    this.#isLocked = true;
    const taken = takeWebStreamOptions(options);
    const source = {
      read: async (view: Uint8Array): Promise<number> => {
        const { bytesRead } = (await this.read(view, 0, view.byteLength, null)) as { readonly bytesRead: number };
        return bytesRead;
      },
      release: async (): Promise<void> => {
        this[RELEASE]();
        if (taken.handle === 'closed') await this.close();
      },
    };
    const { stream, end } = makeWebStream(source, taken);
    this[HOLD]();
    this.once('close', end);
    return stream;
  }

  createReadStream(options: unknown = undefined): nodeFs.ReadStream {
    return this.#makeStream(this.#owner.fs.ReadStream, options) as nodeFs.ReadStream;
  }

  createWriteStream(options: unknown = undefined): nodeFs.WriteStream {
    return this.#makeStream(this.#owner.fs.WriteStream, options) as nodeFs.WriteStream;
  }

  #makeStream(Stream: unknown, options: unknown): unknown {
    const Class = Stream as new (path: undefined, options: object) => object;
    return new Class(undefined, { ...(options as object), fd: this });
  }

  [HOLD](): void {
    this.#uses++;
  }

  [RELEASE](): void {
    this.#uses--;
    if (this.#uses > 0) return;
    const closed = this.#closeNow();
    // In a later turn, as from a disk: what the last user was is at its end by then, and has said so.
    if (this.#waiting !== undefined) this.#waiting.resolve(closed.finally(nextTurn));
  }
}
