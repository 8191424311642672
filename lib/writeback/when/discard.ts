/**
 * Discarding what the upper has refused (`onError: 'discard'`): a file whose content could not be written becomes what
 * the upper or a lower has of it; a file that neither has is removed. Open descriptors read that from then on.
 *
 * Only the content and attributes of that file are lost, and of a file with several authors only what was refused.
 * Where nothing of a batch could be written, no file is to blame and everything stays dirty. So does a file that was
 * changed since it was taken: what was written then was not refused.
 */

import type { Attributes } from '../../branch/branch.ts';
import { printOf } from '../../branch/dialect.ts';
import type { Author } from '../../branch/upper/acting.ts';
import { ESTALE } from '../../errno.ts';
import { cleanPage, dropContents, pagesOf, reclaim, truncateContents, writeContents } from '../../pages/contents.ts';
import { DIRTY } from '../../pages/page.ts';
import { endIfUnused, rememberName } from '../../tree/changing/names.ts';
import { markWay } from '../../tree/changing/own.ts';
import {
  BORN,
  CHARGED,
  extraOf,
  File,
  type Inode,
  isDirectory,
  isSymlink,
  type Link,
  namesOf,
  OWNED_ATTRIBUTES,
  OWNED_CONTENT,
} from '../../tree/inode.ts';
import { applyAttributes, type Found } from '../../tree/load.ts';
import { returnLoan } from '../../tree/sources/borrow.ts';
import { namesakeOf, numberOf } from '../../tree/sources/identity.ts';
import { pathIn, type Source } from '../../tree/sources/source.ts';
import { noteMove, type Tree } from '../../tree/tree.ts';
import type { Batch } from '../batch.ts';
import { type Procedure, tell } from '../commands.ts';
import { placeOf, upperOf } from '../places.ts';
import type { Content } from '../plan/content.ts';
import type { Plan } from '../plan/plan.ts';
import { partlyRefused, sizeOf } from '../stage/parts.ts';

/** Discards what a batch has left to be discarded. */
export function* discardAll(tree: Tree, { plan, failed, discards }: Batch): Procedure<void> {
  const refused = partlyRefused(plan, failed);
  try {
    for (const inode of discards) if (failed.has(inode)) yield* discard(tree, plan, inode, discards);
    for (const content of refused) if (discards.has(content.inode)) yield* discardRefused(tree, content);
  } finally {
    // What is left has changed since, or was not reached because of a failure.
    for (const inode of discards) if (inode.nlink > 0) tree.dirty?.addInode(inode);
  }
}

/** Whether a file was changed since it was taken. */
function isChanged({ dirty }: Tree, inode: Inode): boolean {
  return dirty?.inodes.has(inode) === true;
}

/** Discards what is dirty of a file or link, and removes it from those that are `left`. */
function* discard(tree: Tree, plan: Plan, inode: Inode, left: Set<Inode>): Procedure<void> {
  if (inode.nlink === 0 || !(inode instanceof File || isSymlink(inode))) return;
  const { origin, originName } = inode;
  const isNew = origin === undefined || (placeOf(inode) === undefined && (inode.state & BORN) !== 0);
  const from = isNew ? overwritten(tree, plan, inode) : { source: origin, name: originName };
  const found =
    from && (yield* tell({ kind: 'lstat', branch: from.source.branch, path: pathIn(from.source, from.name) }));
  if (isChanged(tree, inode)) return;
  // From here on nothing stops or fails.
  left.delete(inode);
  if (inode instanceof File && from !== undefined && found !== undefined) {
    if (isNew) followAgain(inode, from);
    readAgain(tree, inode, from.source, found);
  } else vanish(tree, plan, inode);
  tree.dirty?.forgetInode(inode);
  // Names of the lower that were removed here stay removed, which must still be noted (C2).
  if (inode.nlink > 0 && found !== undefined && found.nlink > inode.nlink) tree.dirty?.addInode(inode);
  for (const { directory, name } of namesOf(inode)) tree.onChange?.({ kind: 'change', directory, name, inode });
}

/**
 * Discards what was refused of a file of which the rest has arrived: only the bytes of refused authors become what the
 * upper has there (W13).
 */
function* discardRefused(tree: Tree, content: Content): Procedure<void> {
  const { inode, claims, refused } = content;
  const { memory } = tree;
  const { authors } = memory;
  if (!(inode instanceof File) || inode.nlink === 0 || authors === undefined) return;
  const old: { readonly from: number; readonly author: Author; readonly bytes: Uint8Array }[] = [];
  for (const { from, to, author } of claims) {
    if (author === undefined || !refused.has(author)) continue;
    const bytes = Buffer.alloc(to - from);
    bytes.set(yield* readOld(inode, from, Math.min(to, inode.supplied)));
    old.push({ from, author, bytes });
  }
  if (isChanged(tree, inode)) return;
  // From here on nothing stops or fails.
  for (const { from, author, bytes } of old) {
    for (const claim of authors.within(inode, from, from + bytes.length)) {
      if (claim.author !== author) continue;
      writeContents(memory, inode, bytes.subarray(claim.from - from, claim.to - from), claim.from);
      authors.release(inode, claim.from, claim.to);
    }
  }
  const left = Math.max(sizeOf(content), authors.claimsOn(inode).at(-1)?.to ?? 0);
  if (inode.size === content.size && left < inode.size) truncateContents(memory, inode, left);
  for (const [index, page] of pagesOf(inode)) {
    const from = index * memory.pageSize;
    const isArrived = authors.within(inode, from, from + page.length).length === 0;
    if (page.state === DIRTY && isArrived) cleanPage(memory, inode, index, page);
  }
  reclaim(memory);
  for (const { directory, name } of namesOf(inode)) tree.onChange?.({ kind: 'change', directory, name, inode });
}

