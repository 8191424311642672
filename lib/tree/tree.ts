/**
 * The tree in memory: the truth about the filesystem. This file holds what all its parts share; the files beside it do
 * the work.
 *
 *     walk.ts        from a path to an inode
 *     load.ts        from a name that was not looked up before to an inode: the merge of the sources
 *     revalidate.ts  whether what is remembered of a lower that may change is still so
 *     list.ts        the merged listing of a directory
 *     changing/      what changes it: names, copy-up, times; what the upper does not know of that; how it was before
 *     caller.ts      rights, and short cuts for walks
 */

import { constants } from 'node:fs';
import type { Branch } from '../branch/branch.ts';
import { PLAIN, type Spelling } from '../branch/whiteout.ts';
import type { Behind, Errand, Io } from '../fault.ts';
import type { Memory } from '../pages/memory.ts';
import { PageTable } from '../pages/page-table.ts';
import { Entries } from './cache/entries.ts';
import type { Dirty } from './changing/dirty.ts';
import type { Dropped } from './changing/dropped.ts';
import { touchAll } from './changing/times.ts';
import type { Undo } from './changing/undo.ts';
import { Directory, File, type Inode, isLost, ON_WAY, type Owner, UNCOUNTED } from './inode.ts';
import { Numbers } from './numbers.ts';
import { KeptAttributes } from './sources/kept.ts';
import type { Source } from './sources/source.ts';

/** What happened to a name or a file: what `watch` is told. */
export type Change = NamedChange | OwnChange;

/** A change that watchers of the directory hear of too, with the name. */
export interface NamedChange {
  /**
   * `rename`: a name appeared or vanished; `change`: content changed (the words of `fs.watch`); `attributes`:
   * attributes changed, which is also a `change` to `fs.watch`.
   */
  readonly kind: 'rename' | 'change' | 'attributes';
  readonly directory: Directory;
  readonly name: string;
  readonly inode: Inode;
}

/**
 * A change that only watchers of the file itself hear of: it has gained or lost a name (`links`), it was moved
 * (`move`), or neither a name nor a descriptor holds it any more (`end`).
 */
export interface OwnChange {
  readonly kind: 'links' | 'move' | 'end';
  readonly inode: Inode;
}

/** Brings every change to the upper before it counts as made. */
export interface Through {
  /**
   * Waits for the change before, and has the one that is about to be made brought to the upper behind the operation.
   */
  begin(io: Io): void;
  /**
   * Has an errand done once the change that was begun last has reached the upper. Requires: the change is made, and the
   * operation has not stopped since.
   */
  follow(io: Io, errand: Errand): void;
  /** How the tree was before the change that is on its way to the upper; undefined while there is none. */
  readonly undo: Undo | undefined;
}

/** Brings what is dirty to the upper, on behalf of an operation. */
export interface Flusher {
  /** Makes an inode, its attributes and the names that lead to it durable; undefined when they are already. */
  flush(inode: Inode): Errand | undefined;
  /** What a writer must have done first if so many bytes would be dirty; undefined if that is not too many. */
  relieve(dirtyBytes: number): Errand | undefined;
  /** Brings everything that is dirty to the upper, as far as possible; undefined where there is no upper. */
  bring(): Errand | undefined;
  /** Is told how many bytes are dirty after a write. */
  noteWrite(dirtyBytes: number): void;
}

/** What a tree is made of. */
export interface TreeOptions {
  readonly memory: Memory;
  /** Milliseconds since 1970, fractions allowed. Never fails. */
  readonly clock: () => number;
  /** Reads the clock before each change, where the clock may fail. */
  readonly lookAtClock?: (() => void) | undefined;
  /** Shown as `st_dev`. */
  readonly dev: number;
  readonly readonly: boolean;
  readonly owner: Owner;
  /** The most inodes and names to keep that the branches can tell again. Default: no limit. */
  readonly maxEntries?: number;
  /** How the upper's marks are spelled. Default: as in a branch that is not an overlay. */
  readonly spelling?: Spelling;
}

/** A file that was found with the number of another one, and is shown with a different number. */
export interface Namesake {
  readonly inode: Inode;
  /** Where it was found, and its own number there. */
  readonly branch: Branch;
  readonly ino: number | bigint;
}

