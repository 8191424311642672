/** Which options of `watch` the running Node has, of those that not every one has. It is asked when somebody gives one. */

import { originalFs } from '../../node/original-fs.ts';
import { isOfSystem } from '../dry-run.ts';

interface KnownOptions {
  readonly ignore: boolean;
  readonly throwIfNoEntry: boolean;
}

/** Unknown until somebody wants it. */
let known: KnownOptions | undefined;

function knowsIgnore(): boolean {
  try {
    // There is nothing at an empty path: a Node that does not look at the option says that.
    originalFs.watch('', { ignore: 0 } as object).close();
    return true;
  } catch (error) {
    return !isOfSystem(error);
  }
}

function knowsThrowIfNoEntry(): boolean {
  try {
    originalFs.watch('', { throwIfNoEntry: false } as object).close();
    return true;
  } catch {
    return false;
  }
}

/** The value of an option; undefined where the running Node does not look at it. */
export function knownOption(name: keyof KnownOptions, value: unknown): unknown {
  if (value === undefined) return undefined;
  known ??= { ignore: knowsIgnore(), throwIfNoEntry: knowsThrowIfNoEntry() };
  return known[name] ? value : undefined;
}
