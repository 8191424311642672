/**
 * Coherence with lowers that may change under the overlay: whether what is remembered of a name is still so.
 *
 * It is asked for the last name of a path, if neither the name nor the inode is the overlay's own. The directories on the way
 * are looked at again only when an answer contradicts what is remembered of them.
 */

import { constants } from 'node:fs';
import { type Attributes, SAME } from '../branch/branch.ts';
import type { Io } from '../fault.ts';
import { dropContents } from '../pages/contents.ts';
import { type Directory, File, type Inode, isOwnName, Symlink } from './inode.ts';
import { applyAttributes, load } from './load.ts';
import { pathIn, type Source } from './sources/source.ts';
import { setSources, type Tree } from './tree.ts';

const { S_IFMT, S_IFDIR } = constants;

/** Whether the inode mirrors a lower that may change, so that it must be looked at again. */
export function isVolatile(inode: Inode): boolean {
  return inode.origin !== undefined && !inode.origin.branch.immutable && !inode.isOwned;
}

/** The inode that the name stands for now, which is the remembered one when nothing changed; undefined when it is gone. */
export function revalidate(io: Io, tree: Tree, directory: Directory, name: string, inode: Inode): Inode | undefined {
  const { origin } = inode;
  if (origin === undefined || isOwnName(directory, name)) return inode;
  const path = pathIn(origin, inode.originName);
  if (directory.sources.length > 1 && isHiddenNow(io, directory, name, origin)) {
    return load(io, tree, directory, name);
  }
  const answer = io.revalidate(origin.branch, path, inode);
  if (answer === SAME) return inode;
  if (answer !== undefined && isStill(inode, answer)) {
    // From here on nothing stops or fails.
    update(tree, inode, answer);
    return inode;
  }
  revalidateWay(io, tree, directory);
  return load(io, tree, directory, name);
}

/** Whether a source above the inode's own has got the name meanwhile. */
function isHiddenNow(io: Io, directory: Directory, name: string, origin: Source): boolean {
  for (const source of directory.sources) {
    if (source === origin) return false;
    if (!source.branch.immutable && io.lstat(source.branch, pathIn(source, name)) !== undefined) return true;
  }
  return false;
}

/** Whether the attributes are those of the same file, changed or not. */
function isStill(inode: Inode, attributes: Attributes): boolean {
  return inode.type === (attributes.mode & S_IFMT) && inode.ino === attributes.ino;
}

/** Takes over new attributes of a clean file; what was cached of changed content is dropped. */
export function update(tree: Tree, inode: Inode, attributes: Attributes): void {
  const isChanged =
    inode.size !== attributes.size ||
    inode.mtimeSec !== attributes.mtimeSec ||
    inode.mtimeNsec !== attributes.mtimeNsec;
  if (isChanged) {
    if (inode instanceof File) dropContents(tree.memory, inode);
    else if (inode instanceof Symlink) inode.target = undefined;
  }
  applyAttributes(tree, inode, attributes);
}

/**
 * Looks again at the directories from the root to `directory`, because an answer contradicted what is remembered: a source that
 * is no directory any more is not merged any more.
 */
function revalidateWay(io: Io, tree: Tree, directory: Directory): void {
  const way: Directory[] = [];
  for (let at: Directory | undefined = directory; at !== undefined && at !== tree.root; at = at.parent) way.push(at);
  for (const at of way.reverse()) {
    const left = at.sources.filter(({ branch, path }) => {
      if (branch.immutable) return true;
      const attributes = io.lstat(branch, path);
      return attributes !== undefined && (attributes.mode & S_IFMT) === S_IFDIR;
    });
    if (left.length < at.sources.length) setSources(at, left);
  }
}

/**
 * Looks again at a clean file whose pages could not be filled because it changed below; answers whether it is still there to be
 * read.
 */
export function refresh(io: Io, tree: Tree, file: File): boolean {
  const { origin } = file;
  if (origin === undefined) return false;
  const path = pathIn(origin, file.originName);
  io.doubt(origin.branch, path, file);
  const attributes = io.lstat(origin.branch, path);
  if (attributes === undefined || !isStill(file, attributes)) return false;
  // From here on nothing stops or fails.
  update(tree, file, attributes);
  return true;
}
