/** The empty tree of an overlay, made from its options. */

import { PLAIN } from '../branch/whiteout.ts';
import { Memory } from '../pages/memory.ts';
import { GivenClock } from '../tree/given-clock.ts';
import { Tree } from '../tree/tree.ts';
import type { ParsedOptions } from './options.ts';

/** Device numbers of overlays begin here, above those of real devices (Linux packs 12 + 20 bits). */
const FIRST_DEV = 2 ** 32;

/** @param ordinal the overlay's number among those made so far */
export function treeOf(options: ParsedOptions, ordinal: number): Tree {
  const { pageSize, limits, cache, clock, readonly, credentials, upper } = options;
  const given = clock === undefined ? undefined : new GivenClock(clock);
  return new Tree({
    memory: new Memory(pageSize, limits, cache.maxBytes),
    clock: given?.time ?? Date.now,
    lookAtClock: given?.look,
    readonly,
    dev: FIRST_DEV + ordinal,
    owner: credentials,
    spelling: upper?.branch.spelling ?? PLAIN,
    maxEntries: cache.maxEntries,
  });
}