function* readOld(file: File, from: number, to: number): Procedure<Uint8Array> {
  const { origin, originName, extra } = file;
  if (origin === undefined || from >= to) return new Uint8Array(0);
  const [path, fingerprint] = [pathIn(origin, originName), printOf(extra?.fingerprint ?? file)];
  const bytes = yield* tell({
    kind: 'read',
    branch: origin.branch,
    path,
    fingerprint,
    offset: from,
    length: to - from,
  });
  if (bytes === undefined) throw ESTALE;
  return bytes;
}

/** The file in memory that this name of a lower belongs to, if it is still that file. */
function lowersFile(tree: Tree, name: string, found: Found): Inode | undefined {
  const number = numberOf(tree, name, found);
  return namesakeOf(tree, number, found, undefined) === undefined ? tree.linked.get(number) : undefined;
}

/** Where a file is in a lower. */
interface Place {
  readonly source: Source;
  readonly name: string;
}

/** Where the file is in a lower that has become a copy of another one here, and is nowhere else. */
function overwritten(tree: Tree, { items }: Plan, inode: Inode): Place | undefined {
  for (const { directory, name, want, below } of items) {
    if (want !== inode || below === undefined || directory.names.get(name) !== inode) continue;
    if (numberOf(tree, name, below) === inode.number) return { source: below.source, name };
  }
  return undefined;
}

/** Makes a copy the file again that it has overwritten. */
function followAgain(file: File, { source, name }: Place): void {
  returnLoan(file);
  file.state &= ~BORN;
  file.origin = source;
  file.originName = name;
}

/** The file that a lower has under a name, if it has lost that name here, and is only open. */
function onlyOpen(tree: Tree, name: string, found: Found): Inode | undefined {
  const { source, attributes } = found;
  const inode = tree.claimed.get(numberOf(tree, name, found));
  const isIt =
    inode?.originName === name && inode.origin?.path === source.path && inode.origin.branch === source.branch;
  return isIt && inode.nlink === 0 && inode.ino === attributes.ino ? inode : undefined;
}

/** Makes a file what its origin has. */
function readAgain(tree: Tree, file: File, origin: Source, found: Attributes): void {
  const { nlink } = file;
  dropContents(tree.memory, file);
  applyAttributes(tree, file, tree.kept.shown(origin, found, file.number));
  file.nlink = nlink;
  if (placeOf(file) === undefined) file.state &= ~(OWNED_ATTRIBUTES | OWNED_CONTENT);
  if (file.isOwned) extraOf(file).fingerprint = printOf(found);
  else {
    tree.claimed.delete(file.number);
    if (file.extra !== undefined) file.extra.fingerprint = undefined;
    if ((file.state & CHARGED) !== 0) tree.memory.quota.giveBackInode();
    file.state &= ~CHARGED;
  }
}

/** Ends a file that neither the upper nor a lower has. Its names show what these have there. */
function vanish(tree: Tree, plan: Plan, inode: Inode): void {
  const shown = shownAgain(tree, plan, inode);
  noteMove(tree, inode);
  tree.onChange?.({ kind: 'links', inode });
  if (inode.opens === 0) tree.onChange?.({ kind: 'end', inode });
  for (const { directory, name } of namesOf(inode)) {
    directory.names.delete(name);
    directory.marks?.delete(name);
    directory.listing = undefined;
    if (directory.sources.length > 0) directory.complete = false;
    // A file that was there before and has ended here meanwhile is loaded anew.
    upperOf(directory)?.held.delete(name);
    tree.dirty?.forgetName(directory, name);
    tree.onChange?.({ kind: 'rename', directory, name, inode });
  }
  inode.parent = undefined;
  if (inode.extra !== undefined) inode.extra.links = [];
  inode.nlink = 0;
  if (inode instanceof File) {
    dropContents(tree.memory, inode);
    inode.supplied = 0;
    inode.size = 0;
  }
  returnLoan(inode);
  inode.origin = undefined;
  endIfUnused(tree, inode);
  for (const { directory, name, old, where } of shown) {
    old.nlink++;
    // What was written to it was dropped from the write-back when it lost its name.
    tree.dirty?.addInode(old);
    // A further name in a lower is found by the next lookup.
    if (where === 'lower' && old.nlink > 1) continue;
    directory.names.set(name, old);
    rememberName(old, directory, name);
    if (where === 'lower') markWay(directory, name);
    else upperOf(directory)?.held.set(name, old);
  }
}

/** A name, and the file that it had before. */
interface Shown extends Link {
  readonly old: Inode;
  readonly where: 'upper' | 'lower';
}

/**
 * The files that had the names of the discarded one before, and still exist, under another name or open: they show
 * there again (C2).
 */
function shownAgain(tree: Tree, { items }: Plan, inode: Inode): Shown[] {
  const shown: Shown[] = [];
  for (const { directory, name, want, below } of items) {
    if (want !== inode || directory.names.get(name) !== inode) continue;
    const upper = upperOf(directory);
    const held = upper?.held.get(name);
    const where = held === undefined ? 'lower' : 'upper';
    const isCovered = upper?.layer?.whiteouts.has(name) === true || upper?.layer?.names.has(name) === true;
    const old =
      held ?? (below && !isCovered ? (lowersFile(tree, name, below) ?? onlyOpen(tree, name, below)) : undefined);
    if (old === undefined || old === inode || isDirectory(old)) continue;
    if (old.nlink > 0 || old.opens > 0) shown.push({ directory, name, old, where });
  }
  return shown;
}
