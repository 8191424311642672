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

/** A sequence within another. */
interface Nested {
  readonly inner: Sequence<unknown>;
}

/** Something that takes several steps and gives an `Answer`. */
export type Sequence<Answer> = Generator<Step | Together | Nested, Answer, unknown>;

/** One step. */
export function* step<Answer>(now: () => Answer, later: () => Promise<Answer>): Sequence<Answer> {
  return (yield { now, later }) as Answer;
}

/** Several sequences, later at the same time, now one after another; the first failure is the failure of all. */
export function* together(all: readonly Sequence<unknown>[]): Sequence<void> {
  yield { all };
}

/**
 * What another sequence gives. For what nests as directories do: a chain of `yield*` would take its way from the outermost at each step, and
 * stack for each.
 */
export function* nested<Answer>(inner: Sequence<Answer>): Sequence<Answer> {
  return (yield { inner }) as Answer;
}

/** Waits. A synchronous caller sleeps. */
export function* pause({ sleep, wait }: Timers, milliseconds: number): Sequence<void> {
  if (milliseconds <= 0) return;
  yield { now: () => sleep(milliseconds), later: () => wait(milliseconds) };
}

function carryOut(next: Step | Together): unknown {
  return 'all' in next ? next.all.forEach(runNow) : next.now();
}

/** How a sequence goes on, and those that are nested in it. */
class Course<Answer> {
  /** The innermost last. Changed by `#go`. */
  readonly #sequences: Sequence<unknown>[];

  constructor(sequence: Sequence<Answer>) {
    this.#sequences = [sequence];
  }

  /** Goes on with what came of the last step, up to the next one or to the end. */
  next(answer?: unknown): IteratorResult<Step | Together, Answer> {
    return this.#go((sequence) => sequence.next(answer));
  }

  /** The same where it has failed. */
  throw(thrown: unknown): IteratorResult<Step | Together, Answer> {
    return this.#go((sequence) => sequence.throw(thrown));
  }

  #go(first: (sequence: Sequence<unknown>) => IteratorResult<Step | Together | Nested, unknown>) {
    const sequences = this.#sequences;
    let goOn = first;
    for (let innermost = sequences.at(-1); innermost !== undefined; innermost = sequences.at(-1)) {
      let state: IteratorResult<Step | Together | Nested, unknown>;
      try {
        state = goOn(innermost);
      } catch (thrown) {
        sequences.pop();
        if (sequences.length === 0) throw thrown;
        goOn = (sequence) => sequence.throw(thrown);
        continue;
      }
      if (state.done) {
        sequences.pop();
        if (sequences.length === 0) return state as IteratorReturnResult<Answer>;
        const { value } = state;
        goOn = (sequence) => sequence.next(value);
      } else if ('inner' in state.value) {
        sequences.push(state.value.inner);
        goOn = (sequence) => sequence.next();
      } else {
        return state as IteratorYieldResult<Step | Together>;
      }
    }
    throw new Error('a sequence goes on behind its end');
  }
}

/** Takes every step at once. */
export function runNow<Answer>(sequence: Sequence<Answer>): Answer {
  const course = new Course(sequence);
  let state = course.next();
  while (!state.done) {
    let answer: unknown;
    try {
      answer = carryOut(state.value);
    } catch (thrown) {
      state = course.throw(thrown);
      continue;
    }
    state = course.next(answer);
  }
  return state.value;
}

function begin(next: Step | Together): Promise<unknown> {
  return 'all' in next ? Promise.all(next.all.map(runLater)) : next.later();
}

/** Takes a step, and gives the sequence what came of it. */
async function advance<Answer>(
  course: Course<Answer>,
  next: Step | Together,
): Promise<IteratorResult<Step | Together, Answer>> {
  let answer: unknown;
  try {
    answer = await begin(next);
  } catch (thrown) {
    return course.throw(thrown);
  }
  return course.next(answer);
}

/** Takes one step after another, waiting for each. */
export async function runLater<Answer>(sequence: Sequence<Answer>): Promise<Answer> {
  const course = new Course(sequence);
  let state = course.next();
  while (!state.done) state = await advance(course, state.value);
  return state.value;
}

/** The same, giving what `news` tells between the steps. Whoever wants no more leaves the rest undone. */
export async function* runTelling<News>(sequence: Sequence<void>, news: () => Iterable<News>): AsyncGenerator<News> {
  const course = new Course(sequence);
  let state = course.next();
  for (;;) {
    yield* news();
    if (state.done) return;
    state = await advance(course, state.value);
  }
}
