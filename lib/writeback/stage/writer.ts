/** Who writes to the upper, and what all that is written there has in common: bytes that may go in pieces, attributes that may be refused. */

import type { Attributes } from '../../branch/branch.ts';
import type { Author } from '../../branch/upper/acting.ts';
import type { Upper } from '../../branch/upper/upper.ts';
import { EIO, EPERM } from '../../errno.ts';
import { type Command, type Procedure, tell, type Urgency } from '../commands.ts';
import type { TakenAttributes } from '../plan/content.ts';

/** Who writes to the upper: what new files get by themselves, and what the upper can do. */
export interface Writer {
  readonly uid: number;
  readonly gid: number;
  /** The permission bits that what it makes does not get. */
  umask(): number;
  /** It writes to the real disk. */
  readonly isOnDisk: boolean;
  /** Where in the upper its root is. */
  readonly root: string;
  /** Whether others write to the work area beside the overlay itself (W13). */
  readonly company: 'alone' | 'with others';
  readonly can: Upper['can'];
}

/**
 * Gives what is in the upper its owner, mode and times; what only root may give, others leave.
 *
 * @param made how it was made; or how it looks, if it was there before: what it has need not be given
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
  // Another owner may take some of the mode away (chown(2)).
  const isKept = isOwners && before !== undefined && (before.mode & 0o7777) === mode;
  const isNew = made === 'made with its mode' && ((mode ?? 0) & 0o777 & ~writer.umask()) === mode;
  const isMade = mode === undefined || isKept || isNew;
  if (can.chmod && !isMade) yield* tell({ kind: 'chmod', path, mode, urgency });
  if (canSetTimes) yield* tell({ kind: 'setTimes', path, atime, mtime, urgency });
}

/** A command that the upper may refuse to whoever is not root (W8: "owner, where it may"). */
export function* allowed(command: Command): Procedure<'done' | 'refused'> {
  try {
    yield* tell(command);
    return 'done';
  } catch (thrown) {
    if (thrown !== EPERM) throw thrown;
    return 'refused';
  }
}

/** Writes all of `bytes`, going on after a short write (W2). */
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
    // An upper that takes nothing and gives no reason would be asked for ever.
    if (written === 0) throw EIO;
    done += written;
  }
}
