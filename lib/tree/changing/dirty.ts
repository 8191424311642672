/**
 * What the upper does not know yet: inodes and names that have changed since it was last told. Added to by every change of the tree, taken
 * from by write-back.
 */

import type { Directory, Inode } from '../inode.ts';

/**
 * What the upper knows of a dirty name. `BORN_NAME`: nothing, so that it is clean again when it goes; `TOLD_NAME`: it may have
 * something there, or a write-back under way brings it something.
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
   * Directories of which only the times changed, because names came or went. That alone is no reason to tell the upper anything (W12):
   * the times go with the next write-back that has a reason, at `fsync` of the directory, or at the close (Linux has `lazytime`).
   */
  readonly timed = new Set<Inode>();
  /** A write-back has taken what was dirty, and has not said yet what became of it. Changed by `plan.ts` and `settle.ts`. */
  isTaken = false;
  /** Files that were cut: what the upper has behind the cut is to go. Added to by whoever truncates, taken from by write-back. */
  readonly truncated = new Set<Inode>();
  /** Files that have become copies of others: they have their bytes from there. Added to by whoever copies, taken from by write-back. */
  readonly replaced = new Set<Inode>();
  /** Told when something becomes dirty while nothing was. Set by whoever writes back by itself. */
  onFirst: (() => void) | undefined = undefined;

  /** Whether there is a reason to tell the upper something. */
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

  /** Notes that a name was made where no branch has one. */
  addBornName(directory: Directory, name: string): void {
    if (this.isTaken) this.addName(directory, name);
    else if (this.names.get(directory)?.has(name) !== true) this.#setName(directory, name, BORN_NAME);
  }

  /** Notes that a name was removed under which no branch has anything: one that was born since the last write-back never was. */
  addGoneName(directory: Directory, name: string): void {
    const names = this.names.get(directory);
    if (names?.get(name) !== BORN_NAME) this.addName(directory, name);
    else this.forgetName(directory, name);
  }

  /** Takes times that wait for a reason to be told: those of one directory, or of all. */
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
