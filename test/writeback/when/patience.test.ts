// An upper that takes nothing for an hour, and then does: in the background it is tried again, each time later, nothing
// is lost, and the rest of the overlay goes on.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { bytesOf, PAGE } from '../rig.ts';

const HOUR = 3_600_000;

let directory: string;
beforeEach(() => {
  directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  nodeFs.rmSync(directory, { recursive: true, force: true });
});

/** A directory that refuses what `names` say, while it is ill; it counts how often. It has synchronous functions only. */
class IllUpper {
  readonly fs: Record<string, unknown> = { constants: nodeFs.constants };
  /** What is thrown; undefined while it is well. */
  illness: string | undefined;
  refused = 0;

  constructor(names: (name: string) => boolean) {
    for (const [name, real] of Object.entries(nodeFs)) {
      if (!name.endsWith('Sync') || typeof real !== 'function') continue;
      this.fs[name] = (...given: unknown[]) => {
        if (this.illness !== undefined && names(name)) {
          this.refused++;
          throw Object.assign(new Error(this.illness), { code: this.illness });
        }
        return (real as (...given: unknown[]) => unknown)(...given);
      };
    }
  }
}

/** Lets time pass, and what is due then be done. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1000) {
    await vi.advanceTimersByTimeAsync(Math.min(1000, left));
    await new Promise(setImmediate);
  }
}

it.each([
  ['full', 'ENOSPC', (name: string) => name === 'writeSync'],
  ['gone', 'EIO', () => true],
  ['read-only', 'EROFS', (name: string) => /^(open|write|mkdir|rename|unlink)Sync$/.test(name)],
] as const)(
  'W2: an upper that is %s for an hour loses nothing, and is not asked all the time',
  async (_, code, names) => {
    const upper = new IllUpper(names);
    const overlay = createOverlay({
      lower: [],
      upper: { fs: upper.fs, root: directory },
      writeback: { dirtyLimit: 10 * PAGE },
    });
    const { fs } = overlay;
    const told = new Set<string>();
    overlay.on('writeback-error', (failure) => told.add(failure.code));
    fs.writeFileSync('/before', 'before');
    await pass(6000);
    expect(nodeFs.readFileSync(`${directory}/before`, 'utf8')).toBe('before');
    upper.illness = code;
    fs.writeFileSync('/new', bytesOf(1, 3 * PAGE));
    await pass(HOUR / 2);
    // Memory is the limit now, so writers do not wait.
    for (let i = 0; i < 8; i++) fs.writeFileSync(`/more${i}`, bytesOf(i, 3 * PAGE));
    fs.unlinkSync('/before');
    await pass(HOUR / 2);
    expect([...told]).toEqual([code]);
    const attempts = upper.refused;
    await pass(10 * 60_000);
    expect(upper.refused - attempts).toBeLessThanOrEqual(10 * 40);
    expect(upper.refused).toBeGreaterThan(attempts);
    expect(fs.readFileSync('/new')).toEqual(bytesOf(1, 3 * PAGE));
    upper.illness = undefined;
    await pass(61_000);
    expect(nodeFs.readFileSync(`${directory}/new`)).toEqual(bytesOf(1, 3 * PAGE));
    for (let i = 0; i < 8; i++) expect(nodeFs.readFileSync(`${directory}/more${i}`)).toEqual(bytesOf(i, 3 * PAGE));
    expect(nodeFs.existsSync(`${directory}/before`)).toBe(false);
    expect(overlay.statistics().dirtyBytes).toBe(0);
    // It is well again, so that what comes next goes down in time.
    fs.writeFileSync('/after', 'after');
    await pass(6000);
    expect(nodeFs.readFileSync(`${directory}/after`, 'utf8')).toBe('after');
    overlay.close();
  },
);
