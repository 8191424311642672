/**
 * Staging everything that a plan brings to the upper: new directories, then contents, each of which may fail by itself.
 */

import type { Errno } from '../../errno.ts';
import type { Inode } from '../../tree/inode.ts';
import type { Tree } from '../../tree/tree.ts';
import { removeFile } from '../area/files.ts';
import { type Procedure, tell } from '../commands.ts';
import { shownPathOf } from '../errors.ts';
import { hasGone } from '../plan/content.ts';
import type { Plan } from '../plan/plan.ts';
import type { Manner, Reach } from '../report.ts';
import { groupsOf, stageGroup } from './small.ts';
import type { Writer } from './writer.ts';

/** How and where to stage. */
interface Staging {
  readonly tree: Tree;
  /** The path of the staging directory. */
  readonly directory: string;
  readonly writer: Writer;
  readonly reach: Reach;
  readonly manner: Manner;
  /** How many bytes of these contents the upper has got so far. */
  written(): number;
}

/** Thrown where a planned content has ended meanwhile, and its bytes with it, so that a new plan must be made. */
export class Outdated extends Error {}

/** Stages a plan; answers the inodes whose content could not be written, and notes the errors in `failed`. */
export function* stageAll(taken: Plan, staging: Staging, failed: Map<Inode, Errno>): Procedure<Inode[]> {
  const { tree, directory, writer, reach, manner, written } = staging;
  const total = taken.contents.size;
  const lost: Inode[] = [];
  let done = 0;
  for (const [{ mode }, stage] of taken.stages) {
    // Open to its owner until it is complete; its own mode comes last.
    yield* tell({ kind: 'mkdir', path: `${directory}/${stage}`, mode: 0o700 | (mode & 0o777) });
  }
  for (const group of groupsOf(tree.memory, taken.contents.values(), writer)) {
    manner.signal?.throwIfAborted();
    const errnos = yield* stageGroup(tree.memory, group, directory, writer, reach);
    for (const content of group.contents) {
      const errno = errnos.get(content);
      if (errno !== undefined) {
        if (hasGone(tree, content)) throw new Outdated();
        failed.set(content.inode, errno);
        lost.push(content.inode);
        // It may have failed at its flush, when it was complete: the journal must not ask for what is removed here.
        content.staged = undefined;
        // A directory that gets its place as a whole must not hold an incomplete file.
        yield* removeFile(`${directory}/${content.stage}`, 'none');
      }
      done++;
      manner.onProgress?.({ done, total, bytes: written(), path: shownPathOf(tree, content.inode) });
    }
  }
  return lost;
}
