/**
 * Keeping the notes of an upper (`area/notes.ts`): a batch adds those about what it has brought; those about files that
 * the upper has no more are forgotten, or they would fill the memory and the disk. (ext4 soon gives a number again, and
 * the next note about it replaces the old one; tmpfs, btrfs, and overlays never do.)
 *
 *     the batch has settled ──► forgotten in memory ──► ... once that is on stable storage ... ──► forgotten in the file
 */

import type { Attributes } from '../branch/branch.ts';
import { Errno } from '../errno.ts';
import type { Tree } from '../tree/tree.ts';
import { notesOf } from './area/carry-out.ts';
import { addNotes, type Note, type NotesFile } from './area/notes.ts';
import type { Room } from './area/room.ts';
import type { Batch } from './batch.ts';
import type { Procedure } from './commands.ts';
import { newsIn, takeNotes } from './settle.ts';

/** From this many on, notes are forgotten in the file by a batch that has nothing to note. */
const MANY = 512;

/**
 * Adds the notes of a batch.
 *
 * @param past whether everything that was done before this batch is on stable storage: notes about files that it has
 *   removed may go only then, or the files could come back without them after a power cut
 */
export function* addNotesOf(
  { plan: { contents }, steps, failed, cursor, notes, reach }: Batch,
  tree: Tree,
  file: NotesFile | undefined,
  room: Room,
  past: 'stored' | 'not stored',
): Procedure<void> {
  const known = new Map<string, Attributes>();
  for (const { inode, kind, stage, staged } of contents.values()) {
    if (kind === 'whole' && staged !== undefined && !failed.has(inode)) known.set(stage, staged);
  }
  const news = newsIn(tree, yield* notesOf(steps, known, cursor, notes));
  const { gone } = tree.numbers;
  const isTime = past === 'stored' && (news.length > 0 || gone.size >= MANY);
  const old = isTime ? [...gone] : [];
  // What is noted anew about a number counts, since it comes later in the file.
  if (file !== undefined) yield* room.orGive(() => addNotes(file, [...old.map(farewell), ...news], reach));
  for (const ino of old) gone.delete(ino);
  takeNotes(tree, news);
}

/** Forgets in the file, at the unmount, what is forgotten in memory. If that fails, the notes stay, which does no harm. */
export function* forgetInFile({ numbers: { gone } }: Tree, file: NotesFile | undefined): Procedure<void> {
  if (file === undefined || gone.size === 0) return;
  try {
    yield* addNotes(file, [...gone].map(farewell), 'upper');
  } catch (thrown) {
    if (!(thrown instanceof Errno)) throw thrown;
  }
}

/** The note that a file of the upper is no more. */
function farewell(ino: number): Note {
  return { ino, number: 0 };
}

/** Forgets in memory the notes about what the upper has lost by a batch. Requires: the batch has settled. */
export function forgetNotes(tree: Tree, { plan, failed, heldBack }: Pick<Batch, 'plan' | 'failed' | 'heldBack'>): void {
  const { numbers, kept, dirty } = tree;
  const isWhole = failed.size + heldBack.size + plan.draft.unnamed.size === 0;
  for (const number of plan.ended) {
    const left = isWhole ? numbers.forget(number) : 'needed';
    // With the next batch.
    if (left === 'needed') dirty?.ended.add(number);
    else for (const ino of left) kept.note(ino, undefined);
  }
  if (!isWhole) return;
  for (const { inode, kind, staged } of plan.contents.values()) {
    // A new file has taken the place of the one that the upper had before.
    if (kind !== 'whole' || staged === undefined || inode.nlink !== 1) continue;
    for (const ino of numbers.forgetFormer(inode.number, Number(staged.ino))) kept.note(ino, undefined);
  }
}
