// The spelling of whiteouts.

import { describe, expect, it } from 'vitest';
import { hiddenName, isMark, OPAQUE_MARK, WORK_AREA, whiteoutName } from '../../lib/branch/whiteout.ts';

describe('the spelling of whiteouts', () => {
  it.each(['a', '.hidden', 'x.wh.y', '..a', '\uDCFF'])('L3 a whiteout of %j hides it', (name) => {
    expect(whiteoutName(name)).toBe(`.wh.${name}`);
    expect(hiddenName(whiteoutName(name))).toBe(name);
    expect(isMark(whiteoutName(name))).toBe(true);
  });

  it.each(['a', '.wh', 'wh.a', '.whx', '.'])('%j is an ordinary name', (name) => {
    expect(hiddenName(name)).toBeUndefined();
    expect(isMark(name)).toBe(false);
  });

  it.each([OPAQUE_MARK, '.wh..wh.plnk', '.wh..wh.aufs', '.wh.', '.wh..', '.wh...'])('%j hides no name', (name) => {
    expect(hiddenName(name)).toBeUndefined();
    expect(isMark(name)).toBe(true);
  });

  it('is that of the OCI image layer specification', () => {
    expect(OPAQUE_MARK).toBe('.wh..wh..opq');
    expect(isMark(WORK_AREA)).toBe(false);
  });
});
