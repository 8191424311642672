/**
 * What write-back tells the upper, as data: one door through which everything goes, so that it can be traced, cut short and made to
 * fail in tests, and carried out at once or later by the same code.
 *
 *     a procedure (generator) ── yields a Command ──► the driver carries it out ── gives the answer back ──► the procedure
 */

import type { Attributes, Branch, Entry, Fingerprint } from '../branch/branch.ts';
import { NotLoadedError } from '../branch/decorators/recorded.ts';
import type { Handle } from '../branch/fs-like.ts';
import { Unrest } from '../branch/upper/unrest.ts';
import type { AsyncUpperRequests, Upper, UpperRequests } from '../branch/upper/upper.ts';
import { EAGAIN, EBUSY, ENOSYS, type Errno, errnoOf } from '../errno.ts';

/**
 * How soon the answer must be heeded. `at once`: what is known of the upper is not so from the sending of the command until its answer
 * has been heeded, so that nobody may ask the upper anything in between.
 */
export type Urgency = 'none' | 'at once';

/** One request to the upper, and how urgent it is. */
export type Command = Request & {
  /** Default `none`. */
  readonly urgency?: Urgency;
};

/**
 * One request to the upper; `read` may go to any branch. Paths are absolute in the branch. `kind` is the system call, the rest are its
 * arguments.
 */
