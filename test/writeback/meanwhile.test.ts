// W9, W10, P5: write-back while somebody writes. OVERFS_SEED repeats a history, OVERFS_RUNS says how many.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { playHistory } from './meanwhile.ts';

const { OVERFS_SEED, OVERFS_RUNS, OVERFS_SOAK } = process.env;
const MILLISECONDS = OVERFS_SOAK === 'long' ? 20 * 60_000 : 8_000;

it('W2, W5, W9, W10, P5: calls between the commands of a write-back are neither lost nor mixed', async () => {
  const first = OVERFS_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(OVERFS_SEED);
  const most = OVERFS_RUNS === undefined ? Number.POSITIVE_INFINITY : Number(OVERFS_RUNS);
  const end = Date.now() + MILLISECONDS;
  let played = 0;
  for (; played < most && (played === 0 || Date.now() < end); played++) {
    const directory = mkdtempSync(join(tmpdir(), 'overfs-meanwhile-'));
    try {
      const seed = first + played;
      // Every second history has an upper that fails now and then, and every second one several users.
      const [half, quarter] = [Math.floor(seed / 2), Math.floor(seed / 4)];
      await playHistory({
        seed,
        directory,
        faults: half % 2 === 0 ? 0 : 3,
        users: quarter % 2 === 0 ? 'one' : 'several',
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
  expect(played).toBeGreaterThan(0);
});
