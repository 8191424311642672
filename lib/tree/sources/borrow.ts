/**
 * Files that have bytes in the upper under a name which is another file's: copies not yet written back. Whoever changes, moves or removes
 * what is under that name finds them here.
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

/** Whether a file has its bytes under a name that is another's. */
export function isBorrower(inode: Inode): boolean {
  const { origin, originName } = inode;
  return origin instanceof UpperSource && origin.borrowers.get(originName)?.has(inode) === true;
}

/** Notes that a file has its bytes elsewhere from now on. Does nothing for one that has not borrowed any. */
export function returnLoan(inode: Inode): void {
  const { origin, originName } = inode;
  if (!(origin instanceof UpperSource)) return;
  const known = origin.borrowers.get(originName);
  if (known?.delete(inode) && known.size === 0) origin.borrowers.delete(originName);
}

/** The files that have bytes under a name of the upper which is not theirs. */
export function borrowersOf(source: UpperSource, name: string): Iterable<Inode> {
  return source.borrowers.get(name) ?? [];
}
