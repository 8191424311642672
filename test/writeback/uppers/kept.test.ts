// What an upper cannot hold of attributes is kept in the work area, and shown when it is mounted again (W8, C2, C3).

import nodeFs from 'node:fs';
import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import type { OverlayOptions } from '../../../lib/overlay/options.ts';
import { useDirectories } from '../directories.ts';
import { bytesOf, cutSync, failing, forgetLock, PAGE, type UpperFs } from '../rig.ts';

const newDirectory = useDirectories();

type Upper = NonNullable<OverlayOptions['upper']>;

function newVolume(): InstanceType<typeof Volume> {
  return new Volume();
}

function textOf(upper: Upper, path: string): string {
  return typeof upper === 'string'
    ? nodeFs.readFileSync(upper + path, 'utf8')
    : String((upper as InstanceType<typeof Volume>).readFileSync(path));
}

/** A lower whose files have times that no upper holds. */
function exactLower(): { fs: object; immutable: true } {
  const overlay = createOverlay({ lower: [], clock: () => 1_700_000_000_123.456 });
  overlay.fs.mkdirSync('/d');
  overlay.fs.writeFileSync('/d/file', bytesOf(1, 3 * PAGE));
  overlay.fs.writeFileSync('/d/other', 'other');
  overlay.fs.linkSync('/d/other', '/d/twin');
  overlay.fs.linkSync('/d/other', '/d/third');
  overlay.fs.symlinkSync('file', '/d/link');
  return { fs: overlay.fs, immutable: true };
}

const UPPERS: [string, () => Upper][] = [
  ['a directory', newDirectory],
  ['memfs', () => newVolume()],
];

/** Overlays on the same upper, one after the other. */
function mounter(upper: Upper): () => Overlay {
  const lower = exactLower();
  let overlay: Overlay | undefined;
  return () => {
    overlay?.close();
    overlay = createOverlay({ lower, upper, pageSize: PAGE });
    return overlay;
  };
}

function timesOf({ fs }: Overlay, path: string): bigint[] {
  const { atimeNs, mtimeNs } = fs.lstatSync(path, { bigint: true });
  return [atimeNs, mtimeNs];
}

