/**
 * A `Blob` over a file: what `openAsBlob` gives.
 *
 * It has the bytes that the file had when it was made, or none: what was changed since cannot be read (File API: a snapshot
 * state that no longer matches is a NotReadableError). Nothing is read before it is asked for, and then piece by piece.
 *
 * Node itself takes a Blob by what is inside (`new Blob([blob])`, `new File`, FormData, object URLs), past all methods. So that
 * it finds the right bytes there as well, and not an empty Blob's, that inside is made of the file when somebody takes it.
 */

import { Blob } from 'node:buffer';
import { ReadableStream, TextDecoderStream } from 'node:stream/web';
import { type Io, runAsync, syncIo } from '../../fault.ts';
import { nextTurn } from '../../node/turns.ts';
import { read } from '../../ops/data/read.ts';
import { close, type OpenFile, open } from '../../ops/open.ts';
import type { Inode } from '../../tree/inode.ts';
import type { Session } from '../session.ts';

/** How much is read at a time, as Node does. */
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

/** Opens the file of a Blob, if it is as it was. */
function openUnchanged(io: Io, { state }: Span): OpenFile {
  const { session, path } = state;
  const file = open(io, session.caller, path, 0, 0);
  if (isUnchanged(state, file.inode)) return file;
  close(io, session.caller, file);
  throw unreadable();
}

/** Reads bytes of a part; a file that has less, or becomes another one meanwhile, was changed. */
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
    // Whatever the reason, this is all that a Blob says.
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
        // Each piece in a turn of its own, as in `stream-functions.ts`.
        await nextTurn();
        if (!done) return controller.enqueue(value);
        controller.close();
        // So that a reader with a buffer of its own hears of the end (the Streams standard's example).
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

/** Where a slice begins or ends: counted from the end where it is negative, never outside. */
function boundary(value: number, size: number): number {
  const whole = Math.trunc(value) || 0;
  return whole < 0 ? Math.max(size + whole, 0) : Math.min(whole, size);
}

/** See the file comment. */
class FileBlob extends Blob {
  readonly #span: Span;
  /** A Blob of the bytes, as long as somebody has it. Made by `#copy`. */
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
      // Asked for only by those who go past the methods.
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
    // A Blob's own constructor knows what may be a type.
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

// Only where Node's have it.
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
