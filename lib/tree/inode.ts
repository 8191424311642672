/**
 * The inode: a file's identity, attributes and (for files, directories, links) what is in it.
 *
 * Names (dentries) are entries in a directory's `names` that point at inodes. An inode knows its names too, so that a
 * change made through a descriptor can be found from the root. Millions of inodes may be in memory: rare things live in
 * `extra`, times are small integers (seconds, nanoseconds), and a path below is kept as (directory below, name).
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

/** The attributes differ from the origin's because a call has changed them (chmod, chown, utimes, rename, link). */
export const OWNED_ATTRIBUTES = 1;
/** The content differs from the origin's, or the file was born here. */
export const OWNED_CONTENT = 2;
/** Changed here, but not as a user would say: the times of a directory whose names changed, `nlink`. */
export const OWNED_QUIETLY = 4;
/** Charged to the quota, which gets an inode back when it ends. */
export const CHARGED = 8;
/** The size of the lower file lies (`/proc`, `/sys`): it is read straight through. */
export const THROUGH = 16;

/** Born here, also as a copy: `origin` says where the content comes from, not what the file was in a lower. */
export const BORN = 32;
/** An anonymous file that may be given a name (O_TMPFILE without O_EXCL; Linux I_LINKABLE). */
export const LINKABLE = 64;
/** A directory on a short cut: see `caller.ts`. */
export const ON_WAY = 128;
/** Still as it was loaded from a branch, which can tell it again: see `cache/entries.ts`. */
export const SPARE = 256;
/** Looked up, or its names listed, since the hand came by last: see `cache/sweep.ts`. */
export const USED = 512;
/** Watched (`fs/watch/`). */
export const WATCHED = 1024;
/**
 * Its pages came so soon after a change of the lower file that another change could show the same time. The next look
 * drops them.
 */
export const DOUBTFUL = 2048;

/** Any of the bits that mean "changed here": the inode no longer follows its origin. */
const OWNED = OWNED_ATTRIBUTES | OWNED_CONTENT | OWNED_QUIETLY;

/** A name of an inode. */
export interface Link {
  readonly directory: Directory;
  readonly name: string;
}

/**
 * The `nlink` of a directory whose subdirectories are not counted. That is a directory with several sources, as in
 * overlayfs (`ovl_getattr`): each source counts its own subdirectories, and no look at one source tells which of them
 * are the same, or hidden. And it is a directory of a filesystem that does not count.
 */
export const UNCOUNTED = 1;

/** Fields that few inodes have. */
export interface Extra {
  /** Names beyond the first. Changed by `names.ts`. */
  links: Link[];
  /**
   * How the origin looked when the file was copied up, by which a later change below is noticed. Set by `own`,
   * `load.ts` and write-back.
   */
  fingerprint: Fingerprint | undefined;
  /**
   * When the lower's file was born (`birthOf`), if it may have further names and the lower tells. Set by `own` and
   * `load.ts`.
   */
  birth: number | undefined;
  /** What the file was in the lowers, if the upper has it now. Set by `load.ts` and write-back. */
  below: Below | undefined;
}

/** See the file comment. */
export abstract class Inode implements Remembered {
  /**
   * Stable and unique in the overlay: what `stat` shows as `ino`. Changed by `load.ts` only, when a lower has replaced
   * a directory by another.
   */
  number: number;
  /** The origin's inode number in its branch; 0 for what was born here or has none. Changed by `load.ts`. */
  ino: number | bigint = 0;
  /** Type and permission bits. Changed by attribute operations and `load.ts`. */
  mode: number;
  /** How many names the merged tree shows; of a directory see `UNCOUNTED`. Changed by `names.ts`. */
  nlink = 1;
  /** Changed by attribute operations and `load.ts`. */
  owner: Owner;
  /** In bytes. Changed by `load.ts`, and for files by `pages/contents.ts`. */
  size = 0;
  /** The origin's blocks when it was last looked at. Changed by `load.ts`, with `origin`, and by write-back. */
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
   * Where the unmodified data and attributes come from; undefined for what was born here. Changed by loading, copying,
   * and write-back.
   */
  origin: Source | undefined = undefined;
  /** The name in `origin`. Changed with it. */
  originName = '';
  /** The directory of the first name; undefined when there is no name. Changed by `names.ts`. */
  parent: Directory | undefined = undefined;
  /** The first name in `parent`. Changed with it. */
  name = '';
  /**
   * Bits: OWNED, CHARGED, THROUGH, BORN, LINKABLE, ON_WAY, SPARE, USED, WATCHED, DOUBTFUL. Changed by `own.ts`,
   * `names.ts`, `cache/`, lookups and reads.
   */
  state = 0;
  /** How many descriptors hold it. Changed by `ops/open.ts`. */
  opens = 0;
  /** Rare fields; see `Extra`. */
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
  /** Where it points; undefined until it was asked for. Set by `readTarget`, forgotten by `load.ts`. */
  target: string | undefined = undefined;
}

/** A device, FIFO or socket of a lower, used straight through it. */
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

/** The name was removed, and hides what lies below it. */
export const WHITEOUT = 0;
/** Looked for and not found in sources that never change. */
export const ABSENT = -1;
/** A listing has shown the name, and it has not been looked up yet. Larger values are its S_IFMT. */
export const UNTYPED = 1;

/** What a name stands for: an inode, or WHITEOUT, ABSENT, or the type of something not loaded yet. */
export type Entry = Inode | number;

/** A directory. */
export class Directory extends Inode {
  /** What is known of the names. Changed by `names.ts`, `load.ts` and `list.ts`. */
  readonly names = new Map<string, Entry>();
  /**
   * The directories it merges, top first; none when born here or cut off from the lowers. Changed by `setSources` and
   * `replaceSources`.
   */
  sources: readonly Source[] = NO_SOURCES;
  /** `names` has all that the sources have, and they never change. Set by `list.ts`. */
  complete = false;
  /** How many names in `names` are ABSENT, or have been since they were last forgotten. Changed by `names.ts`. */
  absences = 0;
  /** How many of the names that only a listing has shown count as entries. Changed by `cache/`. */
  listed = 0;
  /** No source may change. Set with `sources`. */
  settled = true;
  /**
   * What the overlay has done to names: see `Mark`. Not kept where there are no sources, since every name is FRESH
   * there. Changed by `names.ts`, `own.ts`, `undo.ts`, write-back and `image/changes.ts`.
   */
  marks: Map<string, Mark> | undefined = undefined;
  /** The listing as last handed out; undefined when names changed since. Changed by `list.ts` and `names.ts`. */
  listing: Listing | undefined = undefined;
}

/** The overlay decides this name, and a branch below has it too, so removing it leaves a whiteout. */
export const HIDES = 1;
/** The overlay decides this name, and no branch below has it, so removing it leaves nothing. */
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

/**
 * Whether an inode, or something below it, is (or once was) the overlay's own, so that it stays whatever the lowers do.
 */
export function holdsOwn(inode: Inode): boolean {
  return inode.isOwned || (inode instanceof Directory && inode.marks !== undefined && inode.marks.size > 0);
}

/** Whether a directory was removed, or was found to be gone from its lower, so that no path leads to it any more. */
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

/** How many names of the inode are in memory. */
export function countNames(inode: Inode): number {
  return inode.parent === undefined ? 0 : 1 + (inode.extra?.links.length ?? 0);
}
