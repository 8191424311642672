/**
 * Reading small files as a whole, without blocking. Such a file is not worth keeping open: it is read in as few
 * requests as possible.
 *
 *     open ──► read ──► fstat, where others may have changed it ──► close, which nobody waits for
 *     readFile, where Node makes one request of that and nobody changes the file
 */

import { statsIn } from '../attributes.ts';
import type { Fingerprint } from '../branch.ts';
import { countIn, type Dialect, NEW_FILE_MODE, ownCopy } from '../dialect.ts';
import type { AsyncFunctions, Handle } from '../fs-like.ts';
import type { Changes } from './open-files.ts';

const SMALL = 64 * 1024;

/** Since Node 26 `readFile` is one request. */
const READS_FILES_IN_ONE_REQUEST = Number.parseInt(process.versions.node, 10) >= 26;

/** Reads the small files of one branch. */
export class SmallFiles {
  readonly #fs: AsyncFunctions;
  readonly #dialect: Dialect;
  readonly #changes: Changes;
  readonly #closeQuietly: (handle: Handle) => void;

  constructor(fs: AsyncFunctions, dialect: Dialect, changes: Changes, closeQuietly: (handle: Handle) => void) {
    this.#fs = fs;
    this.#dialect = dialect;
    this.#changes = changes;
    this.#closeQuietly = closeQuietly;
  }

  /**
   * Whether a range is the whole of a small file on the disk. In other branches it may matter when a file is closed
   * (ZenFS writes its attributes then), and files of the upper are better kept open, since each look would cost a
   * request.
   */
  isWhole({ size }: Fingerprint, offset: number, length: number): boolean {
    const isOfDisk = this.#dialect.isKernel && this.#changes !== 'by us';
    return isOfDisk && offset === 0 && size > 0 && size <= SMALL && length >= size;
  }

  /** `AsyncRequests.read`. Requires: `isWhole`. */
  read(path: string, fingerprint: Fingerprint): Promise<Uint8Array | undefined> {
    const isOneRequest = READS_FILES_IN_ONE_REQUEST && this.#changes === 'never';
    return isOneRequest ? this.#readAtOnce(path, fingerprint) : this.#readOpened(path, fingerprint);
  }

  async #readAtOnce(path: string, { size }: Fingerprint): Promise<Uint8Array> {
    const flag = this.#dialect.readFlags;
    const bytes = (await this.#fs.readFile(this.#dialect.pathFor(path), { flag })) as Buffer;
    return bytes.length <= size && bytes.buffer.byteLength === bytes.length ? bytes : ownCopy(bytes, 0, size);
  }

  async #readOpened(path: string, fingerprint: Fingerprint): Promise<Uint8Array | undefined> {
    const { size } = fingerprint;
    const fs = this.#fs;
    const handle = await fs.open(this.#dialect.pathFor(path), this.#dialect.readFlags, NEW_FILE_MODE);
    try {
      const target = Buffer.allocUnsafeSlow(size);
      let got = 0;
      while (got < size) {
        const count = countIn(await fs.read(handle, target, got, size - got, got), size - got);
        if (count === 0) break;
        got += count;
      }
      // One look afterwards is enough: a change before or during the read would show now.
      if (this.#changes !== 'never' && !this.#dialect.prints(statsIn(await fs.fstat(handle)), fingerprint))
        return undefined;
      return got === size ? target : ownCopy(target, 0, got);
    } finally {
      this.#closeQuietly(handle);
    }
  }
}
