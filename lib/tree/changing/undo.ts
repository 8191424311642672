/**
 * How the tree was before one change, so that the change can be taken back: an overlay that writes through needs that
 * where the upper refuses the change.
 *
 * Only what the change touches is kept, just before it is touched: inodes with their attributes and contents, names
 * with their marks. No other change may come in between (`writeback/when/through.ts` sees to that). Lookups and reads
 * meanwhile do no harm.
 */

import type { Claim } from '../../pages/claims.ts';
import { dropContents, type KeptPages, keepDirtyPages, leavePages, putPages } from '../../pages/contents.ts';
import { CHARGED, type Directory, type Entry, File, Inode, type Mark, SPARE } from '../inode.ts';
import { borrow, isBorrower, returnLoan } from '../sources/borrow.ts';
import type { Tree } from '../tree.ts';
import { endIfUnused } from './names.ts';

/** An inode as it was. */
interface KeptInode {
  /** Its fields, except those that say who uses it. */
  readonly fields: object;
  /** Its names beyond the first. */
  readonly links: NonNullable<Inode['extra']>['links'] | undefined;
  readonly fingerprint: NonNullable<Inode['extra']>['fingerprint'];
  readonly pages: KeptPages | undefined;
  readonly claims: readonly Claim[];
  readonly isBorrower: boolean;
  readonly isLinked: boolean;
  readonly isClaimed: boolean;
  /** It was dirty before the change. */
  readonly isDirty: boolean;
}

/** A name as it was. */
interface KeptName {
  readonly entry: Entry | undefined;
  readonly mark: Mark | undefined;
  /** It was dirty before the change. */
  readonly isDirty: boolean;
}

const NONE: readonly Directory[] = [];

