// Part of a branch, shown at a place of the overlay.

import nodeFs from 'node:fs';
import path from 'node:path';
import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { SAME } from '../../../lib/branch/branch.ts';
import { graft } from '../../../lib/branch/decorators/graft.ts';
import { ENOENT } from '../../../lib/errno.ts';
import { branchOf, present, rejectionOf, scratch, text, thrownBy } from '../rig.ts';

const { S_IFDIR, S_IFMT, S_IFREG } = nodeFs.constants;

/** A directory with `src/x`, `src/sub/y` and `other`, and its `src` shown at /site/lib. */
function grafted(from = '/src') {
  const directory = scratch();
  nodeFs.mkdirSync(path.join(directory, 'src/sub'), { recursive: true });
  nodeFs.writeFileSync(path.join(directory, 'src/x'), 'content of x');
  nodeFs.writeFileSync(path.join(directory, 'src/sub/y'), '');
  nodeFs.symlinkSync('x', path.join(directory, 'src/link'));
  nodeFs.writeFileSync(path.join(directory, 'other'), '');
  const branch = graft(branchOf(nodeFs), { from: directory + from, at: '/site/lib' });
  if (branch.sync === undefined || branch.async === undefined) throw new Error('cannot be asked');
  return { directory, branch, forms: [branch.sync, branch.async] as const };
}

describe('a graft', () => {
  it('shows the part at its place, and directories on the way there', async () => {
    for (const ask of grafted().forms) {
      const names = async (at: string) => (await ask.list(at))?.map(({ name, type }) => `${name} ${type}`).sort();
      expect(await names('/')).toEqual([`site ${S_IFDIR}`]);
      expect(await names('/site')).toEqual([`lib ${S_IFDIR}`]);
      expect((await ask.list('/site/lib'))?.map(({ name }) => name).sort()).toEqual(['link', 'sub', 'x']);
      expect((await ask.list('/site/lib/sub'))?.map(({ name }) => name)).toEqual(['y']);
      for (const made of ['/', '/site', '/site/lib', '/site/lib/sub']) {
        const attributes = present(await ask.lstat(made));
        expect(attributes.mode & S_IFMT).toBe(S_IFDIR);
        if ('revalidate' in ask) expect(ask.revalidate(made, attributes)).toBe(SAME);
        expect(await ask.readlink(made)).toBeUndefined();
      }
      const print = present(await ask.lstat('/site/lib/x'));
      if ('revalidate' in ask) expect(ask.revalidate('/site/lib/x', print)).toBe(SAME);
      expect(text(await ask.read('/site/lib/x', print, 8, 5))).toBe('of x');
      expect(await ask.readlink('/site/lib/link')).toBe('x');
      expect((await ask.statfs('/site/lib'))?.bsize).toBeGreaterThan(0);
      expect(await ask.statfs('/site')).toBeUndefined();
    }
  });

  it('shows nothing else', async () => {
    for (const ask of grafted().forms) {
      for (const other of ['/other', '/sit', '/sites', '/site/li', '/site/libs', '/site/other', '/x', '/src/x']) {
        expect([other, await ask.lstat(other)]).toEqual([other, undefined]);
        expect([other, await ask.list(other)]).toEqual([other, undefined]);
        const print = present(await ask.lstat('/site/lib/x'));
        expect(await ask.read(other, print, 0, 1)).toBeUndefined();
        if ('revalidate' in ask) expect(ask.revalidate(other, print)).toBeUndefined();
      }
    }
  });

  it('goes through to special files of the branch', async () => {
    const { branch } = grafted();
    const [now, later] = [branch.sync, branch.async];
    if (now === undefined || later === undefined) throw new Error('cannot be asked');
    expect(thrownBy(() => now.openThrough('/site', 0))).toBe(ENOENT);
    expect(await rejectionOf(later.openThrough('/site', 0))).toBe(ENOENT);
    const target = Buffer.alloc(7);
    const handle = now.openThrough('/site/lib/x', nodeFs.constants.O_RDWR);
    expect(now.readThrough(handle, target, 0)).toBe(7);
    expect(now.writeThrough(handle, Buffer.from('CON'), 0)).toBe(3);
    branch.closeThrough(handle);
    const other = await later.openThrough('/site/lib/x', nodeFs.constants.O_RDWR);
    expect(await later.readThrough(other, target, 0)).toBe(7);
    expect(String(target)).toBe('CONtent');
    expect(await later.writeThrough(other, Buffer.from('con'), 0)).toBe(3);
    branch.closeThrough(other);
  });

  it('of a file shows a file, of nothing shows nothing', async () => {
    for (const ask of grafted('/other').forms) {
      expect(present(await ask.lstat('/site/lib')).mode & S_IFMT).toBe(S_IFREG);
      expect(await ask.list('/site')).toEqual([{ name: 'lib', type: S_IFREG }]);
    }
    for (const ask of grafted('/none').forms) {
      expect(await ask.lstat('/site/lib')).toBeUndefined();
      expect(await ask.list('/site')).toEqual([]);
    }
  });

  it('of a whole branch, and of a branch that can only be asked at once', () => {
    const volume = Volume.fromJSON({ '/a/b': 'x' });
    const shown = graft(branchOf(volume), { from: '/', at: '/m' });
    expect(shown.async).toBeUndefined();
    expect(present(shown.sync?.lstat('/m/a/b')).size).toBe(1);
    expect(shown.sync?.list('/m')).toEqual([{ name: 'a', type: S_IFDIR }]);
    expect(shown.sync?.list('/')).toEqual([{ name: 'm', type: S_IFDIR }]);
  });

  it('is what its branch is, and closes it', () => {
    let closed = 0;
    const branch = {
      ...branchOf(nodeFs, { id: 7, name: 'seven', immutable: true, layered: true }),
      close: () => closed++,
    };
    const shown = graft(branch, { from: '/', at: '/m' });
    expect(shown).toMatchObject({ id: 7, name: 'seven', immutable: true, layered: true });
    shown.close();
    expect(closed).toBe(1);
  });
});
