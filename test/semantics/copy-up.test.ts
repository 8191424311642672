// C1-C6: copy-up, seen by what is asked of the lower and by what is charged; the rest is in test/grounds and
// races.test.ts.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { type Given, makeWorld, type World } from '../chaos/history.ts';

const PAGE = 4096;
const LONG = 'abcdefgh'.repeat(PAGE);
const GIVEN: Given = { files: { '/d/f': LONG, '/d/g': 'g' }, furnish: (volume) => volume.linkSync('/d/f', '/d/twin') };

/** What of the lower's content was read, in bytes, since the last time. */
function readings({ lower }: World): string[] {
  return lower.requests
    .splice(0)
    .flatMap(({ name }) => (name === 'read' || name === 'readFile' || name === 'open' ? [name] : []));
}

function used({ overlay }: World): { bytes: number; inodes: number } {
  const { blocks, bfree, files, ffree } = overlay.fs.statfsSync('/');
  return { bytes: blocks - bfree, inodes: files - ffree };
}

describe('copy-up', () => {
  it('C1 descriptors opened before it, read-only ones too, see what is written after it by any way', () => {
    const { fs } = makeWorld(GIVEN).overlay;
    const reader = fs.openSync('/d/f', 'r');
    const first = Buffer.alloc(4);
    fs.readSync(reader, first, 0, 4, 0);
    fs.writeFileSync('/d/twin', 'by another name');
    expect(fs.readFileSync(reader, 'utf8')).toBe('by another name');
    const writer = fs.openSync('/d/f', 'r+');
    fs.writeSync(writer, 'BY', 0);
    const buffer = Buffer.alloc(15);
    expect(fs.readSync(reader, buffer, 0, 15, 0)).toBe(15);
    expect(buffer.toString()).toBe('BY another name');
    expect(fs.fstatSync(reader).size).toBe(15);
  });

  it('C2 the names of one lower file stay one file; nlink does not grow by looking', () => {
    const { fs } = makeWorld(GIVEN).overlay;
    for (let look = 0; look < 3; look++) {
      for (const name of ['f', 'twin']) expect(fs.statSync(`/d/${name}`).nlink).toBe(2);
      fs.readdirSync('/d');
    }
    fs.renameSync('/d/twin', '/moved');
    fs.chmodSync('/moved', 0o600);
    expect(fs.statSync('/d/f')).toMatchObject({ nlink: 2, mode: 0o100600 });
    fs.unlinkSync('/d/f');
    expect(fs.statSync('/moved').nlink).toBe(1);
  });

  it('C3 ino and dev stay over copy-up and rename; Dirent, stat and fstat agree', () => {
    const { fs } = makeWorld(GIVEN).overlay;
    const before = fs.statSync('/d/f');
    fs.appendFileSync('/d/f', '!');
    fs.renameSync('/d/f', '/d/h');
    fs.renameSync('/d', '/e');
    const fd = fs.openSync('/e/h', 'r');
    for (const after of [fs.statSync('/e/h'), fs.lstatSync('/e/twin'), fs.fstatSync(fd)]) {
      expect([after.ino, after.dev]).toEqual([before.ino, before.dev]);
    }
    const numbers = ['/', '/e', '/e/g', '/e/h'].map((path) => fs.statSync(path).ino);
    expect(new Set(numbers).size).toBe(4);
  });

  it('C3 files of several branches, and of several devices, never share a number', () => {
    const worlds = [1, 2, 3].map((i) => makeWorld({ files: { [`/f${i}`]: `${i}`, '/x/y': '' } }));
    const { fs } = createOverlay({ lower: worlds.map(({ lower }) => ({ fs: lower.fs })) });
    fs.writeFileSync('/own', '');
    const numbers = ['/', '/f1', '/f2', '/f3', '/x', '/x/y', '/own'].map((path) => fs.statSync(path).ino);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('C4 changing attributes reads nothing and takes no space', () => {
    const world = makeWorld(GIVEN);
    const { fs } = world.overlay;
    readings(world);
    fs.chmodSync('/d/f', 0o600);
    fs.chownSync('/d/f', 3, 4);
    fs.utimesSync('/d/f', 1, 2);
    fs.renameSync('/d/f', '/d/moved');
    fs.linkSync('/d/moved', '/d/more');
    fs.copyFileSync('/d/moved', '/d/copy');
    expect(readings(world)).toEqual([]);
    expect(used(world)).toEqual({ bytes: 0, inodes: 2 });
  });

  it('C4 O_TRUNC reads nothing; one byte written takes one page, whatever the size', () => {
    for (const pages of [1, 8, 200]) {
      const world = makeWorld({ files: { '/f': 'x'.repeat(pages * PAGE), '/g': 'y'.repeat(pages * PAGE) } });
      const { fs } = world.overlay;
      fs.closeSync(fs.openSync('/g', 'w'));
      expect(readings(world)).toEqual([]);
      const fd = fs.openSync('/f', 'r+');
      fs.writeSync(fd, '!', PAGE - 1);
      expect(readings(world)).toEqual(['open', 'read']);
      expect(used(world)).toEqual({ bytes: 1, inodes: 2 });
    }
  });

  it('C4 a page that is written over whole is not read', () => {
    const world = makeWorld(GIVEN);
    const fd = world.overlay.fs.openSync('/d/f', 'r+');
    world.overlay.fs.writeSync(fd, 'w'.repeat(3 * PAGE), PAGE);
    world.overlay.fs.writeSync(fd, 'end', LONG.length);
    expect(readings(world)).toEqual([]);
    expect(world.overlay.fs.readFileSync('/d/f', 'latin1')).toBe(
      `${LONG.slice(0, PAGE)}${'w'.repeat(3 * PAGE)}${LONG.slice(4 * PAGE)}end`,
    );
  });

  it('C5 keeps mode, owner and times, and leaves the times of the parent', () => {
    const { overlay } = makeWorld(GIVEN);
    const { fs } = overlay;
    const file = fs.statSync('/d/f', { bigint: true });
    const timesOfParent = () => {
      const { mtimeNs, ctimeNs } = fs.statSync('/d', { bigint: true });
      return { mtimeNs, ctimeNs };
    };
    const before = timesOfParent();
    fs.linkSync('/d/f', '/linked');
    const { mode, uid, gid, atimeNs, mtimeNs } = fs.statSync('/d/f', { bigint: true });
    expect({ mode, uid, gid, atimeNs, mtimeNs }).toEqual({
      mode: file.mode,
      uid: file.uid,
      gid: file.gid,
      atimeNs: file.atimeNs,
      mtimeNs: file.mtimeNs,
    });
    fs.appendFileSync('/d/f', '!');
    expect(fs.statSync('/d/f', { bigint: true }).atimeNs).toBe(file.atimeNs);
    expect(timesOfParent()).toEqual(before);
  });

  it('C5 rights are checked before anything is read or owned', () => {
    const world = makeWorld({
      ...GIVEN,
      furnish: (volume) => volume.chmodSync('/d/f', 0o444),
      options: { credentials: { uid: 7, gid: 7 } },
    });
    const { fs } = world.overlay;
    readings(world);
    for (const call of [
      () => fs.appendFileSync('/d/f', '!'),
      () => fs.openSync('/d/f', 'r+'),
      () => fs.truncateSync('/d/f', 3),
      () => fs.chmodSync('/d/f', 0o777),
      () => fs.chownSync('/d/f', 7, 7),
      () => fs.utimesSync('/d/f', 1, 1),
    ]) {
      expect(call).toThrow(/EACCES|EPERM/);
    }
    expect(readings(world)).toEqual([]);
    expect(used(world)).toEqual({ bytes: 0, inodes: 0 });
    expect([...world.overlay.changes()]).toEqual([]);
  });

  it('C6 down and up again reads zeros, in the last page too, where the lower has data', () => {
    for (const cut of [1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE]) {
      for (const isWarm of [false, true]) {
        const { fs } = makeWorld(GIVEN).overlay;
        if (isWarm) fs.readFileSync('/d/f');
        fs.truncateSync('/d/f', cut);
        fs.truncateSync('/d/f', 5 * PAGE);
        expect(fs.readFileSync('/d/f', 'latin1')).toBe(LONG.slice(0, cut) + '\0'.repeat(5 * PAGE - cut));
        fs.truncateSync('/d/f', cut);
        const fd = fs.openSync('/d/f', 'r+');
        fs.writeSync(fd, 'far', 5 * PAGE);
        expect(fs.readFileSync('/d/f', 'latin1')).toBe(`${LONG.slice(0, cut)}${'\0'.repeat(5 * PAGE - cut)}far`);
      }
    }
  });

  it('C6 a hole costs nothing', () => {
    const world = makeWorld(GIVEN);
    world.overlay.fs.truncateSync('/d/g', 1e12);
    expect(used(world)).toEqual({ bytes: 0, inodes: 1 });
    expect(world.overlay.fs.statSync('/d/g')).toMatchObject({ size: 1e12, blocks: 8 });
  });
});

it('C2 a file that got a copy of what an upper has is one file by its other name still', () => {
  const lower = Volume.fromJSON({ '/one': 'one' });
  lower.linkSync('/one', '/two');
  const upper = Volume.fromJSON({ '/over': 'over' });
  const { fs } = createOverlay({ lower: { fs: lower, immutable: true }, upper });
  fs.copyFileSync('/over', '/one');
  expect(fs.readFileSync('/two', 'utf8')).toBe('over');
  expect(fs.statSync('/two').ino).toBe(fs.statSync('/one').ino);
  fs.unlinkSync('/one');
  expect(fs.statSync('/two').nlink).toBe(1);
});
