// The long randomized runs of `npm run soak`; `npm run soak:short` (mode `short`) shows in a minute that each still runs.
// A soak reads `OVERFS_SOAK` (`short` or `long`) to choose its counts; a failure prints the seed that repeats it.

import { defineConfig } from 'vitest/config';
import { onDisk } from './test/temporary.ts';

export default defineConfig(({ mode }) => {
  const short = mode === 'short';
  return {
    test: {
      include: ['test/soak/**/*.soak.ts'],
      pool: 'forks',
      setupFiles: ['test/umask.ts'],
      env: { OVERFS_SOAK: short ? 'short' : 'long', TMPDIR: onDisk() },
      testTimeout: short ? 120_000 : 7_200_000,
      hookTimeout: 60_000,
    },
  };
});
