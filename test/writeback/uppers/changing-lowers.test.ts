// What is written back over lowers that change meanwhile: a new overlay on the same upper shows what the old one did.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { useDirectories } from '../directories.ts';
import { failing } from '../rig.ts';

const newTop = useDirectories();

function stand(files: Record<string, string | null>) {
  const lower = Volume.fromJSON(files);
  const upper = newTop();
  const mount = (): Overlay => createOverlay({ lower, upper, writeback: 'manual' });
  return { lower, mount };
}

/** Every name that can be looked up. */
function shownBy({ fs }: Overlay): string[] {
  return fs.readdirSync('/', { recursive: true, encoding: 'utf8' }).filter((name) => fs.existsSync(`/${name}`));
}

describe('a lower that changes before a write-back', () => {
  it('C7 W10 what it has lost of a directory that was moved here is gone from there too', () => {
    const { lower, mount } = stand({ '/d/sub': null, '/d/file': 'file', '/d/stays': 'stays' });
    const overlay = mount();
    const { fs } = overlay;
    for (const name of ['sub', 'file', 'stays']) fs.statSync(`/d/${name}`);
    lower.rmdirSync('/d/sub');
    lower.unlinkSync('/d/file');
    fs.renameSync('/d', '/moved');
    overlay.syncSync();
    expect(fs.readdirSync('/moved')).toEqual(['stays']);
    expect(fs.existsSync('/moved/sub')).toBe(false);
    const shown = shownBy(overlay);
    overlay.close();
    expect(shownBy(mount())).toEqual(shown);
  });

  it('L10 W9 what it gets in a directory while the upper gets that, moved, is listed there no longer than it is there', () => {
    const { lower, mount } = stand({ '/d/sub/f': 'f', '/d/file': 'file' });
    const overlay = mount();
    const { fs } = overlay;
    fs.renameSync('/d', '/moved');
    let isLate = false;
    overlay.on('command', ({ kind }) => {
      if (kind === 'rename') isLate = true;
      else if (isLate) throw failing('ENOSPC');
    });
    expect(() => overlay.syncSync()).toThrow('ENOSPC');
    overlay.removeAllListeners('command');
    lower.writeFileSync('/d/late', 'late');
    lower.mkdirSync('/d/sub/later');
    for (const name of ['late', 'sub/later', 'sub/f']) fs.existsSync(`/moved/${name}`);
    fs.writeFileSync('/moved/sub/ours', 'ours');
    overlay.syncSync();
    const shown = shownBy(overlay);
    expect(fs.readdirSync('/moved', { recursive: true })).toEqual(['file', 'sub', 'sub/f', 'sub/ours']);
    expect(shown).toContain('moved/sub/ours');
    overlay.close();
    expect(shownBy(mount())).toEqual(shown);
  });

  it('L3 W11 a name that the upper alone had is gone with it: what a lower gets there later shows', () => {
    const { lower, mount } = stand({ '/other': 'other' });
    const first = mount();
    first.fs.writeFileSync('/f', 'ours');
    first.close();
    const overlay = mount();
    overlay.fs.unlinkSync('/f');
    overlay.syncSync();
    lower.writeFileSync('/f', 'theirs');
    expect(overlay.fs.readFileSync('/f', 'utf8')).toBe('theirs');
    expect(shownBy(overlay)).toEqual(['f', 'other']);
    overlay.fs.unlinkSync('/f');
    overlay.close();
    expect(shownBy(mount())).toEqual(['other']);
  });

  it('W2 W10 a directory that the upper has of lowers that may change can be looked at and moved afterwards', () => {
    const { mount } = stand({ '/d/sub/f': 'f', '/d/other/g': 'g' });
    const overlay = mount();
    const { fs } = overlay;
    fs.chmodSync('/d/sub', 0o700);
    fs.chmodSync('/d/other/g', 0o600);
    overlay.syncSync();
    fs.statSync('/d');
    fs.statSync('/d/other');
    fs.renameSync('/d/sub', '/d/other/moved');
    fs.renameSync('/d/other/g', '/g');
    overlay.syncSync();
    const shown = ['d', 'd/other', 'd/other/moved', 'd/other/moved/f', 'g'];
    expect(shownBy(overlay).sort()).toEqual(shown);
    overlay.close();
    const again = mount();
    expect(shownBy(again).sort()).toEqual(shown);
    expect(again.fs.statSync('/d/other/moved').mode & 0o777).toBe(0o700);
    expect(again.fs.readFileSync('/g', 'utf8')).toBe('g');
  });
});

