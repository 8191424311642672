/**
 * After a batch has reached the upper: the tree learns what the upper holds now. Nothing here stops or fails.
 *
 * What changed while the batch was under way is dirty again already and stays so: a page counts as written only if it is still the
 * one that was taken (W9), a file that was cut meanwhile keeps all its pages (P5).
 */

import { cleanPage, pageAt } from '../pages/contents.ts';
import { DIRTY } from '../pages/page.ts';
import { type Directory, extraOf, File, type Inode, isDirectory } from '../tree/inode.ts';
import type { UpperSource } from '../tree/sources/source.ts';
import type { Dirty, Tree } from '../tree/tree.ts';
import { type Content, releaseContent } from './content.ts';
import { type Item, lowersOf, type Plan, upperOf } from './plan.ts';

/** Makes what arrived clean. `failed` are inodes whose content could not be written: they and their names stay dirty. */
export function settle(tree: Tree, plan: Plan, failed: ReadonlyMap<Inode, unknown>): void {
  const { dirty } = tree;
  if (dirty === undefined) return;
  for (const item of plan.items) {
    if (item.want !== undefined && failed.has(item.want)) dirty.addName(item.directory, item.name);
    else settleName(tree, plan, item);
  }
  for (const [inode, content] of plan.contents) {
    if (!failed.has(inode)) settleContent(tree, dirty, plan, content);
    releaseContent(tree.memory, content);
  }
  for (const inode of failed.keys()) if (inode.nlink > 0) dirty.inodes.add(inode);
}

/** Gives back a plan of which nothing was done: all of it is dirty as before. */
export function giveBack(tree: Tree, plan: Plan): void {
  const { dirty } = tree;
  for (const inode of plan.inodes) if (inode.nlink > 0) dirty?.inodes.add(inode);
  for (const [directory, names] of plan.names) for (const name of names) dirty?.addName(directory, name);
  for (const content of plan.contents.values()) releaseContent(tree.memory, content);
}

/** Notes what the upper holds under a name. */
function settleName(tree: Tree, plan: Plan, { directory, name, want, isTransparent, below }: Item): void {
  const upper = upperOf(directory);
  const { layer } = upper ?? {};
  if (upper === undefined || layer === undefined) return;
  if (upper.held.get(name) !== want) upper.held.delete(name);
  if (want === undefined || isTransparent) {
    layer.names.delete(name);
    if (want === undefined && below !== undefined) layer.whiteouts.add(name);
    else layer.whiteouts.delete(name);
    return;
  }
  layer.whiteouts.delete(name);
  layer.names.set(name, want.type);
  if (isDirectory(want) && upper.held.get(name) !== want) settleDirectory(tree, plan, upper, name, want);
  upper.held.set(name, want);
}

/** Notes that the upper has a directory where it had none, or had it elsewhere. */
function settleDirectory(tree: Tree, plan: Plan, parent: UpperSource, name: string, directory: Directory): void {
  const isCopied = plan.copied.has(directory);
  const lowers = isCopied ? [] : lowersOf(directory);
  const moved = upperOf(directory);
  if (moved !== undefined) {
    moved.parent?.held.delete(moved.name);
    moved.parent?.layer?.names.delete(moved.name);
    moved.parent = parent;
    moved.name = name;
    if (isCopied) takeSources(tree, directory, [moved]);
    return;
  }
  const made = parent.child(name, parent.dev);
  made.layer = { names: new Map(), whiteouts: new Set(), isOpaque: lowers.length === 0 };
  takeSources(tree, directory, [made, ...lowers]);
}

/** Like `setSources`, but what is known of the names stays known: they are the same. */
function takeSources(_tree: Tree, directory: Directory, sources: Directory['sources']): void {
  const isComplete = directory.complete || sources.length === 1;
  directory.sources = sources;
  directory.settled = sources.every(({ branch }) => branch.immutable);
  directory.complete = isComplete;
}

/** Makes the pages that arrived clean: from now on the upper supplies them. */
function settleContent(tree: Tree, dirty: Dirty, plan: Plan, content: Content): void {
  const { inode, staged } = content;
  const place = placeAfter(plan, inode);
  if (place === undefined || inode.nlink === 0) return;
  inode.origin = place.source;
  inode.originName = place.name;
  if (staged !== undefined) inode.ino = staged.ino;
  if (!(inode instanceof File)) return;
  if (staged !== undefined) {
    const { ino, size, mtimeSec, mtimeNsec } = staged;
    extraOf(inode).fingerprint = { ino, size, mtimeSec, mtimeNsec };
  }
  if (dirty.truncated.has(inode)) return;
  inode.supplied = content.size;
  for (const { index, twin } of content.pages) {
    const page = pageAt(inode, index);
    if (page?.state !== DIRTY || page.bytes !== twin.bytes || page.start !== twin.start || page.length !== twin.length)
      continue;
    cleanPage(tree.memory, inode, index, page);
  }
}

/** Where the upper holds an inode's content now. */
function placeAfter(plan: Plan, inode: Inode): { source: UpperSource; name: string } | undefined {
  for (const { directory, name, want, isTransparent } of plan.items) {
    if (want !== inode || isTransparent) continue;
    const source = upperOf(directory);
    if (source !== undefined) return { source, name };
  }
  return undefined;
}
