/**
 * An upper that acts for others: a memfs volume of which each credential has an fs of its own, that notes what it is told to write and can
 * be made to refuse it.
 */

import { Volume } from 'memfs';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { type FileSystem, failing, newLower, PAGE } from '../rig.ts';

type AnyFunction = (...given: unknown[]) => unknown;

/** Why an author is refused: at `open`, at the first `write`, or after so many bytes. */
interface Refusal {
  readonly code: string;
  readonly at: 'open' | 'write' | number;
}

/** Who wrote bytes; 0 is the overlay itself. */
interface Written {
  readonly uid: number;
  readonly text: string;
}

/** See the file comment. */
export class ActingUpper {
  readonly volume = new Volume();
  /** Whom it refuses, by uid. */
  readonly refusals = new Map<number, Refusal>();
  /** What was written, in order. */
  readonly written: Written[] = [];
  /** For whom `as` was asked. */
  readonly asked: object[] = [];
  /** The paths that authors have opened. */
  readonly opened: string[] = [];
  /** The most that one `write` of an author takes. */
  most = Number.POSITIVE_INFINITY;
  /** How many bytes each uid has written. Changed by what `fsFor` makes. */
  readonly #bytes = new Map<number, number>();
  readonly fs: object = this.#fsFor(0);

  readonly as = (credentials: { uid: number }): object => {
    this.asked.push(credentials);
    return this.#fsFor(credentials.uid);
  };

  /** Who has written a text. */
  writersOf(text: string): number[] {
    return [...new Set(this.written.filter((each) => each.text.includes(text)).map(({ uid }) => uid))];
  }

  read(path: string): string | undefined {
    return this.volume.existsSync(path) ? `${this.volume.readFileSync(path, 'utf8')}` : undefined;
  }

  #fsFor(uid: number): object {
    return new Proxy(this.volume, {
      get: (target, name) => {
        const found: unknown = Reflect.get(target, name);
        if (typeof found !== 'function') return found;
        if (name === 'openSync') return (...given: unknown[]) => this.#open(uid, found.bind(target), given);
        if (name === 'writeSync') return (...given: unknown[]) => this.#write(uid, found.bind(target), given);
        return found.bind(target);
      },
    });
  }

  #open(uid: number, open: AnyFunction, given: unknown[]): unknown {
    const { code, at } = this.refusals.get(uid) ?? {};
    if (uid !== 0) this.opened.push(`${uid} ${given[0]}`);
    if (code !== undefined && at === 'open') throw failing(code);
    return open(...given);
  }

  #write(uid: number, write: AnyFunction, [handle, bytes, start, length, position]: unknown[]): unknown {
    const { code, at } = this.refusals.get(uid) ?? {};
    const before = this.#bytes.get(uid) ?? 0;
    const left = typeof at === 'number' ? at - before : Number.POSITIVE_INFINITY;
    if (code !== undefined && (at === 'write' || left <= 0)) throw failing(code);
    const taken = Math.min(length as number, left, uid === 0 ? Number.POSITIVE_INFINITY : this.most);
    this.#bytes.set(uid, before + taken);
    const begin = start as number;
    this.written.push({ uid, text: Buffer.from((bytes as Buffer).subarray(begin, begin + taken)).toString('latin1') });
    return write(handle, bytes, start, taken, position);
  }
}

/** An overlay over such an upper, and who writes to it. */
export interface Scene {
  readonly upper: ActingUpper;
  readonly overlay: Overlay;
  /** The overlay itself, and two of its guests: users 1 and 2. */
  readonly own: FileSystem;
  readonly one: FileSystem;
  readonly two: FileSystem;
  /** What the event `writeback-error` has told. */
  readonly told: object[];
}

export function openScene(options: object = {}, upper = new ActingUpper()): Scene {
  const { fs, as } = upper;
  const overlay = createOverlay({ lower: newLower(), upper: { fs, as }, pageSize: PAGE, umask: 0, ...options });
  const told: object[] = [];
  overlay.on('writeback-error', (failure) => told.push(failure));
  overlay.fs.chmodSync('/', 0o777);
  const [one, two] = [overlay.as({ uid: 1, gid: 1 }), overlay.as({ uid: 2, gid: 2 })];
  return { upper, overlay, own: overlay.fs, one, two, told };
}

/** The same as promise functions only. */
export function promisesOf(fs: object): object {
  const promises: Record<string, AnyFunction> = {};
  const names =
    'lstat stat readdir readFile readlink open mkdir rename unlink rmdir symlink link chmod chown lutimes utimes copyFile';
  for (const name of names.split(' ')) {
    const found = Reflect.get(fs, `${name}Sync`) as AnyFunction;
    if (name !== 'open') {
      promises[name] = async (...given) => found(...given);
      continue;
    }
    promises.open = async (...given) => {
      const fd = found(...given);
      const call =
        (each: string): AnyFunction =>
        async (...args) =>
          (Reflect.get(fs, each) as AnyFunction)(fd, ...args);
      return {
        write: async (...args: unknown[]) => ({ bytesWritten: await call('writeSync')(...args) }),
        read: async (target: Buffer, ...args: unknown[]) => ({ bytesRead: await call('readSync')(target, ...args) }),
        truncate: call('ftruncateSync'),
        stat: call('fstatSync'),
        sync: call('fsyncSync'),
        close: call('closeSync'),
      };
    };
  }
  return { promises };
}

/** What a call throws. */
export function thrownBy(call: () => unknown): NodeJS.ErrnoException & Partial<AggregateError> {
  try {
    call();
  } catch (thrown) {
    return thrown as NodeJS.ErrnoException & Partial<AggregateError>;
  }
  throw new Error('nothing was thrown');
}

/** The codes and paths of what a sync could not write. */
export function failuresOf(overlay: Overlay): string[] {
  const { errors = [] } = thrownBy(() => overlay.syncSync());
  return errors.map(({ code, path }) => `${code} ${path}`);
}

/** Makes a file that everybody may write. */
export function makeShared(fs: FileSystem, path: string, text = ''): void {
  fs.writeFileSync(path, text);
  fs.chmodSync(path, 0o666);
}
