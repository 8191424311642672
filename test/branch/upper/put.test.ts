// A whole file put into an upper, and what is left of it where that fails in the middle.

import nodeFs from 'node:fs';
import { expect, it } from 'vitest';
import { makeUpper } from '../../../lib/branch/upper/upper.ts';
import { rejectionOf, scratch, thrownBy } from '../rig.ts';

it.each(['write', 'futimes', 'fsync', 'fstat', 'close'])(
  'an upper whose %s fails keeps nothing of a file that is put there, and nothing open',
  async (name) => {
    const base = scratch();
    const file = { mode: 0o600, pieces: [Buffer.from('bytes')], atime: 0, mtime: 0, isFlushed: true };
    let refusals = 0;
    const closed: unknown[] = [];
    const refuse = (real: (...given: never[]) => unknown, given: unknown[]) => {
      if (name === 'close') real(...(given as never[]));
      refusals++;
      throw Object.assign(new Error('no'), { code: 'EAGAIN' });
    };
    const fs = {
      ...nodeFs,
      close: (fd: number, done: (error: unknown) => void) => {
        closed.push(fd);
        nodeFs.close(fd, done);
      },
      closeSync: (fd: number) => {
        closed.push(fd);
        nodeFs.closeSync(fd);
      },
    } as Record<string, unknown>;
    const real = fs[`${name}Sync`] as (...given: never[]) => unknown;
    fs[`${name}Sync`] = (...given: unknown[]) => refuse(real, given);
    fs[name] = (...given: unknown[]) => {
      const done = given.pop() as (error: unknown) => void;
      try {
        refuse(real, given);
      } catch (thrown) {
        setImmediate(done, thrown);
      }
    };
    const { sync, async } = makeUpper(fs, 'failing');
    expect(thrownBy(() => sync?.put(`${base}/x`, file))).toMatchObject({ code: 'EAGAIN' });
    expect(nodeFs.readdirSync(base)).toEqual([]);
    expect(await rejectionOf(Promise.resolve(async?.put(`${base}/x`, file)))).toMatchObject({ code: 'EAGAIN' });
    expect(nodeFs.readdirSync(base)).toEqual([]);
    expect(refusals).toBe(2);
    expect(closed).toHaveLength(2);
  },
);
