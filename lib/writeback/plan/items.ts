/**
 * The names that the upper must be told about: the dirty ones, and others that these require.
 *
 *     dirty names, names of dirty inodes ──► what should be there, what the lowers have there ──► items
 *                                        ▲                                                  │
 *                                        └──────────── what else is needed then ◄───────────┘
 *
 * Required are: the directories above, where the upper has none for them; the other names of a file; everything in a
 * directory that was moved.
 */

import type { Io } from '../../fault.ts';
import type { Dirty } from '../../tree/changing/dirty.ts';
import {
  BORN,
  type Directory,
  Inode,
  isDirectory,
  isReachable,
  namesOf,
  OWNED_ATTRIBUTES,
  OWNED_CONTENT,
  OWNED_QUIETLY,
  Symlink,
} from '../../tree/inode.ts';
import { listNames } from '../../tree/list.ts';
import { type Found, find } from '../../tree/load.ts';
import { lookup } from '../../tree/lookup.ts';
import { layerOf } from '../../tree/sources/layer.ts';
import type { Source } from '../../tree/sources/source.ts';
import type { Tree } from '../../tree/tree.ts';
import { readTarget } from '../../tree/walk.ts';
import { lowersOf, placeOf, upperOf } from '../places.ts';

/** A name that the upper must be told about. */
export interface Item {
  readonly directory: Directory;
  readonly name: string;
  /** What should be there; undefined for nothing. */
  readonly want: Inode | undefined;
  /** Whether the upper need not hold it, since the lowers show it. */
  readonly isTransparent: boolean;
  /** What the lowers have there. */
  readonly below: Found | undefined;
  /** How deep the directory lies; parents come first. */
  readonly depth: number;
}

function depthOf(tree: Tree, directory: Directory): number {
  let depth = 0;
  for (let at: Directory | undefined = directory; at !== undefined && at !== tree.root; at = at.parent) depth++;
  return depth;
}

/** A name to be looked at. */
interface Look {
  readonly directory: Directory;
  readonly name: string;
  readonly why: 'dirty' | 'needed';
}

/** What was found about a name. */
interface Finding {
  readonly item: Item;
  /** Whether the directory was known to be copied when the name was looked at. */
  readonly isCopied: boolean;
  /** The names in it that must be brought along, if it is a directory that was moved. */
  readonly shown: readonly string[] | undefined;
}

/** The result. */
export interface Collected {
  /** Parents first. */
  readonly items: readonly Item[];
  /** Directories whose children are all among the items, since the lowers would not show them at this place. */
  readonly copied: ReadonlySet<Directory>;
}

/** Collects the names that the upper must be told about; asks branches where memory does not know. */
export function collectItems(io: Io, tree: Tree, dirty: Dirty): Collected {
  const collection = new Collection(io, tree);
  collection.collect(dirty);
  const items = [...collection.items.values()].flatMap((names) => [...names.values()]);
  items.sort((a, b) => a.depth - b.depth);
  return { items, copied: collection.copied };
}

class Collection {
  /** What was found so far. Changed by `#take` and `#copy`. */
  readonly items = new Map<Directory, Map<string, Item>>();
  /** Directories whose children are all collected. Added to by `#copy`. */
  readonly copied = new Set<Directory>();
  readonly #io: Io;
  readonly #tree: Tree;
  /** Names still to be looked at. Changed by `#add` and `collect`. */
  #queue: Look[] = [];
  /** Files whose names are all looked at, or queued. Added to by `#addNames`. */
  readonly #named = new Set<Inode>();

  constructor(io: Io, tree: Tree) {
    this.#io = io;
    this.#tree = tree;
  }

