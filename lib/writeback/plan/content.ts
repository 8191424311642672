/**
 * The content of one inode as it was when the write-back was planned. `stage/` brings it to the work area.
 *
 *     whole    a new file is written under a name in the work area; renaming it into place comes later, all at once
 *     pages    a file that the upper has keeps its place; its dirty pages are written to a file in the work area, and
 *              copied from there once the whole batch is decided (a redo log), so that a crash leaves it old or new
 */

import type { Attributes, Branch, Fingerprint } from '../../branch/branch.ts';
import { printOf } from '../../branch/dialect.ts';
import type { Author } from '../../branch/upper/acting.ts';
import type { Errno } from '../../errno.ts';
import { dirtyPagesOf } from '../../pages/contents.ts';
import type { Memory } from '../../pages/memory.ts';
import { leaveBytes, type Page, type PageIndex, sharePage } from '../../pages/page.ts';
import { countNames, File, type Inode, Symlink } from '../../tree/inode.ts';
import { type Below, belowOf } from '../../tree/sources/below.ts';
import { pathIn, type UpperSource } from '../../tree/sources/source.ts';
import type { Tree } from '../../tree/tree.ts';
import { heldNames } from '../places.ts';

/** A dirty page as it was. */
export interface TakenPage {
  readonly index: PageIndex;
  /** Where the page begins in the file, in bytes. */
  readonly from: number;
  /** Shares the bytes, so that a later write to the file's own page leaves these alone. */
  readonly twin: Page;
}

/** Bytes that one author wrote; `author` is undefined for the overlay itself. */
interface TakenClaim {
  readonly from: number;
  readonly to: number;
  readonly author: Author | undefined;
}

/** Attributes as they were at the plan. */
export interface TakenAttributes {
  /** Undefined for a link, which has no mode of its own: changing it would change what the link leads to. */
  readonly mode: number | undefined;
  readonly uid: number;
  readonly gid: number;
  /** In seconds, as exact as an upper can take them. */
  readonly atime: number;
  readonly mtime: number;
  /** Seconds and nanoseconds of `atime` and `mtime`. */
  readonly times: readonly [number, number, number, number];
  /** How many names of the file only the lowers have. */
  readonly links?: number | undefined;
  /** When the lowers' file with those names was born. */
  readonly birth?: number | undefined;
  /** What the file was in the lowers. */
  readonly below?: Below | undefined;
}

/** See the file comment. */
export interface Content {
  readonly inode: Inode;
  readonly kind: 'whole' | 'pages';
  /** Its name in the staging directory. */
  readonly stage: string;
  readonly attributes: TakenAttributes;
  readonly size: number;
  /** How many leading bytes the origin supplied. */
  readonly supplied: number;
  /** Where the bytes that are not in memory come from. */
  readonly origin: { readonly branch: Branch; readonly path: string; readonly fingerprint: Fingerprint } | undefined;
  /** In order. */
  readonly pages: readonly TakenPage[];
  /**
   * Who wrote which bytes, in order; none where everything is the overlay's own. Unclaimed bytes are the overlay's own
   * too.
   */
  readonly claims: readonly TakenClaim[];
  /** The authors whom the upper has refused, and why. Filled while the content is staged. */
  readonly refused: Map<Author, Errno>;
  /** Where the upper has the file; undefined where no author need be asked whether he may write it. */
  readonly heldAt: string | undefined;
  /** The file has no name any more, and is only open. */
  readonly isNameless: boolean;
  /** Where a symbolic link points; undefined for a file. */
  readonly target: string | undefined;
  /** The attributes of the staged file. Set when it is complete, and taken back by `stageAll` where it then fails. */
  staged: Attributes | undefined;
}

/** Takes the attributes of an inode as they are now. `links` are the names that only the lowers will have. */
export function takeAttributes(tree: Tree, inode: Inode, links: number): TakenAttributes {
  const { atimeSec, atimeNsec, mtimeSec, mtimeNsec } = inode;
  return {
    mode: inode instanceof Symlink ? undefined : inode.mode & 0o7777,
    uid: inode.owner.uid,
    gid: inode.owner.gid,
    atime: secondsOf(atimeSec, atimeNsec),
    mtime: secondsOf(mtimeSec, mtimeNsec),
    times: [atimeSec, atimeNsec, mtimeSec, mtimeNsec],
    links: links > 0 ? links : undefined,
    birth: links > 0 ? inode.extra?.birth : undefined,
    below: belowOf(tree, inode),
  };
}

/**
 * A time in seconds that an upper takes for the same microsecond. libuv truncates to microseconds
 * (`uv__fs_to_timespec`), and the nearest double may lie just below; then the next double is used, and no later one,
 * since libuv keeps nanoseconds from 1.49 on.
 */
