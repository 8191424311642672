/** The overlay: the object that users have. It puts the parts together and adds what `node:fs` has no function for. */

import { EventEmitter } from 'node:events';
import type * as nodeFs from 'node:fs';
import { type InspectOptions, inspect } from 'node:util';
import { type Nesting, noteNesting } from '../branch/nesting.ts';
import { Errno, isErrno } from '../errno.ts';
import { type Io, runSync } from '../fault.ts';
import { parseDescriptor, parsePath } from '../fs/call.ts';
import { Descriptors } from '../fs/descriptors.ts';
import { shownPath, systemError } from '../fs/errors.ts';
import { createFront } from '../fs/front.ts';
import { lenderOf } from '../fs/lending.ts';
import type { FileSystem, Session } from '../fs/session.ts';
import { listChanges, type PathChange, type Roots } from '../image/changes.ts';
import { type Part, partsOf } from '../image/whence.ts';
import { linkTmpfile } from '../ops/link.ts';
import { release } from '../ops/open.ts';
import { Caller, type Credentials } from '../tree/caller.ts';
import { setRoots } from '../tree/sources/root.ts';
import type { Tree } from '../tree/tree.ts';
import { NOFOLLOW, walk } from '../tree/walk.ts';
import type { Manner } from '../writeback/report.ts';
import type { OverlayEvents } from './events.ts';
import { Freezing } from './freezing.ts';
import { MANNER, parseManner, SYNC_MANNER } from './option-values.ts';
import { type OverlayOptions, parseCredentials, parseOptions } from './options.ts';
import { preload } from './preload.ts';
import { shown } from './shown.ts';
import { type Statistics, statisticsOf } from './statistics.ts';
import { treeOf } from './tree.ts';
import { UpperControl } from './upper.ts';

/** How many overlays were made, which keeps their descriptors and device numbers apart. Changed by the constructor. */
let made = 0;

/**
 * A writable filesystem in memory over read-only branches.
 *
 * Made by {@link createOverlay}. Use its `fs` like `node:fs`. The other members tell what has changed and where it
 * comes from, bring changes to the upper, and end the overlay.
 */
export class Overlay extends EventEmitter<OverlayEvents> implements Disposable, AsyncDisposable {
  /** The filesystem: all of `node:fs`, as a plain object whose functions need no `this`. See {@link FileSystem}. */
  readonly fs: FileSystem;
  readonly #tree: Tree;
  readonly #session: Session;
  readonly #roots: Roots;
  readonly #upper: UpperControl;
  /** Set by `close`. */
  #isClosed = false;
  readonly #freezing: Freezing;

  /** @internal use {@link createOverlay} */
  constructor(options: OverlayOptions) {
    super();
    const parsed = parseOptions(options);
    const ordinal = made++;
    const { credentials, umask, cwd, lowers, upper, timers } = parsed;
    this.#tree = treeOf(parsed, ordinal);
    this.#freezing = new Freezing(this.#tree);
    const branches = upper === undefined ? lowers : [upper, ...lowers];
    this.#roots = new Map(branches.map(({ branch, root }) => [branch, root]));
    // An upper that is made at once lies above them.
    setRoots(this.#tree, branches);
    this.#upper = new UpperControl(this.#tree, upper, parsed, {
      onCommand: (command) => void this.emit('command', command),
      onFailure: ({ path, errno, author }, fate) =>
        void this.emit('writeback-error', {
          path,
          code: errno.code,
          discarded: fate === 'discarded',
          ...(author && { as: author }),
        }),
    });
    const author = this.#upper.authorFor(options.credentials && credentials);
    const caller = new Caller(this.#tree, credentials, umask, author);
    this.#session = { caller, descriptors: new Descriptors(ordinal), handles: new WeakSet(), cwd, timers };
    this.fs = this.#createFront(this.#session);
  }

