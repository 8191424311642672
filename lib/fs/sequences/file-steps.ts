/**
 * The calls that sequences are made of, each as one step: the only place where their forms differ.
 */

import { constants, type Stats } from 'node:fs';
import { isUint8Array } from 'node:util/types';
import { codeOf } from '../../errno.ts';
import { givenPath } from '../arguments.ts';
import type { FileSystem } from '../session.ts';
import { type Sequence, step } from './steps.ts';

const { W_OK, X_OK } = constants;

/** A path as calls take it. */
export type Path = string | Buffer;

/**
 * A copy of a path, with bytes in an array of the same class, so that the caller may reuse its own; a URL as its path.
 */
export function ownPath(given: unknown): Path {
  return isUint8Array(given) ? (Reflect.apply(Uint8Array.prototype.slice, given, []) as Buffer) : givenPath(given);
}

/** Whether links are followed. */
export type Look = 'stat' | 'lstat';

/** For a look at what may be absent, so that no error is made in vain. */
const QUIET = { throwIfNoEntry: false } as const;

/** For a look at times to the nanosecond. */
const EXACTLY = { bigint: true } as const;

const SECOND = 1_000_000_000n;

/** As exact as a double can be. */
function secondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds / SECOND) + Number(nanoseconds % SECOND) / Number(SECOND);
}

/** See the file comment. */
export class FileSteps {
  readonly #fs: FileSystem;

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  look(look: Look, path: Path): Sequence<Stats> {
    return step(
      () => this.#fs[`${look}Sync`](path),
      () => this.#fs.promises[look](path),
    );
  }

  /** What is at a path; undefined where the error, if there is one, has one of these codes. */
  *lookFor(look: Look, path: Path, ...nothing: readonly string[]): Sequence<Stats | undefined> {
    try {
      return yield* step<Stats | undefined>(
        () => this.#fs[`${look}Sync`](path, QUIET),
        () => this.#fs.promises[look](path),
      );
    } catch (error) {
      if (nothing.includes(String(codeOf(error)))) return undefined;
      throw error;
    }
  }

  /** The names in a directory, as text. */
  names(path: Path): Sequence<string[]> {
    return step(
      () => {
        const directory = this.#fs.opendirSync(path as string);
        const names: string[] = [];
        try {
          for (let next = directory.readSync(); next !== null; next = directory.readSync()) names.push(next.name);
        } finally {
          directory.closeSync();
        }
        return names;
      },
      async () => {
        const names: string[] = [];
        for await (const { name } of await this.#fs.promises.opendir(path as string)) names.push(name);
        return names;
      },
    );
  }

  /** The names in a directory, as bytes. */
  rawNames(path: Path): Sequence<Buffer[]> {
    return step(
      () => this.#fs.readdirSync(path, 'buffer'),
      () => this.#fs.promises.readdir(path, 'buffer'),
    );
  }

  /** Whether names may be made and removed in a directory, as far as its mode tells. */
  *mayChangeNames(path: Path): Sequence<boolean> {
    try {
      yield* step<void>(
        () => this.#fs.accessSync(path, W_OK | X_OK),
        () => this.#fs.promises.access(path, W_OK | X_OK),
      );
      return true;
    } catch {
      return false;
    }
  }

  unlink(path: Path): Sequence<void> {
    return step(
      () => this.#fs.unlinkSync(path),
      () => this.#fs.promises.unlink(path),
    );
  }

  rmdir(path: Path): Sequence<void> {
    return step(
      () => this.#fs.rmdirSync(path),
      () => this.#fs.promises.rmdir(path),
    );
  }

  mkdir(path: Path): Sequence<void> {
    return step(
      () => this.#fs.mkdirSync(path),
      () => this.#fs.promises.mkdir(path) as Promise<unknown> as Promise<void>,
    );
  }

  /** Makes a directory and those missing on the way. */
  mkdirs(path: Path): Sequence<unknown> {
    return step<unknown>(
      () => this.#fs.mkdirSync(path, { recursive: true }),
      () => this.#fs.promises.mkdir(path, { recursive: true }),
    );
  }

  copyFile(from: Path, to: Path, mode: number): Sequence<void> {
    return step(
      () => this.#fs.copyFileSync(from, to, mode),
      () => this.#fs.promises.copyFile(from, to, mode),
    );
  }

  chmod(path: Path, mode: number): Sequence<void> {
    return step(
      () => this.#fs.chmodSync(path, mode),
      () => this.#fs.promises.chmod(path, mode),
    );
  }

  /** The times of what is at a path, in seconds. */
  *times(path: Path): Sequence<{ readonly atime: number; readonly mtime: number }> {
    const { atimeNs, mtimeNs } = yield* step(
      () => this.#fs.statSync(path, EXACTLY),
      () => this.#fs.promises.stat(path, EXACTLY),
    );
    return { atime: secondsOf(atimeNs), mtime: secondsOf(mtimeNs) };
  }

  utimes(path: Path, atime: Date | number, mtime: Date | number): Sequence<void> {
    return step(
      () => this.#fs.utimesSync(path, atime, mtime),
      () => this.#fs.promises.utimes(path, atime, mtime),
    );
  }

  readlink(path: Path): Sequence<string> {
    return step(
      () => this.#fs.readlinkSync(path),
      () => this.#fs.promises.readlink(path),
    );
  }

  symlink(target: string, path: Path): Sequence<void> {
    return step(
      () => this.#fs.symlinkSync(target, path),
      () => this.#fs.promises.symlink(target, path),
    );
  }
}
