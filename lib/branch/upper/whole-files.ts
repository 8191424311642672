/**
 * Uppers that cannot open files, or cannot truncate open ones: a file is put together in memory, and written as a whole
 * when it is closed.
 *
 *     create ──► writeFile(nothing, must be new)      so that the name is taken at once
 *     openForWriting ──► readFile
 *     write, truncate                                 in memory
 *     close ──► writeFile(all of it)
 *
 * A reader of the upper may see half of such a file while it is written; the batch's journal makes up for a crash in
 * between.
 */

import { EEXIST, ENOENT } from '../../errno.ts';
import { bytesIn } from '../dialect.ts';
import type { AnyFunction, Finder, Handle, Later } from '../fs-like.ts';
import { type Nature, upperPath } from './commands.ts';
import { LaterUpper } from './later-upper.ts';
import { SyncUpper } from './sync-upper.ts';

/** The rights that the owner needs while the file is written. */
const OPEN_TO_OWNER = 0o600;

const WRITTEN_WHOLE: Nature = { volume: undefined, kernel: false, closer: 'other', nesting: undefined };

/** A file while it is written. */
class Draft {
  readonly path: string;
  /** The mode that it gets when it is complete; undefined for a file that was there before. */
  readonly mode: number | undefined;
  /** The content, followed by zeros. Changed by `write` and `truncate`. */
  #bytes: Buffer;
  /** Changed by `write` and `truncate`. */
  #size: number;
  /** Whether the upper has the content, so that a second `close` goes on from there. Set by `close`. */
  isWritten = false;

  constructor(path: string, mode: number | undefined, bytes: Uint8Array) {
    this.path = path;
    this.mode = mode;
    this.#bytes = Buffer.from(bytes);
    this.#size = bytes.length;
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  write(source: Uint8Array, position: number): number {
    this.#reserve(position + source.length);
    this.#bytes.set(source, position);
    this.#size = Math.max(this.#size, position + source.length);
    return source.length;
  }

  truncate(size: number): void {
    this.#reserve(size);
    this.#bytes.fill(0, size);
    this.#size = size;
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(size, this.#bytes.length * 2));
    larger.set(this.content);
    this.#bytes = larger;
  }
}

/** Tells such an upper at once. */
export class WholeSyncUpper extends SyncUpper {
  readonly #lstat: string;
  readonly #canChmod: boolean;

  constructor(find: Finder<AnyFunction>, name: string) {
    super(find, name, WRITTEN_WHOLE);
    this.#lstat = find('lstat') === undefined ? 'stat' : 'lstat';
    this.#canChmod = find('chmod') !== undefined;
  }

  override create(path: string, mode: number): Handle {
    // Not every `writeFile` honours its flag.
    if (this.#isTaken(path)) throw EEXIST;
    this.run('writeFile', upperPath(path), Buffer.alloc(0), { mode: mode | OPEN_TO_OWNER, flag: 'wx' });
    return new Draft(path, mode, Buffer.alloc(0));
  }

  override openForWriting(path: string): Handle {
    return new Draft(path, undefined, bytesIn(this.run('readFile', upperPath(path), {})));
  }

  override write(handle: Handle, source: Uint8Array, position: number): number {
    return (handle as Draft).write(source, position);
  }

  override truncate(handle: Handle, size: number): void {
    (handle as Draft).truncate(size);
  }

  override flush(): void {}

  override flushAt(): void {}

  override close(handle: Handle): void {
    const draft = handle as Draft;
    const { path, mode, content } = draft;
    if (!draft.isWritten) this.writeFile(path, content, OPEN_TO_OWNER);
    draft.isWritten = true;
    if (mode !== undefined && this.#canChmod) this.chmod(path, mode);
  }

  #isTaken(path: string): boolean {
    try {
      return this.run(this.#lstat, upperPath(path), {}) !== undefined;
    } catch (thrown) {
      if (thrown === ENOENT) return false;
      throw thrown;
    }
  }
}

/** Tells such an upper later. */
export class WholeLaterUpper extends LaterUpper {
  readonly #lstat: string;
  readonly #canChmod: boolean;

  constructor(find: Finder<Later>, name: string) {
    super(find, name, WRITTEN_WHOLE);
    this.#lstat = find('lstat') === undefined ? 'stat' : 'lstat';
    this.#canChmod = find('chmod') !== undefined;
  }

  override async create(path: string, mode: number): Promise<Handle> {
    if (await this.#isTaken(path)) throw EEXIST;
    const options = { mode: mode | OPEN_TO_OWNER, flag: 'wx' };
    await this.run('writeFile', upperPath(path), Buffer.alloc(0), options);
    return new Draft(path, mode, Buffer.alloc(0));
  }

  override async openForWriting(path: string): Promise<Handle> {
    return new Draft(path, undefined, bytesIn(await this.run('readFile', upperPath(path), {})));
  }

  override async write(handle: Handle, source: Uint8Array, position: number): Promise<number> {
    return (handle as Draft).write(source, position);
  }

  override async truncate(handle: Handle, size: number): Promise<void> {
    (handle as Draft).truncate(size);
  }

  override async flush(): Promise<void> {}

  override async flushAt(): Promise<void> {}

  override async close(handle: Handle): Promise<void> {
    const draft = handle as Draft;
    const { path, mode, content } = draft;
    if (!draft.isWritten) await this.writeFile(path, content, OPEN_TO_OWNER);
    draft.isWritten = true;
    if (mode !== undefined && this.#canChmod) await this.chmod(path, mode);
  }

  async #isTaken(path: string): Promise<boolean> {
    try {
      return (await this.run(this.#lstat, upperPath(path), {})) !== undefined;
    } catch (thrown) {
      if (thrown === ENOENT) return false;
      throw thrown;
    }
  }
}
