/**
 * The root directory. It has no name, so what a lookup does for other directories is done for it here. Its number is
 * always 1.
 */

import { constants } from 'node:fs';
import { type Branch, SAME, UPPER } from '../../branch/branch.ts';
import { isMadeUp } from '../../branch/decorators/graft.ts';
import type { Io } from '../../fault.ts';
import { UNCOUNTED } from '../inode.ts';
import { applyAttributes, update } from '../load.ts';
import { isVolatile } from '../revalidate.ts';
import { setSources, type Tree } from '../tree.ts';
import { rememberBelow } from './below.ts';
import { forgetStranger } from './identity.ts';
import { pathIn, Source, UpperSource } from './source.ts';

const { S_IFMT, S_IFDIR } = constants;

/** A branch, and the directory in it that the root shows. */
export interface Root {
  readonly branch: Branch;
  /** Absolute in the branch, normal. */
  readonly root: string;
}

/** Sets what the root merges, the topmost first. Its attributes are asked for when the root is first used. */
export function setRoots(tree: Tree, roots: readonly Root[]): void {
  setSources(
    tree.root,
    roots.map(({ branch, root }) =>
      branch.id === UPPER ? new UpperSource(branch, root, 0, undefined, '') : new Source(branch, root, 0, 'root'),
    ),
  );
  tree.isRootLoaded = roots.length === 0;
}

/** Gives the root the attributes of the topmost branch. */
export function loadRoot(io: Io, tree: Tree): void {
  const { root } = tree;
  if (tree.mounting !== undefined) io.perform(tree.mounting);
  // A branch that does not know its own root (an object of a few functions) still has files below it.
  const found = root.sources.map((source) => ({ source, attributes: io.lstat(source.branch, source.path) }));
  const telling = found.filter(({ source }) => !(source instanceof UpperSource && source.isMadeForTree));
  const there = telling.filter(({ attributes }) => attributes !== undefined);
  const top = there.find(({ attributes }) => attributes && !isMadeUp(attributes)) ?? there[0];
  // From here on nothing stops or fails.
  tree.isRootLoaded = true;
  for (const { source, attributes } of found) {
    if (attributes !== undefined) tree.numbers.noteRoot(source.branch, attributes.dev);
  }
  if (top?.attributes === undefined || (top.attributes.mode & S_IFMT) !== S_IFDIR) return;
  const { source, attributes } = top;
  const cut = source.path.lastIndexOf('/');
  root.origin = new Source(source.branch, source.path.slice(0, cut) || '/', attributes.dev);
  root.originName = source.path.slice(cut + 1);
  if (source instanceof UpperSource) {
    forgetStranger(tree, attributes);
    rememberBelow(root, attributes, tree.kept.of(Number(attributes.ino)));
  }
  if (root.isOwned) return;
  applyAttributes(tree, root, tree.kept.shown(source, attributes, root.number));
  // The work area does not show, and an upper of which the root is made has one.
  if (source instanceof UpperSource && root.nlink !== UNCOUNTED) root.nlink--;
}

/** Looks again at the root's attributes, if its branch may change. */
export function revalidateRoot(io: Io, tree: Tree): void {
  const { root } = tree;
  const { origin } = root;
  if (origin === undefined || !isVolatile(root)) return;
  const answer = io.revalidate(origin.branch, pathIn(origin, root.originName), root);
  if (answer === SAME || answer === undefined || (answer.mode & S_IFMT) !== S_IFDIR) return;
  // From here on nothing stops or fails.
  update(tree, root, answer);
}
