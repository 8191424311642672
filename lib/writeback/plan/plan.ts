/**
 * What must be done so that the upper shows the tree: compares the dirty part of the tree with what the upper holds.
 *
 * `plan` first asks (it may stop), and then takes the dirty part as it is at that moment. What changes afterwards is
 * dirty again and belongs to the next plan. Pages are shared with the plan, so a page that is written meanwhile is
 * copied first (W9).
 *
 *     dirty names ──► items     what should be at a name, what the upper has there, what the lowers have there
 *     dirty inodes ─► contents  what must be written before a name can be given (or a file patched)
 */

import { UPPER } from '../../branch/branch.ts';
import { ENOTSUP, type Errno } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import { isOwnContentClean } from '../../pages/contents.ts';
import { keepForGood } from '../../tree/cache/entries.ts';
import type { Dirty } from '../../tree/changing/dirty.ts';
import { collect, settleLinks } from '../../tree/changing/dropped.ts';
import { type Directory, File, type Inode, isDirectory, Special, Symlink } from '../../tree/inode.ts';
import { borrowersOf } from '../../tree/sources/borrow.ts';
import { pathIn, type UpperSource } from '../../tree/sources/source.ts';
import type { Tree } from '../../tree/tree.ts';
import type { Note } from '../area/notes.ts';
import { heldNames, lastingPlaceOf, upperOf } from '../places.ts';
import { type Content, type StageNames, takeContent } from './content.ts';
import { type Draft, draft } from './draft.ts';
import { collectItems, type Item, isReal } from './items.ts';

/** Everything that one write-back does. Immutable once made. */
export interface Plan {
  /** Parents first. */
  readonly items: readonly Item[];
  readonly contents: ReadonlyMap<Inode, Content>;
  /** Directories that are new in the upper, with their names in the staging directory; parents first. */
  readonly stages: ReadonlyMap<Directory, string>;
  /** Directories whose children are all among the items, since the lowers would not show them at this place. */
  readonly copied: ReadonlySet<Directory>;
  /** The inodes that were dirty. */
  readonly inodes: ReadonlySet<Inode>;
  /** Directories of which only the times were dirty. */
  readonly timed: ReadonlySet<Inode>;
  /** The names that were dirty. */
  readonly names: ReadonlyMap<Directory, ReadonlyMap<string, unknown>>;
  /** What is done once the contents are staged. */
  readonly draft: Draft;
  /** Notes about files of the lowers that have lost names. */
  readonly lost: readonly Note[];
  /** The numbers of what has ended. */
  readonly ended: ReadonlySet<number>;
  /** What this upper cannot hold, and why. */
  readonly refused: ReadonlyMap<Inode, Errno>;
}

/**
 * Plans the write-back of everything that is dirty; undefined when nothing is.
 *
 * @param staging the path of the staging directory
 * @param nameStage gives a new name in it
 */
export function plan(io: Io, tree: Tree, staging: string, nameStage: () => string): Plan | undefined {
  const { dirty } = tree;
  if (dirty === undefined || dirty.isEmpty) return undefined;
  collect(io, tree);
  // Names in removed directories of the upper are looked at now: after the write-back they are gone there too.
  if (tree.linked.size > 0) settleLinks(io, tree, (directory) => upperOf(directory) !== undefined);
  const { items, copied } = collectItems(io, tree, dirty);
  const lost = findLost(io, tree, dirty, items);
  // From here on nothing stops or fails.
  const inodes = new Set(dirty.inodes);
  const timed = new Set(dirty.timed);
  const names = new Map(dirty.names);
  const ended = new Set(dirty.ended);
  dirty.isTaken = true;
  // What gets a place in the upper keeps the number that it has from its old place, so it must stay in memory.
  for (const { want, isTransparent } of items) if (want !== undefined && !isTransparent) keepForGood(tree, want);
  dirty.timed.clear();
  dirty.inodes.clear();
  dirty.names.clear();
  dirty.truncated.clear();
  dirty.replaced.clear();
  dirty.ended.clear();
  const stages = stageDirectories(items, nameStage);
  const { contents, refused } = takeContents(tree, items, inodes, stageNamesFor(items, stages, nameStage));
  const all = new Set([...inodes, ...timed]);
  const drafted = draft(tree, { items, contents, stages, copied, dirty: all, nameStage, staging });
  return { items, contents, stages, copied, inodes, timed, names, lost, ended, refused, draft: drafted };
}

