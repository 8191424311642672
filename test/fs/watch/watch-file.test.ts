import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';

let scratch: string;
beforeEach(() => {
  scratch = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
});
afterEach(() => {
  nodeFs.rmSync(scratch, { recursive: true, force: true });
});

describe('watchFile', () => {
  it('N7 tells each change with the stats of now and before, long before the interval', async () => {
    const { fs } = createOverlay({ lower: [] });
    fs.writeFileSync('/f', 'x');
    const sizes: [number, number][] = [];
    fs.watchFile('/f', (now, before) => sizes.push([now.size, before.size]));
    await wait(10);
    fs.appendFileSync('/f', 'yz');
    await vi.waitFor(() => expect(sizes).toEqual([[3, 1]]));
    fs.unlinkSync('/f');
    await vi.waitFor(() => expect(sizes).toEqual([[3, 1], [0, 3]])); // biome-ignore format: a table
    fs.unwatchFile('/f');
    fs.writeFileSync('/f', 'again');
    await wait(20);
    expect(sizes).toHaveLength(2);
  });

  it('N6 a listener that throws is an uncaught exception, and the watcher goes on', async () => {
    const { fs } = createOverlay({ lower: [] });
    fs.writeFileSync('/f', 'x');
    const origins: string[] = [];
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error, origin) => origins.push(`${error.message} ${origin}`));
    try {
      fs.watchFile('/f', ({ size }) => {
        throw new Error(`size ${size}`);
      });
      await wait(10);
      fs.appendFileSync('/f', 'y');
      await vi.waitFor(() => expect(origins).toEqual(['size 2 uncaughtException']));
      fs.appendFileSync('/f', 'z');
      await vi.waitFor(() => expect(origins).toHaveLength(2));
    } finally {
      fs.unwatchFile('/f');
      process.removeAllListeners('uncaughtException');
      for (const each of before) process.on('uncaughtException', each);
    }
    expect(origins[1]).toBe('size 3 uncaughtException');
  });

  it('N7 tells of a file that is not there at first, once, with zeros', async () => {
    const { fs } = createOverlay({ lower: [] });
    const told: unknown[][] = [];
    const listener = (...stats: { ino: number | bigint; mtimeMs: number | bigint }[]) => {
      told.push(stats.map(({ ino, mtimeMs }) => [ino, mtimeMs]));
    };
    fs.watchFile('/later', { bigint: true }, listener);
    await vi.waitFor(() => expect(told).toEqual([[[0n, 0n], [0n, 0n]]])); // biome-ignore format: a table
    fs.mkdirSync('/elsewhere');
    await wait(10);
    expect(told).toHaveLength(1);
    fs.writeFileSync('/later', '');
    await vi.waitFor(() => expect(told).toHaveLength(2));
    fs.unwatchFile('/later', listener as never);
  });

  it('N7 sees a change on the way to the file, and one behind a link', async () => {
    const { fs } = createOverlay({ lower: [] });
    fs.mkdirSync('/d');
    fs.writeFileSync('/d/f', 'x');
    fs.symlinkSync('/d/f', '/link');
    const sizes: number[][] = [[], []];
    fs.watchFile('/d/f', ({ size }) => sizes[0]?.push(size));
    fs.watchFile('/link', ({ size }) => sizes[1]?.push(size));
    await wait(10);
    fs.writeFileSync('/d/f', 'xyz');
    await vi.waitFor(() => expect(sizes).toEqual([[3], [3]]));
    fs.renameSync('/d', '/e');
    await vi.waitFor(() => expect(sizes).toEqual([[3, 0], [3, 0]])); // biome-ignore format: a table
    fs.unwatchFile('/d/f');
    fs.unwatchFile('/link');
  });

  it.each([
    ['of another name', '/link', '/d/f'],
    ['of the same name', '/e/f', '/d/f'],
    ['of a directory on the way', '/d/link/f', '/e/f'],
  ])('N7 sees what comes where a link leads to nothing, and what becomes of it: a link %s', async (_, at, file) => {
    const { fs } = createOverlay({ lower: [] });
    for (const directory of ['/d', '/e']) fs.mkdirSync(directory);
    fs.symlinkSync(at.endsWith('/link/f') ? '/e' : file, at.replace('/link/f', '/link'));
    const sizes: number[] = [];
    fs.watchFile(at, ({ size }) => sizes.push(size));
    await vi.waitFor(() => expect(sizes).toEqual([0]));
    fs.writeFileSync(file, 'xyz');
    await vi.waitFor(() => expect(sizes).toEqual([0, 3]));
    fs.appendFileSync(file, 'more');
    await vi.waitFor(() => expect(sizes).toEqual([0, 3, 7]));
    fs.rmSync(file);
    await vi.waitFor(() => expect(sizes).toEqual([0, 3, 7, 0]));
    fs.writeFileSync(file, '');
    fs.appendFileSync(file, 'again');
    await vi.waitFor(() => expect(sizes.at(-1)).toBe(5));
    fs.unwatchFile(at);
  });

  it('N8 watches nothing in a lower, which may be large: the file alone is looked at', async () => {
    nodeFs.writeFileSync(path.join(scratch, 'f'), 'x');
    const watched: unknown[] = [];
    const watch = (...given: unknown[]) => {
      watched.push(given);
      return { close() {} };
    };
    const { fs } = createOverlay({ lower: { fs: { ...nodeFs, watch }, root: scratch } });
    fs.watch('/', { persistent: false }).close();
    expect(watched).toHaveLength(1);
    fs.watchFile('/f', () => {});
    await wait(10);
    fs.unwatchFile('/f');
    expect(watched).toHaveLength(1);
  });

  it('N8 polls a lower that changes by itself', async () => {
    nodeFs.writeFileSync(path.join(scratch, 'f'), 'x');
    const { fs } = createOverlay({ lower: scratch });
    const sizes: number[] = [];
    const watcher = fs.watchFile('/f', { interval: 20 }, ({ size }) => sizes.push(size));
    // What changes before the first look, which a busy machine may put off, is no change: it changes until it is heard of.
    const change = () => {
      nodeFs.appendFileSync(path.join(scratch, 'f'), 'yz');
      expect(sizes).not.toEqual([]);
    };
    await vi.waitFor(change, { timeout: 5000, interval: 100 });
    expect(sizes[0]).toBeGreaterThan(1);
    const stopped = new Promise((resolve) => watcher.once('stop', resolve));
    fs.unwatchFile('/f');
    await stopped;
  });

  it('N1 refuses bytes as Node does, which resolves paths as text', () => {
    const { fs } = createOverlay({ lower: [] });
    const told = (call: () => unknown) => {
      try {
        return typeof call();
      } catch (error) {
        return String(error);
      }
    };
    for (const bytes of [Buffer.from('/f'), new Uint8Array([0x66]) as Buffer]) {
      for (const listener of [() => {}, 5 as unknown as () => void]) {
        const watch = (of: typeof nodeFs) => told(() => of.watchFile(bytes, { interval: 5 }, listener));
        expect(watch(fs)).toBe(watch(nodeFs));
        expect(told(() => fs.unwatchFile(bytes, listener))).toBe(told(() => nodeFs.unwatchFile(bytes, listener)));
      }
    }
  });

  it('N1 refuses a missing listener as Node does', () => {
    const { fs } = createOverlay({ lower: [] });
    const refusal = (call: () => unknown) => {
      try {
        call();
      } catch (error) {
        return `${error}`;
      }
      return 'taken';
    };
    for (const args of [['/f'], ['/f', {}], ['/f', 5], [5, () => {}], ['/f', { interval: -1 }, () => {}]]) {
      const of = (watchFile: unknown) => refusal(() => (watchFile as (...args: unknown[]) => unknown)(...args));
      expect(of(fs.watchFile)).toBe(of(nodeFs.watchFile));
    }
  });
});
