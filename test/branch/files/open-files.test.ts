// The open lower files that are kept: which are closed, and when.

import { describe, expect, it } from 'vitest';
import { OpenFiles } from '../../../lib/branch/files/open-files.ts';

function rig() {
  const closed: unknown[] = [];
  const files = new OpenFiles((handle) => closed.push(handle));
  return { closed, files };
}

describe('open lower files', () => {
  it('are kept, and the least recently used is closed first', () => {
    const { closed, files } = rig();
    for (let n = 0; n < 16; n++) files.release(files.add(`/${n}`, n));
    expect(closed).toEqual([]);
    const first = files.take('/0');
    if (first === undefined) throw new Error('not kept');
    expect(first.handle).toBe(0);
    files.release(first);
    files.release(files.add('/16', 16));
    files.release(files.add('/17', 17));
    expect(closed).toEqual([1, 2]);
    expect(files.take('/1')).toBeUndefined();
  });

  it('are never closed while in use, and the rest is closed when they are done', () => {
    const { closed, files } = rig();
    const used = Array.from({ length: 40 }, (_, n) => files.add(`/${n}`, n));
    expect(closed).toEqual([]);
    for (const file of used) files.release(file);
    expect(closed.length).toBe(24);
    expect(new Set(closed).size).toBe(24);
    files.closeAll();
    expect(new Set(closed).size).toBe(40);
    expect(closed.length).toBe(40);
  });

  it('are few in the whole process: those of the branch that was not read from for longest are closed first', () => {
    const rigs = Array.from({ length: 20 }, rig);
    for (const { files } of rigs) for (let n = 0; n < 16; n++) files.release(files.add(`/${n}`, n));
    expect(rigs.map(({ closed }) => closed.length)).toEqual([...Array(16).fill(16), ...Array(4).fill(0)]);
    const [first] = rigs.slice(16).map(({ files }) => files.take('/3'));
    if (first === undefined) throw new Error('not kept');
    rigs[16]?.files.release(first);
    for (let n = 0; n < 2; n++) rigs[0]?.files.release(rigs[0].files.add(`/again ${n}`, n));
    // The others have one file each in use, which is not idle.
    expect(rigs.slice(16).map(({ closed }) => closed)).toEqual(Array(4).fill([]));
    for (let n = 2; n < 6; n++) rigs[0]?.files.release(rigs[0].files.add(`/again ${n}`, n));
    expect(rigs[17]?.closed).toEqual([0, 1, 2]);
    expect(rigs[16]?.closed).toEqual([]);
    for (const { files } of rigs) files.closeAll();
    for (const { closed } of rigs.slice(18)) expect(closed).not.toContain(3);
  });

  it('that are of no more use are closed after their last user', () => {
    const { closed, files } = rig();
    const file = files.add('/a', 'a');
    expect(files.take('/a')).toBe(file);
    files.drop(file);
    expect(files.take('/a')).toBeUndefined();
    expect(closed).toEqual([]);
    files.release(file);
    expect(closed).toEqual(['a']);
  });

  it('give way to a newer one of the same path', () => {
    const { closed, files } = rig();
    const old = files.add('/a', 'old');
    const young = files.add('/a', 'young');
    files.release(old);
    expect(closed).toEqual(['old']);
    files.release(young);
    expect(files.take('/a')).toBe(young);
  });

  it('are not kept after closing all', () => {
    const { closed, files } = rig();
    const used = files.add('/a', 'a');
    files.release(files.add('/b', 'b'));
    files.closeAll();
    expect(closed).toEqual(['b']);
    files.release(used);
    expect(closed).toEqual(['b', 'a']);
    files.release(files.add('/c', 'c'));
    expect(closed).toEqual(['b', 'a', 'c']);
    expect(files.take('/c')).toBeUndefined();
  });
});