describe('a further name that a lower has taken away, and nobody has looked at since', () => {
  const arrange = () => {
    const { lower, mount } = stand({ '/d/x': 'x', '/e/other': 'other' });
    lower.linkSync('/d/x', '/e/x');
    const overlay = mount();
    for (const name of ['/d/x', '/e/x']) overlay.fs.statSync(name);
    return { lower, mount, overlay };
  };

  it('C2 W10 does not come back with the file, which is moved with its directory', () => {
    const { lower, mount, overlay } = arrange();
    overlay.fs.renameSync('/d', '/moved');
    lower.unlinkSync('/e/x');
    overlay.syncSync();
    expect(shownBy(overlay).sort()).toEqual(['e', 'e/other', 'moved', 'moved/x']);
    overlay.close();
    const again = mount();
    expect(shownBy(again).sort()).toEqual(['e', 'e/other', 'moved', 'moved/x']);
    expect(again.fs.statSync('/moved/x').nlink).toBe(1);
  });

  it('C2 W10 nor with one that was given a name here', () => {
    const { lower, mount, overlay } = arrange();
    overlay.fs.linkSync('/d/x', '/more');
    lower.unlinkSync('/e/x');
    overlay.close();
    expect(shownBy(mount()).sort()).toEqual(['d', 'd/x', 'e', 'e/other', 'more']);
  });

  it('C2 L2 shows what the lower has there instead, and the upper need not hold that', () => {
    const { lower, mount, overlay } = arrange();
    overlay.fs.renameSync('/d', '/moved');
    lower.unlinkSync('/e/x');
    lower.writeFileSync('/e/x', 'another');
    overlay.close();
    const again = mount();
    expect(again.fs.readFileSync('/e/x', 'utf8')).toBe('another');
    expect([...again.changes()].map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'removed /d',
      'added /moved',
      'added /moved/x',
    ]);
    expect(again.fs.statSync('/e/x').ino).not.toBe(again.fs.statSync('/moved/x').ino);
  });
});

