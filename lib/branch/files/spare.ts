/**
 * Opening a file where the process (EMFILE) or the system (ENFILE) has no descriptor left: idle files are closed, and
 * it is tried once more. So nothing fails because of the files that overfs keeps open.
 */

import { codeOf } from '../../errno.ts';
import { closedSoFar, closeIdle } from './open-files.ts';

/** The functions of an fs-like thing that open a file, if only for a while. */
const OPENING: ReadonlySet<string> = new Set(['open', 'readdir', 'readFile', 'writeFile', 'copyFile']);

/**
 * Whether to try again, given how many files had been closed when the first attempt began: more have been closed since,
 * if only on behalf of another call.
 */
function isWorthAnother(thrown: unknown, begun: number): boolean {
  const code = codeOf(thrown);
  if (code !== 'EMFILE' && code !== 'ENFILE') return false;
  closeIdle();
  return closedSoFar() > begun;
}

/** Makes a function, named without `Sync`, try again as this file says. */
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

/** The same for a function that answers later. */
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