function secondsOf(seconds: number, nanoseconds: number): number {
  const microseconds = Math.trunc(nanoseconds / 1000);
  const time = seconds + microseconds / 1e6;
  return (time - seconds) * 1e6 < microseconds ? time + (Math.abs(time) * Number.EPSILON) / 2 : time;
}

/** Gives contents names in the staging directory. */
export interface StageNames {
  /** A name for a content that gets its place by a rename. */
  whole(inode: Inode): string;
  /** A name at the top of the staging directory, for a content that is only read from there. */
  apart(): string;
}

/** Takes the content of an inode as it is now. `place` is where the upper holds the file already. */
export function takeContent(tree: Tree, inode: Inode, place: UpperSource | undefined, stageNames: StageNames): Content {
  const { memory } = tree;
  // The upper gets all names that are known; the others are only in the lowers.
  const unknown = place === undefined ? inode.nlink - countNames(inode) : 0;
  const file = inode instanceof File ? inode : undefined;
  const claims = file === undefined ? OWN : takeClaims(memory, file);
  const pages = file === undefined ? [] : takePages(memory, file);
  // A file of several names must stay one file in the upper, so it is patched. So is a file without a known name: it
  // has names that were not looked at. Any other file is patched where little of it has changed, and written anew
  // otherwise: also if it has bytes of other authors, who must write them themselves, or needs none of the upper's old
  // bytes.
  const isLittle =
    claims.length === 0 && file !== undefined && file.supplied > 0 && lengthOf(pages) * 2 < memory.pageSize + file.size;
  // A file of which all bytes and names are known is written anew even so, whatever another tool has made of the old
  // one.
  const isNew = file?.supplied === 0 && tree.can.link && countNames(inode) === inode.nlink;
  const isOfSeveral = (inode.nlink > 1 && !isNew) || inode.parent === undefined;
  const patch = file !== undefined && place !== undefined && (isOfSeveral || isLittle);
  return {
    inode,
    kind: patch ? 'pages' : 'whole',
    // Its authors must be able to reach it, which they may not be able to in a new directory.
    stage: patch || claims.length > 0 ? stageNames.apart() : stageNames.whole(inode),
    attributes: takeAttributes(tree, inode, unknown),
    size: file === undefined ? 0 : file.size,
    supplied: file === undefined ? 0 : file.supplied,
    origin: originOf(inode),
    pages,
    claims,
    refused: claims.length > 0 ? new Map<Author, Errno>() : NOBODY,
    heldAt: claims.length > 0 ? heldPath(inode, place) : undefined,
    isNameless: inode.nlink === 0,
    target: inode instanceof Symlink ? inode.target : undefined,
    staged: undefined,
  };
}

/** Takes the dirty pages of a file, in order. */
function takePages({ pageSize }: Memory, file: File): TakenPage[] {
  const dirty: TakenPage[] = [];
  for (const [index, page] of dirtyPagesOf(file)) {
    dirty.push({ index, from: index * pageSize, twin: sharePage(page) });
  }
  if (dirty.length > 1) dirty.sort((a, b) => a.index - b.index);
  return dirty;
}

function lengthOf(pages: readonly TakenPage[]): number {
  let bytes = 0;
  for (const { twin } of pages) bytes += twin.length;
  return bytes;
}

const OWN: readonly TakenClaim[] = [];
/** The shared `refused` of contents without other authors. Never filled. */
const NOBODY = new Map<Author, Errno>();

/** Who wrote which bytes of a file; none where everything is the overlay's own. */
function takeClaims({ authors }: Memory, file: File): readonly TakenClaim[] {
  const claims = authors?.claimsOn(file) ?? [];
  if (claims.every(({ author }) => author === authors?.own)) return OWN;
  return claims.map((claim) => (claim.author === authors?.own ? { ...claim, author: undefined } : claim));
}

/** Where the upper has a file now. */
function heldPath(inode: Inode, place: UpperSource | undefined): string | undefined {
  if (place !== undefined) return pathIn(place, inode.originName);
  const [held] = heldNames(inode);
  return held && pathIn(held.source, held.name);
}

function originOf(inode: Inode): Content['origin'] {
  const { origin, originName, extra } = inode;
  if (origin === undefined) return undefined;
  return { branch: origin.branch, path: pathIn(origin, originName), fingerprint: printOf(extra?.fingerprint ?? inode) };
}

/**
 * Whether what was taken is of no use any more: the last name and descriptor of the file are gone, or it has become a
 * copy of another.
 */
export function hasGone(tree: Tree, { inode }: Content): boolean {
  return (inode.nlink === 0 && inode.opens === 0) || tree.dirty?.replaced.has(inode) === true;
}

/** Drops the pages that were taken. */
export function releaseContent(memory: Memory, content: Content): void {
  for (const { twin } of content.pages) leaveBytes(memory.slabs, twin);
}