describe('what a lower has moved away of which the upper has got a copy', () => {
  const numbersIn = ({ fs }: Overlay, paths: readonly string[]) => paths.map((path) => fs.statSync(path).ino);

  it('C3 has a number of its own beside the copy, the same after each remount, whichever is looked at first', () => {
    const { lower, mount } = stand({
      '/d/file': 'file',
      '/other/file': 'other',
      '/f': 'f',
      '/gone': 'gone',
      '/e': null,
    });
    const overlay = mount();
    overlay.fs.statSync('/e');
    const [directory, file] = numbersIn(overlay, ['/d', '/f']);
    overlay.fs.chmodSync('/d/file', 0o600);
    overlay.fs.chmodSync('/f', 0o600);
    overlay.syncSync();
    lower.renameSync('/d', '/away');
    lower.renameSync('/f', '/gone');
    const paths = ['/d', '/f', '/away', '/gone'];
    const numbers = numbersIn(overlay, paths);
    expect(new Set(numbers).size).toBe(4);
    lower.rmSync('/e', { recursive: true });
    lower.renameSync('/away', '/e');
    paths.splice(2, 1, '/e');
    expect(numbersIn(overlay, paths)).toEqual(numbers);
    expect(numbers.slice(0, 2)).toEqual([directory, file]);
    overlay.close();
    for (const order of [paths, paths.toReversed()]) {
      const again = mount();
      const found = numbersIn(again, order);
      expect(order === paths ? found : found.toReversed()).toEqual(numbers);
      again.close();
    }
  });

  it('C2 C3 is one file by all the names that the lower has given it since', () => {
    const { lower, mount } = stand({ '/f': 'f', '/other': 'other' });
    const overlay = mount();
    overlay.fs.chmodSync('/f', 0o600);
    overlay.syncSync();
    lower.renameSync('/f', '/g');
    lower.linkSync('/g', '/h');
    const [f, g, h] = numbersIn(overlay, ['/f', '/g', '/h']);
    expect(g).toBe(h);
    expect(g).not.toBe(f);
    overlay.fs.writeFileSync('/g', 'changed');
    expect(overlay.fs.readFileSync('/h', 'utf8')).toBe('changed');
    expect(overlay.fs.readFileSync('/f', 'utf8')).toBe('f');
    overlay.close();
    expect(numbersIn(mount(), ['/f', '/g', '/h'])).toEqual([f, g, h]);
  });

  it('C2 a name that went with a directory is gone: names that were not looked at still lead to the file', () => {
    const { lower, mount } = stand({ '/d/x': 'x', '/e/other': 'other', '/f/other': 'other' });
    for (const name of ['/e/x', '/f/x']) lower.linkSync('/d/x', name);
    const overlay = mount();
    for (const name of ['/d/x', '/e/x']) overlay.fs.statSync(name);
    lower.renameSync('/d', '/g');
    expect(overlay.fs.existsSync('/d/x')).toBe(false);
    overlay.fs.chmodSync('/g/x', 0o600);
    overlay.close();
    const again = mount();
    const seen = ['/g/x', '/e/x', '/f/x'].map((path) => again.fs.statSync(path));
    expect(new Set(seen.map(({ ino }) => ino)).size).toBe(1);
    expect(seen.map(({ nlink, mode }) => [nlink, mode & 0o777])).toEqual(Array(3).fill([3, 0o600]));
  });

  it('C2 nor of a file that was given a name here', () => {
    const { lower, mount } = stand({ '/d/x': 'x', '/other': 'other' });
    const { fs } = mount();
    fs.linkSync('/d/x', '/n');
    lower.rmSync('/d', { recursive: true });
    expect(fs.existsSync('/d')).toBe(false);
    expect(fs.statSync('/n').nlink).toBe(1);
  });

  it('C2 C3 another name that the lower gives to a file which has lost one here is its name, in the next mount too', () => {
    const { lower, mount } = stand({ '/x': 'x', '/d/other': 'other' });
    lower.linkSync('/x', '/d/x');
    const overlay = mount();
    for (const name of ['/x', '/d/x']) overlay.fs.statSync(name);
    overlay.fs.unlinkSync('/d/x');
    overlay.close();
    const again = mount();
    expect(again.fs.statSync('/x').nlink).toBe(1);
    lower.linkSync('/x', '/more');
    const [more, x] = numbersIn(again, ['/more', '/x']);
    expect(more).toBe(x);
    again.fs.appendFileSync('/more', '!');
    expect(again.fs.readFileSync('/x', 'utf8')).toBe('x!');
    expect(again.fs.statSync('/x').nlink).toBe(2);
    again.close();
  });

  it('C2 C3 other names that the lower has of what the upper has got are its names all the same', () => {
    const { lower, mount } = stand({ '/f': 'f', '/other': 'other' });
    lower.linkSync('/f', '/g');
    const overlay = mount();
    overlay.fs.chmodSync('/f', 0o600);
    overlay.close();
    const again = mount();
    const [g, f] = numbersIn(again, ['/g', '/f']);
    expect(g).toBe(f);
    expect(again.fs.statSync('/g').mode & 0o777).toBe(0o600);
  });
});

