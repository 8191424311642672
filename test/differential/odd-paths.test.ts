/** N2: every call on every odd path, on the overlay as on the real filesystem; and on that itself, to show it is steady. */

import { describe, expect, it } from 'vitest';
import type { Form } from '../grounds/face.ts';
import { type Ground, realGround } from '../grounds/ground.ts';
import { overlayGrounds } from '../grounds/overlays.ts';
import { differences, longTables, shortTables, thinned } from './odd-paths.ts';

/** Where all commands are tried; elsewhere one in so many, in each form on each ground another. */
const WHOLE = { ground: 'everything in a lower', form: 'sync' };
const ELSEWHERE_ONE_IN = 200;

function testTables(ground: Ground, form: Form, turn: number): void {
  const oneIn = ground.name === WHOLE.ground && form === WHOLE.form ? 1 : ELSEWHERE_ONE_IN;
  describe(`odd paths on ${ground.name}, ${form}`, () => {
    for (const { name, commands } of [...thinned(shortTables, oneIn, turn), ...thinned(longTables, oneIn * 10, turn)]) {
      it(name, async () => expect(await differences(ground, form, commands)).toEqual([]));
    }
  });
}

const tried = [realGround, ...overlayGrounds].flatMap((ground) => ground.forms.map((form) => ({ ground, form })));
for (const [turn, { ground, form }] of tried.entries()) testTables(ground, form, turn);