  /**
   * Gives an anonymous file (`fs.constants.O_TMPFILE`) a name, like `link('/proc/self/fd/N', path)` on Linux.
   *
   * @param fd its descriptor
   * @param path the name, which must not exist yet
   * @throws EEXIST where the name exists; ENOENT for a file opened with O_EXCL, which can never get a name; EBADF
   *
   * @example
   * ```ts
   * import { createOverlay } from 'overfs';
   *
   * const overlay = createOverlay({ lower: '.' });
   * const { fs } = overlay;
   * const fd = fs.openSync('/', fs.constants.O_RDWR | fs.constants.O_TMPFILE);
   * fs.writeSync(fd, 'complete before anybody sees it');
   * overlay.linkTmpfile(fd, '/result.txt');
   * fs.closeSync(fd);
   * console.log(fs.readFileSync('/result.txt', 'utf8')); // complete before anybody sees it
   * ```
   */
  linkTmpfile(fd: number, path: nodeFs.PathLike): void {
    const file = parseDescriptor(this.#session, fd);
    const name = parsePath(this.#session, path);
    this.#worded('link', shownPath(path), (io) => {
      if (isErrno(file)) throw file;
      linkTmpfile(io, this.#session.caller, file, name);
    });
  }

  /**
   * Lists what differs from the lowers, parents before children. The cost grows with what has changed, not with what
   * exists.
   *
   * @throws a system error (`lstat`) where a branch cannot be asked
   *
   * @example
   * ```ts
   * import { createOverlay } from 'overfs';
   *
   * const overlay = createOverlay({ lower: '.' });
   * overlay.fs.writeFileSync('/notes.txt', 'new');
   * for (const { kind, path } of overlay.changes()) console.log(kind, path); // added /notes.txt
   * ```
   */
  changes(): IterableIterator<PathChange> {
    return this.#worded('lstat', undefined, (io) => listChanges(io, this.#tree, this.#roots)).values();
  }

  /**
   * Tells which branch each part of a file comes from, in order; for a directory, the directories that it merges,
   * topmost first.
   *
   * @param path a link there is not followed
   * @throws the error of `lstat` on the path
   *
   * @example
   * ```ts
   * import { createOverlay } from 'overfs';
   *
   * const overlay = createOverlay({ lower: '.' });
   * console.log(overlay.whence('/package.json').map(({ branch }) => branch)); // [ 'lower1' ]
   * overlay.fs.appendFileSync('/package.json', ' ');
   * console.log(overlay.whence('/package.json').map(({ branch }) => branch)); // [ 'memory' ]
   * ```
   */
  whence(path: nodeFs.PathLike): Part[] {
    const name = parsePath(this.#session, path);
    return this.#worded('lstat', shownPath(path), (io) => {
      const inode = walk(io, this.#session.caller, name, NOFOLLOW);
      if (isErrno(inode)) throw inode;
      return partsOf(this.#tree, inode);
    });
  }

  /**
   * Loads names, attributes, link targets and contents from branches that have only promise functions, so that the
   * synchronous API can use them. They stay loaded; later asynchronous calls that look at a file bring its attributes
   * up to date. It also mounts an upper that has only promise functions; what that holds stays loaded as far as the
   * `cache` has room. From other branches, which can be asked at any time, nothing is loaded for good.
   *
   * @param paths what to load, with everything below; links are loaded as links, and a given path that is a link is
   *   followed too
   * @throws the error of the first path that cannot be loaded (`stat`)
   *
   * @example
   * ```ts
   * import { createOverlay } from 'overfs';
   *
   * const stats = (type: number, size: number) => ({ mode: type | 0o755, size, mtimeMs: 0 });
   * const store = {
   *   lstat: async (path: string) => (path === '/' ? stats(0o040000, 0) : stats(0o100000, 5)),
   *   readdir: async () => ['greeting'],
   *   readFile: async () => Buffer.from('hello'),
   * };
   * const overlay = createOverlay({ lower: { promises: store } });
   * await overlay.preload('/');
   * console.log(overlay.fs.readFileSync('/greeting', 'utf8')); // hello
   * ```
   */
  async preload(paths: nodeFs.PathLike | readonly nodeFs.PathLike[]): Promise<void> {
    for (const path of Array.isArray(paths) ? paths : [paths]) await preload(this.#session, path);
  }

  /**
   * Gives numbers about what the overlay holds and has done; see {@link Statistics}. The object is a snapshot: ask
   * again for newer numbers.
   *
   * @example
   * ```ts
   * import { createOverlay } from 'overfs';
   *
   * const overlay = createOverlay({ lower: '.' });
   * overlay.fs.readFileSync('/package.json');
   * overlay.fs.readFileSync('/package.json');
   * const { hits, misses, fills } = overlay.statistics();
   * console.log(hits, misses, fills); // 1 1 1
   * ```
   */
  statistics(): Statistics {
    const { written } = this.#upper;
    const openFiles = this.#session.descriptors.count;
    return statisticsOf({ tree: this.#tree, branches: [...this.#roots.keys()], written, openFiles });
  }

  /**
   * The upper: what was given as `upper`, or the memfs `Volume` that the first `sync` without one makes; undefined
   * before.
   */
  get upper(): object | string | undefined {
    return this.#upper.given;
  }

  /**
   * Brings the upper up to date with everything written so far. Without the option `upper`, the first call makes one in
   * memory.
   *
   * Each call is one batch: after a crash the upper has all of it or none. What is written meanwhile belongs to the
   * next batch.
   *
   * @param manner `onProgress` is called for each file. Aborting `signal` ends the call at once, even if the upper
   *   hangs; a batch that is decided by then goes on, and one that is not is dropped and stays to be written
   * @throws AggregateError that names the files which could not be written, and which stay dirty; a system error
   *   (`sync`) of the upper when nothing could be written
   *
   * @example
   * ```ts
   * import { mkdirSync, readFileSync } from 'node:fs';
   * import { createOverlay } from 'overfs';
   *
   * mkdirSync('changes');
   * await using overlay = createOverlay({ lower: 'src', upper: 'changes' });
   * overlay.fs.writeFileSync('/notes.txt', 'kept');
   * await overlay.sync();
   * console.log(readFileSync('changes/notes.txt', 'utf8')); // kept
   * ```
   */
  async sync(manner: Manner = {}): Promise<void> {
    await this.#upper.syncLater(parseManner(manner, MANNER));
  }

  /**
   * The synchronous form of {@link Overlay.sync}.
   *
   * If a write-back is under way without blocking, this call takes it over.
   *
   * @throws as `sync`; EBUSY in a listener of `command`
   */
  syncSync(manner: Pick<Manner, 'onProgress'> = {}): void {
    this.#upper.syncNow(parseManner(manner, SYNC_MANNER));
  }

  /**
   * Gives an `fs` over the same tree with another user's rights: its calls are checked against these credentials, and
   * its new files belong to them.
   *
   * It shares the overlay's descriptors. What is written to files that this `fs` has opened is written back with these
   * rights where the upper can act for others (`upper.as`, see {@link UpperOptions}), and otherwise with those of the
   * process.
   *
   * @throws RangeError (`ERR_INVALID_ARG_VALUE`) for something that is not a user or group id; TypeError
   *   (`ERR_INVALID_RETURN_VALUE`) or an error with the code `ERR_OVERFS_BRANCH` where `upper.as` returns something
   *   that cannot be an upper
   *
   * @example
   * ```ts
   * import { createOverlay } from 'overfs';
   *
   * const overlay = createOverlay({ lower: '.', credentials: { uid: 0, gid: 0 } });
   * overlay.fs.writeFileSync('/secret', 'for root', { mode: 0o600 });
   * const guest = overlay.as({ uid: 65534, gid: 65534 });
   * try {
   *   guest.readFileSync('/secret');
   * } catch (error) {
   *   console.log(error.message); // EACCES: permission denied, open '/secret'
   * }
   * ```
   */
  as(credentials: Credentials): FileSystem {
    const parsed = parseCredentials(credentials);
    const author = this.#upper.authorFor(parsed);
    const caller = new Caller(this.#tree, parsed, this.#session.caller.umask, author);
    return this.#createFront({ ...this.#session, caller });
  }

  /**
   * Holds back every change until {@link Overlay.thaw}: asynchronous calls wait, synchronous ones throw EBUSY. Reading
   * and write-back go on, so what is copied or synced meanwhile is consistent. Calls that still wait when the overlay
   * ends fail with EROFS. One thing can still change: what the upper refuses meanwhile is taken back
   * (`writeback: 'through'`) or discarded (`onError: 'discard'`).
   *
   * @example
   * ```ts
   * import { createOverlay } from 'overfs';
   *
   * const overlay = createOverlay({ lower: '.' });
   * overlay.freeze();
   * const waiting = overlay.fs.promises.writeFile('/later.txt', 'after the thaw');
   * console.log(overlay.fs.existsSync('/later.txt')); // false
   * overlay.thaw();
   * await waiting;
   * console.log(overlay.fs.existsSync('/later.txt')); // true
   * ```
   */
  freeze(): void {
    this.#freezing.begin();
  }

  /** Lets the changes go on that {@link Overlay.freeze} has held back. */
  thaw(): void {
    this.#freezing.end();
  }

  /**
   * Ends the overlay: closes every descriptor, writes back to the upper if there is one (also with
   * `writeback: 'manual'`), and closes what the branches hold open. The overlay can still be read; every change is
   * EROFS. Watchers go on until they are closed. Without an upper, what was written is never stored anywhere.
   *
   * @throws as `syncSync`; then the overlay is still open
   */
  close(): void {
    if (this.#isClosed) return;
    this.#closeDescriptors();
    this.#upper.closeNow();
    this.#end();
  }

  /** {@link Overlay.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** {@link Overlay.close} without blocking, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#closeDescriptors();
    await this.#upper.closeLater();
    this.#end();
  }

  /** @internal what `console.log` shows */
  [inspect.custom](depth: number, options: InspectOptions): string {
    const [upper, isClosed] = [this.upper, this.#isClosed];
    return shown({ roots: this.#roots, upper, isClosed, ...this.statistics() }, depth, options);
  }

  /** Makes an `fs`, and notes that it belongs to an overlay, in case it becomes a branch of another one. */
  #createFront(session: Session): FileSystem {
    const fs = createFront(session);
    const { tree, uid, gid, umask } = session.caller;
    const writer = { uid, gid, umask };
    const nesting: Nesting = { level: tree.spelling.level, writer, memory: this.#upper.isInMemory };
    noteNesting(fs, fs.promises, nesting, lenderOf(session));
    return fs;
  }

  #closeDescriptors(): void {
    const { descriptors, caller } = this.#session;
    for (const file of descriptors.closeAll()) release(caller, file);
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // Held back calls go on, and are refused.
    this.thaw();
    for (const branch of this.#roots.keys()) branch.close();
  }

  #worded<R>(syscall: string, path: string | undefined, operation: (io: Io) => R): R {
    try {
      return runSync(this.#tree, operation);
    } catch (thrown) {
      throw thrown instanceof Errno ? systemError(thrown, syscall, path, undefined, this.#worded) : thrown;
    }
  }
}

/**
 * Makes an overlay: a filesystem that shows read-only branches and keeps everything that is written in memory.
 *
 * @param options see {@link OverlayOptions}; without any, the overlay lies over the real disk, and every absolute path
 *   works unchanged
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`) or RangeError (`ERR_INVALID_ARG_VALUE`) that names the wrong option; an
 *   error with Node's code for a directory that does not exist
 *
 * @example
 * ```ts
 * import { createOverlay } from 'overfs';
 *
 * const { fs } = createOverlay({ lower: '.' }); // the current directory, seen as /
 * fs.writeFileSync('/package.json', 'changed in memory only');
 * console.log(fs.readFileSync('/package.json', 'utf8')); // changed in memory only
 * ```
 */
export function createOverlay(options: OverlayOptions = {}): Overlay {
  return new Overlay(options);
}
