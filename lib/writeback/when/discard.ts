/**
 * Giving up what the upper has refused (`onError: 'discard'`): a file whose content could not be written is again what the upper has of it,
 * or a lower; one that neither has goes. Who has it open reads that from then on.
 *
 * Only the content and attributes of that file are lost. Where nothing of a batch could be written it is nobody's fault in particular, and
 * all of it stays dirty.
 */

import type { Attributes } from '../../branch/branch.ts';
import { printOf } from '../../branch/dialect.ts';
import { dropContents } from '../../pages/contents.ts';
import {
  BORN,
  CHARGED,
  extraOf,
  File,
  type Inode,
  isSymlink,
  namesOf,
  OWNED_ATTRIBUTES,
  OWNED_CONTENT,
} from '../../tree/inode.ts';
import { applyAttributes } from '../../tree/load.ts';
import { endIfUnused } from '../../tree/names.ts';
import { returnLoan } from '../../tree/sources/borrow.ts';
import { pathIn, type Source } from '../../tree/sources/source.ts';
import { noteMove, type Tree } from '../../tree/tree.ts';
import { type Procedure, tell } from '../commands.ts';
import { placeOf, upperOf } from '../places.ts';

/** Gives up what is dirty of a file or link. */
export function* discard(tree: Tree, inode: Inode): Procedure<void> {
  if (inode.nlink === 0 || !(inode instanceof File || isSymlink(inode))) return;
  const { origin, originName } = inode;
  const isNew = origin === undefined || (placeOf(inode) === undefined && (inode.state & BORN) !== 0);
  const path = origin === undefined ? '' : pathIn(origin, originName);
  const found = isNew ? undefined : yield* tell({ kind: 'lstat', branch: origin.branch, path });
  // From here on nothing stops or fails.
  if (inode instanceof File && origin !== undefined && found !== undefined) readAgain(tree, inode, origin, found);
  else vanish(tree, inode);
  const { dirty } = tree;
  for (const all of [dirty?.inodes, dirty?.timed, dirty?.truncated, dirty?.replaced]) all?.delete(inode);
  for (const { directory, name } of namesOf(inode)) tree.onChange?.({ kind: 'change', directory, name, inode });
}

/** Makes a file what its origin has. */
function readAgain(tree: Tree, file: File, origin: Source, found: Attributes): void {
  const { nlink } = file;
  dropContents(tree.memory, file);
  applyAttributes(tree, file, tree.kept.shown(origin, found, file.number));
  file.nlink = nlink;
  if (placeOf(file) === undefined) file.state &= ~(OWNED_ATTRIBUTES | OWNED_CONTENT);
  if (file.isOwned) extraOf(file).fingerprint = printOf(found);
  else {
    tree.claimed.delete(file.number);
    if (file.extra !== undefined) file.extra.fingerprint = undefined;
    if ((file.state & CHARGED) !== 0) tree.memory.quota.giveBackInode();
    file.state &= ~CHARGED;
  }
}

/** Ends a file that neither the upper nor a lower has: its names show what those have there. */
function vanish(tree: Tree, inode: Inode): void {
  noteMove(tree, inode);
  for (const { directory, name } of namesOf(inode)) {
    directory.names.delete(name);
    directory.marks?.delete(name);
    directory.listing = undefined;
    if (directory.sources.length > 0) directory.complete = false;
    // What was there before, and has ended here meanwhile, is loaded anew.
    upperOf(directory)?.held.delete(name);
    const names = tree.dirty?.names.get(directory);
    if (names?.delete(name) && names.size === 0) tree.dirty?.names.delete(directory);
    tree.onChange?.({ kind: 'rename', directory, name, inode });
  }
  inode.parent = undefined;
  if (inode.extra !== undefined) inode.extra.links = [];
  inode.nlink = 0;
  if (inode instanceof File) {
    dropContents(tree.memory, inode);
    inode.supplied = 0;
    inode.size = 0;
  }
  returnLoan(inode);
  inode.origin = undefined;
  endIfUnused(tree, inode);
}
