/**
 * What must be done so that the upper shows the tree: the dirty part of the tree compared with what the upper holds.
 *
 * `plan` asks (it may stop) and then takes the dirty part as it is at that moment; what changes afterwards is dirty again and
 * belongs to the next plan. Pages are shared with the plan, so a page that is written meanwhile is copied first (W9).
 *
 *     dirty names ──► items     what should be at a name, what the upper has there, what the lowers have there
 *     dirty inodes ─► contents  what must be written before a name can be given (or a file patched)
 */

import { UPPER } from '../branch/branch.ts';
import { ENOTSUP, type Errno } from '../errno.ts';
import type { Io } from '../fault.ts';
import { isOwnContentClean } from '../pages/contents.ts';
import { keepForGood } from '../tree/cache/entries.ts';
import type { Dirty } from '../tree/changing/dirty.ts';
import { collect, settleLinks } from '../tree/changing/dropped.ts';
import {
  BORN,
  type Directory,
  File,
  Inode,
  isDirectory,
  isReachable,
  namesOf,
  OWNED_ATTRIBUTES,
  OWNED_CONTENT,
  OWNED_QUIETLY,
  Special,
  Symlink,
} from '../tree/inode.ts';
import { listNames } from '../tree/list.ts';
import { type Found, find } from '../tree/load.ts';
import { lookup } from '../tree/lookup.ts';
import { borrowersOf } from '../tree/sources/borrow.ts';
import { layerOf } from '../tree/sources/layer.ts';
import { pathIn, type Source, type UpperSource } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';
import { readTarget } from '../tree/walk.ts';
import type { Note } from './area/notes.ts';
import { type Content, type StageNames, takeContent } from './content.ts';
import { type Draft, draft } from './draft.ts';
import { heldNames, lastingPlaceOf, lowersOf, placeOf, upperOf } from './places.ts';

/** A name about which the upper must be told. */
export interface Item {
  readonly directory: Directory;
  readonly name: string;
  /** What should be there; undefined for nothing. */
  readonly want: Inode | undefined;
  /** What the upper need not hold for that, since the lowers show it. */
  readonly isTransparent: boolean;
  /** What the lowers have there. */
  readonly below: Found | undefined;
  /** How deep the directory lies: parents come first. */
  readonly depth: number;
}

/** Everything that one write-back does. Immutable once made. */
export interface Plan {
  /** Parents first. */
  readonly items: readonly Item[];
  readonly contents: ReadonlyMap<Inode, Content>;
  /** Where directories that are new in the upper are staged, with all that is new in them: parents first. */
  readonly stages: ReadonlyMap<Directory, string>;
  /** Directories whose children were all brought here, since the lowers would not show them at this place. */
  readonly copied: ReadonlySet<Directory>;
  /** The inodes that were dirty. */
  readonly inodes: ReadonlySet<Inode>;
  /** Directories of which only the times were. */
  readonly timed: ReadonlySet<Inode>;
  /** The names that were dirty. */
  readonly names: ReadonlyMap<Directory, ReadonlyMap<string, unknown>>;
  /** What will be done once the contents are staged. */
  readonly draft: Draft;
  /** What is to be noted of files of the lowers that have lost names. */
  readonly lost: readonly Note[];
  /** What cannot be written to any upper, and why. */
  readonly refused: ReadonlyMap<Inode, Errno>;
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
  /** The directory was known to be copied when it was asked. */
  readonly isCopied: boolean;
  /** What shows in it, if it is a directory that was moved: all that is to be brought along. */
  readonly shown: readonly string[] | undefined;
}

/** Collects the items, asking branches where memory does not know. */
class Collection {
  readonly items = new Map<Directory, Map<string, Item>>();
  readonly copied = new Set<Directory>();
  readonly #io: Io;
  readonly #tree: Tree;
  /** Names still to be looked at. */
  #queue: Look[] = [];
  /** Files all of whose names are looked at, or are to be. */
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
      // What is asked of one name does not depend on the answers about the others: they come together.
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