describe('C2 W9 a directory that was moved here, with a further name of a file that is elsewhere, has that name', () => {
  const ASKING = new Set(['lstat', 'list', 'read', 'close']);
  /** With commands that change something, and whether these fail. */
  const arrange = (heed: (count: number) => boolean) => {
    const { lower, mount } = stand({ '/x': 'x', '/d/other': 'other' });
    lower.linkSync('/x', '/d/x');
    const overlay = mount();
    for (const name of ['/x', '/d/x']) overlay.fs.statSync(name);
    overlay.fs.renameSync('/d', '/moved');
    let count = 0;
    const state = { isOver: false };
    overlay.on('command', ({ kind }) => {
      if (state.isOver || ASKING.has(kind) || !heed(++count)) return;
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    });
    const end = () => {
      state.isOver = true;
      expect(shownBy(overlay).sort()).toEqual(['moved', 'moved/other', 'moved/x', 'x']);
      overlay.syncSync();
      overlay.close();
      const again = mount();
      expect(again.fs.statSync('/moved/x')).toMatchObject({ nlink: 2, ino: again.fs.statSync('/x').ino });
      again.close();
      return count;
    };
    return { overlay, end };
  };

  it('while it is brought to the upper', async () => {
    const { overlay, end } = arrange(() => {
      expect(shownBy(overlay).sort()).toEqual(['moved', 'moved/other', 'moved/x', 'x']);
      return false;
    });
    await overlay.sync();
    end();
  });

  it.each(['one', 'the fourth too', 'all further ones'])('where the upper fails at any command: %s', (which) => {
    for (let first = 1; ; first++) {
      // Of one content that is refused the sync goes on, so that something else can fail behind it.
      const { overlay, end } = arrange((now) => {
        if (which === 'one') return now === first;
        return which === 'the fourth too' ? now === 4 || now === first : now >= first;
      });
      failsToSync(overlay);
      if (end() < first) break;
    }
  });
});

/** What shows of a directory but for its names. */
function attributesOf({ fs }: Overlay, path: string): object {
  const { mode, uid, gid, mtimeNs, ino } = fs.statSync(path, { bigint: true });
  return { mode, uid, gid, mtimeNs, ino };
}

describe('a directory of a lower that may change, which the upper gets for the sake of what is in it', () => {
  it('W2 W9 shows what it has shown while the upper has not been given its attributes, and afterwards', () => {
    for (let wanted = 0, failed = true; failed; wanted++) {
      failed = false;
      let count = -1;
      const volume = new Volume();
      const fail =
        (name: 'chmodSync' | 'lchownSync' | 'utimesSync') =>
        (...args: never[]) => {
          if (count >= 0 && count++ === wanted) {
            failed = true;
            throw Object.assign(new Error('EIO'), { code: 'EIO' });
          }
          return (volume[name] as (...all: never[]) => void)(...args);
        };
      const upper = Object.create(volume, {
        chmodSync: { value: fail('chmodSync') },
        lchownSync: { value: fail('lchownSync') },
        utimesSync: { value: fail('utimesSync') },
      }) as object;
      const lower = Volume.fromJSON({ '/d/file': 'file' });
      lower.chmodSync('/d', 0o2711);
      lower.chownSync('/d', 5, 6);
      lower.utimesSync('/d', 1000, 1000);
      const overlay = createOverlay({ lower, upper, writeback: 'manual' });
      const before = attributesOf(overlay, '/d');
      overlay.fs.chmodSync('/d/file', 0o600);
      count = 0;
      if (failsToSync(overlay)) expect(failed).toBe(true);
      expect(attributesOf(overlay, '/d')).toEqual(before);
      overlay.syncSync();
      expect(attributesOf(overlay, '/d')).toEqual(before);
      overlay.close();
      const again = createOverlay({ lower, upper });
      expect(attributesOf(again, '/d')).toEqual(before);
      again.close();
      if (!failed) expect(wanted).toBeGreaterThan(1);
    }
  });
});

function failsToSync(overlay: Overlay): boolean {
  try {
    overlay.syncSync();
    return false;
  } catch {
    return true;
  }
}
