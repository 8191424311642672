/**
 * Where commands go, and the sending of one.
 */

import type { Branch } from '../../branch/branch.ts';
import type { ActingUppers } from '../../branch/upper/acting.ts';
import { isNotNow, PATIENCE } from '../../branch/upper/not-now.ts';
import type { AsyncUpperRequests, Upper, UpperRequests } from '../../branch/upper/upper.ts';
import { ENOSYS, type Errno, errnoOf } from '../../errno.ts';
import type { Command, Ended } from '../commands.ts';

/** Where commands go. */
export interface Target {
  readonly branch: Branch;
  readonly upper: Upper;
  /** The uppers that act for others; undefined where the upper cannot tell its writers apart. */
  readonly acting: ActingUppers | undefined;
  /** Called for every command before it is carried out. */
  readonly trace: (command: Command) => void;
  /** Waits some milliseconds, at once or later. `now` is undefined where blocking would change nothing. */
  readonly pause: { readonly now: ((ms: number) => void) | undefined; later(ms: number): Promise<void> };
}

/** How long to wait before a command is sent again, in milliseconds; undefined when it has failed for good. */
export function patience(failure: Errno, attempt: number): number | undefined {
  return isNotNow(failure) ? PATIENCE[attempt] : undefined;
}

/** The upper to which a command goes. Throws a bare error where none acts for its author. */
export function upperFor({ upper, acting }: Target, { as }: Command): Upper {
  if (as === undefined) return upper;
  if (acting === undefined) throw ENOSYS;
  return acting.of(as);
}

/** Sends one command; the answer is a promise when the requests are asynchronous. */
export function perform(
  command: Command,
  to: UpperRequests | AsyncUpperRequests | undefined,
  branch: Branch,
  how: 'sync' | 'async',
): unknown {
  if (to === undefined) throw ENOSYS;
  switch (command.kind) {
    case 'mkdir':
      return to.mkdir(command.path, command.mode);
    case 'create':
      return to.create(command.path, command.mode);
    case 'put':
      return put(command, to, branch, how);
    case 'open':
      return to.openForWriting(command.path);
    case 'write':
      return to.write(command.handle, command.bytes, command.position);
    case 'truncate':
      return to.truncate(command.handle, command.size);
    case 'flush':
      return to.flush(command.handle);
    case 'flushAt':
      return to.flushAt(command.path);
    case 'close':
      return to.close(command.handle);
    case 'copy':
      return to.copy(command.from, command.to, command.how);
    case 'rename':
      return to.rename(command.from, command.to);
    case 'unlink':
      return to.unlink(command.path);
    case 'rmdir':
      return to.rmdir(command.path);
    case 'symlink':
      return to.symlink(command.target, command.path);
    case 'link':
      return to.link(command.existing, command.path);
    case 'chmod':
      return to.chmod(command.path, command.mode);
    case 'chown':
      return to.chown(command.path, command.uid, command.gid);
    case 'setTimes':
      return to.setTimes(command.path, command.atime, command.mtime);
    default:
      return ask(command, branch, how);
  }
}

/** Where the upper could not look at what it has open, it is looked at by its path. */
function put(
  command: Extract<Command, { kind: 'put' }>,
  to: UpperRequests | AsyncUpperRequests,
  branch: Branch,
  how: 'sync' | 'async',
): unknown {
  const { path } = command;
  const found = to.put(path, command);
  if (!(found instanceof Promise)) return found ?? ask({ kind: 'lstat', path }, branch, how);
  return found.then((attributes) => attributes ?? ask({ kind: 'lstat', path }, branch, how));
}

/** Sends a command that is carried out later, together with others. */
export async function endOf(send: () => unknown): Promise<Ended> {
  try {
    return { answer: await send() };
  } catch (thrown) {
    return { errno: errnoOf(thrown) };
  }
}

function ask(
  command: Extract<Command, { kind: 'lstat' | 'list' | 'read' }>,
  upper: Branch,
  how: 'sync' | 'async',
): unknown {
  const branch = (command.kind === 'list' ? undefined : command.branch) ?? upper;
  const requests = how === 'async' ? (branch.async ?? branch.sync) : branch.sync;
  if (requests === undefined) throw ENOSYS;
  if (command.kind === 'lstat') return requests.lstat(command.path);
  if (command.kind === 'list') return requests.list(command.path);
  return requests.read(command.path, command.fingerprint, command.offset, command.length);
}
