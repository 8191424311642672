// A brief run of the chaos histories; the long one is test/soak/chaos.soak.ts.

import { expect, it } from 'vitest';
import { everySchedule, playAtOnce, type Step, serialOrderOf } from './history.ts';
import { playMany } from './random.ts';

it('C8-C11 random calls at once come to what some order of them comes to', async () => {
  expect(await playMany(400, 10_000)).toBeGreaterThan(0);
});

it('finds what no order comes to', async () => {
  // A call of two operations can be seen half done: the harness must notice.
  const given = { files: { '/f': 'old', '/other': '' } };
  const halves: Step = {
    name: 'halves',
    run: async (fs) => {
      await fs.promises.writeFile('/f', 'half');
      await fs.promises.stat('/other');
      await fs.promises.writeFile('/f', 'whole');
    },
  };
  const read: Step = { name: 'read', run: (fs) => fs.promises.readFile('/f', 'latin1') };
  let broken = 0;
  await everySchedule(async (schedule) => {
    const outcome = await playAtOnce(given, [halves, read], schedule);
    if ((await serialOrderOf(given, [halves, read], outcome)) === undefined) broken++;
  });
  expect(broken).toBeGreaterThan(0);
});
