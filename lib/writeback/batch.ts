/**
 * A decided batch: the moves and steps of a plan that are carried out. `batch-watcher.ts` tells the tree about each of
 * them.
 *
 * Where a content could not be written, what depends on it is left out too: the name that it was to get keeps what it
 * has, so that the upper shows every file old or new.
 */

import type { Branch } from '../branch/branch.ts';
import type { Errno } from '../errno.ts';
import { BORN, type Inode, isDirectory } from '../tree/inode.ts';
import { numberOf } from '../tree/sources/identity.ts';
import { pathIn, type Source, UpperSource } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';
import type { Cursor } from './area/carry-out.ts';
import { keptOf, type Note, noteOf } from './area/notes.ts';
import { upperOf } from './places.ts';
import type { DraftMove, DraftStep } from './plan/draft.ts';
import type { Item } from './plan/items.ts';
import type { Plan } from './plan/plan.ts';
import type { Move, Step } from './plan/steps.ts';
import type { Reach } from './report.ts';
import { keepName, settleContent, settlePlaced } from './settle.ts';
import { runsOf, sizeOf } from './stage/parts.ts';

/** A decided batch. */
export interface Batch {
  readonly plan: Plan;
  /**
   * What could not be written, or could not be given its name because of that. Added to where a file is found missing
   * or changed.
   */
  readonly failed: Map<Inode, Errno>;
  /** Names whose whiteouts are left out because of that: see `heldBack`. */
  readonly heldBack: ReadonlySet<Item>;
  readonly moves: readonly Move[];
  readonly steps: readonly Step[];
  /** The same moves and steps, with what the tree must know about them. */
  readonly drafted: { readonly moves: readonly DraftMove[]; readonly steps: readonly DraftStep[] };
  /** Notes, besides those with the numbers of what gets a place. */
  readonly notes: readonly Note[];
  /** How far it is. Changed as it is carried out. */
  readonly cursor: Cursor;
  /** How far it goes: to the upper, or to its stable storage. */
  readonly reach: Reach;
  /**
   * Files that are discarded once everything else is done (`onError: 'discard'`). Settling does not make them dirty, so
   * one that is dirty has changed since. Changed by `Reporter`, `WriteBack` and `discardAll`.
   */
  readonly discards: Set<Inode>;
  /** The upper has everything; only the notes and the end of the journal are missing. Set by `WriteBack`. */
  hasArrived: boolean;
}

/** Where a copy could not get its own bytes, the file that it shares them with must not be changed either. */
export function failWhoIsBoundTo({ contents }: Plan, failed: Map<Inode, Errno>): void {
  for (const [inode, errno] of [...failed]) {
    const { origin, originName } = inode;
    const owner = origin instanceof UpperSource ? origin.held.get(originName) : undefined;
    if (owner !== undefined && owner !== inode && contents.has(owner)) failed.set(owner, errno);
  }
}

/**
 * Makes a batch of a plan, without what depends on contents that failed. Throws one of the failures where a directory
 * depends on it.
 */
export function makeBatch(tree: Tree, plan: Plan, contentless: Map<Inode, Errno>, reach: Reach): Batch {
  const failed = contentless;
  const stuck = new Set<Inode>();
  let { moves } = plan.draft;
  for (let before = -1; before !== failed.size + stuck.size; ) {
    before = failed.size + stuck.size;
    moves = moves.filter(({ wanted, kept }) => {
      const errno = wanted && (isWithout(plan, failed, wanted) || stuck.has(wanted)) ? failed.get(wanted) : undefined;
      if (errno === undefined) return true;
      if (kept === undefined) return false;
      // Steps for what is in it name its new path.
      if (isDirectory(kept)) throw errno;
      failed.set(kept, errno);
      stuck.add(kept);
      return false;
    });
  }
  const hidden = heldBack(tree, plan, failed);
  const steps = plan.draft.steps.filter(({ step, item, needs, without }) => {
    if (step.kind === 'mark' && item !== undefined && hidden.has(item)) return false;
    if (needs === undefined || !failed.has(needs)) return true;
    return without === 'goes without' && !stuck.has(needs);
  });
  return {
    plan,
    failed,
    heldBack: hidden,
    moves: moves.map(({ from, stage }) => ({ from, stage })),
    steps: steps.map(({ step, needs }) => (step.kind === 'patch' ? withoutRefused(step, plan, needs) : step)),
    drafted: { moves, steps },
    notes: [...plan.lost, ...notesOfContents(plan, failed)],
    cursor: { moves: 0, steps: 0, notes: new Map() },
    reach,
    discards: new Set(),
    hasArrived: false,
  };
}

