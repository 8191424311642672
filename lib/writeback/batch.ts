/**
 * One batch that is decided: which moves and steps of a plan are carried out. What the tree learns from each is in `batch-watcher.ts`.
 *
 * A content that could not be written takes with it what depends on it: the name it was to get keeps what it has, so that the upper
 * shows every file old or new.
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
  /** What could not be written, or not be named because of that. Added to where something is found missing, or changed. */
  readonly failed: Map<Inode, Errno>;
  /** Whiteouts that are left out because of that: see `heldBack`. */
  readonly heldBack: ReadonlySet<Item>;
  readonly moves: readonly Move[];
  readonly steps: readonly Step[];
  /** The same moves and steps, with what the tree must know of them. */
  readonly drafted: { readonly moves: readonly DraftMove[]; readonly steps: readonly DraftStep[] };
  /** What is to be noted beside the numbers of what is put in its place. */
  readonly notes: readonly Note[];
  /** How far it is. Changed as it is carried out. */
  readonly cursor: Cursor;
  /** How far down it goes. */
  readonly reach: Reach;
  /**
   * Files that are given up once all else is done (`onError: 'discard'`). Settling does not make them dirty again: one that is has changed since.
   * Changed by `WriteBack` and `giveUp`.
   */
  readonly givenUp: Set<Inode>;
  /** The upper has all of it, for good: only the notes and the end of the journal are missing. Set by `WriteBack`. */
  hasArrived: boolean;
}

/** A file whose bytes a copy still needs, and could not be copied, must not be changed either. */
export function failWhoIsBoundTo({ contents }: Plan, failed: Map<Inode, Errno>): void {
  for (const [inode, errno] of [...failed]) {
    const { origin, originName } = inode;
    const owner = origin instanceof UpperSource ? origin.held.get(originName) : undefined;
    if (owner !== undefined && owner !== inode && contents.has(owner)) failed.set(owner, errno);
  }
}

/** Leaves out what cannot be done without the contents that failed. Throws one of the failures where a directory depends on it. */
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
      // What would be in it has steps that name its new path.
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
    givenUp: new Set(),
    hasArrived: false,
  };
}

/**
 * Names of lowers from which something was moved away that could not be written where it is now. Until it can they are not hidden: a mount
 * after a crash shows it in its old place, and not nowhere.
 */
function heldBack(tree: Tree, { items }: Plan, failed: ReadonlyMap<Inode, Errno>): Set<Item> {
  const held = new Set<Item>();
  const numbers = new Set<number>();
  const ways = new Map<Branch, Set<string>>();
  for (const { origin, originName, number, state } of failed.keys()) {
    // A copy leaves the file that it is one of where that is.
    if (origin === undefined || origin instanceof UpperSource || (state & BORN) !== 0) continue;
    numbers.add(number);
    const way = ways.get(origin.branch) ?? new Set();
    ways.set(origin.branch, way);
    let path = pathIn(origin, originName);
    for (; path !== '' && !way.has(path); path = path.slice(0, path.lastIndexOf('/'))) way.add(path);
  }
  if (numbers.size === 0) return held;
  for (const item of items) {
    const { directory, name, want, below } = item;
    if (want !== undefined || below === undefined || upperOf(directory)?.layer?.names.has(name) === true) continue;
    const isLeft = ({ branch }: Source, path: string) => ways.get(branch)?.has(path) === true;
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

/** What the upper shows otherwise of what was staged. */
function notesOfContents({ contents }: Plan, failed: ReadonlyMap<Inode, Errno>): Note[] {
  const notes: Note[] = [];
  for (const { inode, kind, attributes, staged } of contents.values()) {
    if (kind !== 'whole' || staged === undefined || inode.nlink === 0 || failed.has(inode)) continue;
    const kept = keptOf(attributes, staged);
    if (kept !== undefined) notes.push(noteOf(staged, inode.number, kept));
  }
  return notes;
}

/** Whether an inode cannot be given a name, its content having failed. */
function isWithout({ contents }: Plan, failed: ReadonlyMap<Inode, Errno>, inode: Inode): boolean {
  return failed.has(inode) && contents.get(inode)?.kind !== 'pages';
}

/** Whether a batch happens as a whole or not at all by itself, without a journal. */
export function isIndivisible({ moves, steps, plan }: Batch): boolean {
  if (moves.length > 0 || steps.length > 1 || plan.lost.length > 0) return false;
  const [only] = steps;
  return only === undefined || only.kind === 'place' || only.kind === 'mark' || only.kind === 'unmark';
}

/** Whether the one step of such a batch was not done, so that no journal says that it will be. */
export function isUndone(batch: Batch): boolean {
  return isIndivisible(batch) && batch.cursor.steps < batch.steps.length;
}

/** Files without a name that got bytes of their own have them in the staging directory. */
export function adoptNameless(tree: Tree, { plan, failed }: Batch, stage: UpperSource): void {
  for (const content of plan.contents.values()) {
    const { inode } = content;
    if (inode.nlink === 0 && content.isNameless && !failed.has(inode))
      settlePlaced(tree, content, stage, content.stage);
  }
}

/**
 * Notes names in directories that are moved which do not come there with them, but step by step, or not at all (a file's further names): until
 * then no branch shows them there.
 */
export function keepNames(plan: Plan): void {
  for (const { item } of plan.draft.steps) if (item !== undefined) keepName(plan, item);
  for (const item of plan.draft.unnamed) keepName(plan, item);
}

/**
 * Makes pages clean that were patched, once they are on the storage. Not before: where the flush fails, who knows what the storage has, and
 * they are written again.
 */
export function settlePatches(tree: Tree, { plan, failed }: Batch): void {
  for (const content of plan.contents.values()) {
    if (content.kind === 'pages' && !failed.has(content.inode)) settleContent(tree, content);
  }
}
