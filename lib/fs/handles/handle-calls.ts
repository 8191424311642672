/**
 * The methods of `FileHandle` that are calls on the file: an entry for each, as in the table of the regular calls.
 *
 * Most are calls on descriptors under shorter names. Those that move bytes have arguments of their own.
 */

import { isArrayBufferView } from 'node:util/types';
import { Errno } from '../../errno.ts';
import { type Io, runAsync } from '../../fault.ts';
import { DOUBT, doubt, readTaken } from '../arguments.ts';
import { type AnyCall, abortedOr, type Loose } from '../call.ts';
import { descriptorCalls } from '../calls/descriptors.ts';
import { type DataCall, dataCalls, transfer } from '../calls/read-write.ts';
import { statCalls } from '../calls/stat.ts';
import { DEFAULT_LENGTH, parseRead, type Transfer } from '../calls/transfers.ts';
import { systemError, throwIfAborted } from '../errors.ts';
import { HANDLE_CUTS_LENGTH, HANDLE_TAKES_ANY_POSITION } from '../quirks.ts';
import type { Session } from '../session.ts';
import { dryRunHandle } from './handle-dry-run.ts';
import { type Held, RELEASE } from './users.ts';

/** One method of `FileHandle`. */
export interface HandleCall {
  readonly method: string;
  /** Node's name for the method in the error of a closed handle. */
  readonly name: string;
  /** As error messages call it. */
  readonly syscall: string;
  /** Brings arguments into an equivalent form that is safe to give to Node. */
  normalize?(args: readonly unknown[]): readonly unknown[];
  /** As in the table. */
  parse(session: Session, fd: number, args: readonly unknown[]): unknown;
  run(io: Io, session: Session, request: unknown): unknown;
  /** Makes the result of the promise from the answer of `run`. */
  finish?(answer: unknown, request: unknown): unknown;
  signal?(request: unknown): AbortSignal | undefined;
}

/**
 * Runs a method.
 *
 * @param above the method itself: the stack of an error begins at its caller
 * @param held what is released when the file is no longer needed
 */
export async function runOnHandle(
  session: Session,
  fd: number,
  call: HandleCall,
  given: readonly unknown[],
  above: Loose,
  held: Held | undefined,
): Promise<unknown> {
  let signal: AbortSignal | undefined;
  try {
    const args = call.normalize === undefined ? given : call.normalize(given);
    let request: unknown;
    try {
      request = call.parse(session, fd, args);
    } catch (thrown) {
      if (thrown !== DOUBT) throw thrown;
      const answered = await dryRunHandle(call.method, args);
      if (answered !== undefined) return answered.value;
      request = readTaken(() => call.parse(session, fd, args));
    }
    signal = call.signal?.(request);
    throwIfAborted(signal);
    const answer = await runAsync((io) => call.run(io, session, request), signal);
    if (answer instanceof Errno) throw answer;
    return call.finish === undefined ? answer : call.finish(answer, request);
  } catch (thrown) {
    if (thrown instanceof Errno) throw systemError(thrown, call.syscall, undefined, undefined, above);
    throw abortedOr(thrown, signal);
  } finally {
    held?.[RELEASE]();
  }
}

function callNamed(name: string): AnyCall {
  const row = [...descriptorCalls, ...statCalls].find((each) => each.name === name);
  if (row === undefined) throw new Error(`no call on descriptors is named ${name}`);
  return row.callback;
}

/** A method that is a call on a descriptor under another name. */
function descriptorMethod(method: string, name: string): HandleCall {
  const call = callNamed(name);
  return {
    method,
    name,
    syscall: call.syscall,
    parse: (session, fd, args) => call.parse(session, fd, args[0], args[1]),
    run: (io, session, request) => call.run(io, session, request),
    signal: (request) => call.signal?.(request),
  };
}

