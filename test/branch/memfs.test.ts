// memfs as a branch: its permission checks are not in the way, and nothing shows of how that is done.

import nodeFs from 'node:fs';
import path from 'node:path';
import { createFsFromVolume, Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { SAME } from '../../lib/branch/branch.ts';
import { permitted, volumeIn } from '../../lib/branch/memfs.ts';
import { createOverlay } from '../../lib/index.ts';
import { branchOf, present, scratch, text, thrownBy } from './rig.ts';

/** A volume in which nobody may do anything. */
function closedVolume(): Volume {
  const volume = Volume.fromJSON({ '/d/e/file': 'content', '/d/other': '' });
  volume.symlinkSync('file', '/d/e/link');
  volume.chmodSync('/d/e/file', 0);
  volume.chmodSync('/d/e', 0);
  volume.chmodSync('/d', 0);
  return volume;
}

describe('a memfs volume', () => {
  it('is known by itself and by the fs made from it', () => {
    const volume = new Volume();
    expect(volumeIn(volume)).toBe(volume);
    expect(volumeIn(createFsFromVolume(volume))).toBe(volume);
    expect(volumeIn(nodeFs)).toBeUndefined();
    expect(volumeIn({})).toBeUndefined();
  });

  it('tells of links what Linux does: mode 0777, and the length of what they point at in bytes', () => {
    const volume = Volume.fromJSON({ '/file': 'content' });
    volume.symlinkSync('grün', '/link');
    const ask = branchOf(volume).sync;
    const link = present(ask?.lstat('/link'));
    expect(link).toMatchObject({ mode: 0o120777, size: 5 });
    expect(ask?.revalidate('/link', link)).toBe(SAME);
    expect(ask?.lstat('/file')).toMatchObject({ mode: 0o100666, size: 7 });
  });

  it('keeps names and targets that are not UTF-8, also beside one that has what is shown for such bytes', () => {
    const volume = new Volume();
    const upper = createOverlay({ lower: [], upper: volume });
    const strange = Buffer.from('/a\x80b', 'latin1');
    upper.fs.writeFileSync(strange, 'strange');
    upper.fs.writeFileSync('/\uFFFD', 'plain');
    upper.fs.symlinkSync(strange, '/link');
    upper.close();
    const { fs } = createOverlay({ lower: volume });
    expect(fs.readdirSync('/', 'latin1')).toEqual(['a\x80b', 'link', '\xef\xbf\xbd']);
    expect([fs.readFileSync(strange, 'utf8'), fs.readFileSync('/\uFFFD', 'utf8')]).toEqual(['strange', 'plain']);
    expect(fs.readlinkSync('/link', 'buffer')).toEqual(strange);
    expect(fs.lstatSync('/link').size).toBe(strange.length);
    expect(fs.readFileSync('/link', 'utf8')).toBe('strange');
  });

  it('does not refuse what the overlay has allowed, and shows the modes that it has', () => {
    for (const fs of [closedVolume(), createFsFromVolume(closedVolume())]) {
      const ask = branchOf(fs).sync;
      const print = present(ask?.lstat('/d/e/file'));
      expect(print.mode & 0o777).toBe(0);
      expect(ask?.list('/d/e')?.map(({ name }) => name)).toEqual(['file', 'link']);
      expect(ask?.readlink('/d/e/link')).toBe('file');
      expect(text(ask?.read('/d/e/file', print, 3, 4))).toBe('tent');
      expect(ask?.lstat('/d/e/none')).toBeUndefined();
      for (const closed of ['/d', '/d/e', '/d/e/file']) expect(present(ask?.lstat(closed)).mode & 0o777).toBe(0);
    }
  });

  it('changes by nothing but the time of access', () => {
    const volume = closedVolume();
    const ask = branchOf(volume).sync;
    const before = present(ask?.lstat('/d/e/file'));
    ask?.read('/d/e/file', before, 0, 10);
    const { atimeSec, atimeNsec, ...rest } = present(ask?.lstat('/d/e/file'));
    expect({ ...before, ...rest }).toEqual(before);
    expect(thrownBy(() => volume.readFileSync('/d/e/file'))).toMatchObject({ code: 'EACCES' });
  });

  it('that looks different inside goes on refusing', () => {
    const refuse = () => {
      throw Object.assign(new Error('no'), { code: 'EACCES' });
    };
    for (const volume of [{}, { _core: {} }, { _core: { root: {} } }]) {
      expect(thrownBy(() => permitted(volume, refuse, 'file')())).toMatchObject({ code: 'EACCES' });
    }
    const fail = () => {
      throw undefined;
    };
    let thrown: unknown = 'nothing';
    try {
      permitted({}, fail, 'file')();
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toBeUndefined();
  });
});

describe('an upper, which only we change', () => {
  it('replaced under an open file is read anew, though it counts as immutable', () => {
    const file = path.join(scratch(), 'file');
    nodeFs.writeFileSync(file, 'old');
    const ask = branchOf(nodeFs, { id: 0, immutable: true }).sync;
    const old = present(ask?.lstat(file));
    expect(text(ask?.read(file, old, 0, 10))).toBe('old');
    nodeFs.writeFileSync(`${file}2`, 'newer');
    nodeFs.renameSync(`${file}2`, file);
    const newer = present(ask?.lstat(file));
    expect(text(ask?.read(file, newer, 0, 10))).toBe('newer');
    nodeFs.writeFileSync(file, 'newest');
    expect(text(ask?.read(file, present(ask?.lstat(file)), 0, 10))).toBe('newest');
  });
});
