/**
 * What the arguments of a call mean.
 *
 * Which arguments are allowed, and the error for a wrong one, differ from function to function, from form to form and
 * from Node to Node. So that is not written down here. These functions understand what is plainly right, and doubt
 * everything else. Then Node itself is asked (`dry-run.ts`), and if it accepts the arguments they are read again
 * without doubt.
 *
 *     statSync('/a')   parse ──► run
 *     statSync(5)      parse ──► DOUBT ──► dry run on Node: throws ERR_INVALID_ARG_TYPE
 */

/// <reference lib="es2024.string" />

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isArrayBufferView, isDate, isNativeError, isUint8Array } from 'node:util/types';
import { decodeName } from '../branch/bytes.ts';
import { EBADF, type Errno, isErrno } from '../errno.ts';
import type { OpenFile } from '../ops/open.ts';
import { ENDLESS_TIME_IS_NOW } from './quirks.ts';
import type { Session } from './session.ts';

/** Thrown where an argument is not plainly right. */
export const DOUBT: unique symbol = Symbol('doubt');

/** Node has accepted the arguments that are being read. True only inside `readTaken`. */
let taken = false;

/** Says that an argument is not plainly right. Returns only if Node has accepted it. */
export function doubt(): void {
  if (!taken) throw DOUBT;
}

/** Reads arguments that Node has accepted, so nothing is in doubt. */
export function readTaken<T>(read: () => T): T {
  taken = true;
  try {
    return read();
  } finally {
    taken = false;
  }
}

const SLASH = 47;
const LARGEST_ID = 2 ** 32 - 1;
const OCTAL = /^[0-7]+$/;

/** The path as a string, as it was given: what error messages show and `Dirent` remembers. */
export function givenPath(value: unknown): string {
  if (typeof value === 'string') return value;
  if (isUint8Array(value)) return decodeName(value);
  try {
    return fileURLToPath(value as URL);
  } catch {
    doubt();
    return String(value);
  }
}

/** A path, made absolute and otherwise as given; an empty one (ENOENT) stays empty. */
export function takePath(session: Session, value: unknown): string {
  let path = givenPath(value);
  if (path.includes('\0')) doubt();
  // A lone surrogate in a string is U+FFFD to the kernel; in a Buffer every byte counts.
  if (typeof value === 'string' && !path.isWellFormed()) path = path.toWellFormed();
  if (path.charCodeAt(0) === SLASH || path === '') return path;
  const directory = workingDirectory(session);
  // An empty path is ENOENT too.
  return directory === undefined ? '' : `${directory}/${path}`;
}

/** Refuses bytes where Node resolves paths as text, in the words of `node:path`. */
export function refuseBytes(value: unknown): void {
  if (isUint8Array(value)) resolve(value as unknown as string);
}

/**
 * Where relative paths start; undefined if the working directory of the process was removed, for which the kernel says
 * ENOENT.
 */
function workingDirectory(session: Session): string | undefined {
  try {
    return session.cwd();
  } catch (error) {
    if (isNativeError(error) && Reflect.get(error, 'syscall') === 'uv_cwd') return undefined;
    throw error;
  }
}

/** The target of a symbolic link, as given. */
export function takeTarget(value: unknown): string {
  const target = givenPath(value);
  if (target.includes('\0')) doubt();
  return typeof value === 'string' && !target.isWellFormed() ? target.toWellFormed() : target;
}

/**
 * Whether a value is a URL of any class, since other realms and polyfills have their own (node lib/internal/url.js,
 * `isURL`).
 */
export function isUrl(value: unknown): value is URL {
  if (typeof value !== 'object' || value === null) return false;
  const { href, protocol, auth, path } = value as Readonly<Record<string, unknown>>;
  return Boolean(href && protocol) && auth === undefined && path === undefined;
}

/** Whether a value is a file descriptor where a path could be as well (Node's `isInt32`). */
export function isDescriptor(value: unknown): value is number {
  return typeof value === 'number' && (value | 0) === value;
}

