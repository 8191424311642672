/**
 * A lower whose every request can be watched, delayed, made to fail or made to lie: a memfs volume behind functions of our own.
 *
 *     overlay ──► lstat('/a') ──► behave({ name: 'lstat', path: '/a', ... }, answer) ──► volume
 */

import { constants } from 'node:fs';
import { Volume } from 'memfs';

/** One question of the overlay. */
export interface Request {
  /** The plain name: `lstat`, `readdir`, `readlink`, `readFile`, `open`, `read`, `fstat`, `close`, `statfs`. */
  readonly name: string;
  readonly path: string;
  /** Counts the requests of this lower from 1. */
  readonly number: number;
}

/** What becomes of a request: give what `answer` gives, now or later, or something else, or throw. */
export type Behave = (request: Request, answer: () => unknown) => unknown;

/** Which functions the lower has. */
export type Speech = 'sync' | 'promises' | 'both';

type Loose = Record<string, (...given: unknown[]) => unknown>;

const PATH_FUNCTIONS = ['lstat', 'readdir', 'readlink', 'readFile', 'statfs'] as const;

/** A promise-shaped or synchronous fs-like over a volume of its own. */
export class WatchedLower {
  readonly volume = new Volume();
  /** What becomes of each request. Changed by tests. */
  behave: Behave = (_request, answer) => answer();
  /** How many requests there have been. */
  count = 0;
  /** The requests, in order. */
  readonly requests: Request[] = [];
  /** Files that the overlay has open in this lower, by descriptor. */
  readonly open = new Map<number, string>();
  /** What to give to `createOverlay`. */
  readonly fs: object;

  constructor(speech: Speech) {
    const sync = this.#syncFunctions();
    const promises = this.#promiseFunctions();
    const spoken = { sync, promises: { promises }, both: { ...sync, promises } };
    this.fs = { ...spoken[speech], constants };
  }

  /** How the volume looks, to be compared: a lower never changes. */
  picture(): string {
    const lines: string[] = [];
    const visit = (path: string): void => {
      const stats = this.volume.lstatSync(path, { bigint: true });
      const { mode, nlink, uid, gid, size, ino, mtimeNs } = stats;
      lines.push(`${path} ${[mode, nlink, uid, gid, stats.isDirectory() ? '' : size, ino, mtimeNs].join(' ')}`);
      if (stats.isDirectory()) {
        for (const name of this.volume.readdirSync(path) as string[])
          visit(path === '/' ? `/${name}` : `${path}/${name}`);
      } else if (stats.isFile()) {
        lines.push(String(this.volume.readFileSync(path, 'latin1')));
      }
    };
    visit('/');
    return lines.join('\n');
  }

  #ask(name: string, path: string, answer: () => unknown): unknown {
    this.count++;
    const request = { name, path, number: this.count };
    this.requests.push(request);
    return this.behave(request, answer);
  }

  #own(name: string): (...given: unknown[]) => unknown {
    if (name === 'statfs') return () => ({ type: 0, bsize: 4096, blocks: 1, bfree: 1, bavail: 1, files: 1, ffree: 1 });
    const { volume } = this;
    return (Reflect.get(volume, `${name}Sync`) as (...given: unknown[]) => unknown).bind(volume);
  }

  #opened(path: string, flags: unknown): number {
    const fd = this.volume.openSync(path, flags as number);
    this.open.set(fd, path);
    return fd;
  }

  /** Even a close that fails has closed (Linux close(2)). */
  #close(fd: number): unknown {
    const path = this.open.get(fd) ?? '';
    this.open.delete(fd);
    return this.#ask('close', path, () => this.volume.closeSync(fd));
  }

  #syncFunctions(): Loose {
    const made: Loose = {};
    for (const name of PATH_FUNCTIONS) {
      const own = this.#own(name);
      made[`${name}Sync`] = (path, ...rest) => this.#ask(name, String(path), () => own(path, ...rest));
    }
    for (const name of ['read', 'fstat']) {
      const own = this.#own(name);
      made[`${name}Sync`] = (fd, ...rest) => this.#ask(name, this.open.get(fd as number) ?? '', () => own(fd, ...rest));
    }
    made.closeSync = (fd) => this.#close(fd as number);
    made.openSync = (path, flags) => this.#ask('open', String(path), () => this.#opened(String(path), flags));
    return made;
  }

  #promiseFunctions(): Loose {
    const made: Loose = {};
    for (const name of PATH_FUNCTIONS) {
      const own = this.#own(name);
      made[name] = async (path, ...rest) => this.#ask(name, String(path), () => own(path, ...rest));
    }
    made.open = async (given, flags) => {
      const path = String(given);
      const fd = (await this.#ask('open', path, () => this.#opened(path, flags))) as number;
      const asked =
        (name: string, own: (...rest: unknown[]) => unknown) =>
        async (...rest: unknown[]) =>
          this.#ask(name, path, () => own(fd, ...rest));
      return {
        read: asked('read', this.#own('read')),
        stat: asked('fstat', this.#own('fstat')),
        close: async () => this.#close(fd),
      };
    };
    return made;
  }
}

/** An error of a system call, as a branch throws it. */
export function branchError(code: string): Error {
  return Object.assign(new Error(`${code}: made for a test`), { code });
}
