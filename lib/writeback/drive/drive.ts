/**
 * Carrying out a procedure: at once, or later, or later until a synchronous call takes it over.
 *
 *     procedure ── Command ──► the upper ── answer ──► procedure ── Command ──► ... ──► its result
 *                                 │
 *                                 └ under way at the take-over: a straggler. It cannot be known whether it has acted
 *                                   already, nor be waited for without letting the event loop go on
 *
 * A straggler does no harm whenever it acts, or if it never does: commands that would do harm are sent at once
 * (`Urgency`), so they cannot be under way. A procedure that can be continued is taken over by sending the same command
 * once more. One that cannot (a file is being written through a handle) is given up: what it holds open is closed, and
 * it is begun again with other names. Only a handle that a straggler uses stays open until that has come back.
 */

import { NotLoadedError } from '../../branch/errors.ts';
import { isNotNow, StillOpen } from '../../branch/upper/not-now.ts';
import { stir, Unrest } from '../../branch/upper/unrest.ts';
import { EBADF, EBUSY, type Errno, errnoOf } from '../../errno.ts';
import { nextTurn } from '../../node/turns.ts';
import type { Command, Ended, Procedure, Together } from '../commands.ts';
import { endOf, patience, perform, type Target, upperFor } from './perform.ts';

/** Thrown into a procedure that is given up, and by its `later`. */
export class GivenUp extends Error {}

type Close = Extract<Command, { kind: 'close' }>;

/** The end of a command of which nothing is known. */
const NOTHING: Ended = { answer: undefined };

/** How a procedure has ended. */
type Outcome<R> = { readonly value: R } | { readonly thrown: unknown };

/** After how many commands that are done at once the event loop gets a turn. */
const TURN = 32;

/** One procedure that is carried out. */
export class Drive<R> {
  readonly #target: Target;
  readonly #procedure: Procedure<R>;
  /** What the procedure wants now; undefined once it has ended. Changed by `#advance`. */
  #command: Command | Together | undefined;
  /** How often the upper has said "not now" to the command. Changed by `#heed` and `#advance`. */
  #attempt = 0;
  /** The command that is under way; `settled` never rejects. Changed by `#unlessWoken` and `#tellLater`. */
  #straggler: { readonly command: Command | Together; readonly settled: Promise<unknown> } | undefined;
  /** Wakes `later` from its wait; undefined while it does not wait. Changed by `#unlessWoken`. */
  #wake: (() => void) | undefined;
  /**
   * The procedure runs, or a command is being carried out at once; it cannot be taken over from within. Changed by
   * `#advance` and `#tellNow`.
   */
  #isBusy = false;
  /** Set once. */
  #outcome: Outcome<R> | undefined;

  constructor(target: Target, procedure: Procedure<R>) {
    this.#target = target;
    this.#procedure = procedure;
    this.#advance(() => procedure.next());
  }

