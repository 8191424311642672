/**
 * `watchFile` and `unwatchFile`: Node's StatWatcher, which compares what `stat` says now with what it said before.
 *
 * Node polls. Here a change made through the overlay is looked at when it happens. Only a file of a lower that may
 * change is also looked at every `interval` milliseconds.
 */

import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import type { BigIntStats, Stats } from 'node:fs';
import path from 'node:path';
import { NotLoadedError } from '../../branch/errors.ts';
import { isErrno } from '../../errno.ts';
import { type Io, runAsync, syncIo } from '../../fault.ts';
import { inNextTurn } from '../../node/turns.ts';
import { lstat, stat } from '../../ops/attributes.ts';
import type { Caller } from '../../tree/caller.ts';
import { type Inode, isSymlink } from '../../tree/inode.ts';
import type { Tree } from '../../tree/tree.ts';
import { pathOf } from '../../tree/walk.ts';
import { doubt, refuseBytes, takePath } from '../arguments.ts';
import { parseOrThrow } from '../call.ts';
import { makeBigIntStats, makeStats } from '../results/stats.ts';
import type { Session } from '../session.ts';
import { KeepAlive, LONGEST } from './keep-alive.ts';
import { type Looker, type Reach, WatchedPaths, wayTo } from './watched-paths.ts';

/** What `watchFile` was asked. */
interface Request {
  /** Absolute and normal. */
  readonly path: string;
  readonly interval: number;
  readonly persistent: boolean;
  readonly numbers: 'number' | 'bigint';
  readonly listener: (now: Stats | BigIntStats, before: Stats | BigIntStats) => void;
}

const DEFAULT_INTERVAL = 5007;
const MOST_INTERVAL = 2 ** 32 - 1;

function parse(session: Session, filename: unknown, options: unknown, listener: unknown): Request {
  const hasOptions = typeof options === 'object' && options !== null;
  const hear = hasOptions ? listener : options;
  const given = hasOptions ? (options as { interval?: unknown; persistent?: unknown; bigint?: unknown }) : {};
  const { interval = DEFAULT_INTERVAL, persistent = true, bigint } = given;
  const at = normalPath(session, filename);
  if (typeof hear !== 'function') doubt();
  if (typeof interval !== 'number' || !Number.isInteger(interval) || interval < 0 || interval > MOST_INTERVAL) doubt();
  return {
    path: at,
    interval: Number(interval),
    persistent: Boolean(persistent),
    numbers: bigint === true ? 'bigint' : 'number',
    listener: hear as Request['listener'],
  };
}

/** An absolute and normal path. */
function normalPath(session: Session, given: unknown): string {
  const taken = takePath(session, given);
  refuseBytes(given);
  return path.posix.normalize(taken);
}

/** What `watchFile` returns: one watcher for each path, shared by all its listeners. */
export class StatWatcher extends EventEmitter {
  readonly #session: Session;
  readonly #paths: WatchedPaths;
  /** This, to `#paths`. */
  readonly #looker: Looker;
  readonly #numbers: Request['numbers'];
  readonly #interval: number;
  readonly #keepAlive: KeepAlive;
  /** Runs listeners in the asynchronous context of the first call that watched. */
  readonly #scope = new AsyncResource('STATWATCHER');
  /** Cancels the next look. Changed by `#lookLater`. */
  #cancel: () => void;
  /** The file at the last look; undefined if it was absent, or before the first look. Changed by `#see`. */
  #before: { readonly inode: Seen | undefined } | undefined;
  /**
   * The file when it last existed, which listeners get when it comes back (libuv uv-poll `poll_cb`). Changed by `#see`.
   */
  #last: Seen | undefined;
  /** A look is under way; another is wanted behind it. Changed by `#look`. */
  #looking: 'no' | 'once' | 'again' = 'no';
  /** Watching has ended. Set by `stop`. */
  #isStopped = false;

  constructor(session: Session, paths: WatchedPaths, { path: watched, numbers, interval, persistent }: Request) {
    super();
    this.#session = session;
    this.#paths = paths;
    this.#looker = { path: watched, look: () => this.#look() };
    this.#numbers = numbers;
    this.#interval = Math.min(interval, LONGEST);
    this.#keepAlive = new KeepAlive(persistent ? 'referenced' : 'unreferenced');
    this.#cancel = this.#lookLater();
    paths.add(this.#looker);
    // At once, to compare with the file as it is now: Node's first look also comes before any later call that waits for
    // a thread.
    const found = findNow(session.caller, watched);
    if (found === undefined) this.#look();
    else this.#see(found);
  }

  #lookLater(): () => void {
    return this.#session.timers.after(this.#interval, () => {
      this.#cancel = this.#lookLater();
      this.#look();
    });
  }

  #look(): void {
    if (this.#looking !== 'no') {
      this.#looking = 'again';
      return;
    }
    this.#looking = 'once';
    // Until it is known where the path leads.
    this.#paths.setReach(this.#looker, 'elsewhere');
    void runAsync((io) => findAt(io, this.#session.caller, this.#looker.path)).then(
      (found) => this.#see(found),
      () => this.#see(NOTHING),
    );
  }

  #see({ inode, reach }: Found): void {
    const isWanted = this.#looking === 'again';
    this.#looking = 'no';
    if (this.#isStopped) return;
    this.#paths.setReach(this.#looker, reach);
    const { tree } = this.#session.caller;
    const before = this.#before;
    const now = inode && seenOf(inode, tree, this.#numbers);
    this.#before = { inode: now };
    const absent = () => zeros(tree, this.#numbers);
    // If the file is absent at first, listeners are told once (node lib/internal/fs/watchers.js).
    if (before === undefined ? now === undefined : !isSame(before.inode, now)) {
      this.#tell(now?.stats ?? absent(), this.#last?.stats ?? absent());
    }
    if (now !== undefined) this.#last = now;
    if (isWanted) this.#look();
  }

  /** In a turn of its own, outside the promise, so that what a listener throws is an uncaught exception. */
  #tell(now: Stats | BigIntStats, before: Stats | BigIntStats): void {
    inNextTurn(() => {
      if (!this.#isStopped) this.#scope.runInAsyncScope(() => this.emit('change', now, before));
    });
  }

  /** Does nothing; kept for code written for old versions of Node. */
  start(): void {}

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#cancel();
    this.#keepAlive.end();
    this.#paths.remove(this.#looker);
    process.nextTick(() => this.emit('stop'));
  }

  ref(): this {
    this.#keepAlive.ref();
    return this;
  }

  unref(): this {
    this.#keepAlive.unref();
    return this;
  }
}

