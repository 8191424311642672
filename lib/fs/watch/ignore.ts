/** The option `ignore` of `watch` (Node 24 and later): which names are not told of. */

import path from 'node:path';
import { isRegExp } from 'node:util/types';
import { doubt } from '../arguments.ts';
import { knownOption } from './known-options.ts';

/** Whether a name is not told of. */
export type Ignores = (name: string) => boolean;

type MatchesGlob = (path: string, pattern: string) => boolean;

function ignoresOne(given: unknown): Ignores {
  if (typeof given === 'function') return (name) => Boolean(given(name));
  if (isRegExp(given)) return (name) => given.test(name);
  if (typeof given !== 'string' || given === '') doubt();
  const pattern = String(given);
  const { matchesGlob } = path.posix as unknown as { readonly matchesGlob: MatchesGlob };
  // A pattern without a slash is of the last name.
  if (pattern.includes('/')) return (name) => matchesGlob(name, pattern);
  return (name) => matchesGlob(path.posix.basename(name), pattern);
}

/** Reads the option; a Node that does not know it does not look at it. What is below an ignored name is ignored too. */
export function takeIgnore(value: unknown): Ignores {
  const given = knownOption('ignore', value);
  if (given === undefined || given === null) return () => false;
  const all = (Array.isArray(given) ? given : [given]).map(ignoresOne);
  const ignores = (name: string) => all.some((one) => one(name));
  return (name) => {
    for (let slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1)) {
      if (ignores(name.slice(0, slash))) return true;
    }
    return ignores(name);
  };
}
