/**
 * `promises.watch`: changes as an asynchronous iterator.
 */

import { displayName } from '../../branch/bytes.ts';
import { type Errno, isErrno } from '../../errno.ts';
import { runAsync } from '../../fault.ts';
import type { Inode } from '../../tree/inode.ts';
import { doubt } from '../arguments.ts';
import { parseOrReject } from '../call.ts';
import { abortError } from '../errors.ts';
import { showName } from '../options.ts';
import { WATCH_QUEUE_IS_BOUNDED } from '../quirks.ts';
import type { Session } from '../session.ts';
import { type EventType, findWatched, subscribe } from './feed.ts';
import { parseWatch, type WatchRequest, watchError, watchedAt } from './fs-watcher.ts';
import { KeepAlive } from './keep-alive.ts';

/** One change, as the iterator gives it. */
interface WatchEvent {
  readonly eventType: EventType;
  readonly filename: string | Buffer;
}

/** How many changes wait for who iterates, and what becomes of more (Node 22 and later). */
interface QueueOptions {
  readonly maxQueue: number;
  readonly overflow: 'ignore' | 'error';
}

const MOST_WAITING = 2048;

function queueIn(options: unknown): QueueOptions {
  if (!WATCH_QUEUE_IS_BOUNDED) return { maxQueue: Number.POSITIVE_INFINITY, overflow: 'ignore' };
  const { maxQueue = MOST_WAITING, overflow = 'ignore' } = (options ?? {}) as Partial<QueueOptions>;
  if (!Number.isInteger(maxQueue) || (overflow !== 'ignore' && overflow !== 'error')) doubt();
  return { maxQueue, overflow };
}

/** More changes wait than `maxQueue` allows. */
class QueueOverflow extends Error {
  readonly code = 'ERR_FS_WATCH_QUEUE_OVERFLOW';

  constructor(most: number) {
    super(`fs.watch() queued more than ${most} events`);
  }
}

/** `promises.watch`. The call itself does nothing but return; watching begins with the first `next`, as Node's. */
export function watchEventsForm(session: Session) {
  return async function* watch(filename?: unknown, options?: unknown): AsyncGenerator<WatchEvent, void, undefined> {
    const parse = () => ({ ...parseWatch(session, filename, options), ...queueIn(options) });
    const request = await parseOrReject('watch', ['path'], [filename, options], parse);
    if (request.signal?.aborted) throw abortError(request.signal);
    const inode = await look(session, request.path);
    if (isErrno(inode)) throw watchError(inode, request, filename, watch);
    const watched = watchedAt(displayName(request.path), inode, request);
    yield* iterate(request, request, (hear) => subscribe(session.caller.tree, watched, hear));
  };
}

/** What is to be watched, or why it cannot be, also where a branch has failed. */
async function look({ caller }: Session, path: string): Promise<Inode | Errno> {
  try {
    return await runAsync((io) => findWatched(io, caller, path));
  } catch (thrown) {
    if (!isErrno(thrown)) throw thrown;
    return thrown;
  }
}

type Subscribe = (hear: (event: EventType, name: string) => void) => () => void;

async function* iterate(
  { signal, encoding, persistent, ignores }: WatchRequest,
  { maxQueue, overflow }: QueueOptions,
  begin: Subscribe,
): AsyncGenerator<WatchEvent, void, undefined> {
  const waiting: WatchEvent[] = [];
  let wake = () => {};
  let failure: Error | undefined;
  const keepAlive = new KeepAlive(persistent ? 'referenced' : 'unreferenced');
  const stop = begin((eventType, name) => {
    if (failure !== undefined || ignores(name)) return;
    if (waiting.length < maxQueue) {
      waiting.push({ eventType, filename: showName(name, encoding) });
    } else if (overflow === 'error') {
      waiting.length = 0;
      failure = new QueueOverflow(maxQueue);
    } else {
      process.emitWarning('fs.watch maxQueue exceeded');
    }
    wake();
  });
  const abort = () => wake();
  signal?.addEventListener('abort', abort);
  try {
    for (;;) {
      const next = waiting.shift();
      if (next !== undefined) yield next;
      else if (failure !== undefined) throw failure;
      else if (signal?.aborted) throw abortError(signal);
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    stop();
    keepAlive.end();
  }
}
