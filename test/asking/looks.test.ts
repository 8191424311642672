// Looks under way: the newest answer about a path counts, and it is kept only as long as an older one is remembered.

import { describe, expect, it } from 'vitest';
import { beginLook, endLook, heardAtOnce, heardLater, newest } from '../../lib/asking/looks.ts';
import type { Attributes, Branch } from '../../lib/branch/branch.ts';

const branch = { id: 1 } as unknown as Branch;
const seen = (ino: number, ctimeSec = 1): Attributes => ({ ino, ctimeSec, ctimeNsec: 0 }) as unknown as Attributes;

describe('looks', () => {
  it('take the answer to a later question, whenever it came', () => {
    const [first, second, third] = [beginLook(branch, '/a'), beginLook(branch, '/a'), beginLook(branch, '/a')];
    heardLater(second, seen(2));
    heardLater(first, seen(1));
    expect(newest(first, seen(1))?.ino).toBe(2);
    expect(newest(second, seen(2))?.ino).toBe(2);
    heardLater(third, undefined);
    expect(newest(second, seen(2))).toBeUndefined();
    for (const look of [first, second, third]) endLook(look);
  });

  it('are told by a synchronous call', () => {
    const look = beginLook(branch, '/a');
    heardAtOnce(branch, '/b', seen(5));
    expect(newest(look, seen(1))?.ino).toBe(1);
    heardAtOnce(branch, '/a', seen(6));
    expect(newest(look, seen(1))?.ino).toBe(6);
    expect(newest(beginLook(branch, '/a'), seen(7))?.ino).toBe(7);
  });

  it('count how often the answer was another one', () => {
    const [first, second] = [beginLook(branch, '/c'), beginLook(branch, '/c')];
    expect(first.news.version).toBe(0);
    heardLater(first, seen(1));
    heardLater(second, seen(1));
    expect(first.news.version).toBe(1);
    heardAtOnce(branch, '/c', seen(1, 2));
    expect(first.news.version).toBe(2);
    for (const look of [first, second]) endLook(look);
  });

  it('are forgotten with the last call that remembers one', () => {
    const look = beginLook(branch, '/d');
    const other = beginLook(branch, '/d');
    heardLater(look, seen(1));
    endLook(look);
    expect(beginLook(branch, '/d').news).toBe(other.news);
    const again = beginLook(branch, '/e');
    endLook(again);
    expect(beginLook(branch, '/e').news).not.toBe(again.news);
  });
});