  /** An inode that the upper does not hold yet brings its names along. */
  #addInode(inode: Inode): void {
    if (inode === this.#tree.root) return;
    // Of a file that the upper has some names already.
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

  /** Asks what has to be known of a name; changes nothing. */
  #ask({ directory, name, why }: Look): Finding {
    const [io, tree] = [this.#io, this.#tree];
    const upper = upperOf(directory);
    if (upper !== undefined) layerOf(io, upper);
    const isCopied = this.copied.has(directory);
    const found = isCopied ? lookup(io, tree, directory, name) : directory.names.get(name);
    const want = found instanceof Inode ? found : undefined;
    const lowers = isCopied ? [] : lowersOf(directory);
    const below = lowers.length === 0 ? undefined : find(io, lowers, name);
    const isTransparent = why === 'dirty' && want !== undefined && shows(below, name, want);
    const item = { directory, name, want, isTransparent, below, depth: depthOf(tree, directory) };
    if (want === undefined || isTransparent) return { item, isCopied, shown: undefined };
    // Where a link points is asked before anything is decided.
    if (want instanceof Symlink) readTarget(io, want);
    const shown = isDirectory(want) && this.#isMoved(want, below) ? listNames(io, tree, want) : undefined;
    return { item, isCopied, shown };
  }

  /** Whether the lowers have a directory elsewhere, so that its children would not show where it is now. */
  #isMoved(directory: Directory, below: Found | undefined): boolean {
    const lowers = lowersOf(directory);
    return lowers.length > 0 && !sameSources(lowers, below?.sources ?? []) && !this.copied.has(directory);
  }

  #take(look: Look, { item, isCopied, shown }: Finding): void {
    const { directory, name, why } = look;
    if (this.#isKnown(look)) return;
    // Nothing is below it any more.
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

  /** The children of a directory that the lowers have elsewhere are all brought along. */
  #copy(directory: Directory, names: readonly string[]): void {
    if (this.copied.has(directory)) return;
    this.copied.add(directory);
    // What was looked at there before is looked at again, since nothing is below it any more.
    const known = [...(this.items.get(directory)?.keys() ?? [])];
    this.items.delete(directory);
    for (const name of known) this.#add(directory, name, 'needed');
    const shown = new Set(names);
    for (const name of shown) this.#add(directory, name, 'needed');
    // What a lower has lost is looked at too, and so forgotten: from now on the directory has what is known of it.
    for (const [name, entry] of directory.names) {
      if (entry instanceof Inode && !shown.has(name)) this.#add(directory, name, 'needed');
    }
  }
}