function isOptions(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/**
 * `read(buffer, offset?, length?, position?)`, `read(buffer, options)`, `read(options?)` in the longest form that means
 * the same.
 */
function normalizeRead(args: readonly unknown[]): readonly unknown[] {
  const given = args[0];
  let [buffer, offset, length, position] = args;
  const isBuffer = isArrayBufferView(given);
  if (isBuffer && isPlain(offset) && isPlain(length) && (position === null || isPlain(position))) return args;
  if (!isBuffer) {
    if ((given !== undefined && !isOptions(given) && given !== null) || Array.isArray(given)) return [given];
    ({ buffer = Buffer.alloc(DEFAULT_LENGTH), offset = 0, length, position = null } = given ?? {});
  }
  if (isOptions(offset)) ({ offset = 0, length, position = null } = offset);
  // Read as Node reads it, with its error for a buffer that is null.
  const room = (buffer as NodeJS.ArrayBufferView).byteLength - (typeof offset === 'number' ? offset : 0);
  length = safeLength(length ?? room, room);
  if (HANDLE_TAKES_ANY_POSITION && !Number.isSafeInteger(position)) position = null;
  const [at, count, from] = [offset, length, position].map(withoutMinus);
  return isBuffer ? [buffer, at, count, from] : [{ buffer, offset: at, length: count, position: from }];
}

/** Whether a number is an ordinary one, that needs no care. */
function isPlain(value: unknown): boolean {
  return typeof value === 'number' && value >>> 0 === value && value <= 0x7fff_ffff && !Object.is(value, -0);
}

/**
 * A length that is safe to give to `read`, which before Node 26 ends the process for some numbers that are not
 * integers.
 */
function safeLength(given: unknown, room: number): unknown {
  const length = given as number;
  return HANDLE_CUTS_LENGTH || !(length < 0 || length > room) ? length | 0 : length;
}

/** Some Nodes end the process if their own methods pass -0 to the binding. No Node refuses it, so 0 does as well. */
function withoutMinus(value: unknown): unknown {
  return typeof value === 'number' ? value + 0 : value;
}

/**
 * `write(buffer, offset?, length?, position?)`, `write(buffer, options)`, `write(text, position?, encoding?)`, the
 * same.
 */
function normalizeWrite(args: readonly unknown[]): readonly unknown[] {
  const [data, ...rest] = args;
  const [options] = rest;
  if (!isArrayBufferView(data) || !isOptions(options)) return [data, ...rest.map(withoutMinus)];
  const { offset, length, position } = options;
  const [at, count, from] = [offset ?? 0, length, position].map(withoutMinus);
  return [data, { offset: at, length: count, position: from }];
}

const NORMALIZERS: Readonly<Record<string, HandleCall['normalize']>> = { read: normalizeRead, write: normalizeWrite };

function parseHandleRead(session: Session, fd: number, args: readonly unknown[]): Transfer {
  const [given, ...rest] = args;
  if (isArrayBufferView(given)) return parseRead(session, fd, given, rest);
  if (!isOptions(given)) doubt();
  const { buffer, offset, length, position } = given as Readonly<Record<string, unknown>>;
  return parseRead(session, fd, buffer, [offset, length, position]);
}

function parserOf({ name, parse }: DataCall): HandleCall['parse'] {
  if (name === 'read') return parseHandleRead;
  if (name === 'readv' || name === 'writev')
    return (session, fd, [buffers, ...rest]) => parse(session, fd, buffers, rest);
  return (session, fd, [data, ...rest]) => {
    // Nothing is written, and the descriptor is not looked at.
    if (isOptions(data) && data.byteLength === 0) return { file: undefined, pieces: [], position: -1, shown: data };
    return parse(session, fd, data, rest);
  };
}

/** A method that moves bytes. The promise gives their number, and the caller's buffers. */
function dataMethod(call: DataCall): HandleCall {
  const normalize = NORMALIZERS[call.name];
  const [count, buffers] = call.values;
  // `promisify(fs.writev)` calls them `buffer`.
  const shown = call.name === 'writev' ? 'buffers' : buffers;
  return {
    method: call.name,
    name: call.name,
    syscall: call.syscall,
    ...(normalize === undefined ? {} : { normalize }),
    parse: parserOf(call),
    run: (io, session, asked) => transfer(io, session, call, asked as Transfer),
    finish: (answer, asked) => ({ __proto__: null, [count]: answer, [shown]: (asked as Transfer).shown }),
  };
}

function dataMethodNamed(name: string): HandleCall {
  const call = dataCalls.find((each) => each.name === name);
  if (call === undefined) throw new Error(`no call that moves bytes is named ${name}`);
  return dataMethod(call);
}

/** The methods that are calls on the file. */
export const handleCalls = {
  chmod: descriptorMethod('chmod', 'fchmod'),
  chown: descriptorMethod('chown', 'fchown'),
  close: descriptorMethod('close', 'close'),
  datasync: descriptorMethod('datasync', 'fdatasync'),
  read: dataMethodNamed('read'),
  readv: dataMethodNamed('readv'),
  stat: descriptorMethod('stat', 'fstat'),
  sync: descriptorMethod('sync', 'fsync'),
  truncate: descriptorMethod('truncate', 'ftruncate'),
  utimes: descriptorMethod('utimes', 'futimes'),
  write: dataMethodNamed('write'),
  writev: dataMethodNamed('writev'),
} as const;
