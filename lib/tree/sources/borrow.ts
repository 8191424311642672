/**
 * Copies that are not written back yet, and whose bytes are still in the upper under the name of another file. Code
 * that changes, moves or removes what is under that name finds the copies here.
 */

import type { Inode } from '../inode.ts';
import { UpperSource } from './source.ts';

/** Notes that a copy has the origin of another file. */
export function borrow(copy: Inode): void {
  const { origin, originName } = copy;
  if (!(origin instanceof UpperSource)) return;
  const known = origin.borrowers.get(originName);
  if (known === undefined) origin.borrowers.set(originName, new Set([copy]));
  else known.add(copy);
}

/** Whether a file has its bytes under the name of another. */
export function isBorrower(inode: Inode): boolean {
  const { origin, originName } = inode;
  return origin instanceof UpperSource && origin.borrowers.get(originName)?.has(inode) === true;
}

/** Notes that a file no longer borrows bytes. Does nothing for a file that has not borrowed any. */
export function returnLoan(inode: Inode): void {
  const { origin, originName } = inode;
  if (!(origin instanceof UpperSource)) return;
  const known = origin.borrowers.get(originName);
  if (known?.delete(inode) && known.size === 0) origin.borrowers.delete(originName);
}

/** The copies that have their bytes under a name of the upper. */
export function borrowersOf(source: UpperSource, name: string): Iterable<Inode> {
  return source.borrowers.get(name) ?? [];
}
