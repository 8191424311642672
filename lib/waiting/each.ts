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
 * @param isThere whether an item can be asked about between two runs: anything may have happened since the first one, and what was found then
 *   be forgotten. The next run finds it again
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
      // One answer more in any case, or the operation would be run again for nothing.
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

/** Where asking for an item stops; undefined where it does not. A failure is remembered, and comes again when the operation asks. */
function stopOf<T>(ask: (item: T) => unknown, item: T): Fault | undefined {
  try {
    ask(item);
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
  }
  return undefined;
}
