/**
 * What differs from the lowers: the changed part of the tree, read as a list.
 *
 * Only names that the overlay has marked (or that the upper held already) are visited, so the cost grows with what has
 * changed and not with what exists.
 */

import { constants } from 'node:fs';
import { type Attributes, type Branch, UPPER } from '../branch/branch.ts';
import type { Io } from '../fault.ts';
import {
  BORN,
  type Directory,
  Inode,
  isDirectory,
  isOwnName,
  type Link,
  namesOf,
  OWNED_CONTENT,
} from '../tree/inode.ts';
import { type Found, find } from '../tree/load.ts';
import { lookup } from '../tree/lookup.ts';
import { hasContentOf, isSetHere } from '../tree/sources/below.ts';
import { layerOf } from '../tree/sources/layer.ts';
import { loadRoot } from '../tree/sources/root.ts';
import { pathIn, type Source } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK } = constants;

/** What happened to a path. */
export type ChangeKind = 'added' | 'modified' | 'removed' | 'renamed' | 'attributes';

/** What a path is. */
export type FileType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'fifo'
  | 'socket'
  | 'character device'
  | 'block device'
  | 'unknown';

/** One difference from the lowers. */
export interface PathChange {
  /** Absolute in the overlay. */
  readonly path: string;
  /**
   * `added`: the lowers have nothing there. `modified`: the content differs, or another tool has put the file into the
   * upper. `attributes`: mode, owner or times differ, and the content does not. `removed`: the lowers have it, and it
   * was removed. `renamed`: the lowers have it at `from`; what else happened to it follows as a change of its own.
   * Layers have no renames: once an upper has it, it counts as `removed` there and `added` here.
   */
  readonly kind: ChangeKind;
  /** What it is now; if it was removed, what the lowers have. */
  readonly type: FileType;
  /** Where the lowers have what was renamed. */
  readonly from?: string;
}

/** The root of each branch, to turn its paths into paths of the overlay. */
export type Roots = ReadonlyMap<Branch, string>;

/** Lists what differs from the lowers, parents before children, siblings in order. */
export function listChanges(io: Io, tree: Tree, roots: Roots): PathChange[] {
  const changes: PathChange[] = [];
  if (!tree.isRootLoaded) loadRoot(io, tree);
  new Comparison(io, tree, roots, changes).compareRoot();
  const moved = new Set(changes.map(({ from }) => from));
  return changes.filter(({ kind, path }) => kind !== 'removed' || !moved.has(path));
}

/** Whether a directory still shows something of the lowers, or everything in it is new. */
type Mixture = 'merged' | 'new';

/** A directory whose names are compared next. */
interface Inner {
  readonly directory: Directory;
  readonly path: string;
  readonly mixture: Mixture;
}

/** A directory that is being compared. */
interface Level extends Inner {
  readonly lowers: readonly Source[];
  /** The names still to come. */
  readonly names: Iterator<string>;
}

class Comparison {
  readonly #io: Io;
  readonly #tree: Tree;
  readonly #roots: Roots;
  /** The result, filled as the tree is walked. */
  readonly #changes: PathChange[];

  constructor(io: Io, tree: Tree, roots: Roots, changes: PathChange[]) {
    this.#io = io;
    this.#tree = tree;
    this.#roots = roots;
    this.#changes = changes;
  }

  compareRoot(): void {
    const { root } = this.#tree;
    // The attributes of the upper's own root directory are no change.
    if (isSetHere(root)) this.#add('/', 'attributes', root.mode);
    this.#compareBelow({ directory: root, path: '', mixture: 'merged' });
  }

  /** Compares everything below a directory. Not recursive: directories may nest more deeply than calls can. */
  #compareBelow(top: Inner): void {
    const levels = [this.#enter(top)];
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const { directory, path, lowers, names } = level;
      const { value: name, done } = names.next();
      if (done) {
        levels.pop();
        continue;
      }
      const now = lookup(this.#io, this.#tree, directory, name);
      const below = lowers.length === 0 ? undefined : find(this.#io, lowers, name);
      const inner = this.#compare(directory, name, `${path}/${name}`, now, below);
      if (inner !== undefined) levels.push(this.#enter(inner));
    }
  }

  #enter(inner: Inner): Level {
    const { directory, mixture } = inner;
    const lowers = mixture === 'new' ? [] : lowersOf(directory);
    return { ...inner, lowers, names: this.#candidates(directory).values() };
  }

  /** The names that may differ, in order. */
  #candidates(directory: Directory): string[] {
    const names = new Set<string>();
    // Names that were made while the upper got their directory are not marked, nor are those that it could not get
    // then.
    if (directory.sources.every(isUpper)) {
      for (const [name, entry] of directory.names) if (entry instanceof Inode) names.add(name);
    }
    for (const name of directory.marks?.keys() ?? []) names.add(name);
    for (const source of directory.sources) {
      if (!isUpper(source)) continue;
      const layer = layerOf(this.#io, source);
      for (const name of layer.names.keys()) names.add(name);
      for (const name of layer.whiteouts) names.add(name);
    }
    return [...names].sort();
  }

  /** Compares what is at a name; returns the directory to look into next, if there is one. */
  #compare(
    directory: Directory,
    name: string,
    path: string,
    now: Inode | undefined,
    below: Found | undefined,
  ): Inner | undefined {
    if (now === undefined) {
      if (below !== undefined) this.#add(path, 'removed', below.attributes.mode);
      else if (directory.names.get(name) === undefined) directory.marks?.delete(name);
      return undefined;
    }
    if (below === undefined) return this.#appeared(directory, name, path, now);
    if (isSame(now, name, below) || hasContentOf(this.#tree, now, path, name, below)) {
      return this.#compareSame(now, path);
    }
    if (now.type !== (below.attributes.mode & S_IFMT) || isDirectory(now)) {
      return this.#replaced(directory, name, path, now, below);
    }
    this.#add(path, 'modified', now.mode, this.#origin(directory, name, now));
    return undefined;
  }

  /** A directory, or something of another type than the lowers have. */
  #replaced(directory: Directory, name: string, path: string, now: Inode, below: Found): Inner | undefined {
    if (isDirectory(now) && isOfLowers(now, below)) return this.#compareWithUpper(now, path, below.attributes);
    this.#add(path, 'removed', below.attributes.mode);
    return this.#appeared(directory, name, path, now);
  }

  /** Something where the lowers have nothing, or something else. */
  #appeared(directory: Directory, name: string, path: string, now: Inode): Inner | undefined {
    const from = this.#origin(directory, name, now);
    if (from === undefined) {
      this.#add(path, 'added', now.mode);
      return isDirectory(now) ? { directory: now, path, mixture: 'new' } : undefined;
    }
    this.#add(path, 'renamed', now.mode, from);
    const [lower] = isDirectory(now) && hasUpper(now) ? lowersOf(now) : [];
    const attributes = lower && this.#io.lstat(lower.branch, lower.path);
    if (attributes === undefined) return this.#compareSame(now, path);
    return this.#compareWithUpper(now as Directory, path, attributes);
  }

