/** Directories of the real disk for tests: removed when the test that made them has ended. */

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach } from 'vitest';
import { clear } from '../grounds/ground.ts';

/** Gives a test file a function that makes an empty directory. */
export function useDirectories(): () => string {
  const made: string[] = [];
  afterEach(() => {
    for (const directory of made.splice(0)) clear(directory);
  });
  return () => {
    const directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
    made.push(directory);
    return directory;
  };
}