/**
 * The names of lowers from which something was moved away that could not be written to its new place. They are not
 * hidden until it can be: a mount after a crash shows it in its old place, rather than nowhere.
 */
function heldBack(tree: Tree, { items }: Plan, failed: ReadonlyMap<Inode, Errno>): Set<Item> {
  const held = new Set<Item>();
  const numbers = new Set<number>();
  const ways = new Map<Branch, Set<string>>();
  for (const { origin, originName, number, state } of failed.keys()) {
    // A copy does not move the file that it was made of.
    if (origin === undefined || origin instanceof UpperSource || (state & BORN) !== 0) continue;
    numbers.add(number);
    const way = ways.get(origin.branch) ?? new Set();
    ways.set(origin.branch, way);
    let path = pathIn(origin, originName);
    for (; path !== '' && !way.has(path); path = path.slice(0, path.lastIndexOf('/'))) way.add(path);
  }
  if (numbers.size === 0) return held;
  const isLeft = ({ branch }: Source, path: string): boolean => ways.get(branch)?.has(path) === true;
  for (const item of items) {
    const { directory, name, want, below } = item;
    if (want !== undefined || below === undefined || upperOf(directory)?.layer?.names.has(name) === true) continue;
    const { source, sources } = below;
    const isMovedFrom = isLeft(source, pathIn(source, name)) || sources.some((each) => isLeft(each, each.path));
    // Or by another of its names.
    if (isMovedFrom || numbers.has(numberOf(tree, name, below))) held.add(item);
  }
  return held;
}

/** A patch without what the upper has refused. */
function withoutRefused(step: Step & { kind: 'patch' }, { contents }: Plan, inode: Inode | undefined): Step {
  const content = inode && contents.get(inode);
  if (content === undefined || content.refused.size === 0) return step;
  const ranges = [...runsOf(content)].map(({ from, bytes }) => [from, bytes.length] as const);
  return { ...step, ranges, size: sizeOf(content) };
}

/** Notes about attributes of staged contents that the upper shows differently. */
function notesOfContents({ contents }: Plan, failed: ReadonlyMap<Inode, Errno>): Note[] {
  const notes: Note[] = [];
  for (const { inode, kind, attributes, staged } of contents.values()) {
    if (kind !== 'whole' || staged === undefined || inode.nlink === 0 || failed.has(inode)) continue;
    const kept = keptOf(attributes, staged);
    if (kept !== undefined) notes.push(noteOf(staged, inode.number, kept));
  }
  return notes;
}

/** Whether an inode cannot be given a name because its content failed. */
function isWithout({ contents }: Plan, failed: ReadonlyMap<Inode, Errno>, inode: Inode): boolean {
  return failed.has(inode) && contents.get(inode)?.kind !== 'pages';
}

/** Whether a batch happens as a whole or not at all without a journal: it has at most one step. */
export function isIndivisible({ moves, steps, plan }: Batch): boolean {
  if (moves.length > 0 || steps.length > 1 || plan.lost.length > 0) return false;
  const [only] = steps;
  return only === undefined || only.kind === 'place' || only.kind === 'mark' || only.kind === 'unmark';
}

/** Whether the one step of such a batch was not done. Since there is no journal, it will not be done later either. */
export function isUndone(batch: Batch): boolean {
  return isIndivisible(batch) && batch.cursor.steps < batch.steps.length;
}

/** Tells the tree that files without a name which got bytes of their own have them in the staging directory. */
export function adoptNameless(tree: Tree, { plan, failed }: Batch, stage: UpperSource): void {
  for (const content of plan.contents.values()) {
    const { inode } = content;
    if (inode.nlink === 0 && content.isNameless && !failed.has(inode))
      settlePlaced(tree, content, stage, content.stage);
  }
}

/**
 * Marks names in moved directories that do not move with the directory but come later, by a step of their own, or not
 * at all (further names of a file where the upper has no links). Until then no branch shows them there.
 */
export function keepNames(plan: Plan): void {
  for (const { item } of plan.draft.steps) if (item !== undefined) keepName(plan, item);
  for (const item of plan.draft.unnamed) keepName(plan, item);
}

/**
 * Makes patched pages clean, once they are on stable storage. Not before: if the flush fails, what the storage has is
 * unknown, and they are written again.
 */
export function settlePatches(tree: Tree, { plan, failed }: Batch): void {
  for (const content of plan.contents.values()) {
    if (content.kind === 'pages' && !failed.has(content.inode)) settleContent(tree, content);
  }
}
