// `overlay.statistics()`: what is counted, and when.

import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Volume } from 'memfs';
import { afterEach, describe, expect, it } from 'vitest';
import { createOverlay, type Statistics } from '../../lib/index.ts';
import { WatchedLower } from '../faults/lower.ts';

const PAGE = 4096;
const NOTHING: Statistics = {
  hits: 0,
  misses: 0,
  fills: 0,
  reclaimed: 0,
  cachedBytes: 0,
  borrowedBytes: 0,
  entries: 0,
  forgotten: 0,
  dirtyBytes: 0,
  writtenBytes: 0,
  restarts: 0,
  openFiles: 0,
};

const scratch: string[] = [];
afterEach(() => {
  for (const directory of scratch.splice(0)) rmSync(directory, { recursive: true });
});

function overlayOf(files: Record<string, string>, maxBytes = 2 ** 20) {
  // Of a file that may change, what is read within 10 ms of its last change would be read again.
  const lower = { fs: Volume.fromJSON(files), immutable: true };
  return createOverlay({ lower, pageSize: PAGE, cache: { maxBytes } });
}

describe('statistics', () => {
  it('begins with nothing, and is a frozen object', () => {
    const told = overlayOf({}).statistics();
    expect(told).toEqual(NOTHING);
    expect(Object.isFrozen(told)).toBe(true);
  });

  it('counts reads by whether they found all in memory, and the pages that came', () => {
    const overlay = overlayOf({ '/f': 'x'.repeat(3 * PAGE) });
    const { fs } = overlay;
    fs.statSync('/f');
    expect(overlay.statistics()).toEqual({ ...NOTHING, entries: 1 });
    fs.readFileSync('/f');
    expect(overlay.statistics()).toEqual({ ...NOTHING, entries: 1, misses: 1, fills: 3, cachedBytes: 3 * PAGE });
    fs.readFileSync('/f', 'utf8');
    const fd = fs.openSync('/f', 'r');
    fs.readSync(fd, Buffer.alloc(10), 0, 10, PAGE);
    expect(overlay.statistics()).toEqual({
      ...NOTHING,
      entries: 1,
      hits: 2,
      misses: 1,
      fills: 3,
      cachedBytes: 3 * PAGE,
      openFiles: 1,
    });
  });

  it('counts what is forgotten for want of room', () => {
    const overlay = overlayOf({ '/f': 'x'.repeat(3 * PAGE) }, 2 * PAGE);
    overlay.fs.readFileSync('/f');
    expect(overlay.statistics()).toMatchObject({ fills: 3, reclaimed: 1, cachedBytes: 2 * PAGE });
    overlay.fs.readFileSync('/f');
    expect(overlay.statistics()).toMatchObject({ hits: 0, misses: 2, fills: 4, reclaimed: 2, cachedBytes: 2 * PAGE });
  });

  it('tells how much differs, and how much of it the upper has got', async () => {
    const upper = mkdtempSync(path.join(os.tmpdir(), 'overfs-statistics-'));
    scratch.push(upper);
    const overlay = createOverlay({
      lower: [],
      upper,
      pageSize: PAGE,
      writeback: { expire: Number.POSITIVE_INFINITY },
    });
    overlay.fs.writeFileSync('/f', 'x'.repeat(5000));
    expect(overlay.statistics()).toMatchObject({ dirtyBytes: 5000, cachedBytes: 0 });
    const before = overlay.statistics().writtenBytes;
    await overlay.sync();
    const { dirtyBytes, writtenBytes, cachedBytes } = overlay.statistics();
    expect(dirtyBytes).toBe(0);
    expect(writtenBytes).toBeGreaterThanOrEqual(before + 5000);
    expect(cachedBytes).toBeGreaterThanOrEqual(5000);
    overlay.close();
    // Giving the upper back may write into its work area.
    expect(overlay.statistics().writtenBytes).toBeGreaterThanOrEqual(writtenBytes);
  });

  it('counts the restarts of asynchronous calls, none where all is in memory', async () => {
    const lower = new WatchedLower('both');
    lower.volume.fromJSON({ '/d/f': 'x' });
    const overlay = createOverlay({ lower: { fs: lower.fs, immutable: true } });
    await overlay.fs.promises.readFile('/d/f');
    // The root, /d, /d/f and its bytes.
    expect(overlay.statistics().restarts).toBe(4);
    await overlay.fs.promises.readFile('/d/f');
    overlay.fs.readFileSync('/d/f');
    expect(overlay.statistics().restarts).toBe(4);
  });

  it('counts descriptors and FileHandles that are open', async () => {
    const overlay = overlayOf({ '/f': 'x' });
    const fd = overlay.fs.openSync('/f', 'r');
    const handle = await overlay.fs.promises.open('/f');
    expect(overlay.statistics().openFiles).toBe(2);
    overlay.fs.closeSync(fd);
    await handle.close();
    expect(overlay.statistics().openFiles).toBe(0);
  });
});