  /**
   * Carries out what is left, at once. Throws what the procedure throws; EBUSY from within a command; a
   * `NotLoadedError` where the upper has no synchronous functions.
   */
  now(): R {
    if (this.#isBusy) throw EBUSY;
    while (this.#command !== undefined) this.#tellNow(this.#command);
    this.#wake?.();
    return this.#result();
  }

  /** Carries it out without blocking. Throws what the procedure throws; `GivenUp` where it was given up. */
  async later(): Promise<R> {
    const unrest = new Unrest(this.#target.branch);
    let atOnce = 0;
    try {
      while (this.#command !== undefined) {
        const { kind } = this.#command;
        const how = await this.#tellLater(this.#command, unrest);
        if (how === 'at once' && (++atOnce % TURN === 0 || kind === 'together')) await nextTurn();
      }
    } finally {
      unrest.end();
    }
    return this.#result();
  }

  /** Whether it may be taken over or given up: the command under way, if there is one, may act at any time. */
  get isFree(): boolean {
    return !this.#isBusy && isHarmless(this.#straggler?.command);
  }

  /**
   * Ends it where it stands; resolves when the command that was under way has come back. Requires: `isFree`; a
   * procedure that is given up only closes what it has opened.
   */
  async giveUp(): Promise<void> {
    if (this.#outcome !== undefined) return;
    const straggler = this.#straggler;
    const closes: Close[] = [];
    // The `close` was to be sent, or sent again.
    if (straggler === undefined && this.#command?.kind === 'close') closes.push(this.#command);
    this.#advance(() => this.#procedure.throw(new GivenUp()));
    while (this.#command !== undefined) {
      if (this.#command.kind === 'close') closes.push(this.#command);
      this.#advance(() => this.#procedure.next());
    }
    this.#wake?.();
    await straggler?.settled;
    for (const close of closes) await this.#closeUnheard(close);
  }

  /** Closes what a command has opened whose procedure was taken over or given up meanwhile. */
  async #closeOpened(command: Command | Together, end: Ended): Promise<void> {
    if (command.kind === 'together') {
      const ends = 'answer' in end ? ((end.answer ?? []) as readonly Ended[]) : [];
      for (const [index, each] of command.commands.entries()) await this.#closeOpened(each, ends[index] ?? NOTHING);
      return;
    }
    if (command.kind === 'close') {
      if ('errno' in end && isNotNow(end.errno)) await this.#closeUnheard(command);
      return;
    }
    const isOpening = command.kind === 'create' || command.kind === 'open';
    const answer = isOpening && 'answer' in end ? end.answer : undefined;
    const handle = 'errno' in end && end.errno instanceof StillOpen ? end.errno.handle : answer;
    if (handle === undefined || !('path' in command)) return;
    const { path, as } = command;
    await this.#closeUnheard({ kind: 'close', path, handle, ...(as && { as }) });
  }

  /** Closes a handle that is of no use any more, and ignores failures. */
  async #closeUnheard(close: Close): Promise<void> {
    const { upper, branch, pause } = this.#target;
    const isOpenedNow = upper.sync !== undefined && !isHarmless(close);
    for (let attempt = 0; ; attempt++) {
      const end = await endOf(() => {
        const to = upperFor(this.#target, close);
        return isOpenedNow
          ? perform(close, to.sync, branch, 'sync')
          : perform(close, to.async ?? to.sync, branch, 'async');
      });
      const delay = 'errno' in end ? patience(end.errno, attempt) : undefined;
      // Any other failure does not matter: the file is of no use any more.
      if (delay === undefined) return;
      await pause.later(delay);
    }
  }

  #result(): R {
    const outcome = this.#outcome;
    if (outcome === undefined) throw new Error('the procedure has not ended');
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.value;
  }

  /** Lets the procedure go on to its next command, or its end. */
  #advance(step: () => IteratorResult<Command | Together, R>): void {
    this.#isBusy = true;
    this.#attempt = 0;
    try {
      const { done, value } = step();
      this.#command = done === true ? undefined : value;
      if (done === true) this.#outcome = { value };
    } catch (thrown) {
      this.#command = undefined;
      this.#outcome = { thrown };
    } finally {
      this.#isBusy = false;
    }
  }

  /**
   * Gives the procedure the answer. Where the upper has said "not now", returns how many milliseconds to wait instead.
   */
  #heed(answer: unknown, failure: Errno | undefined, wait: Target['pause'][keyof Target['pause']]): number | undefined {
    const delay = failure && wait && patience(failure, this.#attempt);
    if (delay !== undefined) {
      this.#attempt++;
      return delay;
    }
    // It said "not now" before, and had closed the file all the same.
    const isClosed = failure === EBADF && this.#command?.kind === 'close' && this.#attempt > 0;
    this.#advance(() =>
      failure === undefined || isClosed ? this.#procedure.next(answer) : this.#procedure.throw(failure),
    );
    return undefined;
  }

  #tellNow(command: Command | Together): void {
    const { pause } = this.#target;
    let answer: unknown;
    let failure: Errno | undefined;
    let refusal: NotLoadedError | undefined;
    this.#isBusy = true;
    try {
      answer =
        command.kind === 'together' ? command.commands.map((each) => this.#ended(each)) : this.#carryOut(command);
    } catch (thrown) {
      if (thrown instanceof NotLoadedError) refusal = thrown;
      else failure = errnoOf(thrown);
    } finally {
      this.#isBusy = false;
    }
    if (refusal !== undefined) {
      // The upper has not failed. The procedure gives back what it had taken.
      this.#advance(() => this.#procedure.throw(refusal));
      return;
    }
    const delay = this.#heed(answer, failure, pause.now);
    if (delay !== undefined) pause.now?.(delay);
  }

  /** Carries out one command, at once. */
  #carryOut(command: Command): unknown {
    const { branch, upper, trace } = this.#target;
    trace(command);
    if (upper.sync === undefined) throw new NotLoadedError(branch, 'be written to');
    const answer = perform(command, upperFor(this.#target, command).sync, branch, 'sync');
    if (command.urgency === 'at once') stir(branch);
    return answer;
  }

  /** Carries out one of several commands, at once. */
  #ended(command: Command): Ended {
    try {
      return { answer: this.#carryOut(command) };
    } catch (thrown) {
      if (thrown instanceof NotLoadedError) throw thrown;
      return { errno: errnoOf(thrown) };
    }
  }

  /** The same as `#tellNow`, without blocking; answers whether the command was carried out at once all the same. */
  async #tellLater(command: Command | Together, unrest: Unrest): Promise<'at once' | 'later'> {
    const { branch, upper, trace, pause } = this.#target;
    const isNow = upper.sync !== undefined && !isHarmless(command);
    let answer: unknown;
    let failure: Errno | undefined;
    try {
      if (command.kind === 'together') answer = this.#sendAll(command);
      else {
        trace(command);
        // The listener may have taken over.
        if (this.#command !== command) return 'at once';
        if (command.urgency === 'at once' && upper.sync === undefined) unrest.begin();
        const to = upperFor(this.#target, command);
        answer = perform(command, isNow ? to.sync : (to.async ?? to.sync), branch, isNow ? 'sync' : 'async');
      }
      if (answer instanceof Promise) answer = await this.#unlessWoken(command, answer);
      if (isAtOnce(command)) stir(branch);
    } catch (thrown) {
      failure = errnoOf(thrown);
    }
    // Not earlier: a take-over in between would send a `close` again that has been done.
    this.#straggler = undefined;
    if (this.#command !== command) {
      await this.#closeOpened(command, failure === undefined ? { answer } : { errno: failure });
      return 'later';
    }
    const delay = this.#heed(answer, failure, pause.later);
    if (delay !== undefined) await this.#unlessWoken(undefined, pause.later(delay));
    return isNow || upper.async === undefined ? 'at once' : 'later';
  }

  /** Sends several commands; undefined where a listener has taken over. */
  #sendAll(all: Together): Promise<Ended[]> | undefined {
    const { branch, upper, trace } = this.#target;
    const refused = new Map<Command, Errno>();
    for (const command of all.commands) {
      try {
        trace(command);
      } catch (thrown) {
        refused.set(command, errnoOf(thrown));
      }
      if (this.#command !== all) return undefined;
    }
    const sent = all.commands.map(async (command) => {
      const errno = refused.get(command);
      return errno === undefined
        ? endOf(() => perform(command, upper.async ?? upper.sync, branch, 'async'))
        : { errno };
    });
    return Promise.all(sent);
  }

  /** Waits for the answer to a command, or for a take-over. */
  async #unlessWoken(command: Command | Together | undefined, sent: Promise<unknown>): Promise<unknown> {
    let isWoken = false;
    if (command !== undefined) {
      const heed = (end: Ended) => (isWoken ? this.#closeOpened(command, end) : undefined);
      const settled = sent.then(
        (answer) => heed({ answer }),
        (thrown) => heed({ errno: errnoOf(thrown) }),
      );
      this.#straggler = { command, settled };
    }
    try {
      return await new Promise((resolve, reject) => {
        this.#wake = () => {
          isWoken = true;
          resolve(undefined);
        };
        sent.then(resolve, reject);
      });
    } finally {
      this.#wake = undefined;
    }
  }
}

/** Carries a procedure out at once. Throws the bare error that the procedure lets through. */
export function carryOutNow<R>(target: Target, procedure: Procedure<R>): R {
  return new Drive(target, procedure).now();
}

/** Carries a procedure out without blocking. */
export function carryOutLater<R>(target: Target, procedure: Procedure<R>): Promise<R> {
  return new Drive(target, procedure).later();
}

function isHarmless(command: Command | Together | undefined): boolean {
  return command === undefined || command.kind === 'together' || (command.urgency ?? 'none') === 'none';
}

function isAtOnce(command: Command | Together): boolean {
  return command.kind !== 'together' && command.urgency === 'at once';
}
