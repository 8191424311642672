/**
 * Where the upper holds what, kept true while a batch is carried out: each move is noted as soon as it is done, so that
 * a read or a lookup in between asks at the right place.
 */

import { ANY_SIZE, type Attributes, type Fingerprint } from '../branch/branch.ts';
import { printAlike, printOf } from '../branch/dialect.ts';
import { type Directory, extraOf, File, type Inode, isDirectory, type Link, namesOf } from '../tree/inode.ts';
import { borrow, borrowersOf, returnLoan } from '../tree/sources/borrow.ts';
import { type Source, UpperSource } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';

/** The directory of the upper for a directory; undefined while the upper has none for it. */
export function upperOf(directory: Directory): UpperSource | undefined {
  const [first] = directory.sources;
  return first instanceof UpperSource ? first : undefined;
}

/** The directories of lowers that a directory merges. */
export function lowersOf(directory: Directory): readonly Source[] {
  return upperOf(directory) === undefined ? directory.sources : directory.sources.slice(1);
}

/** Where the upper holds an inode's content; undefined when it does not. */
export function placeOf(inode: Inode): UpperSource | undefined {
  const { origin, originName } = inode;
  return origin instanceof UpperSource && origin.held.get(originName) === inode ? origin : undefined;
}

/** The names under which the upper holds an inode, and will go on holding it. */
export function heldNames(
  inode: Inode,
): { readonly source: UpperSource; readonly name: string; readonly link: Link }[] {
  return namesOf(inode).flatMap((link) => {
    const source = upperOf(link.directory);
    return source?.held.get(link.name) === inode ? [{ source, name: link.name, link }] : [];
  });
}

/** Where the upper holds an inode's content; makes that a place where it is to stay, if there is one. */
export function lastingPlaceOf(inode: Inode): UpperSource | undefined {
  const place = placeOf(inode);
  const [first, ...others] = heldNames(inode);
  if (place === undefined || first === undefined) return place;
  const isLasting = [first, ...others].some(({ source, name }) => source === place && name === inode.originName);
  if (!isLasting) changePlace(inode, place, inode.originName, first.source, first.name);
  return placeOf(inode);
}

/** Notes that the bytes of an inode, and of copies that borrow them, are under another name of the upper. */
function changePlace(inode: Inode, from: UpperSource, name: string, to: UpperSource, newName: string): void {
  for (const borrower of [...borrowersOf(from, name)]) moveLoan(borrower, to, newName);
  if (inode.origin !== from || inode.originName !== name) return;
  inode.origin = to;
  inode.originName = newName;
}

/** Notes that what was under a name of the upper is now under another. */
export function noteMove(from: UpperSource, name: string, to: UpperSource, newName: string): void {
  const held = from.held.get(name);
  if (held === undefined) return;
  from.held.delete(name);
  to.held.set(newName, held);
  const directory = isDirectory(held) ? upperOf(held) : undefined;
  if (directory === undefined) changePlace(held, from, name, to, newName);
  else if (directory.parent === from && directory.name === name) {
    directory.parent = to;
    directory.name = newName;
  }
}

/** The files in the staging directory, and their names there; some of these may be gone. */
export class StagedNames {
  readonly #stage: UpperSource;
  /** Added to by `add`, taken from by `leave`. */
  readonly #names = new Map<Inode, string[]>();

  constructor(stage: UpperSource) {
    this.#stage = stage;
    for (const name of stage.held.keys()) this.add(name);
  }

  /** Notes that something was moved to the staging directory. */
  add(name: string): void {
    const inode = this.#stage.held.get(name);
    if (inode === undefined) return;
    const names = this.#names.get(inode);
    if (names === undefined) this.#names.set(inode, [name]);
    else names.push(name);
  }

  /**
   * Notes that an inode has got new content at its own place. What was moved to the staging directory before is its old
   * content, and no longer a place of it; copies may still need that.
   */
  leave(inode: Inode): void {
    const { held } = this.#stage;
    for (const name of this.#names.get(inode) ?? []) if (held.get(name) === inode) held.delete(name);
    this.#names.delete(inode);
  }
}

/**
 * Whether what the upper has under a name (or in a directory of that name) is still read, although the tree has no such
 * name any more.
 */
export function isRead(source: UpperSource, name: string): boolean {
  if (source.borrowers.has(name)) return true;
  const held = source.held.get(name);
  if (held === undefined) return false;
  if (!isDirectory(held)) {
    // A file of a lower may have names that were not looked at.
    const isAlive = held.opens > 0 || held.nlink > 0;
    return isAlive && placeOf(held) === source && held.originName === name;
  }
  const inner = upperOf(held);
  if (inner?.parent !== source || inner.name !== name) return false;
  return [...inner.held.keys(), ...inner.borrowers.keys()].some((each) => isRead(inner, each));
}

/**
 * The files that need what the upper has under a name although that is about to change: copies, and the file of that
 * name itself if it has become a copy of one of those.
 */
export function whoNeeds(tree: Tree, source: UpperSource, name: string): Inode[] {
  const owner = source.held.get(name);
  return [...borrowersOf(source, name)].filter((each) => each !== owner || tree.dirty?.replaced.has(each));
}

/** Notes that copies borrow their bytes elsewhere from now on. */
export function lendElsewhere(borrowers: readonly Inode[], to: UpperSource, newName: string, found: Attributes): void {
  for (const borrower of borrowers) {
    moveLoan(borrower, to, newName);
    extraOf(borrower).fingerprint = printOf(found);
  }
}

function moveLoan(borrower: Inode, to: UpperSource, newName: string): void {
  returnLoan(borrower);
  borrower.origin = to;
  borrower.originName = newName;
  borrow(borrower);
}

/** Notes that a file of the upper is about to change in ways that do not matter to readers. */
export function unsettlePrint(source: UpperSource, name: string): void {
  for (const file of readersOf(source, name)) {
    const { ino } = extraOf(file).fingerprint ?? file;
    extraOf(file).fingerprint = { ino, size: ANY_SIZE, mtimeSec: 0, mtimeNsec: 0 };
  }
}

/**
 * Whether a file of the upper looks as it did last. A file that a failure left half changed is identified by its number
 * only.
 */
export function isOfPrint(found: Attributes, fingerprint: Fingerprint): boolean {
  return fingerprint.size === ANY_SIZE ? found.ino === fingerprint.ino : printAlike(found, fingerprint);
}

/** Notes how a file of the upper looks now. */
export function notePrint(source: UpperSource, name: string, found: Attributes): void {
  const held = source.held.get(name);
  if (held !== undefined && placeOf(held) === source && held.originName === name) held.ino = found.ino;
  for (const file of readersOf(source, name)) {
    extraOf(file).fingerprint = printOf(found);
    file.originBlocks = found.blocks;
  }
}

/** The files that have bytes under a name of the upper: the file of that name, and copies. */
function readersOf(source: UpperSource, name: string): File[] {
  const held = source.held.get(name);
  const isThere = held !== undefined && placeOf(held) === source && held.originName === name;
  return [...(isThere ? [held] : []), ...borrowersOf(source, name)].filter((each) => each instanceof File);
}
