/**
 * After a batch has reached the upper, the tree is told what the upper holds now. Nothing here stops or fails.
 *
 * What changed while the batch was under way is dirty again and stays so: a page counts as written only if it is still
 * the one that was taken (W9), and a file that was truncated meanwhile keeps all its dirty pages (P5).
 */

import { isDeepStrictEqual } from 'node:util';
import { cleanPage, pageAt, pagesOf, reclaim, writeContents } from '../pages/contents.ts';
import type { Memory } from '../pages/memory.ts';
import { bytesOf, DIRTY } from '../pages/page.ts';
import { markName } from '../tree/changing/own.ts';
import {
  type Directory,
  File,
  FRESH,
  HIDES,
  holdsOwn,
  Inode,
  isDirectory,
  isOwnName,
  WHITEOUT,
} from '../tree/inode.ts';
import { lose } from '../tree/load.ts';
import { noteBelow } from '../tree/sources/below.ts';
import { returnLoan } from '../tree/sources/borrow.ts';
import type { UpperSource } from '../tree/sources/source.ts';
import { replaceSources, type Tree } from '../tree/tree.ts';
import type { Note } from './area/notes.ts';
import type { Batch } from './batch.ts';
import { lowersOf, notePrint, upperOf } from './places.ts';
import { type Content, hasGone, releaseContent, type TakenPage } from './plan/content.ts';
import type { Item } from './plan/items.ts';
import type { Plan } from './plan/plan.ts';
import { partlyRefused, sizeOf } from './stage/parts.ts';

/** What counts of a batch at its end. */
type Settled = Pick<Batch, 'plan' | 'failed' | 'heldBack' | 'discards'>;

/** Ends a batch. Inodes that have failed stay dirty, and so do their names; of those to be discarded only the names. */
export function settle(tree: Tree, { plan, failed, heldBack, discards }: Settled): void {
  const { dirty } = tree;
  if (dirty === undefined) return;
  dirty.isTaken = false;
  cutOff(plan);
  for (const item of plan.items) {
    const isOpen =
      plan.draft.unnamed.has(item) || heldBack.has(item) || (item.want !== undefined && failed.has(item.want));
    if (isOpen) {
      dirty.addName(item.directory, item.name);
      keepName(plan, item);
      noteOldContent(plan, item, failed);
    } else {
      settleName(plan, item);
    }
  }
  forgetLateNames(tree, plan);
  for (const content of plan.contents.values()) releaseContent(tree.memory, content);
  const refused = partlyRefused(plan, failed).map(({ inode }) => inode);
  for (const inode of [...failed.keys(), ...refused])
    if (inode.nlink > 0 && !discards.has(inode)) dirty.addInode(inode);
  // What has become clean counts as cache, and a program that only writes would never make room for it. No operation is
  // between filling and reading now: an operation has a batch carried out before it fills anything, or at its end.
  reclaim(tree.memory);
}

/**
 * Where a new file could not be written, its name still holds an old file. If that one's new content is elsewhere, the
 * name is no longer a place of it.
 */
function noteOldContent(
  { contents }: Plan,
  { directory, name, want }: Item,
  failed: ReadonlyMap<Inode, unknown>,
): void {
  const upper = upperOf(directory);
  const held = upper?.held.get(name);
  if (held === undefined || held === want || contents.get(held)?.kind !== 'whole' || failed.has(held)) return;
  upper?.held.delete(name);
}

/** The notes that say something new. */
export function newsIn(tree: Tree, notes: readonly Note[]): Note[] {
  return notes.filter(({ ino, number, birth, kept, lost = 0 }) => {
    if (ino === 0) return tree.kept.lostLinks(number) !== lost;
    return !tree.numbers.isRemembered(ino, number, birth) || !isDeepStrictEqual(tree.kept.of(ino), kept);
  });
}

