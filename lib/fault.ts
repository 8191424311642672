/**
 * How an operation asks what the tree does not know yet, and what happens while it waits. Read this first.
 *
 * Every operation is one synchronous function over the tree whose first argument is an `Io`, through which it asks what
 * it must learn from a branch. The sync API hands it an `Io` that asks at once. The callback and promise APIs hand it
 * one that may have no answer yet: then the question is sent, and the operation is stopped by throwing a `Fault`. Once
 * the answer is there, the operation runs again from the top and finds the answer remembered (Linux's RCU walk restarts
 * for the same reason).
 *
 *     run ──► ask ──► Fault ──► await the branch ──► run again ──► ask: remembered ──► ... ──► commit, result
 *              ▲                                        │
 *              └──────── the next unknown thing ◄───────┘
 *
 * That is safe because an operation asks and checks first and changes the tree last. A function with `io` as its first
 * argument may stop and be run again, and changes nothing but caches; a function without it cannot stop. So no
 * operation is ever seen half done, and no lock is held while anything waits.
 */

import { AsyncIo } from './asking/async-io.ts';
import { heardAtOnce } from './asking/looks.ts';
import {
  type Attributes,
  type Branch,
  type Entry,
  type Fingerprint,
  type Loan,
  type Loans,
  type Remembered,
  type Requests,
  SAME,
  type Space,
  type StraightReads,
} from './branch/branch.ts';
import { mostBytes } from './branch/dialect.ts';
import { NotLoadedError } from './branch/errors.ts';
import { inNextTurn, nextTurn } from './node/turns.ts';
import { untilAborted } from './waiting/aborts.ts';
import { Fault } from './waiting/questions.ts';

/** The one way to ask a branch: each method is the question of the same name in `Requests`. */
export interface Io {
  /** Whether answers come at once, so that no operation stops. Then a buffer made for an answer is not made in vain. */
  readonly isAtOnce: boolean;
  /**
   * A time at or before the first question that this call has asked, in milliseconds since 1970; now, where answers
   * come at once.
   */
  readonly since: number;
  lstat(branch: Branch, path: string): Attributes | undefined;
  revalidate(branch: Branch, path: string, remembered: Remembered): typeof SAME | Attributes | undefined;
  list(branch: Branch, path: string): readonly Entry[] | undefined;
  readlink(branch: Branch, path: string): string | undefined;
  /**
   * The bytes are valid until the next question is asked, and must not be changed. Whoever needs them for longer copies
   * them.
   */
  read(branch: Branch, path: string, fingerprint: Fingerprint, offset: number, length: number): Uint8Array | undefined;
  /**
   * Says that the file at this path cannot have this fingerprint any more. If the remembered answer says that it has,
   * the next question about it is sent anew. An operation that keeps meeting contradictions (a file that changes faster
   * than it can be looked at) ends in ESTALE.
   */
  doubt(branch: Branch, path: string, fingerprint: Fingerprint): void;
  /** Borrows pages that hold the bytes, as `Loans` says, or gives the bytes as `read` does. */
  borrow(
    branch: Branch,
    loans: Loans,
    path: string,
    fingerprint: Fingerprint,
    offset: number,
    length: number,
  ): Loan | Uint8Array | undefined;
  /**
   * Announces a `read`, or a `borrow` where there are `loans`, so that it can be under way together with others.
   * Answers nothing and never stops.
   */
  expectRead(
    branch: Branch,
    loans: Loans | undefined,
    path: string,
    fingerprint: Fingerprint,
    offset: number,
    length: number,
  ): void;
  /**
   * Asks about each item. The questions do not depend on each other, so where answers come later they come together,
   * and the operation runs again once all are there. Requires: `ask` changes nothing but caches, and can be repeated.
   *
   * @param isThere whether an item can still be asked about after the run that found it has ended
   */
  each<T, R>(items: readonly T[], ask: (item: T) => R, isThere: (item: T) => boolean): R[];
  /** Reads straight into `target`, as `StraightReads` says; returns the number of bytes. */
  readStraight(
    branch: Branch,
    straight: StraightReads,
    path: string,
    fingerprint: Fingerprint,
    offset: number,
    target: Uint8Array,
  ): number | undefined;
  statfs(branch: Branch, path: string): Space | undefined;
  openThrough(branch: Branch, path: string, flags: number): number;
  readThrough(branch: Branch, handle: number, target: Uint8Array, position: number): number;
  writeThrough(branch: Branch, handle: number, source: Uint8Array, position: number): number;
  /** Has an errand done, once for this call; stops until it is done. */
  perform(errand: Errand): void;
  /**
   * Has an errand done behind the operation. The call gives its result only after that, or throws what the errand
   * throws. Replaces an earlier errand.
   */
  afterwards(errand: Errand, whose: Behind): void;
  /** Makes a change in the middle of an operation, once for this call, however often it stops afterwards. */
  once<R>(change: () => R): R;
}

