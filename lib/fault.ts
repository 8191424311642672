/**
 * How an operation asks what the tree does not know yet, and what happens while it waits. Read this first.
 *
 * Every operation is one synchronous function over the tree whose first argument is an `Io`. What it must learn from a
 * branch it asks through that. The sync API hands it an `Io` that asks at once. The callback and promise APIs hand it one
 * that may have no answer yet: then the question is sent, the operation is stopped by throwing a `Fault`, and once the
 * answer is there the operation runs again from the top, now finding that answer remembered (Linux's RCU walk restarts for
 * the same reason).
 *
 *     run ──► ask ──► Fault ──► await the branch ──► run again ──► ask: remembered ──► ... ──► commit, result
 *              ▲                                        │
 *              └──────── the next unknown thing ◄───────┘
 *
 * That is safe because an operation asks and checks first and changes the tree last: what has `io` as its first argument
 * may stop and be run again, and changes nothing but caches; what has not cannot stop. No operation is ever seen half
 * done, and no lock is held while anybody waits.
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
  /** Whether answers come at once, so that no operation stops: what is made for an answer is not made in vain. */
  readonly isAtOnce: boolean;
  /** No later than when anything was asked that it has answered: milliseconds since 1970. Of who asks at once: now. */
  readonly since: number;
  lstat(branch: Branch, path: string): Attributes | undefined;
  revalidate(branch: Branch, path: string, remembered: Remembered): typeof SAME | Attributes | undefined;
  list(branch: Branch, path: string): readonly Entry[] | undefined;
  readlink(branch: Branch, path: string): string | undefined;
  /** The bytes are good until the next question is asked: whoever wants them for longer copies them, and nobody changes them. */
  read(branch: Branch, path: string, fingerprint: Fingerprint, offset: number, length: number): Uint8Array | undefined;
  /**
   * Says that an answer contradicts that the file at this path has this fingerprint: if that was the answer before, the next question
   * about it is sent anew.
   * An operation that keeps meeting contradictions (a file that changes faster than it can be looked at) ends in ESTALE.
   */
  doubt(branch: Branch, path: string, fingerprint: Fingerprint): void;
  /** Borrows pages that have the bytes, as `Loans` has it; or gives those as `read` does. */
  borrow(
    branch: Branch,
    loans: Loans,
    path: string,
    fingerprint: Fingerprint,
    offset: number,
    length: number,
  ): Loan | Uint8Array | undefined;
  /**
   * Says that this `read` will be asked soon, or this `borrow` where there are `loans`, so that it can be under way with others. Answers
   * nothing, never stops.
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
   * Asks something for each item, of which none depends on another: where answers come later they come together, and the operation runs
   * again once all are there. Requires: `ask` changes nothing but caches, and does nothing that is to be done once.
   *
   * @param isThere whether an item can be asked about although the run that has found it is over
   */
  each<T, R>(items: readonly T[], ask: (item: T) => R, isThere: (item: T) => boolean): R[];
  /** Reads straight into `target`, as `StraightReads` has it; returns the number of bytes. */
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
  /** Has something done that is no question, once for this call. */
  perform(errand: Errand): void;
  /** Has something done behind the operation: what it gives is given only then, or what that throws instead. Replaces what was to be done. */
  afterwards(errand: Errand, whose: Behind): void;
  /** Makes a change behind which the operation goes on: it is made once for this call, however often that stops. */
  once<R>(change: () => R): R;
}

/** A tree whose operations have something done behind them. */
export interface Behind {
  /**
   * What is to be done behind the synchronous operation that runs; undefined for nothing. Of each tree apart, since a branch that is asked
   * while the operation runs may be an overlay too, with operations of its own. Changed here only.
   */
  behind: Errand | undefined;
}

/** Something to be done, at once or later. */
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
 * Where bytes go that are read at once and copied at once, of all overlays: new memory would cost more than the copy. Undefined while
 * somebody reads into it. Changed by `readToScratch`.
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

/** Does what is to be done behind a synchronous operation that gave `value`. */
export function settleNow<R>(whose: Behind, value: R): R {
  const errand = whose.behind;
  if (errand === undefined) return value;
  whose.behind = undefined;
  errand.now();
  return value;
}

/** Runs an operation until it no longer stops. Throws what it throws; an aborted one is not run again. */
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
 * How many promise calls are answered straight from memory before one ends the turn of the event loop. Without that a loop over
 * data in memory (`while (!ready) await stat(path)`) would keep timers and sockets waiting for ever.
 */
const STRAIGHT = 256;
/** Promise calls so far, of all overlays: they share the event loop. Changed by `runAsync`. */
let answered = 0;

/**
 * Runs an operation for the promise API: at once as far as it goes without a stop, to its end then.
 *
 * @param signal once aborted, the operation is not run again, so nothing changes any more; the promise rejects with the
 *   signal's reason
 * @param left gets what the operation gave where it had come to its end when it was aborted: what is open must be closed again
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
 * Runs an operation for the callback API. `done` is called in a later turn of the event loop, as Node's callbacks are (behind
 * `process.nextTick` and promises, and so that a chain of calls holds nobody up), outside every `try` of ours: what it throws is an
 * uncaught exception.
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
