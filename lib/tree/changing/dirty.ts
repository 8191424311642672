/**
 * What the upper does not know yet: the inodes and names that have changed since the last write-back. Every change of
 * the tree adds to it; write-back takes from it.
 */

import type { Directory, Inode } from '../inode.ts';

/**
 * What the upper knows of a dirty name. `BORN_NAME`: nothing, so the name is clean again when it goes. `TOLD_NAME`: it
 * may have something there, or a write-back under way may bring it something.
 */
const BORN_NAME = 0;
const TOLD_NAME = 1;
type DirtyName = typeof BORN_NAME | typeof TOLD_NAME;

/** See the file comment. */
export class Dirty {
  /** Inodes whose attributes or content changed. */
  readonly inodes = new Set<Inode>();
  /** Names that were made or removed, by directory. */
  readonly names = new Map<Directory, Map<string, DirtyName>>();
  /**
   * Directories of which only the times changed, because names came or went. That alone is no reason for a write-back
   * (W12): the times go with the next one, at `fsync` of the directory, or at the close (like `lazytime` on Linux).
   */
  readonly timed = new Set<Inode>();
  /** A write-back has taken what was dirty and has not settled yet. Changed by `plan.ts` and `settle.ts`. */
  isTaken = false;
  /**
   * Files that were truncated: what the upper has behind the cut must go. Added to by `ops/`, cleared by write-back.
   */
  readonly truncated = new Set<Inode>();
  /**
   * Files that were overwritten with a copy of another file, whose bytes they now share. Added to by `ops/`, cleared by
   * write-back.
   */
  readonly replaced = new Set<Inode>();
  /**
   * The numbers of files and directories that the upper has and that have ended here. Added to by `endIfUnused`, taken by
   * write-back.
   */
  readonly ended = new Set<number>();
  /** Called when something becomes dirty while nothing was. Set by the overlay, for background write-back. */
  onFirst: (() => void) | undefined = undefined;

  /** Whether there is nothing to write back. */
  get isEmpty(): boolean {
    return this.inodes.size === 0 && this.names.size === 0;
  }

  addInode(inode: Inode): void {
    if (this.onFirst !== undefined && this.isEmpty) this.onFirst();
    this.inodes.add(inode);
  }

  /** Notes that a name was made or removed. */
  addName(directory: Directory, name: string): void {
    this.#setName(directory, name, TOLD_NAME);
  }

  /** Notes that a name was made that no branch has. */
  addBornName(directory: Directory, name: string): void {
    if (this.isTaken) this.addName(directory, name);
    else if (this.names.get(directory)?.has(name) !== true) this.#setName(directory, name, BORN_NAME);
  }

  /** Notes that a name was removed that no branch has. If it was made since the last write-back, it is clean again. */
  addGoneName(directory: Directory, name: string): void {
    const names = this.names.get(directory);
    if (names?.get(name) !== BORN_NAME) this.addName(directory, name);
    else this.forgetName(directory, name);
  }

  /** Makes directories of which only the times changed a reason for a write-back: all of them, or those given. */
  hurryTimes(inodes: Iterable<Inode> = this.timed): void {
    for (const inode of inodes) if (this.timed.delete(inode)) this.addInode(inode);
  }

  /** Forgets an inode: it is as the upper has it, or has ended. */
  forgetInode(inode: Inode): void {
    this.inodes.delete(inode);
    this.timed.delete(inode);
    this.truncated.delete(inode);
    this.replaced.delete(inode);
  }

  /** Forgets a name: it is as the upper has it. */
  forgetName(directory: Directory, name: string): void {
    const names = this.names.get(directory);
    if (names?.delete(name) && names.size === 0) this.names.delete(directory);
  }

  #setName(directory: Directory, name: string, how: DirtyName): void {
    if (this.onFirst !== undefined && this.isEmpty) this.onFirst();
    const names = this.names.get(directory);
    if (names === undefined) this.names.set(directory, new Map([[name, how]]));
    else names.set(name, how);
  }
}
