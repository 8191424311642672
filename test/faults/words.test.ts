// N2: calls that are no plain row of the table say in words of Node's what a branch has failed with, whichever request
// it was.

import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import type { FileSystem } from '../grounds/face.ts';
import { branchError, WatchedLower } from './lower.ts';

const CALLS: Readonly<Record<string, (fs: FileSystem) => unknown>> = {
  watch: (fs) => fs.watch('/d/sub').close(),
  'watch, recursive': (fs) => fs.watch('/d/sub', { recursive: true }).close(),
  'promises.watch': async (fs) => {
    const stop = new AbortController();
    const next = fs.promises.watch('/d/sub', { signal: stop.signal })[Symbol.asyncIterator]().next();
    const ended = next.catch((error: Error) => {
      if (error.name !== 'AbortError') throw error;
    });
    // By then it watches, or has failed.
    const watches = (async () => {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      stop.abort();
    })();
    await ended.finally(() => watches);
  },
  'Dir, at once': (fs) => {
    const dir = fs.opendirSync('/d', { recursive: true });
    try {
      while (dir.readSync() !== null);
    } finally {
      dir.closeSync();
    }
  },
  'Dir, later': async (fs) => {
    for await (const _ of await fs.promises.opendir('/d', { recursive: true }));
  },
};

describe('N2 words for what a branch fails with', () => {
  for (const [name, call] of Object.entries(CALLS)) {
    it(name, async () => {
      for (let k = 1, failed = true; failed; k++) {
        const lower = new WatchedLower('both');
        lower.volume.fromJSON({ '/d/f': '', '/d/sub/x': '', '/d/sub/deep/y': '' });
        const { fs } = createOverlay({ lower: { fs: lower.fs } });
        failed = false;
        lower.behave = ({ number }, answer) => {
          if (number !== k) return answer();
          failed = true;
          throw branchError('EIO');
        };
        const error = await Promise.resolve(fs).then(call).then(() => undefined, (thrown: unknown) => thrown); // biome-ignore format: one line
        expect(error instanceof Error, `request ${k}: ${String(error)}`).toBe(error !== undefined);
        if (error !== undefined) {
          // Some Nodes leave the path of `opendirSync` out.
          const words = /^EIO: i\/o error, (watch|stat|opendir)( '\/d(\/sub(\/deep)?)?')?$/;
          expect(error).toMatchObject({ code: 'EIO', message: expect.stringMatching(words) });
        }
      }
    });
  }
});