/** Whether an inode was made here, or changed in what the upper is to hold of it: of a directory that is its times too. */
function isReal(inode: Inode): boolean {
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

/**
 * Plans the write-back of all that is dirty; undefined when nothing is.
 *
 * @param staging the path of the staging directory
 * @param nameStage gives a name in it that was never used before
 */
export function plan(io: Io, tree: Tree, staging: string, nameStage: () => string): Plan | undefined {
  const { dirty } = tree;
  if (dirty === undefined || dirty.isEmpty) return undefined;
  collect(io, tree);
  // What was removed from the upper with a directory cannot be looked at when it has gone there too.
  if (tree.linked.size > 0) settleLinks(io, tree, (directory) => upperOf(directory) !== undefined);
  const collection = new Collection(io, tree);
  collection.collect(dirty);
  const items = [...collection.items.values()].flatMap((names) => [...names.values()]);
  items.sort((a, b) => a.depth - b.depth);
  const lost = findLost(io, tree, dirty, items);
  // From here on nothing stops or fails.
  const inodes = new Set(dirty.inodes);
  const timed = new Set(dirty.timed);
  const names = new Map(dirty.names);
  dirty.isTaken = true;
  // Who gets a place in the upper has a number that comes from where it was before.
  for (const { want, isTransparent } of items) if (want !== undefined && !isTransparent) keepForGood(tree, want);
  dirty.timed.clear();
  dirty.inodes.clear();
  dirty.names.clear();
  dirty.truncated.clear();
  dirty.replaced.clear();
  const stages = stageDirectories(items, nameStage);
  const { contents, refused } = takeContents(tree, items, inodes, stageNamesFor(items, stages, nameStage));
  const { copied } = collection;
  const all = new Set([...inodes, ...timed]);
  const drafted = draft(tree, { items, contents, stages, copied, dirty: all, nameStage, staging });
  return { items, contents, stages, copied, inodes, timed, names, lost, refused, draft: drafted };
}

/** Finds files that the upper need not hold but have fewer names here than in their lower (C2). */
function findLost(io: Io, tree: Tree, dirty: Dirty, items: readonly Item[]): Note[] {
  const notes: Note[] = [];
  const wanted = new Set(items.map(({ want, isTransparent }) => (isTransparent ? undefined : want)));
  const below = [...dirty.inodes].filter((inode) => {
    const isOfLower = inode.origin !== undefined && inode.origin.branch.id !== UPPER;
    return isOfLower && !isDirectory(inode) && !isReal(inode) && inode.nlink > 0 && !wanted.has(inode);
  });
  const found = io.each(
    below,
    ({ origin, originName }) => origin && io.lstat(origin.branch, pathIn(origin, originName)),
    () => true,
  );
  for (const [i, { number, nlink }] of below.entries()) {
    const lost = Math.max(0, (found[i]?.nlink ?? 0) - nlink);
    if (lost !== tree.kept.lostLinks(number)) notes.push({ ino: 0, number, lost });
  }
  return notes;
}

/** Gives directories that are new in the upper places in the staging directory: one in another that is new lies in it there too. */
function stageDirectories(items: readonly Item[], nameStage: () => string): Map<Directory, string> {
  const stages = new Map<Directory, string>();
  for (const { directory, name, want, isTransparent } of items) {
    if (want === undefined || isTransparent || !isDirectory(want) || upperOf(want) !== undefined) continue;
    const above = stages.get(directory);
    stages.set(want, above === undefined ? nameStage() : `${above}/${name}`);
  }
  return stages;
}

/** Where contents are staged: under the first name of the inode, if that is in a directory that is staged too. */
function stageNamesFor(
  items: readonly Item[],
  stages: ReadonlyMap<Directory, string>,
  nameStage: () => string,
): StageNames {
  const firsts = new Map<Inode, Item>();
  for (const item of items) {
    const { want, isTransparent } = item;
    if (want !== undefined && !isTransparent && !firsts.has(want)) firsts.set(want, item);
  }
  return {
    apart: nameStage,
    whole(inode) {
      const first = firsts.get(inode);
      const above = first && stages.get(first.directory);
      return first === undefined || above === undefined ? nameStage() : `${above}/${first.name}`;
    },
  };
}

/** Whether the upper cannot hold an inode, or not what is new of it. */
function isBeyond({ can }: Tree, inode: Inode, place: UpperSource | undefined): boolean {
  if (inode instanceof Symlink) return place === undefined && !can.symlink;
  // New content would come under one of its names only.
  return inode instanceof Special || (place === undefined && !can.link && heldNames(inode).length > 1);
}

/** What must be written: of inodes that get a place in the upper, and of those there whose content changed. */
function takeContents(tree: Tree, items: readonly Item[], dirty: ReadonlySet<Inode>, stageNames: StageNames) {
  const contents = new Map<Inode, Content>();
  const refused = new Map<Inode, Errno>();
  const placed = new Set<Inode>();
  for (const { want, isTransparent } of items) if (want !== undefined && !isTransparent) placed.add(want);
  // A copy without a name that is still open loses the bytes it shares with a file that changes: it gets some of its own.
  const takeBorrowers = (inode: Inode, place: UpperSource) => {
    for (const borrower of borrowersOf(place, inode.originName)) {
      if (borrower.nlink === 0) contents.set(borrower, takeContent(tree.memory, borrower, undefined, stageNames));
    }
  };
  for (const inode of new Set([...dirty, ...placed])) {
    if (isDirectory(inode) || inode.nlink === 0) continue;
    const place = lastingPlaceOf(inode);
    if (place === undefined && !placed.has(inode) && heldNames(inode).length === 0) continue;
    if (isBeyond(tree, inode, place)) refused.set(inode, ENOTSUP);
    else if (
      place === undefined ||
      (inode instanceof File && !isOwnContentClean(inode, inode.extra?.fingerprint?.size ?? inode.size))
    ) {
      contents.set(inode, takeContent(tree.memory, inode, place, stageNames));
      if (place !== undefined) takeBorrowers(inode, place);
    }
  }
  return { contents, refused };
}
