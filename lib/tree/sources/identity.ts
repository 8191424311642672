/**
 * Which file was found in a source: one that is known already, perhaps by another of its names, or one that merely has
 * the same number.
 */

import { constants } from 'node:fs';
import type { Attributes } from '../../branch/branch.ts';
import { BORN, countNames, type Entry, Inode, isDirectory } from '../inode.ts';
import type { Found } from '../load.ts';
import { areTwoBirths, birthOf } from '../numbers.ts';
import type { Namesake, Tree } from '../tree.ts';
import { pathIn, UpperSource } from './source.ts';

const { S_IFMT, S_IFDIR } = constants;

/** The inode that is this file already: known by this name, or by another. */
export function knownAs(
  tree: Tree,
  number: number,
  attributes: Attributes,
  before: Entry | undefined,
): Inode | undefined {
  const type = attributes.mode & S_IFMT;
  if (type === S_IFDIR) return undefined;
  const linked = attributes.nlink > 1 ? tree.linked.get(number) : undefined;
  if (linked !== undefined && linked.type === type) return linked;
  return before instanceof Inode && before.number === number && before.type === type ? before : undefined;
}

/**
 * A file that has the number of what was found although it is another file. Either the upper got the number from a lower
 * which has since been replaced, or whose files have changed: if the two were one file, the upper's notes would say that
 * the lowers have more names of it. Or the upper has two: the file as it is now, and the one that it was before, under
 * names from which it was taken away for files that the upper then refused.
 */
export function namesakeOf(
  tree: Tree,
  number: number,
  { source, attributes }: Found,
  before: Entry | undefined,
): Inode | undefined {
  const linked = tree.linked.get(number);
  if (linked === undefined || linked === before) return undefined;
  // The origin of a copy says where its content comes from, not which file it is.
  if ((linked.state & BORN) !== 0) return undefined;
  const isAbove = source instanceof UpperSource;
  if (!isAbove && areTwoBirths(linked.extra?.birth, birthOf(attributes))) return linked;
  if (isAbove === linked.origin instanceof UpperSource) {
    // The upper's own numbers tell its files apart.
    return isAbove && linked.ino !== attributes.ino ? linked : undefined;
  }
  if (tree.kept.linksBelow(isAbove ? attributes : linked) > 0) return undefined;
  // A file on its way to the upper is noted when it gets there.
  const isOnItsWay = tree.dirty?.isTaken === true && countNames(linked) < linked.nlink;
  return isOnItsWay ? undefined : linked;
}

/**
 * The file that was found, if it is known as a namesake (another file has its number): by this name, or by another of
 * its names. Directories have only one name.
 */
export function living(namesake: Namesake | undefined, { source, attributes }: Found, before: Entry | undefined) {
  const { ino, mode, nlink } = attributes;
  if (namesake?.ino !== ino || namesake.branch !== source.branch) return undefined;
  const { inode } = namesake;
  if (inode.parent === undefined || isDirectory(inode) || inode.type !== (mode & S_IFMT)) return undefined;
  return nlink > 1 || inode === before ? inode : undefined;
}

/**
 * Whether the number of what was found belongs to another file: to one that is owned here, whose place and number in
 * the lower it has taken (C3); or to one that the upper got from a lower, if that lower has since reused the number or
 * has been replaced.
 */
export function isAnothers(tree: Tree, number: number, { source, attributes }: Found): boolean {
  if (tree.claimed.has(number)) return true;
  const ino = source instanceof UpperSource ? undefined : tree.numbers.givenTo(number);
  if (ino === undefined) return false;
  const isDir = (attributes.mode & S_IFMT) === S_IFDIR;
  const { links = 0, birth } = tree.kept.of(ino) ?? {};
  return isDir || attributes.nlink === 1 || links === 0 || areTwoBirths(birth, birthOf(attributes));
}

/** A number for what was found, instead of one that another file has. */
export function numberInstead(tree: Tree, number: number, found: Found): number {
  return tree.numbers.instead(number, (each) => isAnothers(tree, each, found));
}

/** The number of what was found. */
export function numberOf(tree: Tree, name: string, { source, attributes }: Found): number {
  if (source instanceof UpperSource) forgetStranger(tree, attributes);
  return tree.numbers.of(source.branch, attributes.dev, attributes.ino, pathIn(source, name));
}

/** Forgets what was noted about another file of the upper that had the same number of the upper's own. */
export function forgetStranger(tree: Tree, found: Attributes): void {
  if (tree.numbers.forgetStranger(found)) tree.kept.note(Number(found.ino), undefined);
}
