/**
 * What a decided batch leaves out, since the upper refuses it for good: a directory there is somebody else's, or somebody has taken it away.
 * It is that file's fault only. All else goes on, and what is left out is told and dirty again, for the next write-back.
 *
 *     a new file, pages, attributes      stay dirty
 *     a whiteout, a removal              the name stays dirty, and hides what the upper has there still
 *     the times of a directory           wait for the next write-back that has a reason, or for the close
 *     what was moved out of the way      goes back to where it was, so that nothing that was safe is only in the staging directory
 *
 * Where it cannot go back (its old name is to be another's, or has gone with its directory) nothing is left out: the batch stays decided, and
 * is tried again.
 */

import type { Errno } from '../errno.ts';
import { markName } from '../tree/changing/own.ts';
import { BORN, type Directory, HIDES, Inode, isDirectory, OWNED_ATTRIBUTES, WHITEOUT } from '../tree/inode.ts';
import type { UpperSource } from '../tree/sources/source.ts';
import type { Batch } from './batch.ts';
import { isRead, noteMove, upperOf } from './places.ts';
import type { DraftMove } from './plan/draft.ts';
import type { Plan } from './plan/plan.ts';
import { isGivenAway, moveTo } from './plan/steps.ts';

/** Whether all else can go on without a step, and where what it was to give a name has to go back to first. */
export type Leave = 'needed' | { readonly backTo: string | undefined };

const AS_IT_IS: Leave = { backTo: undefined };

/** See `Leave`. */
export function mayLeave(batch: Batch, index: number): Leave {
  const drawn = batch.drafted.steps[index];
  if (drawn === undefined) return 'needed';
  const { step, item } = drawn;
  // A directory without its mark would show what it hides.
  const marked = step.kind === 'mark' ? item?.want : undefined;
  if (marked !== undefined && !batch.failed.has(marked)) return 'needed';
  const move = moveFor(batch, index);
  if (move === undefined) return AS_IT_IS;
  return isAlone(batch, move) ? { backTo: move.from } : 'needed';
}

/** The move that has taken what a step gives a name. */
function moveFor({ drafted }: Batch, index: number): DraftMove | undefined {
  const step = drafted.steps[index]?.step;
  if (step?.kind !== 'place' || step.number !== undefined) return undefined;
  return moveTo(step.stage, drafted.moves);
}

/** Whether a step makes no sense any more, since what it is about was left out. */
export function isIdle({ drafted, failed, cursor }: Batch, index: number): boolean {
  const { step, item, needs } = drafted.steps[index] ?? {};
  // What could not get its name is not what has that.
  if (step?.kind === 'attributes' && needs !== undefined && failed.has(needs)) return true;
  // The whiteout stays as long as what is to come instead does not.
  return cursor.leftOut.has(index) || (step?.kind === 'unmark' && item?.want !== undefined && failed.has(item.want));
}

/** Whether something may stay under its old name: no other is to have that, nor moves what it lies in, nor what lies in it. */
function isAlone({ moves, steps }: Batch, { from }: DraftMove): boolean {
  if (isGivenAway(from, steps)) return false;
  return moves.every((other) => !other.from.startsWith(`${from}/`) && !from.startsWith(`${other.from}/`));
}

/** Notes that something is back under its old name. */
export function noteBack(batch: Batch, stage: UpperSource, index: number): void {
  const move = moveFor(batch, index);
  if (move === undefined) return;
  const { source, name, kept } = move;
  noteMove(stage, move.stage, source, name);
  if (kept !== undefined) source.layer?.names.set(name, kept.type);
  hideStill(batch, move);
}

/** The name from which something was to be taken stays dirty, and goes on hiding it. */
function hideStill({ plan, open }: Batch, { source, name }: DraftMove): void {
  const item = plan.items.find((each) => each.name === name && upperOf(each.directory) === source);
  if (item === undefined) return;
  const { directory } = item;
  open.add(item);
  if (directory.names.get(name) instanceof Inode) return;
  directory.names.set(name, WHITEOUT);
  directory.listing = undefined;
  markName(directory, name, HIDES);
}

/** Notes that a move is left out, unless all else cannot go on then; answers whose name could not be changed because of that. */
export function leaveMove(batch: Batch, index: number, errno: Errno): Inode[] | 'needed' {
  const move = batch.drafted.moves[index];
  if (move === undefined) return 'needed';
  const { kept, wanted, stage, source, name } = move;
  if (kept !== undefined && !isAlone(batch, move)) return 'needed';
  // Who has it open, or a copy that has its bytes there, would lose it to what gets its name.
  if (isRead(source, name) && isGivenAway(move.from, batch.steps)) return 'needed';
  hideStill(batch, move);
  for (const [at, { step }] of batch.drafted.steps.entries()) {
    if (step.kind === 'place' && step.stage === stage) batch.cursor.leftOut.add(at);
  }
  if (kept !== undefined) return fail(batch, [kept], errno);
  if (wanted === undefined) noteName(batch, move, errno);
  return [];
}

function noteName({ plan, refusedNames }: Batch, { source, name }: DraftMove, errno: Errno): void {
  const item = plan.items.find((each) => each.name === name && upperOf(each.directory) === source);
  if (item !== undefined) refusedNames.set(item, errno);
}

/** Notes that a step is left out; answers which files have not got there because of that. */
export function leaveStep(batch: Batch, index: number, errno: Errno): Inode[] {
  const { plan, drafted, cursor, open, refusedNames, untimed } = batch;
  const drawn = drafted.steps[index];
  if (drawn === undefined) return [];
  cursor.leftOut.add(index);
  const { step, needs, item, inner } = drawn;
  if (step.kind === 'attributes' && needs !== undefined && isDirectory(needs) && !isAsked(plan, needs)) {
    untimed.add(needs);
    return [];
  }
  if (needs !== undefined) {
    const within = inner.flatMap(({ want }) => (want === undefined ? [] : [want]));
    return fail(batch, [needs, ...within], errno);
  }
  if (item !== undefined) {
    open.add(item);
    if (item.want === undefined) refusedNames.set(item, errno);
  }
  return [];
}

/** Whether more is to be set of a directory than its times, which change with its names: nobody has asked for those. */
function isAsked({ inodes, stages }: Plan, directory: Directory): boolean {
  const isSet = (directory.state & (BORN | OWNED_ATTRIBUTES)) !== 0;
  return stages.has(directory) || (isSet && inodes.has(directory));
}

/** Says of files that they have not arrived; answers of which that was not known. */
function fail({ failed }: Batch, inodes: readonly Inode[], errno: Errno): Inode[] {
  const news = inodes.filter((inode) => !failed.has(inode));
  for (const inode of news) failed.set(inode, errno);
  return news;
}
