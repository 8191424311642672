/**
 * `promises.watch`: changes as an asynchronous iterator.
 */

import { displayName } from '../../branch/bytes.ts';
import { codeOf, isErrno } from '../../errno.ts';
import { DOUBT, doubt, readTaken } from '../arguments.ts';
import { dryRunPromise } from '../dry-run.ts';
import { abortError } from '../errors.ts';
import { showName } from '../options.ts';
import { WATCH_EVENTS_ARE_BARE, WATCH_QUEUE_IS_BOUNDED } from '../quirks.ts';
import type { Session } from '../session.ts';
import { type EventType, subscribe } from './feed.ts';
import { parseWatch, type WatchRequest, watchError, watchedAt } from './fs-watcher.ts';
import { KeepAlive } from './keep-alive.ts';
import { lookIfLoaded, lookLater } from './look.ts';

/** One change, as the iterator gives it. */
interface WatchEvent {
  readonly eventType: EventType;
  readonly filename: string | Buffer;
}

/** How many changes may wait in the queue, and what happens to more (Node 22 and later). */
interface QueueOptions {
  readonly maxQueue: number;
  readonly overflow: 'ignore' | 'error';
}

const MOST_WAITING = 2048;

function queueIn(options: unknown, { recursive }: WatchRequest): QueueOptions {
  // Node's recursive watcher does not know these options.
  if (!WATCH_QUEUE_IS_BOUNDED || recursive) return { maxQueue: Number.POSITIVE_INFINITY, overflow: 'ignore' };
  const { maxQueue = MOST_WAITING, overflow = 'ignore' } = (options ?? {}) as Partial<QueueOptions>;
  if (!Number.isInteger(maxQueue) || (overflow !== 'ignore' && overflow !== 'error')) doubt();
  return { maxQueue, overflow };
}

/** What ends the iteration where more changes wait than `maxQueue` allows. */
function queueOverflow(most: number): Error {
  const error = new Error(`fs.watch() queued more than ${most} events`);
  return Object.assign(error, { code: 'ERR_FS_WATCH_QUEUE_OVERFLOW' });
}

/** One change as the running Node shows it: what comes of the kernel's own watch is bare since Node 22. */
function eventOf(event: WatchEvent, { recursive }: Pick<WatchRequest, 'recursive'>): WatchEvent {
  return WATCH_EVENTS_ARE_BARE && !recursive ? Object.assign(Object.create(null) as object, event) : event;
}

/** What `promises.watch` was asked. */
type Request = WatchRequest & QueueOptions;

function parse(session: Session, filename: unknown, options: unknown): Request {
  // `fs.watch` takes an encoding in the place of options.
  if (options !== undefined && (typeof options !== 'object' || options === null || Array.isArray(options))) doubt();
  const request = parseWatch(session, filename, options);
  return { ...request, ...queueIn(options, request) };
}

/** A signal that is aborted from the start. */
const ABORTED = AbortSignal.abort();

/** Options with which Node's watcher does not wait for changes: a recursive one hides that it cannot begin. */
function withoutWaiting(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return options;
  const { recursive, signal } = options as { readonly recursive?: unknown; readonly signal?: unknown };
  const isRight = signal === undefined || signal instanceof AbortSignal;
  return recursive === true && isRight ? { ...options, signal: ABORTED } : options;
}

/** Rejects as Node does if it refuses the arguments. */
async function askNode(filename: unknown, options: unknown): Promise<void> {
  try {
    await dryRunPromise('watch', ['path'], [filename, withoutWaiting(options)]);
  } catch (error) {
    if (codeOf(error) !== 'ABORT_ERR') throw error;
  }
}

/** `promises.watch`. The call itself does nothing but return; watching begins with the first `next`, as Node's. */
export function watchEventsForm(session: Session) {
  return async function* watch(filename?: unknown, options?: unknown): AsyncGenerator<WatchEvent, void, undefined> {
    // Without an `await` if possible, so that changes right after the first `next` are seen.
    let request: Request;
    try {
      request = parse(session, filename, options);
    } catch (thrown) {
      if (thrown !== DOUBT) throw thrown;
      await askNode(filename, options);
      request = readTaken(() => parse(session, filename, options));
    }
    if (request.signal?.aborted) throw abortError(request.signal);
    const inode = lookIfLoaded(session, request.path) ?? (await lookLater(session, request.path));
    if (isErrno(inode)) throw watchError(inode, request, filename, watch);
    const watched = watchedAt(displayName(request.path), inode, request);
    yield* iterate(request, request, (hear) => subscribe(session.caller.tree, watched, hear));
  };
}

type Subscribe = (hear: (event: EventType, name: string) => void) => () => void;

async function* iterate(
  { signal, encoding, persistent, recursive, ignores }: WatchRequest,
  { maxQueue, overflow }: QueueOptions,
  begin: Subscribe,
): AsyncGenerator<WatchEvent, void, undefined> {
  const waiting: WatchEvent[] = [];
  let wake = () => {};
  let failure: Error | undefined;
  const keepAlive = new KeepAlive(persistent ? 'referenced' : 'unreferenced');
  const stop = begin((eventType, name) => {
    const filename = showName(name, encoding);
    if (failure !== undefined || ignores(filename)) return;
    if (waiting.length < maxQueue) {
      waiting.push(eventOf({ eventType, filename }, { recursive }));
    } else if (overflow === 'error') {
      waiting.length = 0;
      failure = queueOverflow(maxQueue);
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
