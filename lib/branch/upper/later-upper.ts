/** An upper told without blocking: `AsyncUpperRequests` over the callback or promise functions of an fs-like thing. */

import type { Attributes } from '../branch.ts';
import { countIn, failureIn } from '../dialect.ts';
import { BranchError } from '../errors.ts';
import { type Finder, type Handle, type Later, missingLater, onHandle } from '../fs-like.ts';
import {
  BY_HANDLE,
  BY_PATH,
  COPY_FLAGS,
  CREATE_FLAGS,
  DIRECTORY_FLAGS,
  METHODS,
  type Nature,
  NO_MODE,
  upperPath,
  upperTime,
  WRITE_FLAGS,
} from './commands.ts';
import { closedAnyway, isOfOthers } from './not-now.ts';
import { EXACT, ON_HANDLES, putting } from './put.ts';
import { flushing, takeLater } from './steps.ts';
import type { AsyncUpperRequests, Copying, NewFile } from './upper.ts';

const NO_FLUSH: Later = async () => undefined;

type LaterNature = Pick<Nature, 'kernel' | 'closer' | 'nesting'>;

/** Tells an upper without blocking. */
export class LaterUpper implements AsyncUpperRequests {
  readonly #name: string;
  readonly #nature: LaterNature;
  /** Those of its functions that it has. Filled by the constructor. */
  readonly #functions = new Map<string, Later>();
  /** See `put.ts`. */
  readonly isSureOfHandles: boolean;

  constructor(find: Finder<Later>, name: string, nature: LaterNature) {
    const { kernel } = nature;
    this.#name = name;
    this.#nature = nature;
    for (const each of [...Object.keys(BY_PATH), ...BY_HANDLE]) {
      const found = find(each);
      if (found !== undefined) this.#functions.set(each, found);
    }
    this.isSureOfHandles = kernel && ON_HANDLES.every((each) => this.#functions.has(each));
    for (const [each, method] of Object.entries(METHODS)) {
      const byDescriptor = find(each) ?? (each === 'fsync' ? NO_FLUSH : missingLater(name, each));
      this.#functions.set(each, onHandle(name, method, byDescriptor));
    }
  }

  async mkdir(path: string, mode: number): Promise<void> {
    await this.run('mkdir', upperPath(path), { mode });
  }

  async create(path: string, mode: number): Promise<Handle> {
    return this.run('open', upperPath(path), CREATE_FLAGS, mode);
  }

  put(path: string, file: NewFile): Promise<Attributes | undefined> {
    return takeLater(putting(this, path, file));
  }

  async setTimesOf(handle: Handle, atime: number, mtime: number): Promise<void> {
    await this.run('futimes', handle, upperTime(atime), upperTime(mtime));
  }

  look(handle: Handle): Promise<unknown> {
    return this.run('fstat', handle, EXACT);
  }

  async openForWriting(path: string): Promise<Handle> {
    return this.run('open', upperPath(path), WRITE_FLAGS, NO_MODE);
  }

  async write(handle: Handle, source: Uint8Array, position: number): Promise<number> {
    const written = await this.run('write', handle, source, 0, source.length, position);
    try {
      return countIn(written, source.length);
    } catch (thrown) {
      throw failureIn(thrown);
    }
  }

  async truncate(handle: Handle, size: number): Promise<void> {
    await this.run('ftruncate', handle, size);
  }

  async flush(handle: Handle): Promise<void> {
    await this.run('fsync', handle);
  }

  async openForFlushing(path: string): Promise<Handle> {
    return this.run('open', upperPath(path), DIRECTORY_FLAGS, NO_MODE);
  }

  flushAt(path: string): Promise<void> {
    return takeLater(flushing(this, path));
  }

  async close(handle: Handle): Promise<void> {
    try {
      await this.run('close', handle);
    } catch (thrown) {
      if (isOfOthers(thrown, this.#nature)) return;
      throw this.#nature.closer === 'kernel' ? closedAnyway(thrown) : thrown;
    }
  }

  async writeFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
    await this.run('writeFile', upperPath(path), bytes, { mode });
  }

  async copy(from: string, to: string, how: Copying): Promise<void> {
    await this.run('copyFile', upperPath(from), upperPath(to), COPY_FLAGS[how]);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.run('rename', upperPath(from), upperPath(to));
  }

  async unlink(path: string): Promise<void> {
    await this.run('unlink', upperPath(path));
  }

  async rmdir(path: string): Promise<void> {
    await this.run('rmdir', upperPath(path), {});
  }

  async symlink(target: string, path: string): Promise<void> {
    await this.run('symlink', upperPath(target), upperPath(path), undefined);
  }

  async link(existing: string, path: string): Promise<void> {
    await this.run('link', upperPath(existing), upperPath(path));
  }

  async chmod(path: string, mode: number): Promise<void> {
    await this.run('chmod', upperPath(path), mode);
  }

  async chown(path: string, uid: number, gid: number): Promise<void> {
    await this.run(this.#functions.has('lchown') ? 'lchown' : 'chown', upperPath(path), uid, gid);
  }

  async setTimes(path: string, atime: number, mtime: number): Promise<void> {
    const times = this.#functions.has('lutimes') ? 'lutimes' : 'utimes';
    await this.run(times, upperPath(path), upperTime(atime), upperTime(mtime));
  }

  /** Calls a function of the upper. */
  protected async run(name: string, ...given: unknown[]): Promise<unknown> {
    const found = this.#functions.get(name);
    if (found === undefined) throw new BranchError(this.#name, name);
    try {
      return await found(...given);
    } catch (thrown) {
      throw failureIn(thrown);
    }
  }
}