/** Takes over notes of the work area. */
export function takeNotes(tree: Tree, notes: readonly Note[]): void {
  for (const { ino, number, birth, kept, lost = 0 } of notes) {
    if (ino === 0) tree.kept.noteLost(number, lost);
    else {
      tree.numbers.remember(ino, number, birth);
      tree.kept.note(ino, kept);
    }
  }
}

/** Gives back a plan of which nothing was done: everything is dirty as before. */
export function giveBack(tree: Tree, plan: Plan): void {
  const { dirty } = tree;
  for (const inode of plan.inodes) if (inode.nlink > 0) dirty?.addInode(inode);
  for (const inode of plan.timed) if (inode.nlink > 0) dirty?.timed.add(inode);
  for (const number of plan.ended) dirty?.ended.add(number);
  for (const [directory, names] of plan.names) for (const name of names.keys()) dirty?.addName(directory, name);
  if (dirty !== undefined) dirty.isTaken = false;
  for (const content of plan.contents.values()) releaseContent(tree.memory, content);
}

/** Notes what the upper holds under a name. */
export function settleName(plan: Plan, { directory, name, want, isTransparent, below }: Item): void {
  const upper = upperOf(directory);
  const { layer } = upper ?? {};
  if (upper === undefined || layer === undefined) return;
  if (upper.held.get(name) !== want) upper.held.delete(name);
  if (want === undefined || isTransparent) {
    layer.names.delete(name);
    if (want === undefined && below !== undefined) layer.whiteouts.add(name);
    else layer.whiteouts.delete(name);
    if (want === undefined && below === undefined) forgetWhiteout(directory, name);
    return;
  }
  layer.whiteouts.delete(name);
  layer.names.set(name, want.type);
  upper.held.set(name, want);
  noteCover(directory, name);
  if (isDirectory(want)) settleDirectory(plan, upper, name, want);
}

/** Removes the whiteout of a name that only the upper had, so that it does not hide what a lower gets there later. */
function forgetWhiteout({ names, marks }: Directory, name: string): void {
  if (names.get(name) !== WHITEOUT) return;
  names.delete(name);
  marks?.delete(name);
}

/** Notes that the upper has a name now: removing it must leave a whiteout, also if it was removed meanwhile. */
function noteCover(directory: Directory, name: string): void {
  const mark = directory.marks?.get(name);
  if (directory.names.get(name) instanceof Inode) {
    if (mark === FRESH) markName(directory, name, HIDES);
  } else if (mark !== HIDES) {
    directory.names.set(name, WHITEOUT);
    directory.listing = undefined;
    markName(directory, name, HIDES);
  }
}

/** Notes that the upper has a directory, where it may have had none. */
function settleDirectory(plan: Plan, parent: UpperSource, name: string, directory: Directory): void {
  // The content of a moved directory comes later, step by step, and is found in the old place until then.
  if (upperOf(directory) !== undefined) return;
  const lowers = plan.copied.has(directory) ? [] : lowersOf(directory);
  const made = parent.child(name, parent.dev);
  made.layer = { names: new Map(), whiteouts: new Set(), isOpaque: false };
  takeSources(directory, [made, ...lowers]);
}

/** Notes that moved directories show nothing of the lowers any more: everything in them was brought along. */
function cutOff({ copied, draft: { steps } }: Plan): void {
  for (const directory of copied) {
    const held = upperOf(directory);
    if (held !== undefined && directory.sources.length > 1) takeSources(directory, [held]);
  }
  if (copied.size === 0) return;
  for (const { step, item } of steps) {
    const marked = step.kind === 'mark' ? item?.want : undefined;
    if (marked !== undefined && isDirectory(marked) && copied.has(marked)) noteOpaque(marked);
  }
}

/**
 * Forgets what lowers got in directories that were moved after those were planned: it is not brought along, and nothing
 * of a lower shows there any more.
 */
