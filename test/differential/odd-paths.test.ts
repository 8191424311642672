/** N2: every call on every odd path, on the overlay as on the real filesystem; and on that itself, to show it is steady. */

import { describe, expect, it } from 'vitest';
import type { Form } from '../grounds/face.ts';
import { type Ground, realGround } from '../grounds/ground.ts';
import { overlayGrounds } from '../grounds/overlays.ts';
import { differences, longTables, shortTables, thinned } from './odd-paths.ts';

function testTables(ground: Ground, form: Form, oneIn: number): void {
  describe(`odd paths on ${ground.name}, ${form}`, () => {
    for (const { name, commands } of [...thinned(shortTables, oneIn), ...thinned(longTables, oneIn * 10)]) {
      it(name, async () => expect(await differences(ground, form, commands)).toEqual([]));
    }
  });
}

for (const ground of [realGround, ...overlayGrounds]) {
  for (const form of ground.forms) {
    testTables(ground, form, ground.name === 'everything in a lower' && form === 'sync' ? 1 : 25);
  }
}
