// Two copies of overfs in one process, as packages that bring their own have them: the overlays of one are branches of
// the other's.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { memfs } from 'memfs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as ours from '../../lib/index.ts';
import { transpileLibrary } from '../transpiled.ts';

let directory = '';
let others: typeof ours;

beforeAll(async () => {
  directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
  others = (await import(transpileLibrary(directory))) as typeof ours;
});

afterAll(() => nodeFs.rmSync(directory, { recursive: true }));

describe.each(['ours', 'the other'])('over overlays of %s copy', (whose) => {
  const copies = () => (whose === 'ours' ? [ours, others] : [others, ours]) as [typeof ours, typeof ours];

  it('L12: one is a lower', () => {
    const [below, above] = copies();
    const lower = below.createOverlay({ lower: memfs({ '/file': 'old', '/long': 'x'.repeat(100_000) }).fs });
    const { fs } = above.createOverlay({ lower });
    expect(fs.readFileSync('/long', 'utf8')).toBe('x'.repeat(100_000));
    fs.appendFileSync('/long', 'y');
    lower.fs.writeFileSync('/file', 'new');
    expect([fs.readFileSync('/file', 'utf8'), lower.fs.statSync('/long').size]).toEqual(['new', 100_000]);
  });

  it('L3: one is an upper, and shows whiteouts in their own spelling', async () => {
    const [below, above] = copies();
    const lower = memfs({ '/file': 'old', '/directory/file': 'old' }).fs;
    const upper = below.createOverlay({ lower: [] });
    const overlay = above.createOverlay({ lower, upper });
    overlay.fs.rmSync('/directory', { recursive: true });
    overlay.fs.writeFileSync('/new', 'new');
    await overlay.sync();
    expect(() => above.createOverlay({ lower, upper })).toThrow('EBUSY');
    overlay.close();
    expect(upper.fs.readdirSync('/')).toEqual(['.overfs1', '.wh1.directory', 'new']);
    const again = above.createOverlay({ lower, upper });
    expect(again.fs.readdirSync('/')).toEqual(['file', 'new']);
    again.close();
  });

  it('L13: what one cannot say at once is told by both', async () => {
    const [below, above] = copies();
    const { fs } = above.createOverlay({
      lower: below.createOverlay({ lower: { promises: memfs({ '/file': 'x' }).fs.promises } }),
    });
    expect(() => fs.readFileSync('/file')).toThrow(expect.objectContaining({ code: 'ERR_OVERFS_NOT_LOADED' }));
    expect(() => fs.readFileSync('/file')).toThrow(ours.NotLoadedError);
    expect(await fs.promises.readFile('/file', 'utf8')).toBe('x');
  });
});