describe.each(UPPERS)('over %s', (_, newUpper) => {
  it('W8: times of access and modification are kept to the nanosecond, of files, links and directories', () => {
    const mount = mounter(newUpper());
    const { fs } = mount();
    const before = ['/d', '/d/file', '/d/link'].map((path) => timesOf({ fs } as Overlay, path));
    expect(new Set(before.flat().map((time) => time % 1_000n))).not.toContain(0n);
    fs.chmodSync('/d/file', 0o600);
    fs.lchownSync('/d/link', fs.lstatSync('/d/link').uid, fs.lstatSync('/d/link').gid);
    for (let time = 0; time < 2; time++) {
      const again = mount();
      expect(['/d', '/d/file', '/d/link'].map((path) => timesOf(again, path))).toEqual(before);
      expect(again.fs.statSync('/d/file').mode & 0o777).toBe(0o600);
    }
  });

  it('W8: a file with kept times can be read, changed in part, and copied, before and after it is written back again', () => {
    const mount = mounter(newUpper());
    mount().fs.chmodSync('/d/file', 0o600);
    const wanted = bytesOf(1, 3 * PAGE);
    const { fs } = mount();
    fs.copyFileSync('/d/file', '/copy');
    const fd = fs.openSync('/d/file', 'r+');
    fs.writeSync(fd, 'new', PAGE);
    fs.closeSync(fd);
    expect(fs.readFileSync('/copy').equals(wanted)).toBe(true);
    wanted.write('new', PAGE);
    expect(fs.readFileSync('/d/file').equals(wanted)).toBe(true);
    const again = mount();
    expect(again.fs.readFileSync('/d/file').equals(wanted)).toBe(true);
    expect(again.fs.readFileSync('/copy').equals(bytesOf(1, 3 * PAGE))).toBe(true);
  });

  it('W8: times that the upper holds are believed again', () => {
    const mount = mounter(newUpper());
    mount().fs.chmodSync('/d/file', 0o600);
    mount().fs.utimesSync('/d/file', 5, 6);
    expect(timesOf(mount(), '/d/file')).toEqual([5_000_000_000n, 6_000_000_000n]);
  });

  it('C2: names of a lower that were removed are not counted after a mount, nor are they again', () => {
    const mount = mounter(newUpper());
    mount().fs.unlinkSync('/d/twin');
    expect(mount().fs.statSync('/d/other').nlink).toBe(2);
    const { fs } = mount();
    expect(fs.statSync('/d/third').nlink).toBe(2);
    expect(fs.statSync('/d/third').ino).toBe(fs.statSync('/d/other').ino);
    fs.unlinkSync('/d/other');
    expect(fs.statSync('/d/third').nlink).toBe(1);
    expect(mount().fs.statSync('/d/third').nlink).toBe(1);
    mount().fs.appendFileSync('/d/third', '!');
    const last = mount();
    expect(last.fs.statSync('/d/third').nlink).toBe(1);
    expect(last.fs.readFileSync('/d/third', 'utf8')).toBe('other!');
  });

  it('C2: names that were not looked at before a write-back are counted, and lead to the file that was written', () => {
    const mount = mounter(newUpper());
    mount().fs.appendFileSync('/d/other', '!');
    const { fs } = mount();
    expect(fs.statSync('/d/other').nlink).toBe(3);
    expect(fs.readFileSync('/d/twin', 'utf8')).toBe('other!');
    const again = mount();
    expect(again.fs.statSync('/d/other').nlink).toBe(3);
    expect(again.fs.statSync('/d/twin').nlink).toBe(3);
    again.fs.unlinkSync('/d/twin');
    const last = mount();
    expect(last.fs.statSync('/d/other').nlink).toBe(2);
    expect(last.fs.readFileSync('/d/third', 'utf8')).toBe('other!');
  });

  it('C2: a name that was removed with its directory is not counted after a write-back', () => {
    const upper = newUpper();
    const mount = (): Overlay => createOverlay({ lower: [], upper });
    const first = mount();
    first.fs.mkdirSync('/a/deep', { recursive: true });
    first.fs.writeFileSync('/file', 'content');
    first.fs.linkSync('/file', '/a/deep/twin');
    first.close();
    const second = mount();
    expect(second.fs.statSync('/file').nlink).toBe(2);
    second.fs.rmSync('/a', { recursive: true });
    second.syncSync();
    expect(second.fs.statSync('/file').nlink).toBe(1);
    second.close();
    const third = mount();
    expect(third.fs.statSync('/file').nlink).toBe(1);
    third.close();
  });

  it('W11: cut after any command, what is kept is that of before or of after', () => {
    for (let cut = 1; ; cut++) {
      const upper = newUpper();
      const lower = exactLower();
      const options = { lower, upper, pageSize: PAGE };
      const overlay = createOverlay(options);
      const times = timesOf(overlay, '/d/file');
      const inner = timesOf(overlay, '/d/link');
      overlay.fs.chmodSync('/d/file', 0o600);
      overlay.fs.renameSync('/d/link', '/d/moved');
      overlay.fs.unlinkSync('/d/twin');
      const isDone = cutSync(overlay, cut);
      const fs = typeof upper === 'string' ? nodeFs : (upper as object);
      forgetLock(fs as UpperFs, typeof upper === 'string' ? upper : '');
      const again = createOverlay(options);
      const isAfter = again.fs.existsSync('/d/moved');
      expect(timesOf(again, '/d/file'), `cut ${cut}`).toEqual(times);
      expect(timesOf(again, isAfter ? '/d/moved' : '/d/link'), `cut ${cut}`).toEqual(inner);
      expect(again.fs.statSync('/d/other').nlink, `cut ${cut}`).toBe(isAfter ? 2 : 3);
      expect(again.fs.statSync('/d/file').mode & 0o777).toBe(isAfter ? 0o600 : 0o644);
      again.close();
      if (isDone) {
        expect(isAfter).toBe(true);
        break;
      }
    }
  });

  it('C3: an upper whose notes are of the first form, without attributes, keeps its numbers', () => {
    const upper = newUpper();
    const mount = mounter(upper);
    mount().fs.writeFileSync('/born', 'here');
    const { ino } = mount().fs.statSync('/born');
    mount().close();
    const lines = textOf(upper, '/.overfs/numbers').split('\n');
    expect(lines.length).toBeGreaterThan(1);
    const old = lines.map((line) => line.split(' ').slice(0, 2).join(' ')).join('\n');
    if (typeof upper === 'string') nodeFs.writeFileSync(`${upper}/.overfs/numbers`, old);
    else (upper as InstanceType<typeof Volume>).writeFileSync('/.overfs/numbers', old);
    expect(mount().fs.statSync('/born').ino).toBe(ino);
  });
});

