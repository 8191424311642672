/**
 * A decorator that shows part of a branch at another place of the overlay.
 *
 *     graft(branch, { from: '/src', at: '/site/lib' }):
 *
 *         /                a directory made up here, holding `site`
 *         /site            a directory made up here, holding `lib` (while the branch has /src)
 *         /site/lib/x      /src/x of the branch
 *
 * The made-up directories never change, and hold nothing but the way to the branch.
 */

import { constants } from 'node:fs';
import { ENOENT } from '../../errno.ts';
import type {
  AsyncRequests,
  Attributes,
  Branch,
  Entry,
  Fingerprint,
  Loans,
  Remembered,
  Requests,
  Space,
  StraightReads,
} from '../branch.ts';
import { SAME } from '../branch.ts';

/** Which part of a branch to show, and where. */
export interface Graft {
  /** Where in the branch to start; absolute and normal. */
  readonly from: string;
  /** Where in the overlay it appears; absolute and normal, not `/`. */
  readonly at: string;
}

const { S_IFDIR, S_IFMT } = constants;

const MADE_UP: Attributes = Object.freeze({
  dev: 0,
  ino: 0,
  mode: S_IFDIR | 0o755,
  nlink: 2,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  rdev: 0,
  size: 0,
  blocks: 0,
  atimeSec: 0,
  atimeNsec: 0,
  mtimeSec: 0,
  mtimeNsec: 0,
  ctimeSec: 0,
  ctimeNsec: 0,
  birthtimeSec: 0,
  birthtimeNsec: 0,
});

/**
 * Whether these are the attributes of a made-up directory. A directory of another branch at the same place goes before
 * them.
 */
export function isMadeUp(attributes: Attributes): boolean {
  return attributes === MADE_UP;
}

/**
 * Shows part of a branch at a place of the overlay.
 *
 * Requires: both paths as `Graft` has them. Closing the graft closes the branch.
 */
export function graft(branch: Branch, where: Graft): Branch {
  const map = new PathMap(where);
  return {
    id: branch.id,
    name: branch.name,
    immutable: branch.immutable,
    layered: branch.layered,
    spelling: branch.spelling,
    sync: branch.sync && new GraftedRequests(branch.sync, map),
    async: branch.async && new GraftedLater(branch.async, map),
    onDisk:
      branch.onDisk &&
      ((path) => {
        const inside = map.inside(path);
        return inside === undefined ? undefined : branch.onDisk?.(inside);
      }),
    inside: (path) => map.inside(path),
    straight: branch.straight && graftedStraight(branch.straight, map),
    loans: branch.loans && graftedLoans(branch.loans, map),
    closeThrough: (handle) => branch.closeThrough(handle),
    watch: (path, depth, listener) => {
      const inside = map.inside(path);
      // The made-up directories never change.
      return (inside === undefined ? undefined : branch.watch?.(inside, depth, listener)) ?? (() => {});
    },
    timers: branch.timers,
    close: () => branch.close(),
  };
}

/** Where the paths of the overlay lead. */
class PathMap {
  readonly from: string;
  readonly #at: string;
  readonly #atSlash: string;
  readonly #prefix: string;

  constructor({ from, at }: Graft) {
    this.from = from;
    this.#at = at;
    this.#atSlash = `${at}/`;
    this.#prefix = from === '/' ? '' : from;
  }

