// `changes()` while an upper gets what was changed, and when it is mounted again: always what makes of the lowers what there is.

import { Volume } from 'memfs';
import { it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { auditChanges, pictureOf } from '../chaos/books.ts';
import { Dice } from '../dice.ts';
import { callFrom, outcomeOf } from '../writeback/meanwhile.ts';
import { mount, newLower, PAGE } from '../writeback/rig.ts';

const FIRST = Number(process.env.OVERFS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env.OVERFS_RUNS ?? 40);

/** Changes, syncs and mounts again at random. */
function play(seed: number): void {
  const dice = new Dice(seed);
  const lower = newLower();
  const pristine = pictureOf(createOverlay({ lower }).fs);
  const upper = new Volume();
  const options = { lower, cache: { maxBytes: 8 * PAGE, maxEntries: dice.pick([0, 1000]) } };
  // A name that nobody has looked at is not known to be another name of a file that was changed (README, Limits).
  const mountAgain = () => {
    const overlay = mount(upper, options);
    pictureOf(overlay.fs);
    return overlay;
  };
  let overlay = mountAgain();
  const audit = () => {
    const early = [...overlay.changes()];
    const now = pictureOf(overlay.fs);
    for (const changes of [early, [...overlay.changes()]]) auditChanges(pristine, now, changes);
  };
  const open = new Map<string, number>();
  for (let round = 0; round < 6; round++) {
    for (let i = dice.below(10); i >= 0; i--) outcomeOf(callFrom(dice), overlay.fs, open);
    audit();
    overlay.syncSync();
    audit();
    if (dice.below(2) === 0) continue;
    for (const fd of open.values()) overlay.fs.closeSync(fd);
    open.clear();
    overlay.close();
    overlay = mountAgain();
    audit();
  }
  overlay.close();
}

it('C3, W8: changes() tells all that differs from the lowers, before and after it has reached the upper', () => {
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    try {
      play(seed);
    } catch (thrown) {
      throw new Error(`OVERFS_SEED=${seed} OVERFS_RUNS=1`, { cause: thrown });
    }
  }
});
