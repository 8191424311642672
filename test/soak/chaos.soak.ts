// The chaos histories for long: `OVERFS_SEED` begins at a seed, `OVERFS_RUNS` says how many.

import { expect, it } from 'vitest';
import { playMany } from '../chaos/random.ts';

const SHORT = process.env.OVERFS_SOAK === 'short';

it('random calls at once come to what some order of them comes to', async () => {
  const played = await playMany(Number.POSITIVE_INFINITY, SHORT ? 15_000 : 30 * 60_000);
  console.log(`${played} histories`);
  expect(played).toBeGreaterThan(0);
});
