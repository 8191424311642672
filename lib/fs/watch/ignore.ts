/** The option `ignore` of `watch` (Node 24 and later): which names are not told of. */

import path from 'node:path';
import { isRegExp } from 'node:util/types';
import { doubt } from '../arguments.ts';
import { knownOption } from './known-options.ts';

/** Whether a name is not told of, as the watcher shows it. */
export type Ignores = (shown: string | Buffer) => boolean;

type MatchesGlob = (path: string, pattern: string) => boolean;

function ignoresOne(given: unknown): Ignores {
  if (typeof given === 'function') return (shown) => Boolean(given(shown));
  if (isRegExp(given)) return (shown) => given.test(String(shown));
  if (typeof given !== 'string' || given === '') doubt();
  const pattern = String(given);
  const { matchesGlob } = path.posix as unknown as { readonly matchesGlob: MatchesGlob };
  // A pattern without a slash is of the last name.
  if (pattern.includes('/')) return (shown) => matchesGlob(String(shown), pattern);
  return (shown) => matchesGlob(path.posix.basename(String(shown)), pattern);
}

/** Reads the option; a Node that does not know it does not look at it. What is below an ignored name is ignored too. */
export function takeIgnore(value: unknown): Ignores {
  const given = knownOption('ignore', value);
  if (given === undefined || given === null) return () => false;
  const all = (Array.isArray(given) ? given : [given]).map(ignoresOne);
  const ignores: Ignores = (shown) => all.some((one) => one(shown));
  return (shown) => {
    // Only recursive watchers have names with slashes, and theirs are text.
    for (let slash = shown.indexOf('/'); slash > 0; slash = shown.indexOf('/', slash + 1)) {
      if (ignores(shown.slice(0, slash))) return true;
    }
    return ignores(shown);
  };
}
