/**
 * The functions that a stream uses: those that the front has when they are called.
 *
 * What is in memory is there at once, so a stream of it would run to its end without a turn of the event loop. So each
 * piece comes in a turn of its own, as from a disk.
 */

import { inNextTurn } from '../../node/turns.ts';
import type { FileSystem } from '../session.ts';

type Moved = (error: unknown, count?: number, data?: unknown) => void;
type Callable = (...args: unknown[]) => void;
type Functions = Readonly<Record<'open' | 'close' | 'fsync' | 'read' | 'write' | 'writev', Callable>>;

function inOwnTurn(moved: Moved): Moved {
  return (error, count, data) => {
    inNextTurn(moved, error, count, data);
  };
}

/** `fs` for the streams of a front. */
export function streamFunctions(fs: FileSystem): object {
  const front = fs as unknown as Functions;
  return {
    open: (...args: unknown[]) => front.open(...args),
    close: (...args: unknown[]) => front.close(...args),
    fsync: (...args: unknown[]) => front.fsync(...args),
    read: (fd: unknown, buffer: unknown, offset: unknown, length: unknown, position: unknown, moved: Moved) =>
      front.read(fd, buffer, offset, length, position, inOwnTurn(moved)),
    write: (fd: unknown, buffer: unknown, offset: unknown, length: unknown, position: unknown, moved: Moved) =>
      front.write(fd, buffer, offset, length, position, inOwnTurn(moved)),
    writev: (fd: unknown, buffers: unknown, position: unknown, moved: Moved) =>
      front.writev(fd, buffers, position, inOwnTurn(moved)),
  };
}
