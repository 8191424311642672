/**
 * The inode: a file's identity, attributes and (for files, directories, links) what is in it.
 *
 * Names (dentries) are entries in a directory's `names` that point at inodes. An inode knows its names too, so that a change
 * made through a descriptor can be found from the root. Millions of inodes may be in memory: rare things live in `extra`, times
 * are small integers (seconds, nanoseconds), and a path below is kept as (directory below, name).
 */

import { constants } from 'node:fs';
import type { Fingerprint, Remembered } from '../branch/branch.ts';
import type { Contents } from '../pages/contents.ts';
import type { Page } from '../pages/page.ts';
import type { PageTable } from '../pages/page-table.ts';
import type { Below } from './sources/below.ts';
import type { Source } from './sources/source.ts';

const { S_IFMT, S_IFDIR, S_IFLNK } = constants;

/** Who owns a file. Immutable and shared by all inodes of the same owner. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The attributes differ from the origin's because somebody asked for it (chmod, chown, utimes, rename, link). */
export const OWNED_ATTRIBUTES = 1;
/** The content differs from the origin's, or the file was born here. */
export const OWNED_CONTENT = 2;
/** Changed here in a way that nobody calls a change of the file: the times of a directory whose names changed, `nlink`. */
export const OWNED_QUIETLY = 4;
/** Counted by the quota: its end gives an inode back. */
export const CHARGED = 8;
/** The size of the lower file lies (`/proc`, `/sys`): it is read straight through. */
export const THROUGH = 16;

/** Born here, or made a copy here: `origin` tells where the content comes from, not what the file was in a lower. */
export const BORN = 32;
/** An anonymous file that may be given a name (O_TMPFILE without O_EXCL; Linux I_LINKABLE). */
export const LINKABLE = 64;
/** A directory on a short cut: see `caller.ts`. */
export const ON_WAY = 128;
/** As it was loaded from a branch, which can tell it again: see `cache/entries.ts`. */
export const SPARE = 256;
/** Looked up, or its names listed, since the hand came by last: see `cache/sweep.ts`. */
export const USED = 512;
/** Somebody watches it. */
export const WATCHED = 1024;
/** Its pages came so soon after the lower file was changed that another change could show the same time: the next look drops them. */
export const DOUBTFUL = 2048;

/** Any of the bits that mean "changed here": the inode no longer follows its origin. */
const OWNED = OWNED_ATTRIBUTES | OWNED_CONTENT | OWNED_QUIETLY;

/** A name of an inode. */
export interface Link {
  readonly directory: Directory;
  readonly name: string;
}

/**
 * The `nlink` of a directory whose subdirectories nobody counts: of one with several sources, as in overlayfs (`ovl_getattr`), since each
 * source counts its own and no look at one tells which of them are the same, or hidden; and on filesystems that do not count.
 */
export const UNCOUNTED = 1;

/** What few inodes have. */
export interface Extra {
  /** Names beyond the first. Changed by `names.ts`. */
  links: Link[];
  /** What the origin was when the file was copied up: how a change below is told. Set by `own`. */
  fingerprint: Fingerprint | undefined;
  /** When the file of a lower was born of which that may have further names (`birthOf`), where it tells. Set by `own` and `load.ts`. */
  birth: number | undefined;
  /** What it was in the lowers, where the upper has it now. Set by `load.ts` and write-back. */
  below: Below | undefined;
}

/** See the file comment. */
export abstract class Inode implements Remembered {
  /**
   * Stable and unique in the overlay: what `stat` shows as `ino`. Changed by `load.ts` only, when a lower has put another directory
   * in the place of one.
   */
  number: number;
  /** The branch's own inode number of the origin; 0 for what was born here or has none. Changed by `revalidate.ts`. */
  ino: number | bigint = 0;
  /** Type and permission bits. Changed by attribute operations and `revalidate.ts`. */
  mode: number;
  /** How many names the merged tree shows; of a directory see `UNCOUNTED`. Changed by `names.ts`. */
  nlink = 1;
  /** Changed by attribute operations and `load.ts`. */
  owner: Owner;
  /** In bytes. Of files changed by `pages/contents.ts`; of all by `load.ts`. */
  size = 0;
  /** The origin's blocks while the inode is not owned. Changed by `load.ts`. */
  originBlocks = 0;
  // Times as (seconds, nanoseconds): changed by attribute operations, `changing/times.ts` and `load.ts`.
  atimeSec = 0;
  atimeNsec = 0;
  mtimeSec = 0;
  mtimeNsec = 0;
  ctimeSec = 0;
  ctimeNsec = 0;
  birthtimeSec = 0;
  birthtimeNsec = 0;
  /**
   * Where the unmodified data and attributes come from; undefined for what was born here. Changed by whoever loads, copies, or brings the inode
   * to the upper.
   */
  origin: Source | undefined = undefined;
  /** The name in `origin`. Changed with it. */
  originName = '';
  /** The directory of the first name; undefined when there is no name. Changed by `names.ts`. */
  parent: Directory | undefined = undefined;
  /** The first name in `parent`. Changed with it. */
  name = '';
  /**
   * Bits of OWNED, CHARGED, THROUGH, BORN, LINKABLE, ON_WAY, SPARE, USED, WATCHED, DOUBTFUL. Changed by `own`, `names.ts`, `cache/` and
   * those who look.
   */
  state = 0;
  /** How many descriptors hold it. Changed by `ops/open.ts`. */
  opens = 0;
  /** Rare things; see `Extra`. */
  extra: Extra | undefined = undefined;

