/** Giving a tree an upper. From then on every change is noted as dirty, and what was changed before is dirty too. */

import { Dirty } from '../tree/changing/dirty.ts';
import { Directory, INSIDE, Inode, OWNED_ATTRIBUTES, OWNED_CONTENT, WHITEOUT } from '../tree/inode.ts';
import type { UpperSource } from '../tree/sources/source.ts';
import { replaceSources, type Tree } from '../tree/tree.ts';

/** Starts to note what the upper does not know. */
export function noteChanges(tree: Tree): void {
  tree.dirty ??= new Dirty();
}

/** Gives an empty upper to a tree that has had none. */
export function attachUpper(tree: Tree, upper: UpperSource): void {
  noteChanges(tree);
  const { dirty, root } = tree;
  if (dirty === undefined) return;
  const directories: Directory[] = [root];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    noteDirectory(dirty, directory, directories);
  }
  // A file that has lost names is not found by its remaining names.
  for (const inode of tree.linked.values()) if (inode.isOwned) dirty.inodes.add(inode);
  upper.layer = { names: new Map(), whiteouts: new Set(), isOpaque: false };
  upper.isMadeForTree = true;
  replaceSources(root, [upper, ...root.sources]);
}

/** Notes what is the overlay's own in one directory, and adds directories below it to `further`. */
function noteDirectory(dirty: Dirty, directory: Directory, further: Directory[]): void {
  if (directory.isOwned) dirty.timed.add(directory);
  // Without sources every name is the overlay's own.
  const names = directory.sources.length === 0 ? directory.names.keys() : (directory.marks?.keys() ?? []);
  for (const name of names) {
    const entry = directory.names.get(name);
    const isOwn = directory.sources.length === 0 || directory.marks?.get(name) !== INSIDE;
    if (isOwn && (entry === WHITEOUT || entry instanceof Inode)) dirty.addName(directory, name);
    if (!(entry instanceof Inode)) continue;
    if ((entry.state & (OWNED_ATTRIBUTES | OWNED_CONTENT)) !== 0) dirty.inodes.add(entry);
    if (entry instanceof Directory) further.push(entry);
  }
}