  collect(dirty: Dirty): void {
    for (const [directory, names] of dirty.names) {
      if (isReachable(directory)) for (const name of names.keys()) this.#add(directory, name, 'dirty');
    }
    for (const inodes of [dirty.inodes, dirty.timed]) for (const inode of inodes) this.#addInode(inode);
    while (this.#queue.length > 0) {
      const looks = this.#queue.filter((look) => !this.#isKnown(look));
      this.#queue = [];
      // The questions about one name do not depend on the answers about others, so they are asked together.
      const findings = this.#io.each(
        looks,
        (look) => this.#ask(look),
        ({ directory }) => isReachable(directory),
      );
      for (const [i, finding] of findings.entries()) this.#take(looks[i] as Look, finding);
    }
  }

  #add(directory: Directory, name: string, why: Look['why']): void {
    this.#queue.push({ directory, name, why });
  }

  /** Adds the names of an inode, where the upper must hold it. */
  #addInode(inode: Inode): void {
    if (inode === this.#tree.root) return;
    // The upper has some names of the file already.
    const isHeld = !isDirectory(inode) && placeOf(inode) !== undefined;
    if ((isReal(inode) || isHeld) && !(isDirectory(inode) && upperOf(inode) !== undefined)) this.#addNames(inode);
  }

  #addNames(inode: Inode): void {
    if (this.#named.has(inode)) return;
    this.#named.add(inode);
    for (const { directory, name } of namesOf(inode)) {
      if (isReachable(directory) && upperOf(directory)?.held.get(name) !== inode) {
        this.#add(directory, name, 'needed');
      }
    }
  }

  #isKnown({ directory, name, why }: Look): boolean {
    const known = this.items.get(directory)?.get(name);
    return known !== undefined && (why === 'dirty' || !known.isTransparent);
  }

  /** Asks what must be known about a name. */
  #ask({ directory, name, why }: Look): Finding {
    const [io, tree] = [this.#io, this.#tree];
    const upper = upperOf(directory);
    if (upper !== undefined) layerOf(io, upper);
    const isCopied = this.copied.has(directory);
    const known = directory.names.get(name);
    // The lower may have removed a further name of a file, or given it to another, since it was looked at.
    const isDoubtful = known instanceof Inode && !isDirectory(known) && !isReal(known);
    const found = isCopied || isDoubtful ? lookup(io, tree, directory, name) : known;
    const want = found instanceof Inode ? found : undefined;
    const lowers = isCopied ? [] : lowersOf(directory);
    const below = lowers.length === 0 ? undefined : find(io, lowers, name);
    const isNeeded = why === 'needed' && (isCopied || found === known);
    const isTransparent = !isNeeded && want !== undefined && shows(below, name, want);
    const item = { directory, name, want, isTransparent, below, depth: depthOf(tree, directory) };
    if (want === undefined || isTransparent) return { item, isCopied, shown: undefined };
    // The target of a link must be known before anything is decided.
    if (want instanceof Symlink) readTarget(io, want);
    const shown = isDirectory(want) && this.#isMoved(want, below) ? listNames(io, tree, want) : undefined;
    return { item, isCopied, shown };
  }

  /** Whether the lowers have a directory elsewhere, so that they would not show its children where it is now. */
  #isMoved(directory: Directory, below: Found | undefined): boolean {
    const lowers = lowersOf(directory);
    return lowers.length > 0 && !sameSources(lowers, below?.sources ?? []) && !this.copied.has(directory);
  }

  #take(look: Look, { item, isCopied, shown }: Finding): void {
    const { directory, name, why } = look;
    if (this.#isKnown(look)) return;
    // Meanwhile its directory was found to be moved, so that the lowers have nothing there.
    if (isCopied !== this.copied.has(directory)) {
      this.#add(directory, name, why);
      return;
    }
    if (upperOf(directory) === undefined && directory !== this.#tree.root && directory.parent !== undefined) {
      this.#add(directory.parent, directory.name, 'needed');
    }
    const names = this.items.get(directory);
    if (names === undefined) this.items.set(directory, new Map([[name, item]]));
    else names.set(name, item);
    const { want, isTransparent } = item;
    if (want === undefined || isTransparent) return;
    if (!isDirectory(want)) {
      // A file keeps all its names together.
      this.#addNames(want);
    } else if (shown !== undefined) this.#copy(want, shown);
  }

  /** Brings along all children of a directory that the lowers have elsewhere. */
  #copy(directory: Directory, names: readonly string[]): void {
    if (this.copied.has(directory)) return;
    this.copied.add(directory);
    // Names looked at before are looked at again, since the lowers have nothing there now.
    const known = [...(this.items.get(directory)?.keys() ?? [])];
    this.items.delete(directory);
    for (const name of known) this.#add(directory, name, 'needed');
    const shown = new Set(names);
    for (const name of shown) this.#add(directory, name, 'needed');
    // Names that a lower has lost are looked at too, and thereby forgotten.
    for (const [name, entry] of directory.names) {
      if (entry instanceof Inode && !shown.has(name)) this.#add(directory, name, 'needed');
    }
  }
}

/**
 * Whether an inode was made here, or changed in something that the upper must hold (for a directory, also its times).
 */
export function isReal(inode: Inode): boolean {
  const { state } = inode;
  return (state & (BORN | OWNED_ATTRIBUTES | OWNED_CONTENT | (isDirectory(inode) ? OWNED_QUIETLY : 0))) !== 0;
}

/** Whether the lowers show exactly this inode under the name, so that the upper need not hold it. */
function shows(below: Found | undefined, name: string, inode: Inode): boolean {
  if (below === undefined || isReal(inode)) return false;
  if (isDirectory(inode)) return upperOf(inode) === undefined && sameSources(inode.sources, below.sources);
  const { origin, originName } = inode;
  return origin?.branch === below.source.branch && origin.path === below.source.path && originName === name;
}

function sameSources(some: readonly Source[], others: readonly Source[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ branch, path }, i) => branch === others[i]?.branch && path === others[i]?.path)
  );
}
