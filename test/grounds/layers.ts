/** How a declared tree is spread over layers, so that one tree can lie in many ways and look the same. */

import { dir, type Entry, file, type Item, link, parentOf } from './tree.ts';

/** A number that depends on the path alone, so that a ground is the same in every run. */
function dice(path: string, salt: number): number {
  let hash = salt;
  for (const char of path) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
  return hash >>> 3;
}

/** Where each item is to lie: the index of a lower, or `count` for the upper. */
function assign(items: readonly Item[], count: number): Map<string, number> {
  const layers = new Map<string, number>();
  for (const { path, entry } of items) {
    const inUpper = entry.kind === 'hard' && dice(path, 1) % 2 === 0;
    const own = dice(path, 7) % (count + 1);
    layers.set(path, entry.kind === 'hard' ? (inUpper ? count : (layers.get(entry.of) ?? count)) : own);
  }
  return layers;
}

/** The directories that lead to a path. */
function ancestors(path: string): string[] {
  const parent = parentOf(path);
  return parent === '' ? [] : [...ancestors(parent), parent];
}

/**
 * The items of each lower and, last, of the upper. Directories lie in every layer that holds something of theirs.
 * Hard links lie with their file, or are made in the upper of a file that lies in a lower.
 */
export function spread(items: readonly Item[], count: number): Item[][] {
  const layers = assign(items, count);
  return Array.from({ length: count + 1 }, (_, layer) => {
    const chosen = items.filter(({ path }) => layers.get(path) === layer);
    const needed = new Set(chosen.flatMap(({ path }) => [path, ...ancestors(path)]));
    return items.filter(({ path }) => needed.has(path));
  });
}

/** Entries that lie at the same paths below the declared ones and must never show: mostly of another type. */
export function decoys(items: readonly Item[]): Item[] {
  const parents = new Set(items.map(({ path }) => parentOf(path)));
  const shadowed = items.filter(({ path, entry }) => entry.kind !== 'directory' || !parents.has(path));
  return shadowed.flatMap(({ path, entry }): Item[] => {
    const choice = dice(path, 3) % 3;
    if (entry.kind === 'directory') return [{ path, entry: file('decoy') }];
    if (choice === 0) return [{ path, entry: file('decoy', { mode: 0o777 }) }];
    if (choice === 1) return [{ path, entry: link('decoy') }];
    return [
      { path, entry: dir() },
      { path: `${path}/decoy`, entry: file('decoy') },
    ];
  });
}

/** Names that scenarios and random commands like to make; in a lower they can lie in wait, whited out. */
const LIKELY = ['new', 'new2', 'new3', 'no', 'x', 'a', 'b', 'c', 'd'];

/** Entries at names that are not declared, one tree of junk for each; to be removed before the scenario runs. */
export function junk(items: readonly Item[]): { readonly tops: string[]; readonly items: Item[] } {
  const taken = new Set(items.map(({ path }) => path));
  const directories = ['', ...items.filter(({ entry }) => entry.kind === 'directory').map(({ path }) => path)];
  const free = directories
    .flatMap((directory) => LIKELY.map((name) => (directory === '' ? name : `${directory}/${name}`)))
    .filter((path) => !taken.has(path));
  return { tops: free, items: free.flatMap((path) => junkAt(path)) };
}

function junkAt(path: string): Item[] {
  const old: Entry = file('junk');
  if (dice(path, 5) % 2 === 0) return [{ path, entry: old }];
  const below = ['a', 'x', 'new'].map((name) => ({ path: `${path}/${name}`, entry: old }));
  return [{ path, entry: dir() }, ...below];
}

function disguise(path: string): string {
  return `${path.replaceAll('/', '~/')}~`;
}

/** The same tree with every name changed. */
export function disguised(items: readonly Item[]): Item[] {
  return items.map(({ path, entry }) => ({
    path: disguise(path),
    entry: entry.kind === 'hard' ? { ...entry, of: disguise(entry.of) } : entry,
  }));
}

/** The moves that give a disguised tree its names again, one after another. */
export function moves(items: readonly Item[]): { readonly from: string; readonly to: string }[] {
  return items.map(({ path }) => ({ from: `${path}~`, to: path }));
}

/** What hides `junk` in a directory that is read as a layer of the OCI spelling. */
export function whiteoutNames(tops: readonly string[]): Item[] {
  return tops.map((path) => {
    const slash = path.lastIndexOf('/') + 1;
    return { path: `${path.slice(0, slash)}.wh.${path.slice(slash)}`, entry: file('') };
  });
}
