/**
 * Whether the running Node's `watch` has options that not every version has. Node is asked when one of them is given.
 */

import { originalFs } from '../../node/original-fs.ts';
import { isOfSystem } from '../dry-run.ts';

interface KnownOptions {
  readonly ignore: boolean;
  readonly throwIfNoEntry: boolean;
}

/** Undefined until it is needed. */
let known: KnownOptions | undefined;

function knowsIgnore(): boolean {
  try {
    // An empty path does not exist, so a Node that does not check the option throws ENOENT.
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
