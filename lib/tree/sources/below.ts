/**
 * What a file or link of the upper was in the lowers before write-back brought it to the upper, if its content is still
 * theirs. By this `changes()` tells new attributes from new content once the upper has both. The work area keeps it
 * from mount to mount (`kept.ts`).
 *
 *     chmod /d/f ─► the upper gets all of /d/f, and a note: the content is that of the lowers' /d/f ─► attributes
 *     append     ─► the upper gets all of /d/f, without such a note                                 ─► modified
 *
 * For a directory it only says whether its attributes were set, since its content is its names.
 */

import type { Attributes } from '../../branch/branch.ts';
import { BORN, extraOf, File, type Inode, isDirectory, namesOf, OWNED_ATTRIBUTES, OWNED_CONTENT } from '../inode.ts';
import type { Found } from '../load.ts';
import type { Tree } from '../tree.ts';
import { numberOf } from './identity.ts';
import type { Kept } from './kept.ts';
import { pathIn, UpperSource } from './source.ts';

/** Size and `mtime` of a file, as JSON can hold them. */
type Print = readonly [size: number, mtimeSec: number, mtimeNsec: number];

/** See the file comment. */
export interface Below {
  /** Whether its attributes were set in the overlay, or are those of the lowers. */
  readonly attributes: 'set' | 'theirs';
  /** Where the lowers had it, absolute in the overlay; undefined for a directory. */
  readonly path?: string;
  /** How it looked there; undefined unless it is a regular file. */
  readonly print?: Print;
}

function printOf({ size, mtimeSec, mtimeNsec }: Pick<Attributes, 'size' | 'mtimeSec' | 'mtimeNsec'>): Print {
  return [size, mtimeSec, mtimeNsec];
}

function isPrint([size, mtimeSec, mtimeNsec]: Print, found: Attributes): boolean {
  return size === found.size && mtimeSec === found.mtimeSec && mtimeNsec === found.mtimeNsec;
}

/** Whether attributes of an inode were set here, also in an earlier mount. */
export function isSetHere({ state, extra }: Inode): boolean {
  return (state & OWNED_ATTRIBUTES) !== 0 || extra?.below?.attributes === 'set';
}

/** What to note about an inode that the upper gets, or has; undefined for nothing. */
export function belowOf(tree: Tree, inode: Inode): Below | undefined {
  const { state, origin, originName, extra } = inode;
  if ((state & (BORN | OWNED_CONTENT)) !== 0) return undefined;
  const attributes = isSetHere(inode) ? 'set' : 'theirs';
  if (isDirectory(inode)) return attributes === 'set' ? { attributes } : undefined;
  if (origin === undefined) return undefined;
  if (origin instanceof UpperSource) return extra?.below && { ...extra.below, attributes };
  const isThere = namesOf(inode).some(({ directory: { sources }, name }) => {
    return name === originName && sources.some(({ branch, path }) => branch === origin.branch && path === origin.path);
  });
  // A moved file counts as new where it is.
  if (!isThere) return undefined;
  const root = tree.root.sources.find(({ branch }) => branch === origin.branch)?.path ?? '/';
  const path = pathIn(origin, originName).slice(root === '/' ? 0 : root.length);
  return inode instanceof File
    ? { attributes, path, print: printOf(extra?.fingerprint ?? inode) }
    : { attributes, path };
}

/** Notes what an inode was in the lowers. */
export function noteBelow(inode: Inode, below: Below | undefined): void {
  if (below !== undefined || inode.extra !== undefined) extraOf(inode).below = below;
}

/** The same for what was found in the upper, unless another tool has changed it since. */
export function rememberBelow(inode: Inode, found: Attributes, kept: Kept | undefined): void {
  const { below, as } = kept ?? {};
  if (below !== undefined && (as === undefined || isPrint(as, found))) noteBelow(inode, below);
}

/** A note with how the file looks in the upper, by which a change by another tool is noticed later. */
export function seenAs(below: Below, found: Attributes): Pick<Kept, 'below' | 'as'> {
  return below.path === undefined ? { below } : { below, as: printOf(found) };
}

/** Whether a file or link of the upper has the content of what was found in the lowers at its path. */
export function hasContentOf(tree: Tree, inode: Inode, path: string, name: string, found: Found): boolean {
  const { origin, extra } = inode;
  const below = origin instanceof UpperSource ? extra?.below : undefined;
  if (below?.path === undefined || (below.print !== undefined && !isPrint(below.print, found.attributes))) return false;
  // Or it was found by another name of the same file.
  return below.path === path || (found.attributes.nlink > 1 && numberOf(tree, name, found) === inode.number);
}
