/**
 * An upper told without waiting: `AsyncUpperRequests` over the callback or promise functions of an fs-like thing.
 */

import type { Attributes } from '../branch.ts';
import { countIn, failureIn } from '../dialect.ts';
import { type Finder, type Handle, type Later, missingLater, onHandle } from '../fs-like.ts';
import {
  COPY_FLAGS,
  CREATE_FLAGS,
  DIRECTORY_FLAGS,
  type Nature,
  NO_MODE,
  upperPath,
  upperTime,
  WRITE_FLAGS,
} from './commands.ts';
import { closedAnyway } from './not-now.ts';
import { EXACT, ON_HANDLES, putting } from './put.ts';
import { flushing, takeLater } from './steps.ts';
import type { AsyncUpperRequests, NewFile } from './upper.ts';

const NO_FLUSH: Later = async () => undefined;

/** Tells an upper without waiting. */
export class LaterUpper implements AsyncUpperRequests {
  readonly #mkdir: Later;
  readonly #open: Later;
  readonly #write: Later;
  readonly #truncate: Later;
  readonly #flush: Later;
  readonly #close: Later;
  readonly #writeFile: Later;
  readonly #copyFile: Later;
  readonly #rename: Later;
  readonly #unlink: Later;
  readonly #rmdir: Later;
  readonly #symlink: Later;
  readonly #link: Later;
  readonly #chmod: Later;
  readonly #chown: Later;
  readonly #setTimes: Later;
  readonly #futimes: Later;
  readonly #fstat: Later;
  readonly #closer: Nature['closer'];
  /** See `put.ts`. */
  readonly isSureOfHandles: boolean;

  constructor(find: Finder<Later>, name: string, { kernel, closer }: Pick<Nature, 'kernel' | 'closer'>) {
    const take = (wanted: string): Later => find(wanted) ?? missingLater(name, wanted);
    this.#mkdir = take('mkdir');
    this.#open = take('open');
    this.#write = onHandle(name, 'write', take('write'));
    this.#truncate = onHandle(name, 'truncate', take('ftruncate'));
    this.#flush = onHandle(name, 'sync', find('fsync') ?? NO_FLUSH);
    this.#close = onHandle(name, 'close', take('close'));
    this.#writeFile = take('writeFile');
    this.#copyFile = take('copyFile');
    this.#rename = take('rename');
    this.#unlink = take('unlink');
    this.#rmdir = take('rmdir');
    this.#symlink = take('symlink');
    this.#link = take('link');
    this.#chmod = take('chmod');
    this.#chown = find('lchown') ?? take('chown');
    this.#setTimes = find('lutimes') ?? take('utimes');
    this.#futimes = take('futimes');
    this.#fstat = take('fstat');
    this.#closer = closer;
    this.isSureOfHandles = kernel && ON_HANDLES.every((each) => find(each) !== undefined);
  }

  async mkdir(path: string, mode: number): Promise<void> {
    await settled(this.#mkdir(upperPath(path), { mode }));
  }

  async create(path: string, mode: number): Promise<Handle> {
    return settled(this.#open(upperPath(path), CREATE_FLAGS, mode));
  }

  put(path: string, file: NewFile): Promise<Attributes | undefined> {
    return takeLater(putting(this, path, file));
  }

  async setTimesOf(handle: Handle, atime: number, mtime: number): Promise<void> {
    await settled(this.#futimes(handle, upperTime(atime), upperTime(mtime)));
  }

  look(handle: Handle): Promise<unknown> {
    return settled(this.#fstat(handle, EXACT));
  }

  async openForWriting(path: string): Promise<Handle> {
    return settled(this.#open(upperPath(path), WRITE_FLAGS, NO_MODE));
  }

  async write(handle: Handle, source: Uint8Array, position: number): Promise<number> {
    const written = this.#write(handle, source, 0, source.length, position);
    return settled(written.then((answer) => countIn(answer, source.length)));
  }

  async truncate(handle: Handle, size: number): Promise<void> {
    await settled(this.#truncate(handle, size));
  }

  async flush(handle: Handle): Promise<void> {
    await settled(this.#flush(handle));
  }

  async openForFlushing(path: string): Promise<Handle> {
    return settled(this.#open(upperPath(path), DIRECTORY_FLAGS, NO_MODE));
  }

  flushAt(path: string): Promise<void> {
    return takeLater(flushing(this, path));
  }

  async close(handle: Handle): Promise<void> {
    try {
      await settled(this.#close(handle));
    } catch (thrown) {
      throw this.#closer === 'kernel' ? closedAnyway(thrown) : thrown;
    }
  }

  async writeFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
    await settled(this.#writeFile(upperPath(path), bytes, { mode }));
  }

  async copy(from: string, to: string): Promise<void> {
    await settled(this.#copyFile(upperPath(from), upperPath(to), COPY_FLAGS));
  }

  async rename(from: string, to: string): Promise<void> {
    await settled(this.#rename(upperPath(from), upperPath(to)));
  }

  async unlink(path: string): Promise<void> {
    await settled(this.#unlink(upperPath(path)));
  }

  async rmdir(path: string): Promise<void> {
    await settled(this.#rmdir(upperPath(path), {}));
  }

  async symlink(target: string, path: string): Promise<void> {
    await settled(this.#symlink(upperPath(target), upperPath(path), undefined));
  }

  async link(existing: string, path: string): Promise<void> {
    await settled(this.#link(upperPath(existing), upperPath(path)));
  }

  async chmod(path: string, mode: number): Promise<void> {
    await settled(this.#chmod(upperPath(path), mode));
  }

  async chown(path: string, uid: number, gid: number): Promise<void> {
    await settled(this.#chown(upperPath(path), uid, gid));
  }

  async setTimes(path: string, atime: number, mtime: number): Promise<void> {
    await settled(this.#setTimes(upperPath(path), upperTime(atime), upperTime(mtime)));
  }
}

/** The answer of an upper, or a bare error. */
export async function settled<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (thrown) {
    throw failureIn(thrown);
  }
}
