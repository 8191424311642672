/**
 * `writeFile` and `appendFile`: everything at once, or (for promises) piece by piece from an iterable or a stream.
 */

import { isArrayBufferView } from 'node:util/types';
import { EBADF, EFBIG, ENOSPC, Errno, isErrno } from '../../errno.ts';
import { type Io, runAsync } from '../../fault.ts';
import { write } from '../../ops/data.ts';
import { close, type OpenFile, open } from '../../ops/open.ts';
import { fsync } from '../../ops/sync.ts';
import { writeFile } from '../../ops/whole.ts';
import { bytesOf, doubt, takeMode } from '../arguments.ts';
import { abortedOr, type Call, parseOrReject, type Row, worded } from '../call.ts';
import { abortError } from '../errors.ts';
import { type PromiseFunction, promiseForm } from '../forms.ts';
import { takeBoolean, takeFlags, takeOptions } from '../options.ts';
import { WRITE_REFUSES_CLOSED_HANDLE } from '../quirks.ts';
import type { Session } from '../session.ts';
import { NEW_FILE } from './descriptors.ts';
import { kindOf, type Standing, type Target, takeTarget } from './targets.ts';

/** The flag where none is given, which is the difference between the two functions. */
const FLAGS = { writeFile: 'w', appendFile: 'a' } as const;

type Name = keyof typeof FLAGS;

interface WriteFileRequest {
  readonly target: Target;
  readonly source: Uint8Array;
  readonly flags: number;
  readonly mode: number;
  /** The call ends when the upper has everything. */
  readonly flush: boolean;
  readonly signal: AbortSignal | undefined;
  /** The file, once it is open, where the call takes several steps: it is not opened twice when the call is run again. */
  file: OpenFile | undefined;
  /** How much of `source` has been written: neither is that. */
  written: number;
}

function takeData(data: unknown, encoding: unknown): Uint8Array {
  if (isArrayBufferView(data)) return bytesOf(data);
  if (typeof data !== 'string') doubt();
  return Buffer.from(String(data), (encoding || 'utf8') as BufferEncoding);
}

function parse(
  session: Session,
  name: Name,
  standing: Standing,
  [path, data, value]: readonly [unknown, unknown, unknown],
): WriteFileRequest {
  const options = takeOptions(value);
  const target = takeTarget(session, path, standing);
  return {
    source: takeData(data, options.encoding),
    flags: takeFlags(options.flag || FLAGS[name]),
    mode: takeMode(options.mode, NEW_FILE),
    flush: takeBoolean(options.flush),
    signal: options.signal as AbortSignal | undefined,
    target: target instanceof Error && !WRITE_REFUSES_CLOSED_HANDLE ? EBADF : target,
    file: undefined,
    written: 0,
  };
}

/** Writes what is left of the source where the file stands. */
function writeRest(io: Io, { caller }: Session, file: OpenFile, request: WriteFileRequest): void {
  const { source } = request;
  while (request.written < source.length) {
    const rest = request.written === 0 ? source : source.subarray(request.written);
    request.written += write(io, caller, file, rest, -1);
  }
}

function writeAndFlush(io: Io, session: Session, path: string, request: WriteFileRequest): void {
  const { caller } = session;
  request.file ??= open(io, caller, path, request.flags, request.mode);
  try {
    writeRest(io, session, request.file, request);
    fsync(io, caller, request.file);
  } catch (thrown) {
    // Not when it only stops, to be run again.
    if (thrown instanceof Errno || thrown instanceof Error) close(io, caller, request.file);
    throw thrown;
  }
  close(io, caller, request.file);
}

