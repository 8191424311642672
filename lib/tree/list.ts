/**
 * The merged listing of a directory (L10): each name once, in order, without whiteouts and what they hide.
 *
 * Where no source may change, the merge is done once and kept in `names`. Otherwise the sources are asked each time, as
 * `readdir` on them would.
 */

import { sortNames } from '../branch/bytes.ts';
import type { Io } from '../fault.ts';
import { noteListed } from './cache/sweep.ts';
import {
  type Directory,
  holdsOwn,
  INSIDE,
  Inode,
  isReachable,
  type Listing,
  UNTYPED,
  USED,
  WHITEOUT,
} from './inode.ts';
import { lookup } from './lookup.ts';
import { mayBeLost } from './revalidate.ts';
import { layerOf } from './sources/layer.ts';
import type { Tree } from './tree.ts';

/** The names in a directory. The array belongs to the tree: copy it before handing it out. */
export function listNames(io: Io, tree: Tree, directory: Directory): readonly string[] {
  return listing(io, tree, directory).names;
}

/** The names and their types (S_IFMT). Types that the listing does not tell are looked up. */
export function listTyped(io: Io, tree: Tree, directory: Directory): Listing {
  const listed = listing(io, tree, directory);
  const { names, types } = listed;
  const untyped: number[] = [];
  for (let i = 0; i < types.length; i++) if ((types[i] as number) <= UNTYPED) untyped.push(i);
  if (untyped.length === 0) return listed;
  const look = (i: number) => lookup(io, tree, directory, names[i] as string)?.type ?? 0;
  const found = io.each(untyped, look, () => isReachable(directory));
  const typed = [...types];
  for (const [k, i] of untyped.entries()) typed[i] = found[k] as number;
  return { names, types: typed };
}

/** Whether a directory shows no name at all (L6). */
export function isEmpty(io: Io, tree: Tree, directory: Directory): boolean {
  if (directory.sources.length === 0) return directory.names.size === 0;
  return listNames(io, tree, directory).length === 0;
}

function listing(io: Io, tree: Tree, directory: Directory): Listing {
  directory.state |= USED;
  if (directory.listing !== undefined) return directory.listing;
  const below = directory.complete ? undefined : mergeSources(io, directory);
  // From here on nothing stops or fails.
  const made = order(directory, below);
  if (directory.settled) {
    if (below !== undefined) keep(tree, directory, below);
    directory.listing = made;
  }
  return made;
}

/** What the sources show: names and types (0 where a branch does not tell). */
function mergeSources(io: Io, directory: Directory): Map<string, number> {
  const merged = new Map<string, number>();
  const hidden = new Set<string>();
  for (const source of directory.sources) {
    if (source.branch.layered) {
      const layer = layerOf(io, source);
      for (const [name, type] of layer.names) if (!hidden.has(name) && !merged.has(name)) merged.set(name, type);
      if (layer.isOpaque) break;
      for (const name of layer.whiteouts) hidden.add(name);
    } else {
      for (const { name, type } of io.list(source.branch, source.path) ?? []) {
        if (!hidden.has(name) && !merged.has(name) && !source.hides(name)) merged.set(name, type);
      }
    }
  }
  return merged;
}

/** Puts the names of the overlay over those of the sources, in order. */
function order(directory: Directory, below: ReadonlyMap<string, number> | undefined): Listing {
  const names: string[] = [];
  if (below === undefined) {
    for (const [name, entry] of directory.names) if (entry instanceof Inode || entry >= UNTYPED) names.push(name);
  } else {
    for (const name of below.keys()) if (directory.names.get(name) !== WHITEOUT) names.push(name);
    for (const [name, mark] of directory.marks ?? []) {
      const entry = below.has(name) ? undefined : directory.names.get(name);
      if (entry instanceof Inode && (mark !== INSIDE || staysWithout(directory, name, entry))) names.push(name);
    }
  }
  sortNames(names);
  return { names, types: names.map((name) => typeOf(directory.names.get(name), below?.get(name))) };
}

/** Whether what the lowers had under a name is there still although they have it no longer. */
function staysWithout(directory: Directory, name: string, inode: Inode): boolean {
  return holdsOwn(inode) && !mayBeLost(directory, name, inode);
}

function typeOf(entry: Inode | number | undefined, below: number | undefined): number {
  if (!(entry instanceof Inode)) return below ?? entry ?? 0;
  // What the lowers show now is newer than what is remembered of them.
  return below === undefined || below === 0 || holdsOwn(entry) ? entry.type : below;
}

/** Remembers what the sources show. Requires: they never change. */
function keep(tree: Tree, directory: Directory, below: ReadonlyMap<string, number>): void {
  const before = directory.names.size;
  for (const [name, type] of below) {
    const entry = directory.names.get(name);
    if (entry === undefined || entry === UNTYPED) directory.names.set(name, type === 0 ? UNTYPED : type);
  }
  directory.complete = true;
  noteListed(tree, directory, directory.names.size - before);
}