function forgetLateNames(tree: Tree, { copied }: Plan): void {
  for (const directory of copied) {
    const layer = upperOf(directory)?.layer;
    if (layer === undefined || directory.sources.length > 1) continue;
    for (const [name, entry] of directory.names) {
      const isKnown = layer.names.has(name) || isOwnName(directory, name);
      if (entry instanceof Inode && !isKnown && !holdsOwn(entry)) lose(tree, directory, name, entry);
    }
  }
}

/** Notes that a directory of the upper is opaque now. */
export function noteOpaque(directory: Directory): void {
  const layer = upperOf(directory)?.layer;
  if (layer !== undefined) layer.isOpaque = true;
}

/** Marks a name in a moved directory that does not come with it, so that it is not looked up in the branches there. */
export function keepName({ copied }: Plan, { directory, name, want }: Item): void {
  if (copied.has(directory) && want !== undefined && directory.names.get(name) === want)
    markName(directory, name, HIDES);
}

/** Like `setSources`, but what is known of the names stays known: they are the same. */
function takeSources(directory: Directory, sources: Directory['sources']): void {
  replaceSources(directory, sources);
  if (sources.length === 1) directory.complete = true;
}

/** Notes that a name of the upper has the content that was staged for it. */
export function settlePlaced(tree: Tree, content: Content, source: UpperSource, name: string): void {
  const { inode, staged } = content;
  source.held.set(name, inode);
  // Copies made since then have the same bytes there.
  if (staged !== undefined) notePrint(source, name, staged);
  if (hasGone(tree, content)) return;
  returnLoan(inode);
  // Copies that have bytes under the old name keep them there.
  inode.origin = source;
  inode.originName = name;
  noteBelow(inode, content.attributes.below);
  if (staged !== undefined) notePrint(source, name, staged);
  settleContent(tree, content);
}

/** Makes pages that arrived clean: from now on the upper supplies them. */
export function settleContent(tree: Tree, content: Content): void {
  const { inode } = content;
  if (!(inode instanceof File) || tree.dirty?.truncated.has(inode) || tree.dirty?.replaced.has(inode)) return;
  inode.supplied = sizeOf(content);
  // From the end, where removing claims from their list costs least.
  for (let i = content.pages.length - 1; i >= 0; i--) {
    const { index, from, twin } = content.pages[i] as TakenPage;
    const page = pageAt(inode, index);
    if (page?.state !== DIRTY || page.bytes !== twin.bytes || page.start !== twin.start || page.length !== twin.length)
      continue;
    if (settleClaims(tree.memory, content, inode, from, from + page.length) === 'all arrived') {
      cleanPage(tree.memory, inode, index, page);
    }
  }
}

/**
 * Makes dirty again what is in memory of a file that the upper has but its storage may have lost. A file that is in
 * memory as a whole needs nothing from the upper any more.
 */
export function distrust(tree: Tree, inode: Inode): void {
  if (!(inode instanceof File) || inode.nlink === 0) return;
  const { memory } = tree;
  let missing = Math.ceil(inode.supplied / memory.pageSize);
  for (const [index, page] of [...pagesOf(inode)]) {
    if (page.state !== DIRTY) writeContents(memory, inode, bytesOf(page), index * memory.pageSize);
    if (index * memory.pageSize < inode.supplied) missing--;
  }
  if (missing === 0) inode.supplied = 0;
  tree.dirty?.addInode(inode);
}

/** Releases the claims on a page whose bytes have arrived: those of every author who was not refused (W13). */
function settleClaims(
  { authors }: Memory,
  { refused }: Content,
  file: File,
  from: number,
  to: number,
): 'all arrived' | 'not all' {
  if (authors === undefined) return 'all arrived';
  let outcome: 'all arrived' | 'not all' = 'all arrived';
  for (const claim of authors.within(file, from, to)) {
    if (refused.has(claim.author)) outcome = 'not all';
    else authors.release(file, claim.from, claim.to);
  }
  return outcome;
}
