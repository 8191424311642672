/** What `console.log` shows of an overlay: its branches and how much it holds, rather than all its functions. */

import { type InspectOptions, inspect } from 'node:util';
import { type Branch, UPPER } from '../branch/branch.ts';
import type { Statistics } from './statistics.ts';

/** The facts that are shown. */
export interface Told extends Pick<Statistics, 'dirtyBytes' | 'cachedBytes' | 'entries' | 'openFiles'> {
  /** The branches from the top, and where in each the overlay begins. */
  readonly roots: ReadonlyMap<Branch, string>;
  readonly upper: object | string | undefined;
  readonly isClosed: boolean;
}

/** The text that `inspect` shows for an overlay. */
export function shown(told: Told, depth: number, options: InspectOptions): string {
  if (depth < 0) return '[Overlay]';
  const { roots, dirtyBytes, cachedBytes, entries, openFiles, isClosed } = told;
  const lowers = [...roots].filter(([{ id }]) => id !== UPPER).map(([branch, root]) => placeOf(branch, root));
  const upper = typeof told.upper === 'object' ? `[${told.upper.constructor?.name ?? 'Object'}]` : told.upper;
  return `Overlay ${inspect({ lowers, upper, dirtyBytes, cachedBytes, entries, openFiles, isClosed }, { ...options, depth: 1 })}`;
}

/** The name of a branch, and its root unless it is grafted. */
function placeOf({ name, inside }: Branch, root: string): string {
  return inside === undefined ? `${name}:${root}` : name;
}
