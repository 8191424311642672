/**
 * Sequences: functions that make many calls, such as `cp` and `rm`, written once for all forms.
 *
 * A sequence is a generator that yields what is to be done next and is given what came of it. Whoever drives it decides how:
 *
 *     runNow      every step at once                       cpSync
 *     runLater    every step awaited                       cp, promises.cp
 *
 * What fails is thrown into the sequence where it waits, so that `try` works there as anywhere.
 */

import type { Timers } from '../../waiting/timers.ts';

/** One line of input or output: how it is done at once, and how later. */
interface Step {
  now(): unknown;
  later(): Promise<unknown>;
}

/** Sequences of which none waits for another. */
interface Together {
  readonly all: readonly Sequence<unknown>[];
}

/** Something that takes several steps and gives an `Answer`. */
export type Sequence<Answer> = Generator<Step | Together, Answer, unknown>;

/** One step. */
export function* step<Answer>(now: () => Answer, later: () => Promise<Answer>): Sequence<Answer> {
  return (yield { now, later }) as Answer;
}

/** Several sequences, later at the same time, now one after another; the first failure is the failure of all. */
export function* together(all: readonly Sequence<unknown>[]): Sequence<void> {
  yield { all };
}

/** Waits. A synchronous caller sleeps. */
export function* pause({ sleep, wait }: Timers, milliseconds: number): Sequence<void> {
  if (milliseconds <= 0) return;
  yield { now: () => sleep(milliseconds), later: () => wait(milliseconds) };
}

function carryOut(next: Step | Together): unknown {
  return 'all' in next ? next.all.forEach(runNow) : next.now();
}

/** Takes every step at once. */
export function runNow<Answer>(sequence: Sequence<Answer>): Answer {
  let state = sequence.next();
  while (!state.done) {
    let answer: unknown;
    try {
      answer = carryOut(state.value);
    } catch (thrown) {
      state = sequence.throw(thrown);
      continue;
    }
    state = sequence.next(answer);
  }
  return state.value;
}

function begin(next: Step | Together): Promise<unknown> {
  return 'all' in next ? Promise.all(next.all.map(runLater)) : next.later();
}

/** Takes a step, and gives the sequence what came of it. */
async function advance<Answer>(
  sequence: Sequence<Answer>,
  next: Step | Together,
): Promise<IteratorResult<Step | Together, Answer>> {
  let answer: unknown;
  try {
    answer = await begin(next);
  } catch (thrown) {
    return sequence.throw(thrown);
  }
  return sequence.next(answer);
}

/** Takes one step after another, waiting for each. */
export async function runLater<Answer>(sequence: Sequence<Answer>): Promise<Answer> {
  let state = sequence.next();
  while (!state.done) state = await advance(sequence, state.value);
  return state.value;
}

/** The same, giving what `news` tells between the steps. Who wants no more leaves the rest undone. */
export async function* runTelling<News>(sequence: Sequence<void>, news: () => Iterable<News>): AsyncGenerator<News> {
  let state = sequence.next();
  for (;;) {
    yield* news();
    if (state.done) return;
    state = await advance(sequence, state.value);
  }
}
