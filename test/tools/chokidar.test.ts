// chokidar over an overlay: a watcher that many tools use sees the same changes as it does on the disk.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type * as Chokidar from 'chokidar';
import { Volume } from 'memfs';
import { describe, expect, it, vi } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { requireOver } from './require-over.ts';
import type { FileSystem } from './two-places.ts';

/** How long chokidar gathers what belongs together. */
const PATIENCE = { timeout: 10_000, interval: 100 };

/** What chokidar tells of some changes below a directory that holds `src/a.txt` and `src/deep/b.txt`. */
async function story(fs: FileSystem, root: string, options: Chokidar.ChokidarOptions): Promise<string[]> {
  const { watch } = requireOver(fs, 'chokidar') as typeof Chokidar;
  const watcher = watch(root, { ...options, atomic: false });
  const heard: string[] = [];
  watcher.on('all', (event, at) => heard.push(`${event} ${path.relative(root, at)}`));
  await new Promise<void>((resolve) => watcher.on('ready', () => resolve()));
  // What happens before chokidar has looked at something for the first time it does not hear of, on the disk either.
  const then = async (change: () => void, expected: string, nudge: () => void) => {
    change();
    const hasHeard = () => {
      if (!heard.includes(expected)) nudge();
      expect(heard).toContain(expected);
    };
    await vi.waitFor(hasHeard, PATIENCE);
  };
  const within = (name: string) => path.join(root, name);
  const touch = (name: string) => () => fs.utimesSync(within(name), new Date(), new Date());
  const append = () => fs.appendFileSync(within('src/a.txt'), '!');
  await then(() => fs.writeFileSync(within('src/new.txt'), 'new'), 'add src/new.txt', touch('src'));
  await then(append, 'change src/a.txt', append);
  await then(() => fs.mkdirSync(within('src/made')), 'addDir src/made', touch('src'));
  await then(() => fs.writeFileSync(within('src/made/inside.txt'), ''), 'add src/made/inside.txt', touch('src/made'));
  await then(() => fs.unlinkSync(within('src/deep/b.txt')), 'unlink src/deep/b.txt', touch('src/deep'));
  await then(() => fs.rmdirSync(within('src/deep')), 'unlinkDir src/deep', touch('src'));
  await watcher.close();
  // Whether the write that fills a new file is told as a change too depends on how soon chokidar looks at the file.
  return [...new Set(heard)].filter((event) => event !== 'change src/new.txt').sort();
}

describe('chokidar', () => {
  it.each([
    ['fs.watch', {}],
    ['fs.watchFile', { usePolling: true, interval: 50 }],
  ] as const)('N8 sees through %s of an overlay what it sees on the disk', async (_way, options) => {
    const scratch = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
    try {
      nodeFs.mkdirSync(path.join(scratch, 'src/deep'), { recursive: true });
      nodeFs.writeFileSync(path.join(scratch, 'src/a.txt'), 'a');
      nodeFs.writeFileSync(path.join(scratch, 'src/deep/b.txt'), 'b');
      const real = await story(nodeFs as FileSystem, scratch, options);
      const { fs } = createOverlay({ lower: Volume.fromJSON({ '/w/src/a.txt': 'a', '/w/src/deep/b.txt': 'b' }) });
      expect(await story(fs as FileSystem, '/w', options)).toEqual(real);
    } finally {
      nodeFs.rmSync(scratch, { recursive: true, force: true });
    }
  });
});
