// The test run of `npm test`: every test/**/*.test.ts, straight from the TypeScript sources of lib/.
//
// Most files share the processes they run in, which then load lib/ once and not for each file: that is a third of the
// whole time. What a file changes of its process (umask, working directory, credentials) it therefore puts back. The
// files of `alone` look at their process itself, so each gets a new one.

import { configDefaults, defineConfig } from 'vitest/config';
import { inMemory } from './test/temporary.ts';

/** Files that ask what a process holds, what has been loaded into it, or what others have patched in it. */
const alone = [
  'test/branch/abandoned.test.ts', // what the collector finds
  'test/branch/disk.test.ts', // descriptors, and those that the process keeps open for all overlays
  'test/fs/handles/leaks.test.ts', // what the collector finds
  'test/fs/parity.test.ts', // the keys of node:fs, to which a test that reads them may add
  'test/overlay/default-upper.test.ts', // whether memfs has been loaded
  'test/overlay/patched.test.ts', // a patched node:fs
  'test/overlay/timers.test.ts', // what keeps a process alive
  'test/pages/loan.test.ts', // what the collector finds
  'test/tree/nameless.test.ts', // what the collector finds
];

export default defineConfig({
  test: {
    // Tests change process-wide state (umask, cwd, credentials), which worker threads may not.
    pool: 'forks',
    env: { TMPDIR: inMemory() },
    setupFiles: ['test/umask.ts'],
    // By default one processor is left to Vitest itself, which has little to do: on two that would be half of all.
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...alone],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
  },
});
