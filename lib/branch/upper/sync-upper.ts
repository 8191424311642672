/**
 * An upper told at once: `UpperRequests` over the synchronous functions of an fs-like thing.
 */

import type { Stats } from 'node:fs';
import type { Attributes } from '../branch.ts';
import { countIn, failureIn } from '../dialect.ts';
import { BranchError } from '../errors.ts';
import type { AnyFunction, BranchPath, Finder, Handle } from '../fs-like.ts';
import { permitted } from '../memfs.ts';
import {
  BY_HANDLE,
  BY_PATH,
  COPY_FLAGS,
  CREATE_FLAGS,
  DIRECTORY_FLAGS,
  type Nature,
  NO_MODE,
  upperPath,
  upperTime,
  WRITE_FLAGS,
} from './commands.ts';
import { closedAnyway, isOfOthers } from './not-now.ts';
import { EXACT, ON_HANDLES, putting } from './put.ts';
import { flushing, takeNow } from './steps.ts';
import type { Copying, NewFile, UpperRequests } from './upper.ts';

/** The mode that memfs requires of a file that it makes and opens for writing. */
const OPEN_TO_OWNER = 0o600;

/** Tells an upper at once. */
export class SyncUpper implements UpperRequests {
  readonly #name: string;
  readonly #inMemory: boolean;
  readonly #nature: Nature;
  /** Those of its functions that it has, by their names without `Sync`. Filled by the constructor. */
  readonly #functions = new Map<string, AnyFunction>();
  /** See `put.ts`. */
  readonly isSureOfHandles: boolean;

  constructor(find: Finder<AnyFunction>, name: string, nature: Nature) {
    const { volume, kernel } = nature;
    this.#name = name;
    this.#inMemory = volume !== undefined;
    this.#nature = nature;
    for (const [each, reach] of Object.entries(BY_PATH)) {
      const found = find(each);
      if (found !== undefined) this.#functions.set(each, volume ? permitted(volume, found, reach) : found);
    }
    for (const each of BY_HANDLE) {
      const found = find(each);
      if (found !== undefined) this.#functions.set(each, found);
    }
    this.isSureOfHandles = kernel && ON_HANDLES.every((each) => this.#functions.has(each));
  }

  mkdir(path: string, mode: number): void {
    this.run('mkdir', this.#at(path), { mode });
  }

  create(path: string, mode: number): Handle {
    if (!this.#inMemory) return this.run('open', this.#at(path), CREATE_FLAGS, mode);
    // memfs makes the file and then checks whether its mode allows it to be opened.
    const handle = this.run('open', this.#at(path), CREATE_FLAGS, mode | OPEN_TO_OWNER);
    if ((mode & OPEN_TO_OWNER) === OPEN_TO_OWNER) return handle;
    try {
      this.run('chmod', this.#at(path), mode);
    } catch (thrown) {
      // The next attempt must find the name free.
      this.close(handle);
      this.unlink(path);
      throw thrown;
    }
    return handle;
  }

  put(path: string, file: NewFile): Attributes | undefined {
    return takeNow(putting(this, path, file));
  }

  setTimesOf(handle: Handle, atime: number, mtime: number): void {
    this.run('futimes', handle, upperTime(atime), upperTime(mtime));
  }

  look(handle: Handle): unknown {
    return this.run('fstat', handle, EXACT);
  }

  openForWriting(path: string): Handle {
    return this.run('open', this.#at(path), WRITE_FLAGS, NO_MODE);
  }

  write(handle: Handle, source: Uint8Array, position: number): number {
    const written = this.run('write', handle, source, 0, source.length, position);
    try {
      return countIn(written, source.length);
    } catch (thrown) {
      throw failureIn(thrown);
    }
  }

  truncate(handle: Handle, size: number): void {
    this.run('ftruncate', handle, size);
  }

  flush(handle: Handle): void {
    if (this.#functions.has('fsync')) this.run('fsync', handle);
  }

  flushAt(path: string): void {
    if (!this.#inMemory && this.#functions.has('fsync')) takeNow(flushing(this, path));
  }

  openForFlushing(path: string): Handle {
    return this.run('open', this.#at(path), DIRECTORY_FLAGS, NO_MODE);
  }

  close(handle: Handle): void {
    try {
      this.run('close', handle);
    } catch (thrown) {
      if (isOfOthers(thrown, this.#nature)) return;
      throw this.#nature.closer === 'kernel' ? closedAnyway(thrown) : thrown;
    }
  }

  writeFile(path: string, bytes: Uint8Array, mode: number): void {
    this.run('writeFile', this.#at(path), bytes, { mode });
  }

  copy(from: string, to: string, how: Copying): void {
    this.run('copyFile', this.#at(from), this.#at(to), COPY_FLAGS[how]);
  }

  rename(from: string, to: string): void {
    const what = this.#inMemory ? this.#makeWay(from, to) : 'other';
    // Two names of one file: nothing happens (POSIX rename).
    if (what === 'same') return;
    if (what === 'link') {
      // memfs 4.80 renames what a link points at. Adding a name and removing one comes to the same as a rename.
      this.link(from, to);
      this.unlink(from);
      return;
    }
    this.run('rename', this.#at(from), this.#at(to));
  }

  unlink(path: string): void {
    this.run('unlink', this.#at(path));
  }

  rmdir(path: string): void {
    this.run('rmdir', this.#at(path));
  }

  symlink(target: string, path: string): void {
    this.run('symlink', this.#at(target), this.#at(path));
  }

  link(existing: string, path: string): void {
    this.run('link', this.#at(existing), this.#at(path));
  }

  chmod(path: string, mode: number): void {
    this.run('chmod', this.#at(path), mode);
  }

  chown(path: string, uid: number, gid: number): void {
    this.run(this.#functions.has('lchown') ? 'lchown' : 'chown', this.#at(path), uid, gid);
  }

  setTimes(path: string, atime: number, mtime: number): void {
    const times = this.#functions.has('lutimes') ? 'lutimes' : 'utimes';
    this.run(times, this.#at(path), upperTime(atime), upperTime(mtime));
  }

  /** memfs knows names as strings only. */
  #at(path: string): BranchPath {
    return this.#inMemory ? path : upperPath(path);
  }

  /** Calls a function of the upper. */
  protected run(name: string, ...given: unknown[]): unknown {
    const found = this.#functions.get(name);
    if (found === undefined) throw new BranchError(this.#name, `${name}Sync`);
    try {
      return found(...given);
    } catch (thrown) {
      throw failureIn(thrown);
    }
  }

  /**
   * Removes what `rename` is to replace: memfs 4.80 goes on counting a replaced name, so that its directory could never
   * be removed. Nothing runs in between. Answers what is renamed: a symbolic link, something else, or a file to another
   * name of the same file.
   */
  #makeWay(from: string, to: string): 'link' | 'same' | 'other' {
    const [moved, replaced] = [this.#statsAt(from), this.#statsAt(to)];
    if (moved === undefined) return 'other';
    if (moved.ino === replaced?.ino) return 'same';
    const what = moved.isSymbolicLink() ? 'link' : 'other';
    if (replaced === undefined || moved.isDirectory() !== replaced.isDirectory()) return what;
    if (replaced.isDirectory()) this.rmdir(to);
    else this.unlink(to);
    return what;
  }

  #statsAt(path: string): Stats | undefined {
    try {
      return this.run('lstat', this.#at(path)) as Stats;
    } catch {
      return undefined;
    }
  }
}
