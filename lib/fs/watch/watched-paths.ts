/**
 * Which watchers of paths must look again after a change.
 *
 *     watched:  /a/b/f   /a/g   /link ─► /x/y
 *
 *     a change of /a/b/f   concerns /a/b/f
 *     a change of /a       concerns /a/b/f and /a/g
 *     any change           concerns /link: it may be a change of what that leads to
 *
 * All of them share one subscription, and a change only costs those that it concerns. The lowers are not watched here:
 * a watcher of a path also polls.
 */

import type { Tree } from '../../tree/tree.ts';
import { subscribe } from './feed.ts';

/** A watcher of a path. */
export interface Looker {
  /** Absolute and normal. */
  readonly path: string;
  look(): void;
}

/** Where a watched path was found to lead: `straight` to what has that path, or over a link. */
export type Reach = 'straight' | 'elsewhere';

export class WatchedPaths {
  readonly #tree: Tree;
  /** Watchers by their path, and by each path on the way to it. No set is empty. Changed by `add` and `remove`. */
  readonly #onTheWay = new Map<string, Set<Looker>>();
  /** Watchers whose path leads through a link. Changed by `setReach` and `remove`. */
  readonly #elsewhere = new Set<Looker>();
  /** Ends the subscription; undefined while nothing is watched. Changed by `add` and `remove`. */
  #unsubscribe: (() => void) | undefined;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  add(looker: Looker): void {
    for (const path of wayTo(looker.path)) {
      const others = this.#onTheWay.get(path);
      if (others === undefined) this.#onTheWay.set(path, new Set([looker]));
      else others.add(looker);
    }
    const everything = { inode: this.#tree.root, name: '', depth: 'tree', whose: 'ours' } as const;
    this.#unsubscribe ??= subscribe(this.#tree, everything, (_event, name) => this.#tell(`/${name}`));
  }

  remove(looker: Looker): void {
    this.#elsewhere.delete(looker);
    for (const path of wayTo(looker.path)) {
      const others = this.#onTheWay.get(path);
      if (others?.delete(looker) && others.size === 0) this.#onTheWay.delete(path);
    }
    if (this.#onTheWay.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  setReach(looker: Looker, reach: Reach): void {
    if (reach === 'elsewhere') this.#elsewhere.add(looker);
    else this.#elsewhere.delete(looker);
  }

  #tell(changed: string): void {
    const concerned = this.#onTheWay.get(changed);
    for (const looker of concerned ?? []) looker.look();
    for (const looker of this.#elsewhere) if (!concerned?.has(looker)) looker.look();
  }
}

/** The path, and those of the directories above it, without the root. */
export function* wayTo(path: string): Generator<string, void, undefined> {
  for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) yield path.slice(0, end);
  if (path.length === 1 || !path.endsWith('/')) yield path;
}
