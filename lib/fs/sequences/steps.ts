/**
 * Sequences: functions that make many calls, such as `cp` and `rm`, written once for all forms.
 *
 * A sequence is a generator that yields the next step and is given its result. The driver decides how to do the step:
 *
 *     runNow      every step at once                       cpSync
 *     runLater    every step awaited                       cp, promises.cp
 *
 * An error is thrown into the sequence where it waits, so that `try` works as usual.
 */

import type { Timers } from '../../waiting/timers.ts';

/** One step of input or output: how to do it at once, and how later. */
interface Step {
  now(): unknown;
  later(): Promise<unknown>;
}

/** Sequences that do not wait for each other. */
interface Together {
  readonly all: readonly Sequence<unknown>[];
}

/** A sequence within another. */
interface Nested {
  readonly inner: Sequence<unknown>;
}

/** Something that takes several steps and returns an `Answer`. */
export type Sequence<Answer> = Generator<Step | Together | Nested, Answer, unknown>;

/** One step. */
export function* step<Answer>(now: () => Answer, later: () => Promise<Answer>): Sequence<Answer> {
  return (yield { now, later }) as Answer;
}

/**
 * Several sequences: at the same time if done later, one after another if done at once. The first failure is the
 * failure of all.
 */
export function* together(all: readonly Sequence<unknown>[]): Sequence<void> {
  yield { all };
}

/**
 * The result of another sequence, for deep nesting, as of directories: with `yield*` each step would pass through all
 * levels, and take stack for each.
 */
export function* nested<Answer>(inner: Sequence<Answer>): Sequence<Answer> {
  return (yield { inner }) as Answer;
}

/** Waits some milliseconds; a synchronous caller blocks. */
export function* pause({ sleep, wait }: Timers, milliseconds: number): Sequence<void> {
  if (milliseconds <= 0) return;
  yield { now: () => sleep(milliseconds), later: () => wait(milliseconds) };
}

function carryOut(next: Step | Together): unknown {
  return 'all' in next ? next.all.forEach(runNow) : next.now();
}

/** The state of a sequence and those that are nested in it. */
class Course<Answer> {
  /** The sequences, the innermost last. Changed by `#go`. */
  readonly #sequences: Sequence<unknown>[];

  constructor(sequence: Sequence<Answer>) {
    this.#sequences = [sequence];
  }

  /** Continues with the result of the last step, up to the next step or the end. */
  next(answer?: unknown): IteratorResult<Step | Together, Answer> {
    return this.#go((sequence) => sequence.next(answer));
  }

  /** The same where the last step has failed. */
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

/** Does every step at once. */
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

/** Does a step, and gives the sequence its result. */
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

/** Does one step after another, and awaits each. */
export async function runLater<Answer>(sequence: Sequence<Answer>): Promise<Answer> {
  const course = new Course(sequence);
  let state = course.next();
  while (!state.done) state = await advance(course, state.value);
  return state.value;
}

/**
 * The same as an asynchronous iterator over what `news` gives between the steps. If the iteration ends early, the rest
 * is not done.
 */
export async function* runTelling<News>(sequence: Sequence<void>, news: () => Iterable<News>): AsyncGenerator<News> {
  const course = new Course(sequence);
  let state = course.next();
  for (;;) {
    yield* news();
    if (state.done) return;
    state = await advance(course, state.value);
  }
}