  /** Adds what was changed about an inode that the lowers have there too (or elsewhere, if it was renamed). */
  #compareSame(now: Inode, path: string): Inner | undefined {
    if ((now.state & OWNED_CONTENT) !== 0) this.#add(path, 'modified', now.mode);
    else if (isSetHere(now)) this.#add(path, 'attributes', now.mode);
    return isDirectory(now) ? { directory: now, path, mixture: 'merged' } : undefined;
  }

  /** A directory that the upper held already. */
  #compareWithUpper(now: Directory, path: string, { mode, uid, gid }: Attributes): Inner {
    if (isSetHere(now) || now.mode !== mode || now.uid !== uid || now.gid !== gid)
      this.#add(path, 'attributes', now.mode);
    return { directory: now, path, mixture: 'merged' };
  }

  /** Where the lowers have an inode that was renamed to this name; undefined when it was not. */
  #origin(directory: Directory, name: string, inode: Inode): string | undefined {
    // A directory that the upper has got is no longer a lower's, wherever it came from.
    const [lower] = isDirectory(inode) ? lowersOf(inode) : [];
    const origin = isDirectory(inode) ? lower : inode.origin;
    if (origin === undefined || isUpper(origin) || (inode.state & BORN) !== 0) return undefined;
    // Only one of several names can be the renamed one; and none is, while the file still has the lower's own name, or
    // has it again.
    if (inode.parent !== directory || inode.name !== name) return undefined;
    if (namesOf(inode).some((link) => !isOwnName(link.directory, link.name) || isAtOrigin(link, inode)))
      return undefined;
    const root = this.#roots.get(origin.branch) ?? '/';
    const path = lower?.path ?? pathIn(origin, inode.originName);
    return root === '/' ? path : path.slice(root.length);
  }

  #add(path: string, kind: ChangeKind, mode: number, from?: string): void {
    const change = { path, kind, type: typeName(mode) };
    this.#changes.push(from === undefined ? change : { ...change, from });
  }
}

function isUpper(source: Source): boolean {
  return source.branch.id === UPPER;
}

function hasUpper(directory: Directory): boolean {
  return directory.sources.some(isUpper);
}

function lowersOf(directory: Directory): Source[] {
  return directory.sources.filter((source) => !isUpper(source));
}

/** Whether a directory shows the directory that the lowers have at a place; the upper may have something to add. */
function isOfLowers(directory: Directory, { sources: [below] }: Found): boolean {
  const [first] = lowersOf(directory);
  return below !== undefined && first?.branch === below.branch && first.path === below.path;
}

/** Whether an inode is what the lowers have at a place, rather than something that stands there instead. */
function isSame(inode: Inode, name: string, found: Found): boolean {
  if ((inode.state & BORN) !== 0) return false;
  if (isDirectory(inode)) return !hasUpper(inode) && isOfLowers(inode, found);
  const { origin, ino } = inode;
  const { source, attributes } = found;
  if (origin?.branch !== source.branch) return false;
  if (origin.path === source.path && inode.originName === name) return true;
  // Another name of the same lower file.
  const isOfSeveral = attributes.nlink > 1 || inode.nlink > 1;
  return isOfSeveral && ino !== 0 && ino === attributes.ino && origin.dev === source.dev;
}

/** Whether a name of an inode is the one that the lower has it by. */
function isAtOrigin({ directory, name }: Link, { origin, originName }: Inode): boolean {
  if (name !== originName) return false;
  return directory.sources.some(({ branch, path }) => branch === origin?.branch && path === origin.path);
}

/** What a mode says about the type, in words. */
function typeName(mode: number): FileType {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return 'file';
    case S_IFDIR:
      return 'directory';
    case S_IFLNK:
      return 'symlink';
    case S_IFIFO:
      return 'fifo';
    case S_IFSOCK:
      return 'socket';
    case S_IFCHR:
      return 'character device';
    case S_IFBLK:
      return 'block device';
    default:
      return 'unknown';
  }
}
