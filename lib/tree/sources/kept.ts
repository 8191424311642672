/**
 * Attributes that show although no branch holds them: those that the upper could not take (nanoseconds; owners, where
 * the process is not root), and how many names a file of the lowers has lost (C2). They come from the work area of the
 * upper at the mount, and write-back keeps them up to date.
 *
 * What the upper showed instead is kept beside them: if another tool has changed that since, the tool is believed.
 */

import type { Attributes } from '../../branch/branch.ts';
import type { Below } from './below.ts';
import { type Source, UpperSource } from './source.ts';

/**
 * The attributes of one file of the upper that show, and those that the upper shows instead; only where they differ.
 * JSON can hold it.
 */
export interface Kept {
  /** Permission bits: those that show, and the upper's. */
  readonly mode?: readonly [number, number];
  /** User and group: those that show, and the upper's. */
  readonly owner?: readonly [number, number, number, number];
  /** Seconds and nanoseconds of the `atime` and `mtime` that show, and of the upper's `mtime`. */
  readonly times?: readonly [number, number, number, number, number, number];
  /** How many names only the lowers have. */
  readonly links?: number;
  /** When the lowers' file with those names was born, where that is known. */
  readonly birth?: number;
  /** What the file was in the lowers. */
  readonly below?: Below;
  /** Size and `mtime` of the upper's file when `below` was noted. */
  readonly as?: readonly [size: number, mtimeSec: number, mtimeNsec: number];
}

/** See the file comment. */
export class KeptAttributes {
  /** By the upper's own inode number. Changed by write-back. */
  readonly #files = new Map<number, Kept>();
  /** How many names files of the lowers have lost, by the number that the overlay shows. Changed by write-back. */
  readonly #lost = new Map<number, number>();

  /** What is kept of a file of the upper. */
  of(ino: number): Kept | undefined {
    return this.#files.get(ino);
  }

  /** Notes what is kept of a file of the upper from now on. */
  note(ino: number, kept: Kept | undefined): void {
    if (kept === undefined) this.#files.delete(ino);
    else this.#files.set(ino, kept);
  }

  /** How many names of a file of the upper only the lowers have. */
  linksBelow({ ino }: { readonly ino: number | bigint }): number {
    return this.#files.get(Number(ino))?.links ?? 0;
  }

  /** How many names a file of the lowers has lost here. */
  lostLinks(number: number): number {
    return this.#lost.get(number) ?? 0;
  }

  /** Notes how many names a file of the lowers has lost here. */
  noteLost(number: number, links: number): void {
    if (links === 0) this.#lost.delete(number);
    else this.#lost.set(number, links);
  }

  /** The attributes that show of a file of a source. `number` is the inode number that the overlay shows. */
  shown(source: Source, found: Attributes, number: number): Attributes {
    if (!(source instanceof UpperSource)) {
      const lost = found.nlink > 1 && this.#lost.size > 0 ? this.lostLinks(number) : 0;
      return lost === 0 ? found : { ...found, nlink: Math.max(1, found.nlink - lost) };
    }
    const kept = this.#files.size === 0 ? undefined : this.#files.get(Number(found.ino));
    return kept === undefined ? found : withKept(found, kept);
  }
}

function withKept(found: Attributes, { mode, owner, times, links = 0 }: Kept): Attributes {
  const isMode = mode !== undefined && mode[1] === (found.mode & 0o7777);
  const isOwner = owner !== undefined && owner[2] === found.uid && owner[3] === found.gid;
  const isTimes = times !== undefined && times[4] === found.mtimeSec && times[5] === found.mtimeNsec;
  return {
    ...found,
    nlink: found.nlink + links,
    ...(isMode && { mode: (found.mode & ~0o7777) | mode[0] }),
    ...(isOwner && { uid: owner[0], gid: owner[1] }),
    ...(isTimes && { atimeSec: times[0], atimeNsec: times[1], mtimeSec: times[2], mtimeNsec: times[3] }),
  };
}
