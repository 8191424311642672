/**
 * `fs.watch`: Node's FSWatcher over the feed of changes.
 */

import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import pathOf from 'node:path';
import { displayName } from '../../branch/bytes.ts';
import { ENOENT, type Errno, isErrno } from '../../errno.ts';
import type { Inode } from '../../tree/inode.ts';
import { doubt, isUrl, refuseBytes, takePath } from '../arguments.ts';
import { parseOrThrow } from '../call.ts';
import { shownPath, systemError } from '../errors.ts';
import { type Encoding, encodingIn, showName, takeOptions } from '../options.ts';
import type { Session } from '../session.ts';
import { subscribe, type Watched } from './feed.ts';
import { type Ignores, takeIgnore } from './ignore.ts';
import { KeepAlive } from './keep-alive.ts';
import { knownOption } from './known-options.ts';
import { lookNow } from './look.ts';

/** What `fs.watch` was asked. */
export interface WatchRequest {
  /** Absolute. */
  readonly path: string;
  readonly persistent: boolean;
  readonly recursive: boolean;
  readonly encoding: Encoding;
  readonly signal: AbortSignal | undefined;
  readonly ignores: Ignores;
  /** What happens if the path does not exist: an error, or a watcher without events (Node 24 and later). */
  readonly missing: 'error' | 'silence';
}

/** Reads the arguments of `watch`; what is not plainly right is doubted. */
export function parseWatch(session: Session, path: unknown, given: unknown): WatchRequest {
  const options = takeOptions(given);
  const { persistent = true, recursive = false, signal } = options;
  const throwIfNoEntry = knownOption('throwIfNoEntry', options.throwIfNoEntry) ?? true;
  if (typeof throwIfNoEntry !== 'boolean') doubt();
  if (typeof persistent !== 'boolean' || typeof recursive !== 'boolean') doubt();
  const encoding = encodingIn(options);
  const absolute = takePath(session, path);
  if (recursive === true) refuseBytes(path);
  return {
    // A recursive watcher resolves the path as text before it looks (node lib/internal/fs/recursive_watch.js): an empty
    // one is the working directory.
    path: recursive === true ? pathOf.posix.resolve(session.cwd(), absolute) : absolute,
    persistent: persistent === true,
    recursive: recursive === true,
    // The names of a recursive one are text, whatever is asked for (the same file).
    encoding: recursive === true ? 'utf8' : encoding,
    signal: signal as AbortSignal | undefined,
    ignores: takeIgnore(options.ignore),
    missing: throwIfNoEntry ? 'error' : 'silence',
  };
}

/** How to watch an inode that was found at a path. */
export function watchedAt(path: string, inode: Inode, { recursive }: WatchRequest): Watched {
  // What libuv calls it: nothing, where the path ends in a slash.
  const name = path.slice(path.lastIndexOf('/') + 1);
  return { inode, name, depth: recursive ? 'tree' : 'entries', whose: 'all' };
}

/**
 * The error of a watch that cannot begin: Node's, with the path as `filename` too. A recursive watch begins with a
 * `stat` of the whole path.
 */
export function watchError(
  errno: Errno,
  { recursive, path }: WatchRequest,
  given: unknown,
  above: (...args: never[]) => unknown,
): Error {
  if (recursive) {
    const filename = displayName(path);
    return Object.assign(systemError(errno, 'stat', filename, undefined, above), { filename });
  }
  // libuv leaves an empty path out.
  const shown = (isUrl(given) ? String(given) : shownPath(given)) || undefined;
  const error = systemError(errno, 'watch', shown, undefined, above);
  // Node makes this error in JavaScript, which gives its properties another order than its binding does.
  for (const key of ['code', 'path'] as const) {
    const descriptor = Object.getOwnPropertyDescriptor(error, key);
    if (descriptor === undefined) continue;
    Reflect.deleteProperty(error, key);
    Object.defineProperty(error, key, descriptor);
  }
  return Object.assign(error, { filename: given });
}

/** What `fs.watch` returns: emits changes until it is closed. */
export class FSWatcher extends EventEmitter {
  /** Undefined where nothing is watched. */
  readonly #keepAlive: KeepAlive | undefined;
  readonly #depth: Watched['depth'];
  /** Stops the feed; undefined once closed. Changed by `close`. */
  #stop: (() => void) | undefined;

  /** Without an inode there is nothing to watch. */
  constructor(session: Session, inode: Inode | undefined, request: WatchRequest) {
    super();
    this.#depth = request.recursive ? 'tree' : 'entries';
    if (inode === undefined) {
      // A recursive watcher of Node's emits `close` all the same.
      if (request.recursive) this.#stop = () => {};
      return;
    }
    this.#keepAlive = new KeepAlive(request.persistent ? 'referenced' : 'unreferenced');
    const watched = watchedAt(displayName(request.path), inode, request);
    const tell = (event: string, name: string): void => {
      const shown = showName(name, request.encoding);
      if (!request.ignores(shown)) this.emit('change', event, shown);
    };
    // In the asynchronous context of the watcher, not of the code that makes the change.
    this.#stop = subscribe(session.caller.tree, watched, AsyncResource.bind(tell));
  }

  /** Does nothing; kept for code written for old versions of Node. */
  start(): void {}

  close(): void {
    if (this.#stop === undefined) return;
    this.#stop();
    this.#stop = undefined;
    this.#keepAlive?.end();
    // Node's recursive watcher is another one, which says so at once (node lib/internal/fs/recursive_watch.js).
    if (this.#depth === 'tree') this.emit('close');
    else process.nextTick(() => this.emit('close'));
  }

  ref(): this {
    this.#keepAlive?.ref();
    return this;
  }

  unref(): this {
    this.#keepAlive?.unref();
    return this;
  }
}

/** `fs.watch`. */
export function watchForm(session: Session) {
  const watch = (filename?: unknown, options?: unknown, listener?: unknown): FSWatcher => {
    const hear = typeof options === 'function' ? options : listener;
    const request = parseOrThrow('watch', ['path'], [filename, options], () => parseWatch(session, filename, options));
    const inode = lookAt(session, request, filename, watch);
    const watcher = new FSWatcher(session, inode, request);
    if (hear) watcher.on('change', hear as (event: string, name: string | Buffer | null) => void);
    closeAtAbort(watcher, request.signal);
    return watcher;
  };
  return watch;
}

/** The inode to watch; undefined for none, where that is allowed. */
function lookAt(
  session: Session,
  request: WatchRequest,
  given: unknown,
  above: (...args: never[]) => unknown,
): Inode | undefined {
  const found = lookNow(session, request.path);
  if (!isErrno(found)) return found;
  if (found === ENOENT && request.missing === 'silence') return undefined;
  // Unlike `promises.watch`, it has made a path of a URL before it looks.
  throw watchError(found, request, isUrl(given) ? shownPath(given) : given, above);
}

function closeAtAbort(watcher: FSWatcher, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const close = () => watcher.close();
  if (signal.aborted) {
    process.nextTick(close);
    return;
  }
  signal.addEventListener('abort', close);
  watcher.once('close', () => signal.removeEventListener('abort', close));
}
