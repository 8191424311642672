import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Volume } from 'memfs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';

let upper: string;
beforeEach(() => {
  upper = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
});
afterEach(() => {
  nodeFs.rmSync(upper, { recursive: true, force: true });
});

describe('write-back unasked', () => {
  it('a change reaches a directory upper when it has expired', async () => {
    await using overlay = createOverlay({ lower: [], upper, writeback: { expire: 10 } });
    overlay.fs.writeFileSync('/f', 'x');
    await vi.waitFor(() => expect(nodeFs.readFileSync(path.join(upper, 'f'), 'utf8')).toBe('x'), { timeout: 5000 });
    overlay.fs.writeFileSync('/f', 'y');
    await vi.waitFor(() => expect(nodeFs.readFileSync(path.join(upper, 'f'), 'utf8')).toBe('y'), { timeout: 5000 });
  });

  it('P6 dirty data never grows far beyond the limit: the writer helps', () => {
    using overlay = createOverlay({
      lower: [],
      upper,
      writeback: { dirtyBytes: Number.POSITIVE_INFINITY, dirtyLimit: 1 << 20, expire: Number.POSITIVE_INFINITY },
    });
    for (let i = 0; i < 8; i++) overlay.fs.writeFileSync(`/f${i}`, Buffer.alloc(300_000, i));
    const there = nodeFs.readdirSync(upper).filter((name) => name.startsWith('f'));
    expect(there.length).toBeGreaterThanOrEqual(5);
    for (let i = 0; i < 8; i++) expect(overlay.fs.readFileSync(`/f${i}`).equals(Buffer.alloc(300_000, i))).toBe(true);
  });

  for (const given of [{ dirtyLimit: 1 << 20 }, 'through'] as const) {
    it(`P6 who only writes keeps no more than the bound of what the upper has, ${JSON.stringify(given)}`, async () => {
      const maxBytes = 1 << 18;
      await using overlay = createOverlay({ lower: [], upper, cache: { maxBytes }, writeback: given });
      const { fs } = overlay;
      for (let i = 0; i < 8; i++) {
        const bytes = Buffer.alloc(300_000, i);
        if (i % 2 === 0) fs.writeFileSync(`/f${i}`, bytes);
        else await fs.promises.writeFile(`/f${i}`, bytes);
        if (i % 4 === 2) overlay.syncSync();
        if (i % 4 === 3) await overlay.sync();
        expect(overlay.statistics().cachedBytes).toBeLessThanOrEqual(maxBytes);
      }
      await overlay.sync();
      expect(overlay.statistics()).toMatchObject({ dirtyBytes: 0, hits: 0, misses: 0 });
      for (let i = 0; i < 8; i++) expect(fs.readFileSync(`/f${i}`).equals(Buffer.alloc(300_000, i))).toBe(true);
    });
  }

  it('P6 T1 a file without a name that is larger than the limit makes no writer wait for the others', async () => {
    const writeback = { dirtyBytes: 50_000, dirtyLimit: 100_000, expire: Number.POSITIVE_INFINITY };
    await using overlay = createOverlay({ lower: [], upper, writeback });
    const { fs } = overlay;
    const fd = fs.openSync('/', fs.constants.O_RDWR | fs.constants.O_TMPFILE);
    fs.writeSync(fd, Buffer.alloc(200_000));
    fs.writeFileSync('/first', 'small');
    await overlay.sync();
    let commands = 0;
    overlay.on('command', () => commands++);
    for (let i = 0; i < 50; i++) fs.writeFileSync(`/f${i}`, 'small');
    await new Promise(setImmediate);
    expect(commands).toBe(0);
    for (let i = 0; i < 11; i++) fs.writeFileSync(`/g${i}`, Buffer.alloc(10_000));
    expect(commands).toBeGreaterThan(0);
  });

  it('W7 an upper in memory is not written unless asked', async () => {
    const volume = new Volume();
    const overlay = createOverlay({ lower: [], upper: volume, writeback: { dirtyBytes: 1, dirtyLimit: 2, expire: 1 } });
    overlay.fs.writeFileSync('/f', 'more than two bytes');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(volume.existsSync('/f')).toBe(false);
    await overlay.sync();
    expect(volume.readFileSync('/f', 'utf8')).toBe('more than two bytes');
  });

  it('closing writes back, and leaves the upper to others', () => {
    {
      using overlay = createOverlay({ lower: [], upper });
      overlay.fs.writeFileSync('/f', 'kept');
      expect(() => createOverlay({ lower: [], upper })).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    }
    using again = createOverlay({ lower: [], upper });
    expect(again.fs.readFileSync('/f', 'utf8')).toBe('kept');
  });

  it('without an upper the first sync makes one in memory', async () => {
    const overlay = createOverlay({ lower: Volume.fromJSON({ '/gone': 'x', '/kept': 'y' }) });
    overlay.fs.writeFileSync('/new', 'z');
    overlay.fs.unlinkSync('/gone');
    expect(overlay.upper).toBeUndefined();
    await overlay.sync();
    const volume = overlay.upper as Volume;
    expect(volume.readdirSync('/').sort()).toEqual(['.overfs', '.wh.gone', 'new']);
    overlay.fs.appendFileSync('/kept', '!');
    overlay.syncSync();
    expect(volume.readFileSync('/kept', 'utf8')).toBe('y!');
  });
});