/** A file as it was seen. */
interface Seen {
  readonly stats: Stats | BigIntStats;
  /** What tells one state of a file from another (libuv uv-poll `statbuf_eq`). */
  readonly state: string;
}

function seenOf(inode: Inode, tree: Tree, numbers: Request['numbers']): Seen {
  const { number, mode, uid, gid, size, nlink, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } = inode;
  return {
    stats: statsOf(inode, tree, numbers),
    state: [number, mode, uid, gid, size, nlink, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec].join(' '),
  };
}

/** What a look has found. */
interface Found {
  readonly inode: Inode | undefined;
  readonly reach: Reach;
}

const NOTHING: Found = { inode: undefined, reach: 'straight' };

/** Looks at a path. Where a link on the way leads to nothing, something may come there. */
function findAt(io: Io, caller: Caller, at: string): Found {
  const found = stat(io, caller, at);
  if (isErrno(found)) return hasLink(io, caller, at) ? { inode: undefined, reach: 'elsewhere' } : NOTHING;
  return { inode: found, reach: isAt(caller.tree, found, at) ? 'straight' : 'elsewhere' };
}

/** Looks at a path at once; undefined where a branch can only answer later. */
function findNow(caller: Caller, at: string): Found | undefined {
  try {
    return findAt(syncIo, caller, at);
  } catch (thrown) {
    return thrown instanceof NotLoadedError ? undefined : NOTHING;
  }
}

/** Whether a path is the name of what was found there, and leads over no link. */
function isAt({ root }: Tree, inode: Inode, at: string): boolean {
  const { parent, name } = inode;
  if (inode === root) return at === '/';
  return parent !== undefined && at === (parent === root ? `/${name}` : `${pathOf(root, parent)}/${name}`);
}

/** Whether there is a link on the way along a path, or at its end. */
function hasLink(io: Io, caller: Caller, path: string): boolean {
  for (const way of wayTo(path)) {
    const found = lstat(io, caller, way);
    if (isErrno(found)) return false;
    if (isSymlink(found)) return true;
  }
  return false;
}

function statsOf(inode: Inode, tree: Tree, numbers: Request['numbers']): Stats | BigIntStats {
  return numbers === 'bigint' ? makeBigIntStats(inode, tree) : makeStats(inode, tree);
}

/** The stats of a file that is not there: every number is 0. */
function zeros(tree: Tree, numbers: Request['numbers']): Stats | BigIntStats {
  const stats = statsOf(tree.root, tree, numbers);
  const fields = stats as unknown as Record<string, number | bigint>;
  for (const key of Object.keys(fields)) fields[key] = numbers === 'bigint' ? 0n : 0;
  return stats;
}

function isSame(before: Seen | undefined, now: Seen | undefined): boolean {
  return before?.state === now?.state;
}

/** `watchFile` and `unwatchFile`, which share the watchers of a session. */
export function watchFileForms(session: Session) {
  const watchers = new Map<string, StatWatcher>();
  const paths = new WatchedPaths(session.caller.tree);

  function watchFile(filename?: unknown, options?: unknown, listener?: unknown): StatWatcher {
    const args = [filename, options, listener];
    const request = parseOrThrow('watchFile', ['path'], args, () => parse(session, filename, options, listener));
    let watcher = watchers.get(request.path);
    if (watcher === undefined) {
      watcher = new StatWatcher(session, paths, request);
      watchers.set(request.path, watcher);
    }
    watcher.on('change', request.listener);
    return watcher;
  }

  function unwatchFile(filename?: unknown, listener?: unknown): void {
    const at = parseOrThrow('unwatchFile', ['path'], [filename], () => normalPath(session, filename));
    const watcher = watchers.get(at);
    if (watcher === undefined) return;
    if (typeof listener === 'function') watcher.off('change', listener as () => void);
    else watcher.removeAllListeners('change');
    if (watcher.listenerCount('change') > 0) return;
    watcher.stop();
    watchers.delete(at);
  }

  return { watchFile, unwatchFile };
}