function run(io: Io, session: Session, request: WriteFileRequest): undefined | Errno {
  const { target, source, flags, mode, flush } = request;
  if (typeof target === 'string') {
    if (flush) writeAndFlush(io, session, target, request);
    else writeFile(io, session.caller, target, source, flags, mode);
    return undefined;
  }
  if (isErrno(target)) return source.length > 0 || flush ? target : undefined;
  if (target instanceof Error) {
    if (source.length > 0) throw target;
    return undefined;
  }
  writeRest(io, session, target, request);
  if (flush) fsync(io, session.caller, target);
  return undefined;
}

/** What `write` says; all else is said by `open`. */
const OF_WRITING: ReadonlySet<Errno> = new Set([EBADF, EFBIG, ENOSPC]);

function writeCall(name: Name, standing: Standing): Call<WriteFileRequest, undefined> {
  return {
    name,
    takes: [kindOf(standing)],
    syscall: 'open',
    parse: (session, path, data, options) => parse(session, name, standing, [path, data, options]),
    run,
    blame: (errno, { target }) =>
      typeof target !== 'string' || OF_WRITING.has(errno) ? { syscall: 'write' } : undefined,
    signal: (request) => request.signal,
  };
}

function writeRow(name: Name): Row {
  const byDescriptor = writeCall(name, 'descriptor');
  return { name, sync: byDescriptor, callback: byDescriptor, promise: writeCall(name, 'handle') };
}

/** `writeFile` and `appendFile`. */
export const writeFileRows: readonly Row[] = [writeRow('writeFile'), writeRow('appendFile')];

type Pieces = AsyncIterable<unknown> | Iterable<unknown>;

function isPieces(data: unknown): data is Pieces {
  if (typeof data !== 'object' || data === null || isArrayBufferView(data)) return false;
  return Symbol.asyncIterator in data || Symbol.iterator in data;
}

const NO_BYTES = new Uint8Array();

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** Writes piece after piece to a file; a piece that is no view is text, or what `Buffer.from` makes of it (node lib/fs.js). */
async function writePieces(
  session: Session,
  file: OpenFile,
  pieces: Pieces,
  encoding: unknown,
  request: WriteFileRequest,
) {
  const { signal } = request;
  for await (const piece of pieces) {
    throwIfAborted(signal);
    const source = isArrayBufferView(piece)
      ? bytesOf(piece)
      : Buffer.from(piece as string, (encoding || 'utf8') as BufferEncoding);
    const step: WriteFileRequest = { ...request, source, written: 0 };
    await runAsync((io) => writeRest(io, session, file, step), signal);
    throwIfAborted(signal);
  }
}

/** `promises.writeFile` and `promises.appendFile`, which take iterables as well. */
export function writeFilePromiseForm(session: Session, name: Name): PromiseFunction {
  const call = writeCall(name, 'handle');
  const whole = promiseForm(session, call);
  const inPieces = async (path: unknown, data: Pieces, options: unknown): Promise<void> => {
    // A dry run must take no piece.
    const args = [path, [], options];
    const { caller } = session;
    const request = await parseOrReject(name, call.takes, args, () =>
      parse(session, name, 'handle', [path, NO_BYTES, options]),
    );
    const { target, flags, mode, flush, signal } = request;
    const { encoding } = takeOptions(options);
    let opened: OpenFile | undefined;
    try {
      throwIfAborted(signal);
      if (isErrno(target) || target instanceof Error) throw target;
      if (typeof target === 'string') opened = await runAsync((io) => open(io, caller, target, flags, mode), signal);
      const file = opened ?? (target as OpenFile);
      await writePieces(session, file, data, encoding, request);
      if (flush) await runAsync((io) => fsync(io, caller, file), signal);
    } catch (thrown) {
      throw thrown instanceof Errno ? worded(call, thrown, args, request, form) : abortedOr(thrown, signal);
    } finally {
      const file = opened;
      if (file !== undefined) await runAsync((io) => close(io, caller, file));
    }
  };
  const form: PromiseFunction = async (path, data, options) =>
    isPieces(data) ? await inPieces(path, data, options) : await whole(path, data, options);
  return form;
}
