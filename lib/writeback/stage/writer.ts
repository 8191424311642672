/**
 * The process as it writes to the upper, and what all writing has in common: writes may be short, and attributes may be
 * refused.
 */

import type { Attributes } from '../../branch/branch.ts';
import type { Author } from '../../branch/upper/acting.ts';
import type { Upper } from '../../branch/upper/upper.ts';
import { EIO, EPERM } from '../../errno.ts';
import { type Command, type Procedure, tell, type Urgency } from '../commands.ts';
import type { TakenAttributes } from '../plan/content.ts';

/** The process as it writes to the upper: what new files get by themselves, and what the upper can do. */
export interface Writer {
  readonly uid: number;
  readonly gid: number;
  /** The permission bits that new files do not get. */
  umask(): number;
  /** The upper is on the real disk. */
  readonly isOnDisk: boolean;
  /** The root of the upper in its branch. */
  readonly root: string;
  /** Whether other authors write to the work area too (W13). */
  readonly company: 'alone' | 'with others';
  readonly can: Upper['can'];
}

/**
 * Sets owner, mode and times of something in the upper; an owner that only root may set is left out for others.
 *
 * @param made how it was made; or its attributes, if it was there before: those that are right already are not set
 */
export function* giveAttributes(
  path: string,
  { mode, uid, gid, atime, mtime }: TakenAttributes,
  writer: Writer,
  made: 'made with its mode' | 'made by copying' | 'made for others' | Attributes,
): Procedure<void> {
  const { can } = writer;
  const [canChown, canSetTimes] =
    mode === undefined ? [can.chownLinks, can.setTimesOfLinks] : [can.chown, can.setTimes];
  const before = typeof made === 'object' ? made : undefined;
  const urgency: Urgency = before === undefined ? 'none' : 'at once';
  const owner = made === 'made for others' ? undefined : (before ?? writer);
  const isOwners = uid === owner?.uid && gid === owner.gid;
  if (canChown && !isOwners) yield* allowed({ kind: 'chown', path, uid, gid, urgency });
  // A change of owner may clear bits of the mode (chown(2)).
  const isKept = isOwners && before !== undefined && (before.mode & 0o7777) === mode;
  const isNew = made === 'made with its mode' && ((mode ?? 0) & 0o777 & ~writer.umask()) === mode;
  const isMade = mode === undefined || isKept || isNew;
  if (can.chmod && !isMade) yield* tell({ kind: 'chmod', path, mode, urgency });
  if (canSetTimes) yield* tell({ kind: 'setTimes', path, atime, mtime, urgency });
}

/** Carries out a command that the upper may refuse to a process that is not root (W8: "owner (where it may)"). */
export function* allowed(command: Command): Procedure<'done' | 'refused'> {
  try {
    yield* tell(command);
    return 'done';
  } catch (thrown) {
    if (thrown !== EPERM) throw thrown;
    return 'refused';
  }
}

/** Writes all of `bytes`, and continues after a short write (W2). */
export function* writeAll(
  path: string,
  handle: unknown,
  bytes: Uint8Array,
  position: number,
  urgency: Urgency = 'none',
  as?: Author,
): Procedure<void> {
  const who = as === undefined ? undefined : { as };
  let done = 0;
  while (done < bytes.length) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    const written = yield* tell({
      kind: 'write',
      path,
      handle,
      bytes: rest,
      position: position + done,
      urgency,
      ...who,
    });
    // Otherwise an upper that takes nothing and gives no reason would be asked for ever.
    if (written === 0) throw EIO;
    done += written;
  }
}