/** A tree whose operations can have an errand done behind them. */
export interface Behind {
  /**
   * The errand behind the synchronous operation that is running; undefined where there is none. Each tree has its own,
   * since a branch that the operation asks may be an overlay too, with operations of its own. Changed in this file
   * only.
   */
  behind: Errand | undefined;
}

/** Something that takes time and is not a question to a branch, done at once or later. */
export interface Errand {
  /** Tells it from other errands of the same call. */
  readonly key: string;
  now(): void;
  later(): Promise<void>;
}

function now(branch: Branch, question: keyof Requests, path: string): Requests {
  if (branch.sync === undefined) throw new NotLoadedError(branch, question, path);
  return branch.sync;
}

/** The smallest scratch buffer, and the largest that is kept. */
const SCRATCH_LEAST = 64 * 1024;
const SCRATCH_MOST = 1024 * 1024;
/**
 * Where bytes go that are read at once and copied at once, shared by all overlays: new memory would cost more than the
 * copy. Undefined while it is in use. Changed by `readToScratch`.
 */
let scratch: Buffer | undefined;

function readToScratch(
  straight: StraightReads,
  path: string,
  fingerprint: Fingerprint,
  offset: number,
  length: number,
): Uint8Array | undefined {
  const wanted = mostBytes(fingerprint, offset, length);
  const buffer =
    scratch !== undefined && scratch.length >= wanted
      ? scratch
      : Buffer.allocUnsafeSlow(Math.max(wanted, SCRATCH_LEAST));
  scratch = undefined;
  const count = straight.now(path, fingerprint, offset, buffer.length === wanted ? buffer : buffer.subarray(0, wanted));
  if (buffer.length <= SCRATCH_MOST) scratch = buffer;
  return count === undefined ? undefined : buffer.subarray(0, count);
}

/** Asks at once: for the synchronous API. */
export const syncIo: Io = {
  isAtOnce: true,
  get since() {
    return Date.now();
  },
  lstat: (branch, path) => {
    const answer = now(branch, 'lstat', path).lstat(path);
    heardAtOnce(branch, path, answer);
    return answer;
  },
  revalidate: (branch, path, remembered) => {
    const answer = now(branch, 'revalidate', path).revalidate(path, remembered);
    if (answer !== SAME) heardAtOnce(branch, path, answer);
    return answer;
  },
  list: (branch, path) => now(branch, 'list', path).list(path),
  readlink: (branch, path) => now(branch, 'readlink', path).readlink(path),
  read: (branch, path, fingerprint, offset, length) =>
    branch.straight === undefined
      ? now(branch, 'read', path).read(path, fingerprint, offset, length)
      : readToScratch(branch.straight, path, fingerprint, offset, length),
  borrow: (_branch, loans, path, _fingerprint, offset, length) => loans.now(path, offset, length),
  readStraight: (_branch, straight, path, fingerprint, offset, target) =>
    straight.now(path, fingerprint, offset, target),
  expectRead: () => {},
  each: (items, ask) => items.map((item) => ask(item)),
  doubt: () => {},
  statfs: (branch, path) => now(branch, 'statfs', path).statfs(path),
  openThrough: (branch, path, flags) => now(branch, 'openThrough', path).openThrough(path, flags),
  readThrough: (branch, handle, target, position) =>
    now(branch, 'readThrough', '').readThrough(handle, target, position),
  writeThrough: (branch, handle, source, position) =>
    now(branch, 'writeThrough', '').writeThrough(handle, source, position),
  perform: (errand) => errand.now(),
  once: (change) => change(),
  afterwards: (errand, whose) => {
    whose.behind = errand;
  },
};

