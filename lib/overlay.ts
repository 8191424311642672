/**
 * The overlay: what the user holds. It puts the parts together and adds what `node:fs` has no function for.
 */

import type * as nodeFs from 'node:fs';
import type { Branch } from './branch/branch.ts';
import { EBADF, Errno, isErrno } from './errno.ts';
import { type Io, syncIo } from './fault.ts';
import { takeDescriptor, takePath } from './fs/arguments.ts';
import { systemError } from './fs/errors.ts';
import { createFront } from './fs/front.ts';
import type { FileSystem, Session } from './fs/session.ts';
import { listChanges, type PathChange, type Roots } from './image/changes.ts';
import { type Part, partsOf } from './image/whence.ts';
import { Descriptors } from './ops/descriptors.ts';
import { linkTmpfile } from './ops/link.ts';
import { close } from './ops/open.ts';
import { type OverlayOptions, parseOptions } from './overlay-options.ts';
import { Memory } from './pages/memory.ts';
import { Caller } from './tree/caller.ts';
import { setRoots } from './tree/sources/root.ts';
import { Tree } from './tree/tree.ts';
import { NOFOLLOW, walk } from './tree/walk.ts';

/** How many overlays this process has made: what keeps their descriptors and device numbers apart. Changed by the constructor. */
let made = 0;

/** Device numbers of overlays begin here, above those of real devices (Linux packs 12 + 20 bits). */
const FIRST_DEV = 2 ** 32;

/**
 * A writable filesystem in memory over read-only branches.
 *
 * Made by {@link createOverlay}. Its `fs` is used like `node:fs`; the other members are control: what differs, where it comes from,
 * the end.
 */
export class Overlay implements Disposable, AsyncDisposable {
  /** The filesystem: all of `node:fs`, as a plain object whose functions can be taken out and used alone. */
  readonly fs: FileSystem;
  readonly #tree: Tree;
  readonly #session: Session;
  readonly #branches: readonly Branch[];
  readonly #roots: Roots;
  /** Set by `close`. */
  #isClosed = false;

  /** @internal use {@link createOverlay} */
  constructor(options: OverlayOptions) {
    const parsed = parseOptions(options);
    const ordinal = made++;
    const { credentials, umask, cwd, clock, readonly } = parsed;
    const memory = new Memory(parsed.pageSize, parsed.limits);
    this.#tree = new Tree({ memory, clock, readonly, dev: FIRST_DEV + ordinal, owner: credentials });
    this.#branches = parsed.branches.map(({ branch }) => branch);
    this.#roots = new Map(parsed.branches.map(({ branch, root }) => [branch, root]));
    setRoots(this.#tree, parsed.branches);
    const caller = new Caller(this.#tree, credentials, umask);
    this.#session = { caller, descriptors: new Descriptors(ordinal), handles: new WeakMap(), cwd };
    this.fs = createFront(this.#session);
  }

  /**
   * Gives an anonymous file (`fs.constants.O_TMPFILE`) a name. What `link('/proc/self/fd/N', path)` does on Linux.
   *
   * @param fd its descriptor
   * @param path the name, which must be free
   * @throws EEXIST where the name is taken; ENOENT for a file opened with O_EXCL too, which stays without a name; EBADF
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
    const file = this.#session.descriptors.get(takeDescriptor(fd));
    this.#worded('link', String(path), () => {
      if (file === undefined) throw EBADF;
      linkTmpfile(syncIo, this.#session.caller, file, takePath(this.#session, path));
    });
  }

  /**
   * What differs from the lowers, parents before children. It costs what changed, not what exists.
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
    return listChanges(syncIo, this.#tree, this.#roots)[Symbol.iterator]();
  }

  /**
   * Which branch each part of a file comes from, in order; for a directory the directories that it merges, from the top.
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
    return this.#worded('lstat', String(path), (io) => {
      const inode = walk(io, this.#session.caller, takePath(this.#session, path), NOFOLLOW);
      if (isErrno(inode)) throw inode;
      return partsOf(this.#tree, inode);
    });
  }

  /** Ends the overlay: closes every descriptor and whatever the branches hold open for it. What it held in memory is gone. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { descriptors, caller } = this.#session;
    for (const [fd, file] of [...descriptors]) {
      descriptors.remove(fd);
      close(syncIo, caller, file);
    }
    for (const branch of this.#branches) branch.close();
  }

  /** The same as {@link Overlay.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The same as {@link Overlay.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #worded<R>(syscall: string, path: string, operation: (io: Io) => R): R {
    try {
      return operation(syncIo);
    } catch (thrown) {
      throw thrown instanceof Errno ? systemError(thrown, syscall, path, undefined, this.#worded) : thrown;
    }
  }
}

/**
 * Makes an overlay: a filesystem that shows its read-only branches and keeps everything written in memory.
 *
 * @param options see {@link OverlayOptions}; without any the overlay lies over the real disk, and every absolute path works unchanged
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`) or RangeError (`ERR_INVALID_ARG_VALUE`) that names the option which is wrong; Node's own error
 *   for a directory that is not there
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
