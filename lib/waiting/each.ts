/**
 * Asking many things of which none depends on another: the names in a directory, what a write-back has to know of each file.
 *
 *     one by one    run ─► Fault ─► answer 1 ─► run ─► 1, Fault ─► answer 2 ─► run ─► 1, 2, Fault ─► ...      n runs, of n steps each
 *     each          run ─► Fault ─► answers 1, 2, 3, ... n ─► run ─► 1, 2, 3, ... n
 *
 * What is asked is asked again by itself as often as it stops, and only when all are answered the operation runs again: so it costs what
 * there is to ask, and not the square of it.
 */

import { Fault } from './questions.ts';

/** How many are under way together. */
const TOGETHER = 64;

/**
 * Asks for each item; stops until all are answered. What is thrown for an item is thrown when its turn comes in a run.
 *
 * @param isOver whether nobody waits for the answers any more
 */
export function askEach<T, R>(items: readonly T[], ask: (item: T) => R, isOver: () => boolean): R[] {
  const answers: R[] = [];
  for (const item of items) {
    try {
      answers.push(ask(item));
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      throw new Fault(answerAll(items.slice(answers.length), ask, isOver));
    }
  }
  return answers;
}

async function answerAll<T>(items: readonly T[], ask: (item: T) => unknown, isOver: () => boolean): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++] as T;
      for (let stop = stopOf(ask, item); stop !== undefined; stop = stopOf(ask, item)) {
        await stop.until;
        if (isOver()) return;
      }
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
}

/** Where asking for an item stops; undefined where it does not. A failure is remembered, and comes again when the operation asks. */
function stopOf<T>(ask: (item: T) => unknown, item: T): Fault | undefined {
  try {
    ask(item);
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
  }
  return undefined;
}
