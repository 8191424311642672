/**
 * The content of one inode as it was when write-back was planned; `stage/` brings it to the work area.
 *
 *     whole    a new file is written under a name in the work area; renaming it into place comes later, all at once
 *     pages    a file that the upper has keeps its place; its dirty pages are written to a file in the work area, from where they
 *              are copied into it once the whole batch is decided (a redo log), so that a crash leaves the file old or new
 */

import type { Attributes, Branch, Fingerprint } from '../branch/branch.ts';
import { printOf } from '../branch/dialect.ts';
import { pagesOf } from '../pages/contents.ts';
import type { Memory } from '../pages/memory.ts';
import { DIRTY, leaveBytes, type Page, type PageIndex, sharePage } from '../pages/page.ts';
import { File, type Inode, namesOf, Symlink } from '../tree/inode.ts';
import { pathIn, type UpperSource } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';

/** A dirty page as it was. */
interface TakenPage {
  readonly index: PageIndex;
  /** Shares the bytes, so that a later write to the file's own page leaves these alone. */
  readonly twin: Page;
}

/** Attributes as they were. */
export interface TakenAttributes {
  /** Of a link undefined: it has none of its own, and a change would be one of what it leads to. */
  readonly mode: number | undefined;
  readonly uid: number;
  readonly gid: number;
  /** In seconds, as exact as any upper can take it. */
  readonly atime: number;
  readonly mtime: number;
  /** Seconds and nanoseconds of `atime` and `mtime`. */
  readonly times: readonly [number, number, number, number];
  /** How many names the lowers have beyond those that the upper gets. */
  readonly links?: number;
}

/** See the file comment. */
export interface Content {
  readonly inode: Inode;
  readonly kind: 'whole' | 'pages';
  /** Its name in the staging directory. */
  readonly stage: string;
  readonly attributes: TakenAttributes;
  readonly size: number;
  /** How much the origin supplied. */
  readonly supplied: number;
  /** Where what is not in memory comes from. */
  readonly origin: { readonly branch: Branch; readonly path: string; readonly fingerprint: Fingerprint } | undefined;
  /** In order. */
  readonly pages: readonly TakenPage[];
  /** It gets no name: a file that is open only. */
  readonly isNameless: boolean;
  /** Of a symbolic link: where it points. */
  readonly target: string | undefined;
  /** What the upper said of the staged file. Set when it is complete. */
  staged: Attributes | undefined;
}

/** Takes the attributes of an inode as they are now. `links` are the names that only the lowers will have. */
export function takeAttributes(inode: Inode, links: number): TakenAttributes {
  const { atimeSec, atimeNsec, mtimeSec, mtimeNsec } = inode;
  return {
    mode: inode instanceof Symlink ? undefined : inode.mode & 0o7777,
    uid: inode.owner.uid,
    gid: inode.owner.gid,
    atime: secondsOf(atimeSec, atimeNsec),
    mtime: secondsOf(mtimeSec, mtimeNsec),
    times: [atimeSec, atimeNsec, mtimeSec, mtimeNsec],
    ...(links > 0 && { links }),
  };
}

/**
 * A time in seconds that an upper takes for the same microsecond: it cuts off what is less (libuv `uv__fs_to_timespec`), and the nearest
 * double may lie below. Then the next one is given, no later, since from libuv 1.49 on nanoseconds count too.
 */
function secondsOf(seconds: number, nanoseconds: number): number {
  const microseconds = Math.trunc(nanoseconds / 1000);
  const time = seconds + microseconds / 1e6;
  return (time - seconds) * 1e6 < microseconds ? time + (Math.abs(time) * Number.EPSILON) / 2 : time;
}

/** Gives contents names in the staging directory. */
export interface StageNames {
  /** For what is given its name as it is. */
  whole(inode: Inode): string;
  /** For what is only read from there. */
  apart(): string;
}

/** Takes the content of an inode as it is now. `place` is where the upper holds the file already. */
export function takeContent(
  memory: Memory,
  inode: Inode,
  place: UpperSource | undefined,
  stageNames: StageNames,
): Content {
  const isNameless = inode.nlink === 0;
  // All names that are known are brought to the upper.
  const unknown = place === undefined ? inode.nlink - namesOf(inode).length : 0;
  const base = { inode, attributes: takeAttributes(inode, unknown), isNameless, staged: undefined };
  if (!(inode instanceof File)) {
    const target = inode instanceof Symlink ? inode.target : undefined;
    const stage = stageNames.whole(inode);
    return { ...base, kind: 'whole', stage, size: 0, supplied: 0, origin: originOf(inode), pages: [], target };
  }
  const dirty: TakenPage[] = [];
  let bytes = 0;
  for (const [index, page] of pagesOf(inode)) {
    if (page.state !== DIRTY) continue;
    dirty.push({ index, twin: sharePage(page) });
    bytes += page.length;
  }
  dirty.sort((a, b) => a.index - b.index);
  // A file of several names keeps its inode in the upper too; else rewriting most of it is better done anew.
  const patch = place !== undefined && (inode.nlink > 1 || bytes * 2 < memory.pageSize + inode.size);
  const { size, supplied } = inode;
  return {
    ...base,
    kind: patch ? 'pages' : 'whole',
    stage: patch ? stageNames.apart() : stageNames.whole(inode),
    size,
    supplied,
    origin: originOf(inode),
    pages: dirty,
    target: undefined,
  };
}

function originOf(inode: Inode): Content['origin'] {
  const { origin, originName, extra } = inode;
  if (origin === undefined) return undefined;
  return { branch: origin.branch, path: pathIn(origin, originName), fingerprint: printOf(extra?.fingerprint ?? inode) };
}

/** Whether nobody has any more what was taken: the last name and descriptor of the file have gone, or it has become a copy of another. */
export function hasGone(tree: Tree, { inode }: Content): boolean {
  return (inode.nlink === 0 && inode.opens === 0) || tree.dirty?.replaced.has(inode) === true;
}

/** Lets go of the pages that were taken. */
export function releaseContent(memory: Memory, content: Content): void {
  for (const { twin } of content.pages) leaveBytes(memory.slabs, twin);
}