  /** The path inside the branch; undefined where the path does not lead into it. */
  inside(path: string): string | undefined {
    if (path.startsWith(this.#atSlash)) return this.#prefix + path.slice(this.#at.length);
    return path === this.#at ? this.from : undefined;
  }

  /** What a made-up directory holds; undefined where the path is not one. */
  onTheWay(path: string): { readonly name: string; readonly last: boolean } | undefined {
    const start = path === '/' ? '/' : `${path}/`;
    if (!this.#at.startsWith(start)) return undefined;
    const end = this.#at.indexOf('/', start.length);
    return { name: this.#at.slice(start.length, end < 0 ? undefined : end), last: end < 0 };
  }
}

/** The entries of a made-up directory; `grafted` are the attributes of its one entry. */
function wayEntries(name: string, grafted: Attributes | undefined): readonly Entry[] {
  return grafted === undefined ? [] : [{ name, type: grafted.mode & S_IFMT }];
}

function graftedStraight(straight: StraightReads, map: PathMap): StraightReads {
  return {
    now: (path, fingerprint, offset, target) => {
      const inside = map.inside(path);
      return inside === undefined ? undefined : straight.now(inside, fingerprint, offset, target);
    },
    later: async (path, fingerprint, offset, target) => {
      const inside = map.inside(path);
      return inside === undefined ? undefined : straight.later(inside, fingerprint, offset, target);
    },
  };
}

function graftedLoans(loans: Loans, map: PathMap): Loans {
  return {
    pageSize: loans.pageSize,
    now: (path, offset, length) => {
      const inside = map.inside(path);
      return inside === undefined ? undefined : loans.now(inside, offset, length);
    },
    later: async (path, fingerprint, offset, length) => {
      const inside = map.inside(path);
      return inside === undefined ? undefined : loans.later(inside, fingerprint, offset, length);
    },
  };
}

class GraftedRequests implements Requests {
  readonly #inner: Requests;
  readonly #map: PathMap;

  constructor(inner: Requests, map: PathMap) {
    this.#inner = inner;
    this.#map = map;
  }

  lstat(path: string): Attributes | undefined {
    const inside = this.#map.inside(path);
    if (inside !== undefined) return this.#inner.lstat(inside);
    return this.#map.onTheWay(path) && MADE_UP;
  }

  revalidate(path: string, remembered: Remembered): typeof SAME | Attributes | undefined {
    const inside = this.#map.inside(path);
    if (inside !== undefined) return this.#inner.revalidate(inside, remembered);
    return this.#map.onTheWay(path) && SAME;
  }

  list(path: string): readonly Entry[] | undefined {
    const inside = this.#map.inside(path);
    if (inside !== undefined) return this.#inner.list(inside);
    const way = this.#map.onTheWay(path);
    return way && wayEntries(way.name, way.last ? this.#inner.lstat(this.#map.from) : MADE_UP);
  }

  readlink(path: string): string | undefined {
    const inside = this.#map.inside(path);
    return inside === undefined ? undefined : this.#inner.readlink(inside);
  }

  read(path: string, fingerprint: Fingerprint, offset: number, length: number): Uint8Array | undefined {
    const inside = this.#map.inside(path);
    if (inside === undefined) return undefined;
    return this.#inner.read(inside, fingerprint, offset, length);
  }

  statfs(path: string): Space | undefined {
    const inside = this.#map.inside(path);
    return inside === undefined ? undefined : this.#inner.statfs(inside);
  }

  openThrough(path: string, flags: number): number {
    const inside = this.#map.inside(path);
    if (inside === undefined) throw ENOENT;
    return this.#inner.openThrough(inside, flags);
  }

  readThrough(handle: number, target: Uint8Array, position: number): number {
    return this.#inner.readThrough(handle, target, position);
  }

  writeThrough(handle: number, source: Uint8Array, position: number): number {
    return this.#inner.writeThrough(handle, source, position);
  }
}

class GraftedLater implements AsyncRequests {
  readonly #inner: AsyncRequests;
  readonly #map: PathMap;

  constructor(inner: AsyncRequests, map: PathMap) {
    this.#inner = inner;
    this.#map = map;
  }

  async lstat(path: string): Promise<Attributes | undefined> {
    const inside = this.#map.inside(path);
    if (inside !== undefined) return this.#inner.lstat(inside);
    return this.#map.onTheWay(path) && MADE_UP;
  }

  async list(path: string): Promise<readonly Entry[] | undefined> {
    const inside = this.#map.inside(path);
    if (inside !== undefined) return this.#inner.list(inside);
    const way = this.#map.onTheWay(path);
    return way && wayEntries(way.name, way.last ? await this.#inner.lstat(this.#map.from) : MADE_UP);
  }

  async readlink(path: string): Promise<string | undefined> {
    const inside = this.#map.inside(path);
    return inside === undefined ? undefined : this.#inner.readlink(inside);
  }

  async read(path: string, fingerprint: Fingerprint, offset: number, length: number): Promise<Uint8Array | undefined> {
    const inside = this.#map.inside(path);
    if (inside === undefined) return undefined;
    return this.#inner.read(inside, fingerprint, offset, length);
  }

  async statfs(path: string): Promise<Space | undefined> {
    const inside = this.#map.inside(path);
    return inside === undefined ? undefined : this.#inner.statfs(inside);
  }

  async openThrough(path: string, flags: number): Promise<number> {
    const inside = this.#map.inside(path);
    if (inside === undefined) throw ENOENT;
    return this.#inner.openThrough(inside, flags);
  }

  readThrough(handle: number, target: Uint8Array, position: number): Promise<number> {
    return this.#inner.readThrough(handle, target, position);
  }

  writeThrough(handle: number, source: Uint8Array, position: number): Promise<number> {
    return this.#inner.writeThrough(handle, source, position);
  }
}