/** See the file comment. */
export class Undo {
  readonly #tree: Tree;
  readonly #inodes = new Map<Inode, KeptInode>();
  readonly #names = new Map<Directory, Map<string, KeptName>>();
  readonly #born = new Set<Inode>();
  readonly #ends: (() => void)[] = [];
  /** The removed directories whose names were still to be looked at. */
  readonly #dropped: readonly Directory[];

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#dropped = tree.dropped.length === 0 ? NONE : tree.dropped.map(({ directory }) => directory);
  }

  /** Nothing has changed. */
  get isEmpty(): boolean {
    return this.#inodes.size + this.#born.size === 0;
  }

  /** Keeps an inode that is about to change. */
  keep(inode: Inode): void {
    if (this.#inodes.has(inode) || this.#born.has(inode)) return;
    const tree = this.#tree;
    this.#inodes.set(inode, {
      fields: fieldsOf(inode),
      links: inode.extra && [...inode.extra.links],
      fingerprint: inode.extra?.fingerprint,
      pages: inode instanceof File ? keepDirtyPages(inode) : undefined,
      claims: inode instanceof File ? (tree.memory.authors?.claimsOn(inode) ?? []) : [],
      isBorrower: isBorrower(inode),
      isLinked: tree.linked.has(inode.number),
      isClaimed: tree.claimed.has(inode.number),
      isDirty: isToBeHeard(tree, tree.dirty?.inodes.has(inode)),
    });
  }

  /** Keeps a name that is about to change, and its directory. */
  keepName(directory: Directory, name: string): void {
    this.keep(directory);
    let names = this.#names.get(directory);
    if (names === undefined) {
      names = new Map();
      this.#names.set(directory, names);
    }
    if (names.has(name)) return;
    const isDirty = isToBeHeard(this.#tree, this.#tree.dirty?.names.get(directory)?.has(name));
    names.set(name, { entry: directory.names.get(name), mark: directory.marks?.get(name), isDirty });
  }

  /** Notes an inode that the change has made. */
  keepBorn(inode: Inode): void {
    this.#born.add(inode);
  }

  /** Adds a function that undoes another effect of the change. */
  onRestore(end: () => void): void {
    this.#ends.push(end);
  }

  /** Drops what was kept: the change stands. */
  drop(): void {
    for (const { pages } of this.#inodes.values()) if (pages !== undefined) leavePages(this.#tree.memory, pages);
    this.#inodes.clear();
  }

  /** Takes the change back. */
  restore(): void {
    const tree = this.#tree;
    for (const end of this.#ends) end();
    for (const [directory, names] of this.#names) this.#restoreNames(directory, names);
    for (const [inode, kept] of this.#inodes) this.#restoreInode(inode, kept);
    for (const inode of this.#born) {
      inode.nlink = 0;
      inode.parent = undefined;
      endIfUnused(tree, inode);
    }
    // They start again from their first name: what was looked at before has gone from them, and what was looked at
    // since is restored.
    tree.dropped.length = 0;
    for (const directory of this.#dropped) tree.dropped.push({ directory, names: undefined, done: 0 });
    // No short cut made since the change is valid.
    tree.moves++;
    this.#restoreDirty();
  }

  /** Makes dirty again what was dirty before the change, and makes clean what became dirty by it. */
  #restoreDirty(): void {
    const { dirty } = this.#tree;
    for (const [directory, names] of this.#names) {
      for (const [name, { isDirty }] of names) {
        if (isDirty) dirty?.addName(directory, name);
        else dirty?.forgetName(directory, name);
      }
    }
    for (const inode of [...this.#inodes.keys(), ...this.#born]) {
      dirty?.forgetInode(inode);
      dirty?.ended.delete(inode.number);
    }
    for (const [inode, { isDirty }] of this.#inodes) if (isDirty) dirty?.addInode(inode);
  }

  #restoreNames(directory: Directory, names: ReadonlyMap<string, KeptName>): void {
    for (const [name, { entry, mark }] of names) {
      const now = directory.names.get(name);
      if (entry === undefined) directory.names.delete(name);
      else directory.names.set(name, entry);
      if (mark === undefined) directory.marks?.delete(name);
      else directory.marks?.set(name, mark);
      const inode = now instanceof Inode ? now : entry;
      if (now === entry || !(inode instanceof Inode)) continue;
      this.#tree.onChange?.({ kind: 'links', inode });
      this.#tree.onChange?.({ kind: 'rename', directory, name, inode });
    }
    directory.listing = undefined;
  }

  #restoreInode(inode: Inode, kept: KeptInode): void {
    const { memory, linked, claimed } = this.#tree;
    returnLoan(inode);
    if (inode instanceof File) dropContents(memory, inode);
    const isCharged = (inode.state & CHARGED) !== 0;
    Object.assign(inode, kept.fields);
    inode.state &= ~SPARE;
    if (inode.extra !== undefined) {
      inode.extra.links = [...(kept.links ?? [])];
      inode.extra.fingerprint = kept.fingerprint;
    }
    if (inode instanceof File && kept.pages !== undefined) putPages(memory, inode, kept.pages);
    if (inode instanceof File) {
      for (const { from, to, author } of kept.claims) memory.authors?.claim(inode, from, to, author);
    }
    if (kept.isBorrower) borrow(inode);
    if (kept.isLinked) linked.set(inode.number, inode);
    if (kept.isClaimed) claimed.set(inode.number, inode);
    else claimed.delete(inode.number);
    const wasCharged = (inode.state & CHARGED) !== 0;
    if (wasCharged && !isCharged) memory.quota.chargeInode();
    else if (isCharged && !wasCharged) memory.quota.giveBackInode();
  }
}

/**
 * Whether something counts as dirty before the change: also what a write-back under way has taken, since that may be
 * given back.
 */
function isToBeHeard({ dirty }: Tree, isDirty: boolean | undefined): boolean {
  return isDirty === true || dirty?.isTaken === true;
}

/** The fields of an inode that a change may change, apart from names and pages. */
function fieldsOf(inode: Inode): object {
  const { ino, mode, nlink, owner, size, originBlocks, origin, originName, parent, name, state } = inode;
  const { atimeSec, atimeNsec, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec, birthtimeSec, birthtimeNsec } = inode;
  const times = { atimeSec, atimeNsec, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec, birthtimeSec, birthtimeNsec };
  const base = { ino, mode, nlink, owner, size, originBlocks, origin, originName, parent, name, state, ...times };
  return inode instanceof File ? { ...base, supplied: inode.supplied } : base;
}
