/**
 * `ReadStream` and `WriteStream`: Node's own, over the functions of a front.
 *
 * The classes of a front are derived from Node's, so `instanceof` holds for both, and like Node's they can be called
 * without `new`. Node's classes take the functions that they use as `options.fs`, which are the front's present
 * functions (`stream-functions.ts`). With a FileHandle they use its methods (`handle-functions.ts`).
 */

import nodeFs from 'node:fs';
import { isHandle } from '../dry-run.ts';
import { FileHandle } from '../handles/file-handle.ts';
import { HOLD, RELEASE } from '../handles/users.ts';
import type { FileSystem, Parts, Session } from '../session.ts';
import { handleFunctions } from './handle-functions.ts';
import { streamFunctions } from './stream-functions.ts';

/** Node's classes as they were when overfs was loaded. They are functions that initialize `this`. */
const real = {
  ReadStream: nodeFs.ReadStream as unknown as StreamClass,
  WriteStream: nodeFs.WriteStream as unknown as StreamClass,
};

/** What is needed of a stream. */
interface Stream {
  close(): void;
}

/** Node's classes of streams, which are functions that can be called with or without `new`, or on a derived object. */
interface StreamClass {
  (this: unknown, path: unknown, options: unknown): unknown;
  new (path: unknown, options: unknown): Stream;
  readonly prototype: object;
}

/** What a stream is made with. */
interface Options {
  fs?: unknown;
  fd?: unknown;
  [name: string]: unknown;
}

/** The options that matter here; Node looks at the rest. */
interface Taken {
  readonly options: unknown;
  /** Whose file the stream uses. */
  readonly handle: FileHandle | undefined;
}

/** A copy of options, with what they inherit (as Node copies them). */
function copyOf(given: object): Options {
  const copy: Options = {};
  for (const name in given) copy[name] = (given as Options)[name];
  return copy;
}

function takeOptions(session: Session, fs: object, given: unknown): Taken {
  if (given === undefined || given === null || typeof given === 'function')
    return { options: { fs }, handle: undefined };
  if (typeof given === 'string') return { options: { encoding: given, fs }, handle: undefined };
  // Node says what is wrong with it.
  if (typeof given !== 'object') return { options: given, handle: undefined };
  const options = copyOf(given);
  const { fd } = options;
  if (fd instanceof FileHandle && session.handles.has(fd)) {
    if (options.fs) {
      const error = new Error('The FileHandle with fs method is not implemented');
      throw Object.assign(error, { code: 'ERR_METHOD_NOT_IMPLEMENTED' });
    }
    return { options: { ...options, fd: fd.fd, fs: handleFunctions(fd) }, handle: fd };
  }
  // A handle that is closed, or another filesystem's: its number is no descriptor here.
  if (isHandle(fd)) options.fd = fd.fd;
  options.fs ||= fs;
  return { options, handle: undefined };
}

/** Makes a stream of a handle's file. */
function makeOver(handle: FileHandle, stream: Stream, make: () => void): void {
  // Before the stream is made, since with a signal that is aborted already it ends, and releases the handle, meanwhile.
  handle[HOLD]();
  try {
    make();
  } catch (error) {
    handle[RELEASE]();
    throw error;
  }
  handle.on('close', () => stream.close());
}

/** A class of streams over the functions of a front. */
function defineStream(session: Session, fs: object, parent: StreamClass): StreamClass {
  const made = function (this: unknown, path: unknown, given: unknown): unknown {
    if (!(this instanceof made)) return new (made as unknown as StreamClass)(path, given);
    const { options, handle } = takeOptions(session, fs, given);
    if (handle === undefined) Reflect.apply(parent, this, [path, options]);
    else makeOver(handle, this as Stream, () => Reflect.apply(parent, this, [path, options]));
    return undefined;
  } as unknown as StreamClass;
  Object.setPrototypeOf(made, parent);
  const prototype = Object.create(parent.prototype, {
    constructor: { value: made, writable: true, configurable: true },
  });
  Object.defineProperty(made, 'prototype', { value: prototype });
  return made;
}

/** The part of the front that makes streams. */
export function streams(session: Session, fs: FileSystem): Parts {
  const functions = streamFunctions(fs);
  const ReadStream = defineStream(session, functions, real.ReadStream);
  const WriteStream = defineStream(session, functions, real.WriteStream);
  // The class that is there by then: others may be put there, as with Node's.
  const createWith =
    (name: 'ReadStream' | 'WriteStream') =>
    (path: unknown, options: unknown): unknown =>
      new (fs[name] as unknown as StreamClass)(path, options);
  return {
    fs: {
      ReadStream,
      WriteStream,
      FileReadStream: ReadStream,
      FileWriteStream: WriteStream,
      createReadStream: createWith('ReadStream'),
      createWriteStream: createWith('WriteStream'),
    },
  };
}
