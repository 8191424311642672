/**
 * Opening a file where the process (EMFILE) or the system (ENFILE) has no descriptor left: what is kept open without need is closed, and it
 * is tried once more. So nothing fails that would not have failed without the files that we keep.
 */

import { closedSoFar, closeIdle } from './open-files.ts';

/** The functions of an fs-like thing that open a file, if only for a while. */
const OPENING: ReadonlySet<string> = new Set(['open', 'readdir', 'readFile', 'writeFile', 'copyFile']);

/** Whether there is reason to try again what was begun when so many had been closed: others have been since, if only for somebody else. */
function isWorthAnother(thrown: unknown, begun: number): boolean {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  if (code !== 'EMFILE' && code !== 'ENFILE') return false;
  closeIdle();
  return closedSoFar() > begun;
}

/** The function of this name, without `Sync`, as it is to be called. */
export function sparing<Given extends unknown[]>(name: string, run: (...given: Given) => unknown) {
  if (!OPENING.has(name)) return run;
  return (...given: Given): unknown => {
    const begun = closedSoFar();
    try {
      return run(...given);
    } catch (thrown) {
      if (!isWorthAnother(thrown, begun)) throw thrown;
      return run(...given);
    }
  };
}

/** The same for one that answers later. */
export function sparingLater<Given extends unknown[]>(name: string, run: (...given: Given) => Promise<unknown>) {
  if (!OPENING.has(name)) return run;
  return (...given: Given): Promise<unknown> => {
    const begun = closedSoFar();
    return run(...given).catch((thrown) => {
      if (!isWorthAnother(thrown, begun)) throw thrown;
      return run(...given);
    });
  };
}
