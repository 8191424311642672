// The spelling of whiteouts.

import { describe, expect, it } from 'vitest';
import { PLAIN, Spelling } from '../../lib/branch/whiteout.ts';

describe('the spelling of whiteouts', () => {
  it.each(['a', '.hidden', 'x.wh.y', '..a', '\uDCFF'])('L3 a whiteout of %j hides it', (name) => {
    expect(PLAIN.whiteoutName(name)).toBe(`.wh.${name}`);
    expect(PLAIN.hiddenName(PLAIN.whiteoutName(name))).toBe(name);
    expect(PLAIN.isMark(PLAIN.whiteoutName(name))).toBe(true);
  });

  it.each(['a', '.wh', 'wh.a', '.whx', '.', '.wh1.a', '.wh0.a'])('%j is an ordinary name', (name) => {
    expect(PLAIN.hiddenName(name)).toBeUndefined();
    expect(PLAIN.isMark(name)).toBe(false);
  });

  it.each([PLAIN.opaqueMark, '.wh..wh.plnk', '.wh..wh.aufs', '.wh.', '.wh..', '.wh...'])('%j hides no name', (name) => {
    expect(PLAIN.hiddenName(name)).toBeUndefined();
    expect(PLAIN.isMark(name)).toBe(true);
  });

  it('is that of the OCI image layer specification', () => {
    expect(PLAIN.opaqueMark).toBe('.wh..wh..opq');
    expect(PLAIN.isMark(PLAIN.workArea)).toBe(false);
    expect(PLAIN.isWorkArea('.overfs')).toBe(true);
  });

  it('of an overlay as an upper has names that the overlay below takes', () => {
    const spelling = new Spelling(2, 0);
    for (const name of [spelling.whiteoutName('a'), spelling.opaqueMark]) {
      expect(spelling.isMark(name)).toBe(true);
      expect(new Spelling(1, 0).isMark(name)).toBe(false);
      expect(new Spelling(0, 2).isMark(name)).toBe(true);
    }
    expect(spelling.hiddenName(spelling.whiteoutName('a'))).toBe('a');
    expect(spelling.hiddenName(spelling.opaqueMark)).toBeUndefined();
    expect(spelling.isMark('.wh1.a') && spelling.isMark('.wh.a')).toBe(true);
    expect(spelling.isWorkArea('.overfs1') && spelling.isWorkArea('.overfs2')).toBe(true);
    expect(spelling.isMark('.wh3.a') || spelling.isWorkArea('.overfs3')).toBe(false);
  });
});
