/** What a search sees of the filesystem. Each thing is looked at once, and what cannot be read counts as absent. */

import type { Dirent } from 'node:fs';
import path from 'node:path';
import { makeDirent } from '../results/dirent.ts';
import { type Sequence, step } from '../sequences/steps.ts';
import type { FileSystem } from '../session.ts';

/** See the file comment. */
export class Sight {
  readonly #fs: FileSystem;
  /** Absolute. */
  readonly #processCwd: string;
  /** By the path of the directory, absolute. */
  readonly #listings = new Map<string, readonly Dirent[]>();
  /** By path, as it was looked at; undefined for something absent. */
  readonly #entries = new Map<string, Dirent | undefined>();

  constructor(fs: FileSystem, processCwd: string) {
    this.#fs = fs;
    this.#processCwd = processCwd;
  }

  /** Notes what is at a path, so that it need not be looked at. */
  remember(at: string, entry: Dirent): void {
    this.#entries.set(at, entry);
  }

  /** Whether a path leads to a directory. */
  *isDirectory(whole: string): Sequence<boolean> {
    try {
      const stats = yield* step(
        () => this.#fs.statSync(whole),
        () => this.#fs.promises.stat(whole),
      );
      return stats.isDirectory();
    } catch {
      return false;
    }
  }

  /** Where a path leads, without links; undefined for nowhere. */
  *realPath(whole: string): Sequence<string | undefined> {
    try {
      return yield* step(
        () => this.#fs.realpathSync(whole),
        () => this.#fs.promises.realpath(whole),
      );
    } catch {
      return undefined;
    }
  }

  /** What is at a path, which may be relative to the current directory; undefined for nothing. */
  *look(at: string): Sequence<Dirent | undefined> {
    if (this.#entries.has(at)) return this.#entries.get(at);
    const whole = path.posix.resolve(this.#processCwd, at);
    let entry: Dirent | undefined;
    try {
      const { mode } = yield* step(
        () => this.#fs.lstatSync(whole),
        () => this.#fs.promises.lstat(whole),
      );
      entry = makeDirent(path.posix.basename(at), mode, path.posix.dirname(at));
    } catch {
      // It cannot be read.
    }
    this.#entries.set(at, entry);
    return entry;
  }

  /** The entries of a directory; none where it is not a directory, or cannot be read. */
  *list(whole: string): Sequence<readonly Dirent[]> {
    let entries = this.#listings.get(whole);
    if (entries === undefined) {
      try {
        entries = yield* step(
          () => this.#fs.readdirSync(whole, { withFileTypes: true }),
          () => this.#fs.promises.readdir(whole, { withFileTypes: true }),
        );
      } catch {
        entries = [];
      }
      this.#listings.set(whole, entries);
    }
    return entries;
  }
}