it('the notes do not grow with what happens again and again', () => {
  const volume = newVolume();
  const overlay = createOverlay({ upper: volume });
  let written = 0;
  overlay.on('command', (command) => {
    if (command.kind === 'write' && command.path.endsWith('/numbers')) written += command.bytes.length;
  });
  const files = Array.from({ length: 100 }, (_, i) => `/file${i}`);
  for (const file of files) overlay.fs.writeFileSync(file, file);
  for (let i = 0; i < 20; i++) {
    // More digits than memfs has.
    for (const file of files) overlay.fs.utimesSync(file, 5, 1_700_000_000.000_01 + i);
    overlay.syncSync();
  }
  overlay.close();
  expect(written).toBeGreaterThan(120_000);
  expect(textOf(volume, '/.overfs/numbers').length).toBeLessThan(90_000);
});

/** A volume that somebody who is not root works with: it has one owner, and refuses others. */
function poorVolume(): { volume: InstanceType<typeof Volume>; upper: object } {
  const volume = newVolume();
  const refuse = () => {
    throw Object.assign(new Error('EPERM: operation not permitted, chown'), { code: 'EPERM' });
  };
  const upper = Object.create(volume, {
    chownSync: { value: refuse },
    lchownSync: { value: refuse },
  }) as object;
  return { volume, upper };
}

it('W8: owners that the upper refuses are kept, until another tool changes the owner', () => {
  const { volume, upper } = poorVolume();
  const mount = mounter(upper);
  // Who is not root can give nothing away, unless in the name of root.
  const mountAsRoot = () => mount().as({ uid: 0, gid: 0 });
  const fs = mountAsRoot();
  fs.writeFileSync('/file', 'content');
  fs.mkdirSync('/dir');
  fs.symlinkSync('file', '/link');
  for (const path of ['/file', '/dir', '/link']) fs.lchownSync(path, 21, 22);
  for (const path of ['/file', '/dir', '/link']) {
    expect(mount().fs.lstatSync(path)).toMatchObject({ uid: 21, gid: 22 });
    expect(volume.lstatSync(path).uid).not.toBe(21);
  }
  mountAsRoot().chownSync('/file', 31, 32);
  expect(mount().fs.statSync('/file')).toMatchObject({ uid: 31, gid: 32 });
  volume.chownSync('/file', 41, 42);
  expect(mount().fs.statSync('/file')).toMatchObject({ uid: 41, gid: 42 });
  mount();
});

it('W8: modes are kept where the upper has no chmod', () => {
  const without = { chmod: undefined, chmodSync: undefined, promises: undefined };
  const mount = mounter({ fs: { ...nodeFs, ...without }, root: newDirectory() });
  const { fs } = mount();
  fs.writeFileSync('/file', 'content');
  fs.chmodSync('/file', 0o4711);
  expect(mount().fs.statSync('/file').mode & 0o7777).toBe(0o4711);
  mount().fs.chmodSync('/file', 0o640);
  expect(mount().fs.statSync('/file').mode & 0o7777).toBe(0o640);
});

describe('damaged notes', () => {
  function damage(change: (text: string) => string): () => Overlay {
    const upper = newDirectory();
    const mount = mounter(upper);
    mount().fs.chmodSync('/d/file', 0o600);
    mount().close();
    const path = `${upper}/.overfs/numbers`;
    nodeFs.writeFileSync(path, change(nodeFs.readFileSync(path, 'utf8')));
    return mount;
  }

  it('are an error that says how to repair them', () => {
    for (const change of [
      (text: string) => `?${text}`,
      (text: string) => text.replace('{', '['),
      (text: string) => `\0\0\0\n${text}`,
    ]) {
      expect(damage(change)).toThrow(
        expect.objectContaining({ code: 'ERR_OVERFS_UPPER', message: expect.stringMatching(/move '.*numbers' away/) }),
      );
    }
  });

  it('W11: a line that a crash cut short is none', () => {
    const mount = damage((text) => `${text}99 7 {"mo`);
    expect(mount().fs.statSync('/d/file', { bigint: true }).mtimeNs % 1_000n).not.toBe(0n);
    mount().fs.chmodSync('/d/other', 0o600);
    expect(mount().fs.statSync('/d/other').mode & 0o777).toBe(0o600);
  });
});

describe.each(UPPERS)('over %s, notes that could not be written', (_, newUpper) => {
  it('W5 W11: leave nothing behind the shorter ones that follow', () => {
    const upper = newUpper();
    let now = 1.5e12;
    const mount = () => createOverlay({ lower: [], upper, writeback: 'manual', clock: () => now });
    const overlay = mount();
    overlay.fs.writeFileSync('/file', '');
    overlay.syncSync();
    let failures = 1;
    overlay.on('command', (command) => {
      const isOfNotes = 'path' in command && command.path.endsWith('/numbers');
      if (isOfNotes && command.kind === 'close' && failures-- > 0) throw failing('EIO');
    });
    now += 0.789;
    overlay.fs.writeFileSync('/file', 'with a time to be noted');
    expect(() => overlay.syncSync()).toThrow('EIO');
    now = 5000;
    overlay.fs.writeFileSync('/file', 'without');
    overlay.close();
    expect(mount().fs.readFileSync('/file', 'utf8')).toBe('without');
  });
});

