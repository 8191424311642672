// P7: what is read in sequence is fetched ahead, what is read at random is not. W6: making room in memory is no reason
// to write.

import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';

const PAGE = 4096;
const PAGES = 64;

function lowerFile(): Buffer {
  return Buffer.alloc(PAGES * PAGE, 'lower');
}

function rig(options: Parameters<typeof createOverlay>[0] = {}) {
  const lower = new Volume();
  lower.writeFileSync('/file', lowerFile());
  const overlay = createOverlay({ lower: { fs: lower, immutable: true }, pageSize: PAGE, ...options });
  const { fs } = overlay;
  const fd = fs.openSync('/file', 'r');
  const read = (page: number) => {
    const bytes = Buffer.alloc(PAGE);
    expect(fs.readSync(fd, bytes, 0, PAGE, page * PAGE)).toBe(PAGE);
    expect(bytes.equals(lowerFile().subarray(page * PAGE, (page + 1) * PAGE))).toBe(true);
  };
  return { overlay, fs, read };
}

it('P7: sequential reads are fetched ahead', () => {
  const { overlay, read } = rig();
  let asked = 0;
  for (let page = 0; page < 32; page++) {
    const { misses } = overlay.statistics();
    read(page);
    asked += overlay.statistics().misses - misses;
  }
  expect(overlay.statistics().fills).toBeGreaterThanOrEqual(32);
  expect(asked).toBeLessThan(16);
});

it.each([
  ['at random', [40, 3, 21, 60, 9, 33, 0, 50]],
  ['backwards', [9, 8, 7, 6, 5, 4, 3, 2]],
  ['far apart', [1, 11, 21, 31, 41, 51]],
])('P7: reads %s bring what they want and no more', (_, pages) => {
  const { overlay, read } = rig();
  for (const page of pages) read(page);
  expect(overlay.statistics().fills).toBe(pages.length);
});

it.each([
  ['nothing', 0, (PAGES * PAGE) / 512],
  ['a page ahead', 4 * PAGE, PAGES],
  ['some pages ahead', 16 * PAGE, PAGES],
])('P7: what a cache that keeps %s would not keep is not fetched ahead', (_, maxBytes, most) => {
  const { overlay, fs } = rig({ cache: { maxBytes } });
  const stream = fs.openSync('/file', 'r');
  for (let at = 0; at < PAGES * PAGE; at += 512) fs.readSync(stream, Buffer.alloc(512));
  const { fills } = overlay.statistics();
  expect(fills).toBeGreaterThanOrEqual(PAGES);
  expect(fills).toBeLessThanOrEqual(most);
});

it('W6: reclaim forgets what the branches can tell again and hands nothing down, also while the upper takes nothing', () => {
  const upper = new Volume();
  const { overlay, fs, read } = rig({ upper, cache: { maxBytes: 8 * PAGE } });
  const told: string[] = [];
  overlay.on('command', ({ kind }) => {
    told.push(kind);
    throw Object.assign(new Error('full'), { code: 'ENOSPC' });
  });
  const written = Buffer.alloc(32 * PAGE, 'mine');
  fs.writeFileSync('/new', written);
  for (let page = 0; page < PAGES; page++) read(page);
  expect(told).toEqual([]);
  expect(() => overlay.syncSync()).toThrow('ENOSPC');
  told.length = 0;
  for (let page = 0; page < PAGES; page++) read(page);
  const { reclaimed, cachedBytes, dirtyBytes } = overlay.statistics();
  expect(told).toEqual([]);
  expect(reclaimed).toBeGreaterThan(0);
  expect(cachedBytes).toBeLessThanOrEqual(8 * PAGE);
  expect(dirtyBytes).toBe(written.length);
  expect(fs.readFileSync('/new').equals(written)).toBe(true);
});

it('W6: what the upper has is forgotten like what the lowers have, and read again from there', () => {
  const { overlay, fs, read } = rig({ upper: new Volume(), cache: { maxBytes: 8 * PAGE } });
  const written = Buffer.alloc(6 * PAGE, 'mine');
  fs.writeFileSync('/new', written);
  overlay.syncSync();
  expect(overlay.statistics().dirtyBytes).toBe(0);
  for (let page = 0; page < PAGES; page++) read(page);
  expect(overlay.statistics().cachedBytes).toBeLessThanOrEqual(8 * PAGE);
  expect(fs.readFileSync('/new').equals(written)).toBe(true);
  overlay.close();
});