/** Runs an operation on a tree for the synchronous API. */
export function runSync<R>(whose: Behind, operation: (io: Io) => R): R {
  whose.behind = undefined;
  return settleNow(whose, operation(syncIo));
}

/** Does the errand behind a synchronous operation that gave `value`. */
export function settleNow<R>(whose: Behind, value: R): R {
  const errand = whose.behind;
  if (errand === undefined) return value;
  whose.behind = undefined;
  errand.now();
  return value;
}

/** Runs an operation until it no longer stops. Throws what it throws; an aborted operation is not run again. */
async function resume<R>(
  operation: (io: Io) => R,
  io: AsyncIo,
  first: Fault,
  signal: AbortSignal | undefined,
  left?: (value: R) => void,
): Promise<R> {
  let fault = first;
  for (;;) {
    await (signal === undefined ? fault.until : untilAborted(fault.until, signal));
    if (signal?.aborted) {
      if (left !== undefined) io.leave(left);
      io.giveUp();
      throw signal.reason;
    }
    const outcome = io.run(operation);
    if (!(outcome instanceof Fault)) return outcome;
    fault = outcome;
  }
}

/**
 * How many promise calls are answered straight from memory before one waits for the next turn of the event loop.
 * Otherwise a loop over data in memory (`while (!ready) await stat(path)`) would keep timers and sockets waiting for
 * ever.
 */
const STRAIGHT = 256;
/** How many promise calls were answered so, by all overlays, since they share the event loop. Changed by `runAsync`. */
let answered = 0;

/**
 * Runs an operation for the promise API: at once as far as it goes without a stop, then until it ends.
 *
 * @param signal once aborted, the operation is not run again, so nothing changes any more; the promise rejects with the
 *   signal's reason
 * @param left is given the result of an operation that had ended before it was aborted, so that what it opened can be
 *   closed
 */
export async function runAsync<R>(
  operation: (io: Io) => R,
  signal?: AbortSignal,
  left?: (value: R) => void,
): Promise<R> {
  const io = new AsyncIo(syncIo);
  const outcome = io.run(operation);
  if (outcome instanceof Fault) return resume(operation, io, outcome, signal, left);
  if (++answered % STRAIGHT === 0) await nextTurn();
  return outcome;
}

/**
 * Runs an operation for the callback API. `done` is called in a later turn of the event loop, as Node's callbacks are:
 * after `process.nextTick` and promises, so that a chain of calls does not block the loop, and outside every `try` of
 * overfs, so that what it throws is an uncaught exception.
 */
export function runCallback<R>(operation: (io: Io) => R, done: (thrown: unknown, value?: R) => void): void {
  const io = new AsyncIo(syncIo);
  let outcome: R | Fault;
  try {
    outcome = io.run(operation);
  } catch (thrown) {
    inNextTurn(done, thrown);
    return;
  }
  if (outcome instanceof Fault) {
    resume(operation, io, outcome, undefined).then(
      (late) => inNextTurn(done, undefined, late),
      (error) => inNextTurn(done, error),
    );
  } else {
    inNextTurn(done, undefined, outcome);
  }
}
