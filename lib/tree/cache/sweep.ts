/**
 * Forgetting what the branches can tell again when there is too much of it: the least recently used first, by the clock
 * algorithm.
 *
 *     the hand comes by:   USED ──► the mark is taken away: one more round
 *                          not  ──► the name is forgotten, and the inode with its last name
 *
 * So using an entry costs no more than setting a bit. Forgetting happens between operations only, so what an operation
 * has found stays until it ends or stops. An operation that stopped runs again from the top with all the answers it has
 * had, so it misses nothing that was forgotten meanwhile.
 *
 * These are not forgotten: what was changed here, or has something changed below it; what is open or watched;
 * directories in which names are known; and anything while a write-back is under way.
 */

import { dropContents } from '../../pages/contents.ts';
import { forgetName } from '../changing/names.ts';
import { Directory, File, holdsOwn, Inode, isOwnName, SPARE, USED, WATCHED, WHITEOUT } from '../inode.ts';
import { UpperSource } from '../sources/source.ts';
import type { Tree } from '../tree.ts';
import { keepForGood, leaveListed } from './entries.ts';

/** The part of `most` that is made free at once; also how the limit grows with the steps of a sweep in vain. */
const SHARE = 1 / 16;
/**
 * How many rounds show everything that can be forgotten: one takes the marks away, one forgets, and the first may begin
 * in the middle.
 */
const ROUNDS = 3;

/** Notes that an inode was loaded from a branch, which can tell it again. */
export function noteLoaded(tree: Tree, inode: Inode): void {
  inode.state |= SPARE;
  noteMore(tree, 1);
}

/** Notes that a listing has brought names into a directory. */
export function noteListed(tree: Tree, directory: Directory, names: number): void {
  directory.listed += names;
  noteMore(tree, names);
}

function noteMore(tree: Tree, more: number): void {
  const { entries } = tree;
  entries.count += more;
  if (entries.count <= entries.limit || entries.isCrowded) return;
  entries.isCrowded = true;
  // A program that calls the synchronous API without a break makes room itself; it must not queue a microtask each
  // time.
  if (entries.isAwaited) return;
  entries.isAwaited = true;
  // Operations are synchronous, so a microtask never runs in the middle of one.
  queueMicrotask(() => {
    entries.isAwaited = false;
    makeRoom(tree);
  });
}

/** Forgets entries until there is room. Requires: no operation is in the middle of a run. */
export function makeRoom(tree: Tree): void {
  const { entries } = tree;
  if (!entries.isCrowded) return;
  entries.isCrowded = false;
  const { most, hand } = entries;
  const wanted = most - Math.floor(most * SHARE);
  let steps = 0;
  let rounds = tree.dirty?.isTaken === true ? ROUNDS : 0;
  while (entries.count > wanted && rounds < ROUNDS) {
    const link = hand.next(tree.root);
    steps++;
    if (link !== undefined) pass(tree, link.directory, link.name);
    else {
      rounds++;
      if (isUnused(tree.root)) forgetListing(tree, tree.root);
    }
  }
  hand.rest();
  // Where much has to stay, the next sweep waits for more entries: otherwise each new entry would look at all of them
  // in vain.
  entries.limit = Math.max(most, entries.count + Math.floor(SHARE * Math.max(most, rounds < ROUNDS ? 0 : steps)));
}

/** Handles the name at which the hand stands. */
function pass(tree: Tree, directory: Directory, name: string): void {
  const inode = directory.names.get(name);
  if (!(inode instanceof Inode)) return;
  if (!isUnused(inode)) return;
  if (inode instanceof Directory) forgetListing(tree, inode);
  if (mayForget(tree, directory, name, inode)) forget(tree, directory, name, inode);
}

/** Whether it was not used since the hand came by last; takes the mark away. */
function isUnused(inode: Inode): boolean {
  const isUsed = (inode.state & USED) !== 0;
  inode.state &= ~USED;
  return !isUsed;
}

/** Forgets the names in a directory that stand for no inode. */
function forgetListing(tree: Tree, directory: Directory): void {
  const { names, sources } = directory;
  // Names that the upper has got since the directory was listed may be unmarked, and would be lost.
  if (sources.length === 0 || sources[0] instanceof UpperSource) return;
  if (directory.listed === 0 && directory.absences === 0) return;
  for (const [name, entry] of names) if (!(entry instanceof Inode) && entry !== WHITEOUT) names.delete(name);
  directory.complete = false;
  directory.listing = undefined;
  directory.absences = 0;
  tree.entries.forgotten += directory.listed;
  leaveListed(tree, directory);
}

/** Whether the branches would show the same again under this name. */
function mayForget(tree: Tree, directory: Directory, name: string, inode: Inode): boolean {
  if ((inode.state & (SPARE | WATCHED)) !== SPARE || inode.opens > 0) return false;
  if (directory.sources.length === 0 || isOwnName(directory, name) || holdsOwn(inode)) return false;
  // A directory of the upper is found through its inode.
  if (inode instanceof Directory) return inode.names.size === 0 && !(inode.sources[0] instanceof UpperSource);
  // The upper must get a file under all names by which it was known.
  if (inode.nlink > 1 && tree.dirty !== undefined) return false;
  // Without an inode number of the upper it is identified by its path there, which changes.
  return !(inode.origin instanceof UpperSource) || inode.ino !== 0;
}

function forget(tree: Tree, directory: Directory, name: string, inode: Inode): void {
  if (directory.complete) directory.names.set(name, inode.type);
  else directory.names.delete(name);
  forgetName(tree, inode, directory, name);
  const [first] = directory.sources;
  if (first instanceof UpperSource && first.held.get(name) === inode) first.held.delete(name);
  if (inode.parent !== undefined) return;
  if (inode instanceof File) dropContents(tree.memory, inode);
  if (tree.linked.get(inode.number) === inode) tree.linked.delete(inode.number);
  tree.numbers.leave(inode.number);
  keepForGood(tree, inode);
  tree.entries.forgotten++;
}
