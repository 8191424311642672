// N1: what the running Node's fs has, the overlay's has: key by key, with name, length, order and enumerability; and
// nothing more.

import nodeFs from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';

type Members = Readonly<Record<string, unknown>>;

const { fs } = createOverlay();

/** How every key looks from outside; an accessor of Node's (made when first needed) is a plain value here. */
function outlineOf(object: object): string[] {
  return Object.getOwnPropertyNames(object).map((key) => {
    const value = (object as Members)[key];
    const isEnumerable = Object.getOwnPropertyDescriptor(object, key)?.enumerable === true;
    const shape = typeof value === 'function' ? `function ${value.name}/${value.length}` : typeof value;
    return `${key}: ${shape}${isEnumerable ? '' : ', hidden'}`;
  });
}

describe('N1 the fs object', () => {
  it('has the keys of the real one, in their order', () => {
    expect(outlineOf(fs)).toEqual(outlineOf(nodeFs));
  });

  it('has the keys of the real promises, in their order', () => {
    expect(outlineOf(fs.promises)).toEqual(outlineOf(nodeFs.promises));
  });

  it('has functions of its own, not the real ones', () => {
    const same = (ours: object, theirs: object) =>
      Object.keys(theirs).filter((key) => {
        const value = (ours as Members)[key];
        return typeof value === 'function' && value === (theirs as Members)[key];
      });
    // Classes are shared, so that `instanceof` works across; the last is a pure function.
    expect(same(fs, nodeFs).filter((key) => /^[a-z]/.test(key))).toEqual([]);
    expect(same(fs, nodeFs).sort()).toEqual(expect.arrayContaining(['Dir', 'Dirent', 'Stats', '_toUnixTimestamp']));
    expect(same(fs.promises, nodeFs.promises)).toEqual([]);
  });

  it('has realpath.native', () => {
    for (const name of ['realpath', 'realpathSync'] as const) {
      const [ours, theirs] = [fs[name].native, nodeFs[name].native];
      expect([ours.name, ours.length]).toEqual([theirs.name, theirs.length]);
      expect(ours).not.toBe(theirs);
    }
  });

  it('has the real constants, and O_TMPFILE everywhere', () => {
    expect(fs.constants).toEqual({ O_TMPFILE: expect.any(Number), ...nodeFs.constants });
    expect(Object.isFrozen(fs.constants)).toBe(true);
    expect(fs.promises.constants).toBe(fs.constants);
  });

  it('can be changed, as the real one', () => {
    const { fs: other } = createOverlay();
    const replaced = (): boolean => true;
    other.existsSync = replaced;
    expect(other.existsSync('/nowhere-at-all')).toBe(true);
    expect(fs.existsSync('/nowhere-at-all')).toBe(false);
  });

  it('has functions that need no this', async () => {
    const { statSync, promises, stat } = fs;
    expect(statSync('/').isDirectory()).toBe(true);
    const { stat: promisedStat } = promises;
    expect((await promisedStat('/')).isDirectory()).toBe(true);
    expect((await promisify(stat)('/')).isDirectory()).toBe(true);
  });

  it('has what promisify makes of its functions, with the names of these', () => {
    for (const name of ['exists', 'read', 'readv', 'write', 'writev', 'stat'] as const) {
      const [ours, theirs] = [fs, nodeFs].map((each) => promisify(each[name] as unknown as (done: () => void) => void));
      expect([ours?.name, ours?.length]).toEqual([theirs?.name, theirs?.length]);
    }
  });
});
