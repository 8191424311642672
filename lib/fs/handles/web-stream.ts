/**
 * `FileHandle.readableWebStream`: the rest of a file as a web stream.
 */

import { ReadableStream } from 'node:stream/web';
import { nextTurn } from '../../node/turns.ts';
import { dryRun, type Kind } from '../dry-run.ts';
import { WEB_STREAM_GIVES_ARRAY_BUFFERS } from '../quirks.ts';

/** What a stream needs of the handle that it reads from. */
export interface StreamSource {
  /** Reads on into a view; gives the number of bytes. */
  read(view: Uint8Array): Promise<number>;
  /** Called once, when the stream no longer needs the file. */
  release(): Promise<void>;
}

/** A stream, and what its handle can do to it. */
export interface MadeStream {
  readonly stream: ReadableStream;
  /** Ends the stream, since its handle is being closed. */
  end(): void;
}

export interface WebStreamOptions {
  readonly type: 'bytes' | 'array buffers';
  /** What becomes of the handle when the stream is at its end. */
  readonly handle: 'closed' | 'left open';
}

/** How much is read at a time where the reader does not say. */
const BYTES_CHUNK = 16_384;
const BUFFERS_CHUNK = 65_536;

const TAKES: readonly Kind[] = ['path'];

/** Throws what Node throws at `mkdirSync` for an option that is no boolean, with the name of another one. */
function refuseBoolean(name: string, value: unknown): void {
  try {
    dryRun('mkdirSync', TAKES, ['', { recursive: value }]);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw Object.assign(new TypeError(message.replace('options.recursive', name)), { code });
  }
}

/** Reads the options; throws as Node does. */
export function takeWebStreamOptions(options: unknown): WebStreamOptions {
  if (WEB_STREAM_GIVES_ARRAY_BUFFERS) {
    const type = (options as { readonly type?: unknown }).type;
    // The words are the same there.
    if (type !== undefined && typeof type !== 'string') dryRun('openAsBlob', TAKES, ['', { type }]);
    return { type: type === 'bytes' ? 'bytes' : 'array buffers', handle: 'left open' };
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    dryRun('openAsBlob', TAKES, ['', options]);
  }
  const { type = 'bytes', autoClose = false } = options as { readonly type?: unknown; readonly autoClose?: unknown };
  if (typeof autoClose !== 'boolean') refuseBoolean('options.autoClose', autoClose);
  if (type !== 'bytes') {
    // Word for word as Node has it, with its slip of the pen.
    const warning = 'A non-"bytes" options.type has no effect. A byte-oriented steam is always created.';
    process.emitWarning(warning, 'ExperimentalWarning');
  }
  return { type: 'bytes', handle: autoClose ? 'closed' : 'left open' };
}

/** The end of a stream and of its need for the file, whatever brings it about. */
class Reading {
  readonly #source: StreamSource;
  /** Set by `end`. */
  isEnded = false;

  constructor(source: StreamSource) {
    this.#source = source;
  }

  async read(view: Uint8Array): Promise<number> {
    try {
      const bytes = await this.#source.read(view);
      // Bytes in memory are there at once, so without this the event loop would get no turn before the end of the
      // stream.
      await nextTurn();
      return bytes;
    } catch (error) {
      await this.end(() => {});
      throw error;
    }
  }

  async end(close: () => void): Promise<void> {
    if (this.isEnded) return;
    this.isEnded = true;
    close();
    await this.#source.release();
  }
}

/** The controller of a stream of bytes, whose type in @types/node lacks the request. */
interface ByteController {
  readonly byobRequest: { readonly view: Uint8Array; respond(bytes: number): void } | null;
  close(): void;
}

function closeBytes(controller: ByteController): void {
  controller.close();
  controller.byobRequest?.respond(0);
}

/** A stream whose readers may bring buffers of their own. */
function byteStream(reading: Reading): MadeStream {
  let controller!: ByteController;
  const stream = new ReadableStream({
    type: 'bytes',
    autoAllocateChunkSize: BYTES_CHUNK,
    start(made) {
      controller = made as unknown as ByteController;
    },
    async pull() {
      const request = controller.byobRequest;
      // There is always one, since `autoAllocateChunkSize` makes a buffer for readers without one.
      if (request === null) return;
      const { buffer, byteOffset, byteLength } = request.view;
      const bytes = await reading.read(new Uint8Array(buffer, byteOffset, byteLength));
      if (reading.isEnded) return;
      if (bytes > 0) request.respond(bytes);
      else await reading.end(() => closeBytes(controller));
    },
    cancel: () => reading.end(() => {}),
  });
  return { stream, end: () => void reading.end(() => closeBytes(controller)) };
}

/** A stream of whole array buffers, as Node 20 makes them of anything but `type: 'bytes'`. */
function bufferStream(reading: Reading): MadeStream {
  let controller!: ReadableStreamDefaultController<ArrayBuffer>;
  const stream = new ReadableStream<ArrayBuffer>(
    {
      start(made) {
        controller = made as ReadableStreamDefaultController<ArrayBuffer>;
      },
      async pull() {
        const chunk = new Uint8Array(BUFFERS_CHUNK);
        const bytes = await reading.read(chunk);
        if (reading.isEnded) return;
        if (bytes > 0) controller.enqueue(bytes === chunk.length ? chunk.buffer : chunk.buffer.slice(0, bytes));
        else await reading.end(() => controller.close());
      },
      cancel: () => reading.end(() => {}),
    },
    { highWaterMark: 0 },
  );
  return { stream, end: () => void reading.end(() => controller.close()) };
}

/** Makes a stream of what is left of a file. */
export function makeWebStream(source: StreamSource, { type }: WebStreamOptions): MadeStream {
  const reading = new Reading(source);
  return type === 'bytes' ? byteStream(reading) : bufferStream(reading);
}
