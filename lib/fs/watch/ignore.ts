/** The option `ignore` of `watch` (Node 24 and later): which names are not told of. */

import path from 'node:path';
import { doubt } from '../arguments.ts';

/** Whether a name is not told of. */
export type Ignores = (name: string) => boolean;

type MatchesGlob = (path: string, pattern: string) => boolean;

function ignoresOne(given: unknown): Ignores {
  if (typeof given === 'function') return (name) => Boolean(given(name));
  if (given instanceof RegExp) return (name) => given.test(name);
  if (typeof given !== 'string' || given === '') doubt();
  const pattern = String(given);
  const { matchesGlob } = path.posix as unknown as { readonly matchesGlob: MatchesGlob };
  // A pattern without a slash is of the last name.
  if (pattern.includes('/')) return (name) => matchesGlob(name, pattern);
  return (name) => matchesGlob(path.posix.basename(name), pattern);
}

/** Reads the option; a Node that does not know it does not look at it. */
export function takeIgnore(given: unknown): Ignores {
  const knows = Number(process.versions.node.split('.')[0]) >= 24;
  if (!knows || given === undefined || given === null) return () => false;
  const all = (Array.isArray(given) ? given : [given]).map(ignoresOne);
  return (name) => all.some((ignores) => ignores(name));
}
