/**
 * `readFile`: a whole file as bytes or text.
 */

import { constants } from 'node:fs';
import { inspect } from 'node:util';
import { isArrayBufferView } from 'node:util/types';
import { EBADF, EISDIR, type Errno, isErrno } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import { readRest } from '../../ops/data/read.ts';
import { checkSize, Opened, readFile, readText } from '../../ops/data/whole.ts';
import type { OpenFile } from '../../ops/open.ts';
import type { Caller } from '../../tree/caller.ts';
import { bytesOf, doubt } from '../arguments.ts';
import { AS_GIVEN, type Blame, type Call, type Row, Sequel } from '../call.ts';
import { dryRun } from '../dry-run.ts';
import { type Encoding, encodingIn, type Options, takeFlags, takeOptions } from '../options.ts';
import { hasBufferOption, LATER_READING, type Reading } from '../quirks.ts';
import type { Sequence } from '../sequences/steps.ts';
import type { Session } from '../session.ts';
import { readBytes, thenClose } from './pieces.ts';
import { kindOf, type Standing, type Target, takeTarget } from './targets.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT } = constants;
const ACCESS = O_RDONLY | O_WRONLY | O_RDWR;

interface ReadFileRequest {
  readonly target: Target;
  readonly flags: number;
  readonly encoding: Encoding;
  /** The caller's own buffer, or a function that gives one. */
  readonly buffer: unknown;
  readonly signal: AbortSignal | undefined;
}

function isUtf8(encoding: Encoding): boolean {
  return encoding === 'utf8' || encoding === 'utf-8';
}

/** The option `buffer`, where the running Node has it. */
function takeBuffer({ buffer }: Options): unknown {
  if (buffer === undefined || !hasBufferOption()) return undefined;
  if (typeof buffer !== 'function' && !isArrayBufferView(buffer)) doubt();
  return buffer;
}

/**
 * Throws what Node throws for a wrong buffer: the error of `readSync`, with the name of the option where a function has
 * returned it.
 */
function refuseGiven(buffer: unknown): void {
  try {
    dryRun('readSync', ['descriptor'], [0, buffer]);
  } catch (thrown) {
    const error = thrown as Error;
    const rename = (text = ''): string => text.replace('"buffer" argument', '"options.buffer()" property');
    throw Object.assign(error, { message: rename(error.message), stack: rename(error.stack) });
  }
}

/** Puts what was read into the caller's buffer and gives the part that holds it. */
function intoBuffer(data: Buffer, buffer: unknown): Buffer {
  const given: unknown = typeof buffer === 'function' ? buffer(data.length) : buffer;
  if (!isArrayBufferView(given)) refuseGiven(given);
  const view = bytesOf(given as NodeJS.ArrayBufferView);
  if (view.byteLength < data.length) {
    const name = typeof buffer === 'function' ? 'options.buffer().byteLength' : 'options.buffer.byteLength';
    const reason = `is smaller than the file size of ${data.length} bytes`;
    const error = new TypeError(`The property '${name}' ${reason}. Received ${inspect(view.byteLength)}`);
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
  }
  view.set(data);
  return Buffer.from(view.buffer, view.byteOffset, data.length);
}

function finish(data: Buffer, { encoding, buffer }: ReadFileRequest): string | Buffer {
  const read = buffer === undefined ? data : intoBuffer(data, buffer);
  // `buffer` is no encoding here: Node throws what this throws.
  return encoding === undefined ? read : read.toString(encoding as BufferEncoding);
}

function run(io: Io, { caller }: Session, request: ReadFileRequest): string | Buffer | Errno | Sequel {
  const { target, flags } = request;
  if (typeof target === 'string') {
    const isText = request.buffer === undefined && isUtf8(request.encoding);
    const data = isText ? readText(io, caller, target, flags) : readFile(io, caller, target, flags);
    if (typeof data === 'string' || isErrno(data)) return data;
    if (!(data instanceof Opened)) return finish(data, request);
    return new Sequel('read', thenClose(caller, data.file, readThrough(caller, data.file, request)));
  }
  if (target instanceof Error) throw target;
  if (isErrno(target)) return target;
  if (target.through !== undefined) return new Sequel('read', readThrough(caller, target, request));
  checkSize(target.inode);
  return finishRest(target, readRest(io, caller, target), request);
}

function* readThrough(caller: Caller, file: OpenFile, request: ReadFileRequest): Sequence<string | Buffer> {
  return finish(yield* readBytes(caller, file, request.signal), request);
}

/** Finishes a read from an open file; if that fails, the position of the file is set back. */
function finishRest(file: OpenFile, data: Buffer, request: ReadFileRequest): string | Buffer {
  try {
    return finish(data, request);
  } catch (error) {
    file.position -= data.length;
    throw error;
  }
}

/** The words for an error: whether open, fstat or read failed. A directory is only found out by reading it. */
function blame(errno: Errno, { target, flags, encoding, buffer }: ReadFileRequest, reading: Reading) {
  if (isErrno(target) && !isUtf8(encoding)) return { syscall: 'fstat' };
  if (typeof target !== 'string') return { syscall: 'read' };
  // Only a directory that is opened to be read, and not to be made, can be opened at all.
  if (errno !== EBADF && (errno !== EISDIR || (flags & (ACCESS | O_CREAT)) !== O_RDONLY)) return undefined;
  const read: Blame = { syscall: 'read', path: AS_GIVEN };
  return reading === 'in one trip' && buffer === undefined ? read : { syscall: 'read' };
}

function readFileCall(standing: Standing, reading: Reading): Call<ReadFileRequest, string | Buffer> {
  return {
    name: 'readFile',
    takes: [kindOf(standing)],
    syscall: 'open',
    callbackAt: 2,
    parse(session, path, value) {
      const options = takeOptions(value);
      return {
        flags: takeFlags(options.flag),
        encoding: encodingIn(options),
        buffer: takeBuffer(options),
        signal: options.signal as AbortSignal | undefined,
        target: takeTarget(session, path, standing),
      };
    },
    run,
    blame: (errno, request) => blame(errno, request, reading),
    signal: (request) => request.signal,
  };
}

/** `readFile`. */
export const readFileRow: Row = {
  name: 'readFile',
  sync: readFileCall('descriptor', 'in steps'),
  callback: readFileCall('descriptor', LATER_READING),
  promise: readFileCall('handle', LATER_READING),
};