/** Finds files that the upper need not hold but that have fewer names here than in their lower (C2). */
function findLost(io: Io, tree: Tree, dirty: Dirty, items: readonly Item[]): Note[] {
  const notes: Note[] = [];
  const wanted = new Set(items.map(({ want, isTransparent }) => (isTransparent ? undefined : want)));
  const below = [...dirty.inodes].filter((inode) => {
    const isOfLower = inode.origin !== undefined && inode.origin.branch.id !== UPPER;
    return isOfLower && !isDirectory(inode) && !isReal(inode) && inode.nlink > 0 && !wanted.has(inode);
  });
  const found = io.each(
    below,
    ({ origin, originName }) => origin && io.lstat(origin.branch, pathIn(origin, originName)),
    () => true,
  );
  for (const [i, { number, nlink }] of below.entries()) {
    const lost = Math.max(0, (found[i]?.nlink ?? 0) - nlink);
    if (lost !== tree.kept.lostLinks(number)) notes.push({ ino: 0, number, lost });
  }
  return notes;
}

/**
 * Gives directories that are new in the upper names in the staging directory; a new one in another new one is staged in
 * that.
 */
function stageDirectories(items: readonly Item[], nameStage: () => string): Map<Directory, string> {
  const stages = new Map<Directory, string>();
  for (const { directory, name, want, isTransparent } of items) {
    if (want === undefined || isTransparent || !isDirectory(want) || upperOf(want) !== undefined) continue;
    const above = stages.get(directory);
    stages.set(want, above === undefined ? nameStage() : `${above}/${name}`);
  }
  return stages;
}

/** The names under which contents are staged: in the directory of the inode's first name, if that is staged too. */
function stageNamesFor(
  items: readonly Item[],
  stages: ReadonlyMap<Directory, string>,
  nameStage: () => string,
): StageNames {
  const firsts = new Map<Inode, Item>();
  for (const item of items) {
    const { want, isTransparent } = item;
    if (want !== undefined && !isTransparent && !firsts.has(want)) firsts.set(want, item);
  }
  return {
    apart: nameStage,
    whole(inode) {
      const first = firsts.get(inode);
      const above = first && stages.get(first.directory);
      return first === undefined || above === undefined ? nameStage() : `${above}/${first.name}`;
    },
  };
}

/** Whether the upper cannot hold an inode, or what is new about it. */
function isBeyond({ can }: Tree, inode: Inode, place: UpperSource | undefined): boolean {
  if (inode instanceof Symlink) return place === undefined && !can.symlink;
  // Without links, new content would come under one of its names only.
  return inode instanceof Special || (place === undefined && !can.link && heldNames(inode).length > 1);
}

/**
 * Takes the contents that must be written: those of inodes that get a place in the upper, and of those there whose
 * content has changed.
 */
function takeContents(tree: Tree, items: readonly Item[], dirty: ReadonlySet<Inode>, stageNames: StageNames) {
  const contents = new Map<Inode, Content>();
  const refused = new Map<Inode, Errno>();
  const placed = new Set<Inode>();
  for (const { want, isTransparent } of items) if (want !== undefined && !isTransparent) placed.add(want);
  // A copy that is open but has no name would lose the bytes it shares with a file that changes, so it gets its own.
  const takeBorrowers = (inode: Inode, place: UpperSource) => {
    for (const borrower of borrowersOf(place, inode.originName)) {
      if (borrower.nlink === 0) contents.set(borrower, takeContent(tree, borrower, undefined, stageNames));
    }
  };
  for (const inode of new Set([...dirty, ...placed])) {
    if (isDirectory(inode) || inode.nlink === 0) continue;
    const place = lastingPlaceOf(inode);
    if (place === undefined && !placed.has(inode) && heldNames(inode).length === 0) continue;
    if (isBeyond(tree, inode, place)) refused.set(inode, ENOTSUP);
    else if (
      place === undefined ||
      (inode instanceof File && !isOwnContentClean(inode, inode.extra?.fingerprint?.size ?? inode.size))
    ) {
      contents.set(inode, takeContent(tree, inode, place, stageNames));
      if (place !== undefined) takeBorrowers(inode, place);
    }
  }
  return { contents, refused };
}
