// W7, W13: random calls of several users on an overlay that writes through, some of them refused. A refused call leaves
// no trace, and everything else is as on an overlay without an upper. A failure tells its seed; OVERFS_SEED repeats it.

import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { Dice } from '../../dice.ts';
import { bytesOf, newLower, PAGE, survey, writeAt } from '../rig.ts';
import { ActingUpper } from './acting.ts';
import { type Call, callOf, codeOf } from './calls.ts';

const { OVERFS_SEED, OVERFS_SOAK } = process.env;
/** They may all do everything. */
const USERS = [0, 1, 2].map((gid) => ({ uid: 0, gid }));

function callFrom(dice: Dice): Call {
  const [at, bytes] = [dice.below(5 * PAGE), bytesOf(dice.below(1000), 1 + dice.below(2 * PAGE))];
  return callOf(dice, {
    bytes,
    at,
    write: (fs, file) => writeAt(fs, file, bytes, at),
    more: (file, other) => [(fs) => fs.copyFileSync(file, other)],
  });
}

/** Plays a history; answers how many calls were refused. */
function play(seed: number): number {
  const dice = new Dice(seed);
  const upper = new ActingUpper();
  let now = 1e12;
  const options = { lower: newLower(), pageSize: PAGE, umask: 0, clock: () => now, credentials: { uid: 0, gid: 0 } };
  const model = createOverlay(options);
  const { volume: fs, as } = upper;
  const overlay = createOverlay({ ...options, upper: { fs, as }, writeback: 'through' });
  const viewsOf = (of: Overlay) => USERS.map((user) => of.as(user));
  const [here, there] = [viewsOf(overlay), viewsOf(model)];
  let refused = 0;
  for (let step = 0; step < 40; step++) {
    now += 1000;
    const [call, user] = [callFrom(dice), dice.below(USERS.length)];
    if (dice.below(4) === 0) upper.refusals.set(0, { code: 'EDQUOT', at: dice.below(2) === 0 ? 'open' : 'write' });
    const got = codeOf(call, here[user] ?? overlay.fs);
    upper.refusals.clear();
    if (got === 'EDQUOT') refused++;
    else expect(got, `seed ${seed}, step ${step}`).toBe(codeOf(call, there[user] ?? model.fs));
    expect(survey(overlay.fs), `seed ${seed}, step ${step}`).toEqual(survey(model.fs));
  }
  overlay.close();
  const next = createOverlay({ ...options, upper: { fs, as } });
  expect(survey(next.fs), `seed ${seed}, mounted again`).toEqual(survey(model.fs));
  next.close();
  return refused;
}

it('W7, W13: calls that one of several users is refused change nothing, all others do', () => {
  const first = OVERFS_SEED === undefined ? Math.floor(Math.random() * 2 ** 30) : Number(OVERFS_SEED);
  const runs = OVERFS_SEED !== undefined ? 1 : OVERFS_SOAK === 'long' ? 2000 : 8;
  let refused = 0;
  for (let run = 0; run < runs; run++) refused += play(first + run);
  if (runs > 1) expect(refused).toBeGreaterThan(0);
});
