/**
 * The functions that a stream of a FileHandle uses: the handle's methods in callback form, and `close`, which releases
 * the stream's hold and closes the handle (node lib/internal/fs/streams.js).
 */

import { inNextTurn } from '../../node/turns.ts';
import type { FileHandle } from '../handles/file-handle.ts';
import { RELEASE } from '../handles/users.ts';

type Moved = (error: unknown, count?: number, data?: unknown) => void;
type Done = (error?: unknown) => void;

/** Calls back in a turn of its own; see `stream-functions.ts`. */
function settle(promise: Promise<unknown>, done: (error: unknown, value?: unknown) => void): void {
  promise.then(
    (value) => inNextTurn(done, null, value),
    (error) => inNextTurn(done, error),
  );
}

function deliverCount(
  promise: Promise<unknown>,
  name: 'bytesRead' | 'bytesWritten',
  data: unknown,
  moved: Moved,
): void {
  settle(promise, (error, answer) => {
    if (error) moved(error, 0, data);
    else moved(null, (answer as Record<typeof name, number>)[name], data);
  });
}

/** `fs` for a stream of a handle. */
export function handleFunctions(handle: FileHandle): object {
  return {
    // Streams only call it if they have no descriptor, and these have one.
    open(): never {
      const error = new Error('The open() method is not implemented');
      throw Object.assign(error, { code: 'ERR_METHOD_NOT_IMPLEMENTED' });
    },
    close(_fd: number, done: Done): void {
      handle[RELEASE]();
      // Somebody else closes it and waited for this stream only: it ends first, and then the handle (`[RELEASE]`).
      if (handle.fd < 0) process.nextTick(done);
      else settle(handle.close(), (error) => (error ? done(error) : done()));
    },
    fsync(_fd: number, done: Done): void {
      settle(handle.sync(), (error) => (error ? done(error) : done()));
    },
    read(_fd: number, buffer: Uint8Array, offset: number, length: number, position: unknown, moved: Moved): void {
      deliverCount(handle.read(buffer, offset, length, position), 'bytesRead', buffer, moved);
    },
    write(_fd: number, buffer: Uint8Array, offset: number, length: number, position: unknown, moved: Moved): void {
      deliverCount(handle.write(buffer, offset, length, position), 'bytesWritten', buffer, moved);
    },
    writev(_fd: number, buffers: readonly Uint8Array[], position: unknown, moved: Moved): void {
      deliverCount(handle.writev(buffers, position), 'bytesWritten', buffers, moved);
    },
  };
}
