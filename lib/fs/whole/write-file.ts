/**
 * `writeFile` and `appendFile`: everything at once, or (for promises) piece by piece from an iterable or a stream.
 */

import { isArrayBufferView } from 'node:util/types';
import { EBADF, EFBIG, ENOSPC, Errno, isErrno } from '../../errno.ts';
import { type Io, runAsync, syncIo } from '../../fault.ts';
import { Opened, writeFile } from '../../ops/data/whole.ts';
import { SYNCING, write } from '../../ops/data/write.ts';
import { close, type OpenFile, open, release } from '../../ops/open.ts';
import type { Caller } from '../../tree/caller.ts';
import { bytesOf, doubt, takeMode } from '../arguments.ts';
import { abortedOr, type Call, parseOrReject, type Row, Sequel, worded } from '../call.ts';
import { NEW_FILE } from '../calls/descriptors.ts';
import { systemError, throwIfAborted } from '../errors.ts';
import { type PromiseFunction, promiseForm } from '../forms.ts';
import { takeBoolean, takeFlags, takeOptions } from '../options.ts';
import { WRITE_REFUSES_CLOSED_HANDLE } from '../quirks.ts';
import { runLater, type Sequence } from '../sequences/steps.ts';
import type { Session } from '../session.ts';
import { sync, thenClose, writeBytes } from './pieces.ts';
import { kindOf, type Standing, type Target, takeTarget } from './targets.ts';

/** The default flag, which is the difference between the two functions. */
const FLAGS = { writeFile: 'w', appendFile: 'a' } as const;

type Name = keyof typeof FLAGS;

interface WriteFileRequest {
  readonly target: Target;
  readonly source: Uint8Array;
  readonly flags: number;
  readonly mode: number;
  /** Whether the call ends only when the upper has everything. */
  readonly flush: boolean;
  readonly signal: AbortSignal | undefined;
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
  const source = takeData(data, options.encoding);
  const flags = takeFlags(options.flag || FLAGS[name]);
  return {
    source,
    flags,
    mode: takeMode(options.mode, NEW_FILE),
    flush: takeBoolean(options.flush) || (flags & SYNCING) !== 0,
    signal: options.signal as AbortSignal | undefined,
    target: target instanceof Error && !WRITE_REFUSES_CLOSED_HANDLE ? EBADF : target,
  };
}

/** Writes everything at the position of the file, and brings it to the upper if that is wanted. */
function* writeAll(
  caller: Caller,
  file: OpenFile,
  source: Uint8Array,
  { flush, signal }: WriteFileRequest,
): Sequence<void> {
  yield* writeBytes(caller, file, source, signal);
  if (flush) yield* sync(caller, file, signal);
}

function run(io: Io, { caller }: Session, request: WriteFileRequest): undefined | Errno | Sequel {
  const { target, source, flags, mode, flush } = request;
  if (typeof target === 'string') {
    const opened = flush
      ? new Opened(open(io, caller, target, flags, mode))
      : writeFile(io, caller, target, source, flags, mode);
    if (!(opened instanceof Opened)) return opened;
    const { file } = opened;
    return new Sequel('write', thenClose(caller, file, writeAll(caller, file, source, request)));
  }
  if (isErrno(target)) return source.length > 0 || flush ? target : undefined;
  if (target instanceof Error) {
    if (source.length > 0) throw target;
    return undefined;
  }
  const written = source.length === 0 ? 0 : write(io, caller, target, source, -1);
  if (written === source.length && !flush) return undefined;
  return new Sequel('write', writeAll(caller, target, source.subarray(written), request));
}

/** Errors of `write`; all others are of `open`. */
const OF_WRITING: ReadonlySet<Errno> = new Set([EBADF, EFBIG, ENOSPC]);

function writeCall(name: Name, standing: Standing): Call<WriteFileRequest, undefined> {
  return {
    name,
    takes: [kindOf(standing)],
    syscall: 'open',
    callbackAt: 3,
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

/**
 * Writes piece after piece at the position of the file; a piece that is not a view goes through `Buffer.from` (node
 * lib/fs.js).
 */
async function writePieces(
  caller: Caller,
  file: OpenFile,
  pieces: Pieces,
  encoding: unknown,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const piece of pieces) {
    throwIfAborted(signal);
    const source = isArrayBufferView(piece)
      ? bytesOf(piece)
      : Buffer.from(piece as string, (encoding || 'utf8') as BufferEncoding);
    await runLater(writeBytes(caller, file, source, signal));
    throwIfAborted(signal);
  }
}

/** `promises.writeFile` and `promises.appendFile`, which take iterables as well. */
export function writeFilePromiseForm(session: Session, name: Name): PromiseFunction {
  const call = writeCall(name, 'handle');
  const whole = promiseForm(session, call);
  const inPieces = async (path: unknown, data: Pieces, options: unknown): Promise<void> => {
    // A dry run must not consume any piece.
    const args = [path, [], options];
    const { caller } = session;
    const request = await parseOrReject(name, call.takes, args, () => ({
      ...parse(session, name, 'handle', [path, NO_BYTES, options]),
      encoding: takeOptions(options).encoding,
    }));
    const { target, flags, mode, flush, signal, encoding } = request;
    let opened: OpenFile | undefined;
    try {
      throwIfAborted(signal);
      if (isErrno(target) || target instanceof Error) throw target;
      if (typeof target === 'string') {
        const leave = (file: OpenFile) => void close(syncIo, caller, file);
        opened = await runAsync((io) => open(io, caller, target, flags, mode), signal, leave);
      }
      const file = opened ?? (target as OpenFile);
      await writePieces(caller, file, data, encoding, signal);
      if (flush) await runLater(sync(caller, file, signal));
    } catch (thrown) {
      if (opened !== undefined) release(caller, opened);
      throw thrown instanceof Errno ? worded(call, thrown, args, request, form) : abortedOr(thrown, signal);
    }
    const file = opened;
    const failure = file && (await runAsync((io) => close(io, caller, file)));
    if (failure !== undefined) throw systemError(failure, 'close', undefined, undefined, form);
  };
  const form: PromiseFunction = async (path, data, options) =>
    isPieces(data) ? await inPieces(path, data, options) : await whole(path, data, options);
  return form;
}