const WAYS: Readonly<Record<string, (fs: Overlay['fs']) => void>> = {
  unlink: (fs) => fs.unlinkSync('/d/a'),
  'a rename over it': (fs) => fs.renameSync('/other', '/d/a'),
  'rm of its directory': (fs) => fs.rmSync('/d', { recursive: true }),
};

describe.each(UPPERS)('over %s, what was changed by a name that is gone before a sync', (_, newUpper) => {
  it.each(Object.keys(WAYS))('C2 W5 arrives for the names that nobody has looked at: %s', (way) => {
    for (let cut = 1, isDone = false; !isDone; cut++) {
      const upper = newUpper();
      const mount = () => createOverlay({ lower: [], upper, pageSize: PAGE, writeback: 'manual' });
      const first = mount();
      first.fs.mkdirSync('/d');
      first.fs.writeFileSync('/d/a', bytesOf(1, 3 * PAGE));
      first.fs.linkSync('/d/a', '/b');
      first.fs.writeFileSync('/other', 'other');
      first.close();
      const overlay = mount();
      overlay.fs.copyFileSync('/d/a', '/copy');
      overlay.fs.truncateSync('/d/a', PAGE + 10);
      overlay.fs.chmodSync('/d/a', 0o600);
      WAYS[way]?.(overlay.fs);
      isDone = cutSync(overlay, cut);
      if (isDone) expect(overlay.fs.readFileSync('/copy').equals(bytesOf(1, 3 * PAGE))).toBe(true);
      if (isDone && cut % 2 === 0) expect(overlay.fs.statSync('/b').size).toBe(PAGE + 10);
      forgetLock((typeof upper === 'string' ? nodeFs : upper) as UpperFs, typeof upper === 'string' ? upper : '');
      const { fs } = mount();
      const isAfter = fs.existsSync('/copy');
      expect(isAfter || !isDone).toBe(true);
      const length = isAfter ? PAGE + 10 : 3 * PAGE;
      expect(fs.readFileSync('/b').equals(bytesOf(1, 3 * PAGE).subarray(0, length)), `cut ${cut}`).toBe(true);
      expect(fs.statSync('/b').mode & 0o777, `cut ${cut}`).toBe(isAfter ? 0o600 : 0o644);
      expect(fs.statSync('/b').nlink, `cut ${cut}`).toBe(isAfter ? 1 : 2);
      if (isAfter) expect(fs.readFileSync('/copy').equals(bytesOf(1, 3 * PAGE)), `cut ${cut}`).toBe(true);
    }
  });
});

describe.each(UPPERS)('over %s, a file that gets a copy of another', (_, newUpper) => {
  it('C2 C3 is still one file by names that were not looked at', () => {
    for (let cut = 1, isDone = false; !isDone; cut++) {
      const upper = newUpper();
      const mount = () => createOverlay({ lower: [], upper, pageSize: PAGE, writeback: 'manual' });
      const first = mount();
      first.fs.writeFileSync('/a', bytesOf(1, 3 * PAGE));
      first.fs.linkSync('/a', '/b');
      first.fs.writeFileSync('/other', bytesOf(2, PAGE + 10));
      first.close();
      const overlay = mount();
      overlay.fs.copyFileSync('/other', '/a');
      isDone = cutSync(overlay, cut);
      if (isDone && cut % 2 === 0) expect(overlay.fs.statSync('/b').size).toBe(PAGE + 10);
      forgetLock((typeof upper === 'string' ? nodeFs : upper) as UpperFs, typeof upper === 'string' ? upper : '');
      const { fs } = mount();
      const { size } = fs.statSync('/a');
      expect(fs.readFileSync('/a').equals(size > 2 * PAGE ? bytesOf(1, 3 * PAGE) : bytesOf(2, PAGE + 10))).toBe(true);
      if (isDone) expect(size).toBe(PAGE + 10);
      expect(fs.readFileSync('/b').equals(fs.readFileSync('/a')), `cut ${cut}`).toBe(true);
      expect(fs.statSync('/b')).toMatchObject({ ino: fs.statSync('/a').ino, nlink: 2 });
    }
  });
});
