/**
 * A `Blob` over a file: what `openAsBlob` gives.
 *
 * It stands for the bytes of the file at the time it was made. If the file has changed since, it cannot be read (File
 * API: a snapshot state that no longer matches is a NotReadableError). Bytes are read on demand, piece by piece.
 *
 * Node itself uses a Blob's internals (`new Blob([blob])`, `new File`, FormData, object URLs) and none of its methods.
 * So that it finds the right bytes there, these internals are made from the file on first access.
 */

import { Blob } from 'node:buffer';
import { ReadableStream, TextDecoderStream } from 'node:stream/web';
import { type Io, runAsync, syncIo } from '../../fault.ts';
import { nextTurn } from '../../node/turns.ts';
import { read } from '../../ops/data/read.ts';
import { close, type OpenFile, open } from '../../ops/open.ts';
import type { Inode } from '../../tree/inode.ts';
import type { Session } from '../session.ts';

/** How many bytes are read at a time, as in Node. */
const CHUNK = 65_536;

/** A file in the state that it had when it became a Blob. */
export interface FileState {
  readonly session: Session;
  /** Absolute. */
  readonly path: string;
  readonly size: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
}

/** A part of a file. */
interface Span {
  readonly state: FileState;
  readonly start: number;
  readonly end: number;
}

function unreadable(): DOMException {
  return new DOMException('The blob could not be read', 'NotReadableError');
}

function isUnchanged(state: FileState, inode: Inode): boolean {
  const { size, mtimeSec, mtimeNsec } = inode;
  return size === state.size && mtimeSec === state.mtimeSec && mtimeNsec === state.mtimeNsec;
}

/** Opens the file of a Blob, if it is unchanged. */
function openUnchanged(io: Io, { state }: Span): OpenFile {
  const { session, path } = state;
  const file = open(io, session.caller, path, 0, 0);
  if (isUnchanged(state, file.inode)) return file;
  close(io, session.caller, file);
  throw unreadable();
}

/** Reads bytes of a part. A file that has fewer, or changes meanwhile, is unreadable. */
function readAt(io: Io, { state }: Span, file: OpenFile, at: number, count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count);
  if (read(io, state.session.caller, file, bytes, at) < count) throw unreadable();
  if (!isUnchanged(state, file.inode)) throw unreadable();
  return bytes;
}

/** The pieces of a part, one after the other, as they are asked for. */
async function* piecesOf(span: Span): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { caller } = span.state.session;
  try {
    const file = await runAsync((io) => openUnchanged(io, span));
    try {
      for (let at = span.start; at < span.end; at += CHUNK) {
        yield await runAsync((io) => readAt(io, span, file, at, Math.min(CHUNK, span.end - at)));
      }
    } finally {
      await runAsync((io) => close(io, caller, file));
    }
  } catch {
    // The only error of a Blob, whatever the reason.
    throw unreadable();
  }
}

async function bytesLater(span: Span): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(span.end - span.start);
  let at = 0;
  for await (const piece of piecesOf(span)) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** All bytes of a part, at once. */
function bytesNow(span: Span): Uint8Array<ArrayBuffer> {
  const { start, end, state } = span;
  try {
    const file = openUnchanged(syncIo, span);
    try {
      return readAt(syncIo, span, file, start, end - start);
    } finally {
      close(syncIo, state.session.caller, file);
    }
  } catch {
    throw unreadable();
  }
}

function streamOf(span: Span): ReadableStream<Uint8Array> {
  const pieces = piecesOf(span);
  return new ReadableStream(
    {
      type: 'bytes',
      async pull(controller) {
        const { value, done } = await pieces.next();
        // Each piece in a turn of its own; see `stream-functions.ts`.
        await nextTurn();
        if (!done) return controller.enqueue(value);
        controller.close();
        // So that a reader with its own buffer learns of the end (as in the example of the Streams standard).
        (controller as unknown as { byobRequest: { respond(bytes: number): void } | null }).byobRequest?.respond(0);
      },
      async cancel() {
        await pieces.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The symbol under which Node keeps something in a Blob. */
function innerField(name: string): symbol {
  const found = Object.getOwnPropertySymbols(new Blob([])).find(({ description }) => description === name);
  if (found === undefined) throw new Error(`this version of Node has no ${name} in a Blob`);
  return found;
}

/** Where a slice begins or ends: from the end if negative, and never outside. */
function boundary(value: number, size: number): number {
  const whole = Math.trunc(value) || 0;
  return whole < 0 ? Math.max(size + whole, 0) : Math.min(whole, size);
}

/** See the file comment. */
class FileBlob extends Blob {
  readonly #span: Span;
  /** A Blob of the bytes, as long as it is referenced. Made by `#copy`. */
  #made: WeakRef<Blob> | undefined;

  constructor(span: Span, type: string) {
    super([]);
    this.#span = span;
    const handle = innerField('kHandle');
    const size = { value: span.end - span.start };
    Object.defineProperties(this, {
      size,
      type: { value: type },
      [innerField('kLength')]: size,
      // Accessed only by code that uses the internals.
      [handle]: { get: () => Reflect.get(this.#copy(), handle) },
    });
  }

  /** A Blob that holds the bytes themselves. */
  #copy(): Blob {
    const made = this.#made?.deref();
    if (made !== undefined) return made;
    const copy = new Blob([bytesNow(this.#span)]);
    this.#made = new WeakRef(copy);
    return copy;
  }

  override slice(start = 0, end: number = this.size, type = ''): Blob {
    const from = boundary(start, this.size);
    const to = Math.max(from, boundary(end, this.size));
    const { state, start: first } = this.#span;
    // The constructor of Blob checks the type.
    return new FileBlob({ state, start: first + from, end: first + to }, new Blob([], { type }).type);
  }

  override stream(): ReadableStream {
    return streamOf(this.#span);
  }

  override async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return await bytesLater(this.#span);
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return (await bytesLater(this.#span)).buffer;
  }

  override async text(): Promise<string> {
    return new TextDecoder().decode(await bytesLater(this.#span));
  }
}

Object.defineProperty(FileBlob.prototype, 'constructor', { value: Blob, writable: true, configurable: true });

// Only where Node's Blobs have it.
if ('textStream' in Blob.prototype) {
  Object.defineProperty(FileBlob.prototype, 'textStream', {
    value(this: Blob) {
      return this.stream().pipeThrough(new TextDecoderStream());
    },
    writable: true,
    configurable: true,
  });
}

/** Makes a Blob of a whole file. */
export function makeFileBlob(state: FileState, type: string): Blob {
  return new FileBlob({ state, start: 0, end: state.size }, type);
}