  constructor(number: number, mode: number, owner: Owner) {
    this.number = number;
    this.mode = mode;
    this.owner = owner;
  }

  get uid(): number {
    return this.owner.uid;
  }

  get gid(): number {
    return this.owner.gid;
  }

  get type(): number {
    return this.mode & S_IFMT;
  }

  get isOwned(): boolean {
    return (this.state & OWNED) !== 0;
  }

  /** Device number of a device file, else 0. */
  get rdev(): number {
    return 0;
  }
}

/** A regular file. */
export class File extends Inode implements Contents {
  supplied = 0;
  pages: Page | PageTable | undefined = undefined;
}

/** A symbolic link. */
export class Symlink extends Inode {
  /** Where it points; undefined until somebody asked. Set by `readTarget`, forgotten by `revalidate.ts`. */
  target: string | undefined = undefined;
}

/** A device, FIFO or socket of a lower: used straight through it. */
export class Special extends Inode {
  readonly #rdev: number;

  constructor(number: number, mode: number, owner: Owner, rdev: number) {
    super(number, mode, owner);
    this.#rdev = rdev;
  }

  override get rdev(): number {
    return this.#rdev;
  }
}

/** The name was removed, or replaced and removed: it hides what lies below. */
export const WHITEOUT = 0;
/** Looked for and not found in sources that never change. */
export const ABSENT = -1;
/** A listing has shown the name; nobody has looked at it yet. Larger values tell its S_IFMT too. */
export const UNTYPED = 1;

/** What a name stands for: an inode, or WHITEOUT, ABSENT, or the type of something not loaded yet. */
export type Entry = Inode | number;

/** A directory. */
export class Directory extends Inode {
  /** What is known of the names. Changed by `names.ts`, `load.ts` and `list.ts`. */
  readonly names = new Map<string, Entry>();
  /** The directories it merges, top first; none when opaque or born here. Changed by `load.ts` and `revalidate.ts`. */
  sources: readonly Source[] = NO_SOURCES;
  /** `names` has all that the sources have, and they never change. Set by `list.ts`. */
  complete = false;
  /** How many names in `names` are ABSENT, or have been since they were last forgotten. Changed by `names.ts`. */
  absences = 0;
  /** How many names that only listings have brought count as entries. Changed by `cache/`. */
  listed = 0;
  /** No source may change. Set with `sources`. */
  settled = true;
  /**
   * What the overlay has done to names: see `Mark`. Not kept where there are no sources, since there every name is FRESH.
   * Changed by `names.ts`, `own.ts` and `image/changes.ts`.
   */
  marks: Map<string, Mark> | undefined = undefined;
  /** The listing as last handed out; undefined when names changed since. Changed by `list.ts` and `names.ts`. */
  listing: Listing | undefined = undefined;
}

/** The overlay decides this name, and a branch below has it too: removing it leaves a whiteout. */
export const HIDES = 1;
/** The overlay decides this name, and no branch below has it: removing it leaves nothing. */
export const FRESH = 2;
/** The branches decide this name; it or something below it is owned (or once was). */
export const INSIDE = 3;

/** What the overlay has done to a name. */
export type Mark = typeof HIDES | typeof FRESH | typeof INSIDE;

/** Whether the overlay decides the name, rather than the branches below. */
export function isOwnName(directory: Directory, name: string): boolean {
  if (directory.sources.length === 0) return true;
  const mark = directory.marks?.get(name);
  return mark === HIDES || mark === FRESH;
}

/** Whether an inode, or something in the directory that it is, is (or once was) the overlay's own: it stays whatever the lowers do. */
export function holdsOwn(inode: Inode): boolean {
  return inode.isOwned || (inode instanceof Directory && inode.marks !== undefined && inode.marks.size > 0);
}

/** Whether a directory was removed, or a lower was found to have lost it, so that nothing leads to it any more. */
export function isLost(directory: Directory): boolean {
  return directory.nlink === 0;
}

/** Whether a directory can be reached from the root: neither it nor one above it was removed, lost or forgotten. */
export function isReachable(directory: Directory): boolean {
  let at: Directory | undefined = directory;
  // The root is its own parent.
  while (at !== undefined && at.parent !== at) at = isLost(at) ? undefined : at.parent;
  return at !== undefined;
}

/** A listing: names in order, and their S_IFMT beside them. Immutable once made. */
export interface Listing {
  readonly names: readonly string[];
  readonly types: readonly number[];
}

const NO_SOURCES: readonly Source[] = [];

/** Whether an inode is a directory, which only a `Directory` is. */
export function isDirectory(inode: Inode): inode is Directory {
  return (inode.mode & S_IFMT) === S_IFDIR;
}

/** Whether an inode is a symbolic link, which only a `Symlink` is. */
export function isSymlink(inode: Inode): inode is Symlink {
  return (inode.mode & S_IFMT) === S_IFLNK;
}

/** The rare fields of an inode, made when first needed. */
export function extraOf(inode: Inode): Extra {
  inode.extra ??= { links: [], fingerprint: undefined, birth: undefined, below: undefined };
  return inode.extra;
}

/** Every name of the inode that is in memory. */
export function namesOf(inode: Inode): readonly Link[] {
  if (inode.parent === undefined) return [];
  const first = { directory: inode.parent, name: inode.name };
  return inode.extra === undefined ? [first] : [first, ...inode.extra.links];
}

/** How many those are. */
export function countNames(inode: Inode): number {
  return inode.parent === undefined ? 0 : 1 + (inode.extra?.links.length ?? 0);
}
