// The test run of `npm test`: every test/**/*.test.ts, straight from the TypeScript sources of lib/.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests change process-wide state (umask, cwd, credentials), which worker threads may not.
    pool: 'forks',
    // By default one processor is left to Vitest itself, which has little to do: on two that would be half of all.
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
  },
});
