/** The arguments of `read`, `readv`, `write` and `writev`, which can be given in many ways. */

import { isArrayBufferView } from 'node:util/types';
import { EINVAL, type Errno } from '../../errno.ts';
import type { OpenFile } from '../../ops/open.ts';
import {
  bytesOf,
  doubt,
  takeBuffers,
  takeDescriptor,
  takeFileOrError,
  takeLoosePosition,
  takePosition,
} from '../arguments.ts';
import type { Options } from '../options.ts';
import type { Session } from '../session.ts';

/** Bytes to be moved between memory and a file. */
export interface Transfer {
  /**
   * The open file, or the error where there is none; undefined where there are no bytes to move, since Node does not
   * look at the descriptor then.
   */
  readonly file: OpenFile | Errno | undefined;
  readonly pieces: readonly Uint8Array[];
  /** In bytes; -1 for the position of the descriptor. */
  readonly position: number;
  /** What a callback gets besides the count: the caller's buffers. */
  readonly shown: unknown;
}

/** How many bytes are read by default. */
export const DEFAULT_LENGTH = 16_384;

type View = NodeJS.ArrayBufferView;

function takeView(value: unknown): View {
  if (!isArrayBufferView(value)) doubt();
  return value as View;
}

function partOf(view: View, start: number, count: number): Uint8Array {
  if (start === 0 && count === view.byteLength) return bytesOf(view);
  return new Uint8Array(view.buffer, view.byteOffset + start, count);
}

/** Options that may be null: where in a buffer, and where in the file. */
function takeSpanOptions(value: unknown): Options {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) doubt();
  return value as Options;
}

function takeOffset(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (!(Number.isSafeInteger(value) && Number(value) >= 0)) doubt();
  return Number(value);
}

function readInto(
  session: Session,
  fd: unknown,
  view: View,
  offset: unknown,
  length: unknown,
  position: unknown,
): Transfer {
  const start = takeOffset(offset);
  const at = takePosition(position);
  if (typeof length !== 'number' || (length | 0) !== length) doubt();
  const count = (length as number) | 0;
  if (count === 0) {
    takeDescriptor(fd);
    return { file: undefined, pieces: [], position: at, shown: view };
  }
  if (count < 0 || start + count > view.byteLength) doubt();
  return { pieces: [partOf(view, start, count)], position: at, shown: view, file: takeFileOrError(session, fd) };
}

function readByOptions(session: Session, fd: unknown, view: View, value: unknown): Transfer {
  const { offset = 0, length = view.byteLength - Number(offset), position } = takeSpanOptions(value);
  return readInto(session, fd, view, offset, length, position);
}

/** `readSync(fd, buffer, options?)`, `readSync(fd, buffer, offset, length, position?)`. */
export function parseReadSync(session: Session, fd: unknown, buffer: unknown, rest: readonly unknown[]): Transfer {
  const view = takeView(buffer);
  const [offset, length, position] = rest;
  // An object counts however many arguments follow (node lib/fs.js).
  if (rest.length <= 1 || typeof offset === 'object') return readByOptions(session, fd, view, offset);
  return readInto(session, fd, view, offset, length, position);
}

/**
 * `read(fd)`, `read(fd, options)`, `read(fd, buffer, options?)`, `read(fd, buffer, offset, length, position)`, and a
 * callback.
 */
export function parseRead(session: Session, fd: unknown, buffer: unknown, rest: readonly unknown[]): Transfer {
  if (rest.length <= 1) {
    const options = isArrayBufferView(buffer) ? rest[0] : buffer;
    // With options there must be a buffer, and with a buffer they must not be undefined.
    if (rest.length === 1 && (options === buffer || options === undefined)) doubt();
    const { buffer: view = Buffer.alloc(DEFAULT_LENGTH) } = takeSpanOptions(options);
    return readByOptions(session, fd, takeView(isArrayBufferView(buffer) ? buffer : view), options);
  }
  if (rest.length !== 3) doubt();
  const [offset, length, position] = rest;
  return readInto(session, fd, takeView(buffer), offset, length, position);
}

function isKnownEncoding(value: unknown): value is BufferEncoding {
  return typeof value === 'string' && Buffer.isEncoding(value);
}

function writeText(session: Session, fd: unknown, text: string, position: unknown, encoding: unknown): Transfer {
  // An unknown encoding counts as UTF-8; an odd number of hexadecimal digits is an error.
  const known = isKnownEncoding(encoding) ? encoding : 'utf8';
  if (known.toLowerCase() === 'hex' && text.length % 2 !== 0) doubt();
  const pieces = [Buffer.from(text, known)];
  return { pieces, position: takeLoosePosition(position), shown: text, file: takeFileOrError(session, fd) };
}

/**
 * `write(fd, buffer, offset?, length?, position?)`, `write(fd, buffer, options)`,
 * `write(fd, text, position?, encoding?)`.
 */
export function parseWrite(session: Session, fd: unknown, data: unknown, rest: readonly unknown[]): Transfer {
  if (!isArrayBufferView(data)) {
    if (typeof data !== 'string') doubt();
    return writeText(session, fd, String(data), rest[0], rest[1]);
  }
  let [offset, length, position] = rest;
  if (typeof offset === 'object' && offset !== null) ({ offset = 0, length, position } = offset as Options);
  // Without options a null in their place takes the other arguments with it.
  else if (offset === null) [length, position] = [undefined, undefined];
  const start = takeOffset(offset);
  const count = typeof length === 'number' ? length : data.byteLength - start;
  if (!(count >= 0 && (count | 0) === count && start + count <= data.byteLength)) doubt();
  return {
    pieces: [partOf(data, start, count)],
    position: takeLoosePosition(position),
    shown: data,
    file: takeFileOrError(session, fd),
  };
}

/** The same for the callback form, where after text the callback may take the place of the encoding. */
export function parseWriteLater(session: Session, fd: unknown, data: unknown, rest: readonly unknown[]): Transfer {
  if (rest.length > 2 && !isArrayBufferView(data)) doubt();
  return parseWrite(session, fd, data, rest);
}

/** `readv(fd, buffers, position?)`. No buffers at all is EINVAL to libuv. */
export function parseReadv(session: Session, fd: unknown, buffers: unknown, rest: readonly unknown[]): Transfer {
  const pieces = takeBuffers(buffers);
  takeDescriptor(fd);
  const file = pieces.length === 0 ? EINVAL : takeFileOrError(session, fd);
  return { pieces, position: takeLoosePosition(rest[0]), shown: buffers, file };
}

/** `writev(fd, buffers, position?)`. */
export function parseWritev(session: Session, fd: unknown, buffers: unknown, rest: readonly unknown[]): Transfer {
  const pieces = takeBuffers(buffers);
  takeDescriptor(fd);
  const file = pieces.length === 0 ? undefined : takeFileOrError(session, fd);
  return { pieces, position: takeLoosePosition(rest[0]), shown: buffers, file };
}
