/** Which branch each part of a file comes from. */

import type { Branch } from '../branch/branch.ts';
import { dirtyPagesOf } from '../pages/contents.ts';
import { File, type Inode, isDirectory } from '../tree/inode.ts';
import { pathIn } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';

/** A part of a file, or a directory that is merged into one. */
export interface Part {
  /** The first byte of the part; 0 unless it is a regular file. */
  readonly offset: number;
  /** The length of the part in bytes; 0 unless it is a regular file. */
  readonly length: number;
  /** The branch's name; `memory` for what was written here, `hole` for zeros that are stored nowhere. */
  readonly branch: string;
  /**
   * The path in the branch; absent for `memory`, `hole`, and directories that only lead to where a branch appears
   * (`at`).
   */
  readonly path?: string;
}

/** The parts of a file in order, or the sources of a directory, topmost first; anything else has one part. */
export function partsOf(tree: Tree, inode: Inode): Part[] {
  if (isDirectory(inode)) {
    const parts = inode.sources.map(({ branch, path }) => ({ offset: 0, length: 0, ...placeIn(branch, path) }));
    return parts.length === 0 ? [{ offset: 0, length: 0, branch: 'memory' }] : parts;
  }
  const { origin } = inode;
  const below = origin && placeIn(origin.branch, pathIn(origin, inode.originName));
  if (!(inode instanceof File)) return [{ offset: 0, length: 0, ...(below ?? { branch: 'memory' }) }];
  return joined(pageParts(tree, inode, below));
}

interface Where {
  readonly branch: string;
  readonly path?: string;
}

/** A place as the user knows it. */
function placeIn(branch: Branch, path: string): Where {
  const inside = branch.inside === undefined ? path : branch.inside(path);
  return inside === undefined ? { branch: branch.name } : { branch: branch.name, path: inside };
}

/** The parts page by page. The cost grows with what is in memory, not with the length of the file. */
function* pageParts(tree: Tree, file: File, below: Where | undefined): Iterable<Part> {
  const { pageSize } = tree.memory;
  const dirty = Array.from(dirtyPagesOf(file));
  let at = 0;
  for (const [index] of dirty.sort(([one], [other]) => one - other)) {
    const offset = index * pageSize;
    yield* elsewhere(file, below, at, offset);
    at = Math.min(offset + pageSize, file.size);
    yield { offset, length: at - offset, branch: 'memory' };
  }
  yield* elsewhere(file, below, at, file.size);
}

/** What is not in memory between two places: what the origin supplies, and zeros after that. */
function* elsewhere(file: File, below: Where | undefined, from: number, to: number): Iterable<Part> {
  const end = below === undefined ? from : Math.max(from, Math.min(to, file.supplied));
  if (end > from) yield { offset: from, length: end - from, ...(below as Where) };
  if (to > end) yield { offset: end, length: to - end, branch: 'hole' };
}

/** Joins neighbours from the same place. */
function joined(parts: Iterable<Part>): Part[] {
  const result: Part[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (last !== undefined && last.branch === part.branch && last.path === part.path) {
      result[result.length - 1] = { ...last, length: last.length + part.length };
    } else {
      result.push(part);
    }
  }
  return result;
}
