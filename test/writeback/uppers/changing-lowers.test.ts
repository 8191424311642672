// What is written back over lowers that change meanwhile: a new overlay on the same upper shows what the old one did.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';

function stand(files: Record<string, string | null>) {
  const lower = Volume.fromJSON(files);
  const upper = new Volume();
  const mount = (): Overlay => createOverlay({ lower, upper, writeback: 'manual' });
  return { lower, mount };
}

/** Every name that can be looked up. */
function shownBy({ fs }: Overlay): string[] {
  return fs.readdirSync('/', { recursive: true, encoding: 'utf8' }).filter((name) => fs.existsSync(`/${name}`));
}

describe('a lower that changes before a write-back', () => {
  it('C7 W10 what it has lost of a directory that was moved here is gone from there too', () => {
    const { lower, mount } = stand({ '/d/sub': null, '/d/file': 'file', '/d/stays': 'stays' });
    const overlay = mount();
    const { fs } = overlay;
    for (const name of ['sub', 'file', 'stays']) fs.statSync(`/d/${name}`);
    lower.rmdirSync('/d/sub');
    lower.unlinkSync('/d/file');
    fs.renameSync('/d', '/moved');
    overlay.syncSync();
    expect(fs.readdirSync('/moved')).toEqual(['stays']);
    expect(fs.existsSync('/moved/sub')).toBe(false);
    const shown = shownBy(overlay);
    overlay.close();
    expect(shownBy(mount())).toEqual(shown);
  });

  it('L3 W11 a name that the upper alone had is gone with it: what a lower gets there later shows', () => {
    const { lower, mount } = stand({ '/other': 'other' });
    const first = mount();
    first.fs.writeFileSync('/f', 'ours');
    first.close();
    const overlay = mount();
    overlay.fs.unlinkSync('/f');
    overlay.syncSync();
    lower.writeFileSync('/f', 'theirs');
    expect(overlay.fs.readFileSync('/f', 'utf8')).toBe('theirs');
    expect(shownBy(overlay)).toEqual(['f', 'other']);
    overlay.fs.unlinkSync('/f');
    overlay.close();
    expect(shownBy(mount())).toEqual(['other']);
  });
});
