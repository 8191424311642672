// What `sync` tells of how far it is.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Manner, type Overlay, type Progress } from '../../../lib/index.ts';

const FORMS: Record<string, (overlay: Overlay, manner: Manner) => Promise<void> | void> = {
  sync: (overlay, manner) => overlay.sync(manner),
  syncSync: (overlay, manner) => overlay.syncSync(manner),
};

describe.each(Object.entries(FORMS))('W1: %s tells of each file', (_, sync) => {
  /** What it tells of one write-back. */
  async function toldOf(overlay: Overlay): Promise<Progress[]> {
    const told: Progress[] = [];
    await sync(overlay, { onProgress: (progress) => void told.push(progress) });
    return told;
  }

  it('how many there are, how many are done, and the bytes of this write-back', async () => {
    const overlay = createOverlay({ lower: [], upper: new Volume() });
    const { fs } = overlay;
    fs.mkdirSync('/sub');
    for (const [name, size] of [
      ['/a', 40_000],
      ['/b', 50_000],
      ['/sub/c', 3],
    ] as const)
      fs.writeFileSync(name, 'x'.repeat(size));
    const first = await toldOf(overlay);
    expect(first.map(({ done, total, path }) => [done, total, path])).toEqual([
      [1, 3, '/a'],
      [2, 3, '/b'],
      [3, 3, '/sub/c'],
    ]);
    expect(first.at(-1)?.bytes).toBe(90_003);
    fs.writeFileSync('/a', 'short');
    expect(await toldOf(overlay)).toEqual([{ done: 1, total: 1, bytes: 5, path: '/a' }]);
    expect(await toldOf(overlay)).toEqual([]);
  });
});