/** See the file comment. */
export class Tree implements Behind {
  readonly memory: Memory;
  readonly clock: () => number;
  /** Undefined where the clock need not be looked at before it is used. */
  readonly lookAtClock: (() => void) | undefined;
  /**
   * Shown as `st_dev`. Changed by write-back to the number that the upper has shown before, when it is mounted again.
   */
  dev: number;
  /** Nothing may be changed: EROFS. Set at the end of the overlay too. */
  isReadonly: boolean;
  /** How the upper's marks are spelled. Names that are marks cannot be made. */
  readonly spelling: Spelling;
  readonly numbers = new Numbers();
  readonly entries: Entries;
  /** Attributes of files that no branch holds. */
  readonly kept = new KeptAttributes();
  /** The root directory; what it merges is set by `root.ts`. */
  readonly root: Directory;
  /**
   * How often a directory on a short cut (`caller.ts`) has lost its name or changed its rights. Changed by `noteMove`.
   */
  moves = 0;
  /** Whether the root has its attributes. Changed by `root.ts`. */
  isRootLoaded = true;
  /**
   * Owned inodes, by number, whose lower may reuse the number for another file once theirs is gone. Changed by
   * `own.ts`, `undo.ts`, `discard.ts` and `endIfUnused`.
   */
  readonly claimed = new Map<number, Inode>();
  /**
   * Files with several names in a branch, by number, so that two names of one file are one inode here. Changed by
   * `load.ts`, `undo.ts`, `sweep.ts` and `endIfUnused`.
   */
  readonly linked = new Map<number, Inode>();
  /** Files that were found with the number of another one, by that number. Changed by `load.ts`. */
  readonly namesakes = new Map<number, Namesake>();
  /** Directories removed as a whole, whose names are still to be looked at. Changed by `dropped.ts` and `undo.ts`. */
  readonly dropped: Dropped[] = [];
  /** Called for every change as it happens; undefined while nothing is watched. Set by `fs/watch/feed.ts`. */
  onChange: ((change: Change) => void) | undefined = undefined;
  /** What the upper does not know yet; undefined while there is no upper. Set by `writeback/attach.ts`. */
  dirty: Dirty | undefined = undefined;
  /** The way to the upper for operations; undefined while there is no upper. Set by the overlay. */
  flusher: Flusher | undefined = undefined;
  /** What the upper can hold; everything, while there is none. Set by the overlay. */
  can: { readonly link: boolean; readonly symlink: boolean } = { link: true, symlink: true };
  /** What has to be done before anything is looked at; undefined once it is done. Set by the overlay. */
  mounting: Errand | undefined = undefined;
  /** Writes changes through; undefined where they wait for a write-back. Set by the overlay. */
  through: Through | undefined = undefined;
  /**
   * Keeps the state before the change that is being made; undefined where it would never be taken back. Set by
   * `through`.
   */
  undo: Undo | undefined = undefined;
  /** See `Behind`. */
  behind: Errand | undefined = undefined;
  /** What a change has to wait for while the tree is frozen. Set by the overlay. */
  thawing: Errand | undefined = undefined;
  /** Owners by `uid:gid`. Entries are only added. */
  readonly #owners = new Map<string, Owner>();
  /** The owner asked for last, which is nearly always the one asked for next. Changed by `owner`. */
  #lastOwner: Owner;

  constructor(options: TreeOptions) {
    this.memory = options.memory;
    this.clock = options.clock;
    this.lookAtClock = options.lookAtClock;
    this.dev = options.dev;
    this.isReadonly = options.readonly;
    this.spelling = options.spelling ?? PLAIN;
    this.entries = new Entries(options.maxEntries ?? Number.POSITIVE_INFINITY);
    this.#lastOwner = options.owner;
    this.root = new Directory(
      this.numbers.born(),
      constants.S_IFDIR | 0o755,
      this.owner(options.owner.uid, options.owner.gid),
    );
    this.root.parent = this.root;
    this.root.nlink = 2;
    this.root.complete = true;
    touchAll(this, this.root);
  }

  /** The one object for this owner. */
  owner(uid: number, gid: number): Owner {
    if (this.#lastOwner.uid === uid && this.#lastOwner.gid === gid) return this.#lastOwner;
    const key = `${uid}:${gid}`;
    let owner = this.#owners.get(key);
    if (owner === undefined) {
      owner = { uid, gid };
      this.#owners.set(key, owner);
    }
    this.#lastOwner = owner;
    return owner;
  }
}

/**
 * Notes that an inode has lost a name, or changed its mode or owner, so that no short cut through it is valid any more.
 */
export function noteMove(tree: Tree, inode: Inode): void {
  if ((inode.state & ON_WAY) !== 0) tree.moves++;
}

/** Sets where a directory's names come from. */
export function setSources(directory: Directory, sources: readonly Source[]): void {
  replaceSources(directory, sources);
  directory.complete = sources.length === 0;
  directory.listing = undefined;
}

/** Like `setSources`, but keeps what is known of the names. Requires: that is true of the new sources too. */
export function replaceSources(directory: Directory, sources: readonly Source[]): void {
  directory.sources = sources;
  directory.settled = sources.every(({ branch }) => branch.immutable);
  if (sources.length > 1 && !isLost(directory)) directory.nlink = UNCOUNTED;
}

/** The unit in which real filesystems allocate space, in bytes. */
const ALLOCATION = 4096;

/** The blocks of 512 bytes that `stat` shows: for what is stored here or with the origin, without holes. */
export function blocksOf(tree: Tree, inode: Inode): number {
  if (!inode.isOwned) return inode.originBlocks;
  if (!(inode instanceof File)) return 0;
  const { pages, supplied, size, originBlocks } = inode;
  // An origin with holes takes less room than its size. memfs says 1 of every file.
  const below = originBlocks === 1 ? supplied : Math.min(supplied, originBlocks * 512);
  const held = pages === undefined ? 0 : pages instanceof PageTable ? pages.size * tree.memory.pageSize : pages.length;
  return (Math.ceil(Math.min(size, below + held) / ALLOCATION) * ALLOCATION) / 512;
}
