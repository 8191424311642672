/**
 * Random commands on every ground for long, and every odd path on every ground. `OVERFS_SEED` begins at a seed,
 * `OVERFS_RUNS` says how many sequences each ground gets in each form.
 */

import { expect, it } from 'vitest';
import { anyCommand } from '../differential/commands.ts';
import { differences, longTables, shortTables, thinned } from '../differential/odd-paths.ts';
import { agreeAtRandom } from '../differential/sequence.ts';
import { overlayGrounds } from '../grounds/overlays.ts';

const SHORT = process.env.OVERFS_SOAK === 'short';

for (const ground of overlayGrounds) {
  for (const form of ground.forms) {
    it(`random commands on ${ground.name} agree with the real fs, ${form}`, () =>
      agreeAtRandom(ground, form, { runs: SHORT ? 1 : 5000, steps: 150, commands: anyCommand }));

    it(`odd paths on ${ground.name} are what they are on the real fs, ${form}`, async () => {
      for (const { commands } of thinned([...shortTables, ...longTables], SHORT ? 10_000 : 1, 0)) {
        expect(await differences(ground, form, commands)).toEqual([]);
      }
    });
  }
}
