/**
 * Asking many questions that do not depend on each other: about the names in a directory, about the files of a
 * write-back.
 *
 *     one by one    run ─► Fault ─► answer 1 ─► run ─► 1, Fault ─► answer 2 ─► run ─► 1, 2, Fault ─► ...      n runs
 *     each          run ─► Fault ─► answers 1, 2, 3, ... n ─► run ─► 1, 2, 3, ... n                           2 runs
 *
 * Each question is repeated by itself as often as it stops, and the operation runs again only when all are answered. So
 * the cost grows with the number of questions and not with its square.
 */

import { Fault } from './questions.ts';

/** How many are under way together. */
const TOGETHER = 64;

/**
 * Asks for each item, and stops until all are answered. An error about an item is thrown when its turn comes in a run.
 *
 * @param isOver whether the call has ended, so that no answer is needed any more
 * @param isThere whether an item can still be asked about between two runs of the operation: since the first run it may
 *   have been forgotten; the next run finds it again
 */
export function askEach<T, R>(
  items: readonly T[],
  ask: (item: T) => R,
  isOver: () => boolean,
  isThere: (item: T) => boolean,
): R[] {
  const answers: R[] = [];
  for (const item of items) {
    try {
      answers.push(ask(item));
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      const all = answerAll(items.slice(answers.length), ask, (each) => isOver() || !isThere(each));
      // Waits for the answer to this stop in any case, or the operation would be run again for nothing.
      throw new Fault(thrown.until.then(() => all));
    }
  }
  return answers;
}

async function answerAll<T>(
  items: readonly T[],
  ask: (item: T) => unknown,
  isOver: (item: T) => boolean,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++] as T;
      while (!isOver(item)) {
        const stop = stopOf(ask, item);
        if (stop === undefined) break;
        await stop.until;
      }
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
}

/**
 * Where asking for an item stops; undefined where it does not. A failure is remembered by the call, and is thrown again
 * when the operation asks.
 */
function stopOf<T>(ask: (item: T) => unknown, item: T): Fault | undefined {
  try {
    ask(item);
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
  }
  return undefined;
}
