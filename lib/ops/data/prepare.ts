/**
 * Bringing what a read or write needs into memory, whatever the lower does meanwhile.
 *
 *     fill ──┬─ filled ───► read or write
 *            ├─ changed ──► is the file still clean? look at it again, fill again      else ESTALE (C7)
 *            └─ short ────► its size lies (`/proc`): it is read past the cache from now on
 */

import { mayHideChange } from '../../branch/attributes.ts';
import { UPPER } from '../../branch/branch.ts';
import { ESTALE } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import { type Filled, fillForRead, fillForWrite, lacks, lacksForWrite, type Origin } from '../../pages/fill.ts';
import { DOUBTFUL, type File, OWNED_CONTENT, THROUGH } from '../../tree/inode.ts';
import { isVolatile, refresh } from '../../tree/revalidate.ts';
import { pathIn } from '../../tree/sources/source.ts';
import type { Tree } from '../../tree/tree.ts';

/** How often a clean file that changes while it is read is looked at again, before the read fails with ESTALE. */
export const ATTEMPTS = 8;

/** Where the pages of a file come from; undefined when all are in memory. */
export function originOf(file: File): Origin | undefined {
  const { origin, originName } = file;
  if (origin === undefined) return undefined;
  return { branch: origin.branch, path: pathIn(origin, originName), fingerprint: file.extra?.fingerprint ?? file };
}

/**
 * Handles a fill that did not fill: returns if it can be tried again with what the lower has now; throws ESTALE where
 * it is no longer the file (C7).
 */
export function settleFill(io: Io, tree: Tree, file: File, outcome: Filled): void {
  if (outcome === 'short' && (file.state & OWNED_CONTENT) === 0) file.state |= THROUGH;
  else if (file.isOwned || !refresh(io, tree, file)) throw ESTALE;
}

/** Notes if pages that were asked for at a time may be older than the fingerprint shows. */
function noteDoubt(file: File, asked: number): void {
  if (isVolatile(file) && mayHideChange(file, asked)) file.state |= DOUBTFUL;
}

/**
 * Brings what a read of [from, to) needs into memory. The file's size may be another one afterwards, if the lower has
 * changed.
 *
 * @param ahead how many bytes beyond are fetched too, if any must be fetched
 */
export function prepareRead(io: Io, tree: Tree, file: File, from: number, to: number, ahead = 0): void {
  const { clean } = tree.memory;
  if (!lacks(tree.memory, file, from, to)) {
    clean.hits++;
    return;
  }
  for (let attempt = 0; ; attempt++) {
    if (attempt === ATTEMPTS) throw ESTALE;
    if ((file.state & THROUGH) !== 0) return;
    const origin = originOf(file);
    if (origin === undefined) return;
    const { since } = io;
    const outcome = fillForRead(io, tree.memory, file, origin, from, Math.min(to + ahead, file.size));
    if (outcome === 'filled') noteDoubt(file, since);
    else settleFill(io, tree, file, outcome);
    if (!lacks(tree.memory, file, from, to)) break;
  }
  clean.misses++;
}

/** Brings the pages of which a write of [from, to) keeps a part into memory. */
export function prepareWrite(io: Io, tree: Tree, file: File, from: number, to: number): void {
  if (!lacksForWrite(tree.memory, file, from, to)) return;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const origin = originOf(file);
    if (origin === undefined) return;
    const { since } = io;
    const outcome = fillForWrite(io, tree.memory, file, origin, from, to);
    if (outcome === 'filled') {
      noteDoubt(file, since);
      return;
    }
    settleFill(io, tree, file, outcome);
  }
  throw ESTALE;
}

/**
 * Whether the size of a lower file may lie, so that only reading tells its end (`/proc` says 0, `/sys` too much). A
 * rename or new attributes do not change that. The size of a file of the upper is right, since overfs wrote it.
 */
export function mayLie(file: File): boolean {
  const { origin } = file;
  if ((file.state & OWNED_CONTENT) !== 0 || origin === undefined || origin.branch.id === UPPER) return false;
  return file.size === 0 || (file.state & THROUGH) !== 0;
}

/** Finds out whether the size of a file that claims to have content but takes no room lies (`/sys`). */
export function probeSize(io: Io, tree: Tree, file: File): void {
  if (file.size > 0 && file.originBlocks === 0 && (file.state & OWNED_CONTENT) === 0) prepareRead(io, tree, file, 0, 1);
}