type Request =
  | { readonly kind: 'mkdir'; readonly path: string; readonly mode: number }
  | { readonly kind: 'create'; readonly path: string; readonly mode: number }
  | { readonly kind: 'open'; readonly path: string }
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly handle: Handle;
      readonly bytes: Uint8Array;
      readonly position: number;
    }
  | { readonly kind: 'truncate'; readonly path: string; readonly handle: Handle; readonly size: number }
  | { readonly kind: 'flush'; readonly path: string; readonly handle: Handle }
  | { readonly kind: 'close'; readonly path: string; readonly handle: Handle }
  | { readonly kind: 'writeFile'; readonly path: string; readonly bytes: Uint8Array; readonly mode: number }
  | { readonly kind: 'copy'; readonly from: string; readonly to: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rmdir'; readonly path: string }
  | { readonly kind: 'symlink'; readonly target: string; readonly path: string }
  | { readonly kind: 'link'; readonly existing: string; readonly path: string }
  | { readonly kind: 'chmod'; readonly path: string; readonly mode: number }
  | { readonly kind: 'chown'; readonly path: string; readonly uid: number; readonly gid: number }
  | { readonly kind: 'setTimes'; readonly path: string; readonly atime: number; readonly mtime: number }
  | { readonly kind: 'lstat'; readonly path: string }
  | { readonly kind: 'list'; readonly path: string }
  | {
      readonly kind: 'read';
      /** Default: the upper. */
      readonly branch?: Branch;
      readonly path: string;
      readonly fingerprint: Fingerprint;
      readonly offset: number;
      readonly length: number;
    };

/** What a command is answered with. */
interface Answers {
  readonly create: Handle;
  readonly open: Handle;
  readonly write: number;
  readonly lstat: Attributes | undefined;
  readonly list: readonly Entry[] | undefined;
  readonly read: Uint8Array | undefined;
}

/** A procedure: commands one after the other, each answered before the next. */
export type Procedure<R> = Generator<Command, R, unknown>;

type AnswerTo<C extends Command> = C['kind'] extends keyof Answers ? Answers[C['kind']] : undefined;

/** Asks for one command to be carried out. */
export function* tell<C extends Command>(command: C): Generator<Command, AnswerTo<C>, unknown> {
  return (yield command) as AnswerTo<C>;
}

/** Where commands go. */
export interface Target {
  readonly branch: Branch;
  readonly upper: Upper;
  /** Told of every command before it is carried out. */
  readonly trace: (command: Command) => void;
  /** Waits some milliseconds, at once or later. */
  readonly pause: { now(ms: number): void; later(ms: number): Promise<void> };
}

/** How long an upper that says "not now" (EAGAIN, EBUSY) is waited for before each new attempt, in milliseconds (W3). */
const PATIENCE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** How long to wait before a command is tried again; undefined when it has failed for good. */
function patience(failure: Errno, attempt: number): number | undefined {
  return failure === EAGAIN || failure === EBUSY ? PATIENCE[attempt] : undefined;
}

/** Carries a procedure out at once. Throws the bare error that the procedure lets through. */
export function carryOutNow<R>(target: Target, procedure: Procedure<R>): R {
  const { sync } = target.upper;
  let step = procedure.next();
  let attempt = 0;
  while (step.done !== true) {
    let answer: unknown;
    let failure: Errno | undefined;
    try {
      target.trace(step.value);
      if (sync === undefined) throw new NotLoadedError(target.branch, step.value.kind, '');
      answer = perform(step.value, sync, target.branch, 'sync');
    } catch (thrown) {
      if (thrown instanceof NotLoadedError) throw thrown;
      failure = errnoOf(thrown);
    }
    const delay = failure && patience(failure, attempt++);
    if (delay !== undefined) {
      target.pause.now(delay);
      continue;
    }
    attempt = 0;
    step = failure === undefined ? procedure.next(answer) : procedure.throw(failure);
  }
  return step.value;
}

/** Carries a procedure out without blocking. */
export async function carryOutLater<R>(target: Target, procedure: Procedure<R>): Promise<R> {
  const unrest = new Unrest(target.branch);
  try {
    return await carryOut(target, procedure, unrest);
  } finally {
    unrest.end();
  }
}

async function carryOut<R>(target: Target, procedure: Procedure<R>, unrest: Unrest): Promise<R> {
  const { sync } = target.upper;
  const requests = target.upper.async ?? sync;
  let step = procedure.next();
  let attempt = 0;
  while (step.done !== true) {
    let answer: unknown;
    let failure: Errno | undefined;
    try {
      target.trace(step.value);
      if (requests === undefined) throw ENOSYS;
      const isUrgent = step.value.urgency === 'at once';
      if (isUrgent && sync === undefined) unrest.begin();
      if (isUrgent && sync !== undefined) answer = perform(step.value, sync, target.branch, 'sync');
      else answer = await perform(step.value, requests, target.branch, 'async');
      if (isUrgent) unrest.stir();
    } catch (thrown) {
      failure = errnoOf(thrown);
    }
    const delay = failure && patience(failure, attempt++);
    if (delay !== undefined) {
      await target.pause.later(delay);
      continue;
    }
    attempt = 0;
    step = failure === undefined ? procedure.next(answer) : procedure.throw(failure);
  }
  return step.value;
}

/** Sends one command; the answer is a promise when the requests are asynchronous. */
function perform(
  command: Command,
  to: UpperRequests | AsyncUpperRequests,
  branch: Branch,
  how: 'sync' | 'async',
): unknown {
  switch (command.kind) {
    case 'mkdir':
      return to.mkdir(command.path, command.mode);
    case 'create':
      return to.create(command.path, command.mode);
    case 'open':
      return to.openForWriting(command.path);
    case 'write':
      return to.write(command.handle, command.bytes, command.position);
    case 'truncate':
      return to.truncate(command.handle, command.size);
    case 'flush':
      return to.flush(command.handle);
    case 'close':
      return to.close(command.handle);
    case 'writeFile':
      return to.writeFile(command.path, command.bytes, command.mode);
    case 'copy':
      return to.copy(command.from, command.to);
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

function ask(
  command: Extract<Command, { kind: 'lstat' | 'list' | 'read' }>,
  upper: Branch,
  how: 'sync' | 'async',
): unknown {
  const branch = (command.kind === 'read' ? command.branch : undefined) ?? upper;
  const requests = how === 'async' ? (branch.async ?? branch.sync) : branch.sync;
  if (requests === undefined) throw ENOSYS;
  if (command.kind === 'lstat') return requests.lstat(command.path);
  if (command.kind === 'list') return requests.list(command.path);
  return requests.read(command.path, command.fingerprint, command.offset, command.length);
}
