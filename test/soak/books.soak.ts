// The audits of the books for long: `OVERFS_SEED` begins at a seed, `OVERFS_RUNS` says how many.

import { expect, it } from 'vitest';
import { ARRANGEMENTS, playSequence } from '../chaos/sequences.ts';

const { OVERFS_SOAK, OVERFS_SEED, OVERFS_RUNS } = process.env;

it('the books are right after any sequence of calls', () => {
  const first = OVERFS_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(OVERFS_SEED);
  const most = OVERFS_RUNS === undefined ? Number.POSITIVE_INFINITY : Number(OVERFS_RUNS);
  const end = Date.now() + (OVERFS_SOAK === 'short' ? 10_000 : 20 * 60_000);
  let played = 0;
  for (; played < most && Date.now() < end; played++) {
    for (const arrangement of ARRANGEMENTS) playSequence(arrangement, first + played, 60);
  }
  console.log(`${played} sequences from seed ${first} on`);
  expect(played).toBeGreaterThan(0);
});