/** The number of a descriptor. */
export function takeDescriptor(value: unknown): number {
  if (typeof value !== 'number' || value < 0 || (value | 0) !== value) doubt();
  return Number(value);
}

/**
 * The open file of a descriptor.
 * @throws EBADF where it has none
 */
export function takeFile(session: Session, value: unknown): OpenFile {
  const file = takeFileOrError(session, value);
  if (isErrno(file)) throw file;
  return file;
}

/** The same with EBADF as a value. */
export function takeFileOrError(session: Session, value: unknown): OpenFile | Errno {
  return session.descriptors.get(takeDescriptor(value)) ?? EBADF;
}

/** A mode as a number or as octal digits; the bits that a kernel looks at. */
export function takeMode(value: unknown, otherwise?: number): number {
  const mode = value ?? otherwise;
  if (typeof mode === 'number') {
    if (!(mode >= 0 && mode <= LARGEST_ID && Number.isInteger(mode))) doubt();
    return mode & 0o7777;
  }
  if (typeof mode !== 'string' || mode.length > 10 || !OCTAL.test(mode)) doubt();
  return Number.parseInt(String(mode), 8) & 0o7777;
}

/** Bits such as those of `access` and `copyFile`. */
export function takeBits(value: unknown, all: number): number {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number' || (value & all) !== value) doubt();
  return Number(value) & all;
}

/** A user or group; -1 for "as it is", which system calls also know as the largest number. */
export function takeId(value: unknown): number {
  if (typeof value !== 'number' || !(value >= -1 && value <= LARGEST_ID) || !Number.isInteger(value)) doubt();
  return value === LARGEST_ID ? -1 : Number(value);
}

/** A time in seconds. Negative numbers mean now; negative dates and strings mean what they say (node lib/fs.js). */
export function takeTime(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value < 0 ? Date.now() / 1000 : value;
  if (isDate(value)) return value.getTime() / 1000;
  // Node compares with `==`: '' is the number 0.
  if (typeof value !== 'string' || Number.isNaN(+value)) doubt();
  const time = Number(value);
  return ENDLESS_TIME_IS_NOW && Math.abs(time) === Number.POSITIVE_INFINITY ? Date.now() / 1000 : time;
}

/** The length that `truncate` is given; a negative one counts as 0. */
export function takeLength(value: unknown): number {
  if (value === undefined) return 0;
  if (!Number.isSafeInteger(value)) doubt();
  return Math.max(0, Number(value));
}

/** The position that `write`, `readv` and `writev` are given; anything that is not a position means the current one. */
export function takeLoosePosition(value: unknown): number {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : -1;
}

/** The position that `read` is given. */
export function takePosition(value: unknown): number {
  if (value === undefined || value === null) return -1;
  if (!(Number.isSafeInteger(value) && Number(value) >= -1)) doubt();
  return Number(value) < 0 ? -1 : Number(value);
}

/** The real length of a typed array, whatever its own `length` says. */
const lengthOf: (view: Uint8Array) => number = Function.prototype.call.bind(
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')?.get as () => number,
);

/**
 * The bytes of a view, without a copy. A wrong `length` of a subclass is not believed: the bytes beyond are not the
 * view's.
 */
export function bytesOf(view: NodeJS.ArrayBufferView): Uint8Array {
  if (!isUint8Array(view)) return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const length = lengthOf(view);
  return length === view.length ? view : new Uint8Array(view.buffer, view.byteOffset, length);
}

/** What `readv` and `writev` are given. */
export function takeBuffers(value: unknown): readonly Uint8Array[] {
  // `every` would pass over holes.
  if (!Array.isArray(value) || value.findIndex((view) => !isArrayBufferView(view)) >= 0) doubt();
  return (value as readonly NodeJS.ArrayBufferView[]).map(bytesOf);
}
