/** Random commands on every ground, in every form: the same results and the same tree as on the real filesystem. */

import { describe, it } from 'vitest';
import { overlayGrounds } from '../grounds/overlays.ts';
import { anyCommand, command } from './commands.ts';
import { agreeAtRandom } from './sequence.ts';

for (const ground of overlayGrounds) {
  describe(`random commands on ${ground.name}`, () => {
    for (const form of ground.forms) {
      it(`agree with the real fs, ${form}`, () =>
        agreeAtRandom(ground, form, { runs: form === 'sync' ? 15 : 5, steps: 60, commands: command }));
    }

    it('agree with the real fs when anonymous files get names (T3)', () =>
      agreeAtRandom(ground, 'sync', { runs: 3, steps: 60, commands: anyCommand }));
  });
}
