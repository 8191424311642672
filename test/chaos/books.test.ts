// P3, P1, C2 and `changes()`: brief runs; the long one is test/soak/books.soak.ts.

import { describe, it } from 'vitest';
import { ARRANGEMENTS, playSequence } from './sequences.ts';

describe('the books are right after any sequence of calls', () => {
  const { OVERFS_SEED, OVERFS_RUNS = '20' } = process.env;
  const first = OVERFS_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(OVERFS_SEED);
  for (const arrangement of ARRANGEMENTS) {
    it(`P3, C2, changes(): ${arrangement.name}`, () => {
      for (let run = 0; run < Number(OVERFS_RUNS); run++) playSequence(arrangement, first + run, 30);
    });
  }
});
