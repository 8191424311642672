/**
 * Questions under way. An operation stops for one, and others that ask the same meanwhile can join it.
 *
 * A call that joins a question waits for its answer but does not share its fate: where the answer is a failure, or none
 * comes, the joiner asks for itself (C9). So a call fails, or hangs, only because of a question of its own.
 */

import type { Timers } from './timers.ts';

/** The answer to a question, or what was thrown instead. */
export type Answer<R> = { readonly value: R } | { readonly thrown: unknown };

/**
 * How long, in milliseconds, a joiner waits before it asks for itself. Long enough for the answer of a disk or of a
 * near network.
 */
const PATIENCE = 250;

/** Sends a question; what is thrown before there is a promise is an answer like any other. */
function sentBy<R>(ask: () => Promise<R>): Promise<R> {
  try {
    return ask();
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

/** A question that has been sent. */
export class Question<R> {
  /** Set once, when the answer is there. */
  answer: Answer<R> | undefined = undefined;
  /** When it was sent, in milliseconds since 1970. */
  readonly sentAt = Date.now();
  /** Resolves when the answer is there. Never rejects. */
  readonly settled: Promise<void>;

  /** @param ended is called when the answer is there, before anything that waits for it goes on */
  constructor(ask: () => Promise<R>, ended?: (question: Question<R>) => void) {
    this.settled = this.#send(ask, ended);
  }

  #send(ask: () => Promise<R>, ended: ((question: Question<R>) => void) | undefined): Promise<void> {
    const end = (answer: Answer<R>) => {
      this.answer = answer;
      ended?.(this);
    };
    return sentBy(ask).then(
      (value) => end({ value }),
      (thrown: unknown) => end({ thrown }),
    );
  }

  /** The answer; throws what was thrown instead. Requires: settled. */
  result(): R {
    const { answer } = this;
    if (answer === undefined) throw new Error('there is no answer yet');
    if ('thrown' in answer) throw answer.thrown;
    return answer.value;
  }

  /** Resolves when the answer is there, or once a joiner has waited long enough. */
  settledForOthers({ after }: Pick<Timers, 'after'>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = after(PATIENCE, resolve);
      void this.settled.then(() => {
        cancel();
        resolve();
      });
    });
  }
}

/** Stops an operation until there is an answer. It is the only thing thrown that is not an error. */
export class Fault {
  /** Settles (never rejects) when running again makes sense. */
  readonly until: Promise<void>;

  constructor(until: Promise<void>) {
    this.until = until;
  }
}

/** How often calls have stopped for an answer of a branch, by branch. An entry is made by the first stop. */
const stops = new WeakMap<object, number>();

/** How often calls have stopped for an answer of this branch. */
export function stopsOf(branch: object): number {
  return stops.get(branch) ?? 0;
}

/** Counts and makes a stop until a branch has answered. */
export function stopFor(branch: object, until: Promise<void>): Fault {
  stops.set(branch, stopsOf(branch) + 1);
  return new Fault(until);
}
