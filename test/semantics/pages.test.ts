// P1-P5 and P8: pages, space and what is refused.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { type Given, makeWorld, quiet } from '../chaos/history.ts';
import { survey } from '../chaos/survey.ts';
import { branchError } from '../faults/lower.ts';

const PAGE = 4096;
const LONG = 'x'.repeat(10 * PAGE);

function withSpace(bytes: number, inodes = 100): Given {
  return { files: { '/f': LONG, '/small': 's' }, options: { limits: { bytes, inodes } } };
}

describe('space', () => {
  it('P1 is refused when the write is made, with nothing changed', () => {
    const { overlay } = makeWorld(withSpace(PAGE));
    const { fs } = overlay;
    const before = survey(overlay);
    for (const call of [
      () => fs.writeFileSync('/f', 'y'.repeat(PAGE + 1)),
      () => fs.writeFileSync('/new', 'y'.repeat(PAGE + 1)),
      () => fs.appendFileSync('/f', 'y'.repeat(PAGE + 1)),
    ]) {
      expect(call).toThrow('ENOSPC: no space left on device, write');
      expect(survey(overlay)).toBe(before);
    }
  });

  it('P1 a write of which a part has room is short', () => {
    const { fs } = makeWorld(withSpace(2 * PAGE)).overlay;
    const fd = fs.openSync('/f', 'r+');
    expect(fs.writeSync(fd, 'y'.repeat(4 * PAGE), 0)).toBe(2 * PAGE);
    expect(fs.readFileSync('/f', 'latin1')).toBe('y'.repeat(2 * PAGE) + LONG.slice(2 * PAGE));
    expect(() => fs.writeSync(fd, 'more', 5 * PAGE)).toThrow('ENOSPC');
    // What is charged already can be written again.
    expect(fs.writeSync(fd, 'z'.repeat(PAGE), 0)).toBe(PAGE);
  });

  it('P1 what was reserved for a page that straddles the end is enough when the file grows within it', () => {
    const { fs } = makeWorld(withSpace(PAGE)).overlay;
    fs.writeFileSync('/new', 'n'.repeat(PAGE - 10));
    fs.appendFileSync('/new', 'n'.repeat(10));
    expect(() => fs.appendFileSync('/new', 'n')).toThrow('ENOSPC');
    expect(fs.statSync('/new').size).toBe(PAGE);
  });

  it('P1 a write that goes on beyond what is charged is short there, and not refused', () => {
    const { fs } = makeWorld(withSpace(10)).overlay;
    const fd = fs.openSync('/new', 'w+');
    expect(fs.writeSync(fd, 'n'.repeat(20))).toBe(10);
    expect(fs.writeSync(fd, 'm'.repeat(5), 8)).toBe(2);
    expect(() => fs.writeSync(fd, 'm', 10)).toThrow('ENOSPC');
    expect(fs.readFileSync('/new', 'latin1')).toBe('nnnnnnnnmm');
  });

  it('P1 an inode too many is refused, and nothing changed', () => {
    const { overlay } = makeWorld(withSpace(1e6, 2));
    const { fs } = overlay;
    fs.mkdirSync('/one');
    fs.chmodSync('/f', 0o600);
    const before = survey(overlay);
    for (const call of [
      () => fs.mkdirSync('/two'),
      () => fs.writeFileSync('/two', ''),
      () => fs.symlinkSync('x', '/two'),
      () => fs.mkdirSync('/one/a/b', { recursive: true }),
      () => fs.appendFileSync('/small', '!'),
      () => fs.chmodSync('/small', 0),
      () => fs.truncateSync('/small', 0),
      () => fs.copyFileSync('/f', '/two'),
      () => fs.openSync('/', fs.constants.O_RDWR | 0o20000000 | fs.constants.O_DIRECTORY),
    ]) {
      expect(call).toThrow('ENOSPC');
      expect(survey(overlay)).toBe(before);
    }
    // What takes no inode of its own goes on.
    fs.linkSync('/f', '/again');
    fs.renameSync('/small', '/moved');
    fs.unlinkSync('/moved');
    fs.rmdirSync('/one');
    fs.writeFileSync('/two', '');
  });

  it('P2 truncate that fails leaves size, content and times; a size beyond all is EFBIG', () => {
    const { overlay } = makeWorld(withSpace(1e6, 1));
    const { fs } = overlay;
    fs.chmodSync('/small', 0o600);
    const before = survey(overlay);
    expect(() => fs.truncateSync('/f', 5)).toThrow('ENOSPC');
    expect(() => fs.truncateSync('/small', 2 ** 53)).toThrow();
    const fd = fs.openSync('/small', 'r+');
    expect(() => fs.writeSync(fd, 'x', Number.MAX_SAFE_INTEGER)).toThrow('EFBIG');
    fs.closeSync(fd);
    expect(survey(overlay)).toBe(before);
    fs.truncateSync('/small', Number.MAX_SAFE_INTEGER);
    expect(() => fs.appendFileSync('/small', 'x')).toThrow('EFBIG');
    expect(fs.statSync('/small').size).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('P3 a hole that was read and is then written is charged; what goes away gives back', () => {
    const { fs } = makeWorld(withSpace(100 * PAGE)).overlay;
    const free = () => fs.statfsSync('/').bfree;
    fs.writeFileSync('/hole', '');
    fs.truncateSync('/hole', 50 * PAGE);
    expect(fs.readFileSync('/hole')).toHaveLength(50 * PAGE);
    expect(free()).toBe(100);
    const fd = fs.openSync('/hole', 'r+');
    fs.writeSync(fd, 'w'.repeat(PAGE), 20 * PAGE);
    expect(free()).toBe(99);
    fs.truncateSync('/hole', 20 * PAGE);
    expect(free()).toBe(100);
    fs.writeSync(fd, 'w'.repeat(3 * PAGE), 0);
    fs.copyFileSync('/hole', '/copy');
    expect(free()).toBe(94);
    fs.renameSync('/small', '/copy');
    expect(free()).toBe(97);
    fs.unlinkSync('/hole');
    expect(free()).toBe(97);
    fs.closeSync(fd);
    expect(free()).toBe(100);
  });
});

describe('filling', () => {
  it('P4 a fill that fails is an error for its reader, and leaves no page', async () => {
    const { lower, overlay } = makeWorld(withSpace(1e6));
    let fails = true;
    lower.behave = ({ name }, answer) => {
      if (name === 'read' && fails) throw branchError('EIO');
      return answer();
    };
    expect(() => overlay.fs.readFileSync('/f')).toThrow('EIO');
    await expect(overlay.fs.promises.readFile('/f')).rejects.toThrow('EIO');
    expect(overlay.whence('/f').map(({ branch }) => branch)).toEqual(['lower1']);
    fails = false;
    expect(overlay.fs.readFileSync('/f', 'latin1')).toBe(LONG);
  });

  it('P6 for writes that are refused then keeps no more than the bound', async () => {
    const maxBytes = 2 * PAGE;
    const { overlay } = makeWorld({ ...withSpace(0), options: { limits: { bytes: 0 }, cache: { maxBytes } } });
    const fd = overlay.fs.openSync('/f', 'r+');
    for (let page = 0; page < 10; page++) {
      expect(() => overlay.fs.writeSync(fd, 'y', page * PAGE)).toThrow('ENOSPC');
      // A write has two ends.
      expect(overlay.statistics().cachedBytes).toBeLessThanOrEqual(maxBytes + 2 * PAGE);
    }
    expect(overlay.fs.readFileSync('/f', 'latin1')).toBe(LONG);
  });

  it('P6 for a read behind the end keeps no more than the bound', async () => {
    const { overlay } = makeWorld({ ...withSpace(0), options: { cache: { maxBytes: 0 } } });
    overlay.fs.truncateSync('/f', 10);
    const fd = overlay.fs.openSync('/f', 'r');
    expect(overlay.fs.readSync(fd, Buffer.alloc(10), 0, 10, 20)).toBe(0);
    expect(overlay.statistics().cachedBytes).toBe(0);
  });

  it('P4 a page that is being filled is not read: all readers wait, and get all of it', async () => {
    const { lower, overlay } = makeWorld(withSpace(1e6));
    lower.behave = async (_request, answer) => {
      await quiet();
      return answer();
    };
    const texts = await Promise.all(Array.from({ length: 10 }, () => overlay.fs.promises.readFile('/f', 'latin1')));
    expect(new Set(texts)).toEqual(new Set([LONG]));
  });

  it('P5 a page that is cut off while it is filled, for reading or for writing, does not come back', async () => {
    for (const use of ['read', 'write'] as const) {
      const { lower, overlay } = makeWorld(withSpace(1e6));
      const { fs } = overlay;
      const fd = fs.openSync('/f', 'r+');
      let letGo: (() => void) | undefined;
      lower.behave = async ({ name }, answer) => {
        const answered = answer();
        if (name === 'read' && letGo === undefined)
          await new Promise<void>((resolve) => {
            letGo = resolve;
          });
        return answered;
      };
      const bytes = Buffer.from('12345');
      const done = new Promise<number>((resolve, reject) => {
        const settle = (error: Error | null, count: number) => (error ? reject(error) : resolve(count));
        if (use === 'read') fs.read(fd, bytes, 0, 5, 5 * PAGE, settle);
        else fs.write(fd, bytes, 0, 5, 5 * PAGE, settle);
      });
      await quiet();
      expect(letGo).toBeDefined();
      const { behave } = lower;
      lower.behave = (_request, answer) => answer();
      fs.truncateSync('/f', PAGE);
      lower.behave = behave;
      letGo?.();
      expect(await done).toBe(use === 'read' ? 0 : 5);
      fs.truncateSync('/f', 6 * PAGE);
      lower.behave = (_request, answer) => answer();
      const written = use === 'read' ? '\0'.repeat(5) : '12345';
      expect(fs.readFileSync('/f', 'latin1')).toBe(
        LONG.slice(0, PAGE) + '\0'.repeat(4 * PAGE) + written + '\0'.repeat(PAGE - 5),
      );
    }
  });
});

describe('P8 copies', () => {
  it('P8 copying a lower file copies no bytes and takes no space; a copy of the copy neither', () => {
    const { lower, overlay } = makeWorld(withSpace(PAGE));
    const { fs } = overlay;
    lower.requests.length = 0;
    fs.copyFileSync('/f', '/one');
    fs.copyFileSync('/one', '/two');
    fs.unlinkSync('/one');
    expect(lower.requests.filter(({ name }) => name === 'read')).toEqual([]);
    expect(fs.statfsSync('/').bfree).toBe(1);
    expect(overlay.whence('/two')).toEqual([{ offset: 0, length: 10 * PAGE, branch: 'lower1', path: '/f' }]);
    expect(fs.readFileSync('/two', 'latin1')).toBe(LONG);
  });

  it('P8 pages are shared until a side changes, whichever it is', () => {
    const { fs } = makeWorld(withSpace(1e6)).overlay;
    fs.writeFileSync('/a', 'a'.repeat(3 * PAGE));
    fs.copyFileSync('/a', '/b');
    fs.copyFileSync('/b', '/c');
    const write = (path: string, text: string, at: number) => {
      const fd = fs.openSync(path, 'r+');
      fs.writeSync(fd, text, at);
      fs.closeSync(fd);
    };
    write('/a', 'A', 0);
    write('/c', 'C', PAGE);
    fs.truncateSync('/b', PAGE + 1);
    fs.truncateSync('/b', 3 * PAGE);
    expect(fs.readFileSync('/a', 'latin1')).toBe(`A${'a'.repeat(3 * PAGE - 1)}`);
    expect(fs.readFileSync('/b', 'latin1')).toBe('a'.repeat(PAGE + 1) + '\0'.repeat(2 * PAGE - 1));
    expect(fs.readFileSync('/c', 'latin1')).toBe(`${'a'.repeat(PAGE)}C${'a'.repeat(2 * PAGE - 1)}`);
    fs.unlinkSync('/a');
    fs.unlinkSync('/c');
    expect(fs.readFileSync('/b', 'latin1').slice(0, PAGE + 1)).toBe('a'.repeat(PAGE + 1));
  });

  it('P8 a copy of a copy of a lower file that was cut, written and removed', () => {
    const { fs } = makeWorld(withSpace(1e6)).overlay;
    fs.truncateSync('/f', 3 * PAGE + 5);
    fs.copyFileSync('/f', '/one');
    fs.appendFileSync('/f', 'tail');
    fs.copyFileSync('/one', '/two');
    fs.truncateSync('/two', 5 * PAGE);
    fs.unlinkSync('/one');
    fs.writeFileSync('/f', 'gone');
    expect(fs.readFileSync('/two', 'latin1')).toBe(LONG.slice(0, 3 * PAGE + 5) + '\0'.repeat(2 * PAGE - 5));
  });
});

describe('P3: a file of several names that was changed and removed with the directories that hold them', () => {
  /** Of what is removed with `/d` nobody has looked at `/d/twin`. */
  function stand(limits: { bytes?: number; inodes?: number }, upper?: Volume) {
    const lower = Volume.fromJSON({ '/d/file': 'file', '/e/f': 'f' });
    lower.linkSync('/d/file', '/d/twin');
    const overlay = createOverlay({ lower, limits, writeback: 'manual', ...(upper && { upper }) });
    const { fs } = overlay;
    const spent = () => {
      const { files, ffree } = fs.statfsSync('/');
      return { bytes: overlay.statistics().dirtyBytes, inodes: files - ffree };
    };
    fs.writeFileSync('/d/file', 'x'.repeat(100));
    fs.rmSync('/d', { recursive: true });
    return { overlay, fs, spent };
  }

  it('counts no more', () => {
    const { spent } = stand({ inodes: 10 });
    expect(spent().inodes).toBe(0);
    expect(spent().bytes).toBe(0);
  });

  it('counts no more once an upper is up to date, asked for or not', () => {
    const { overlay } = stand({}, new Volume());
    overlay.syncSync();
    expect(overlay.statistics().dirtyBytes).toBe(0);
  });

  const calls: Record<string, (fs: ReturnType<typeof stand>['fs']) => void> = {
    writeFile: (fs) => fs.writeFileSync('/new', 'x'.repeat(100)),
    'writeFile over a file': (fs) => fs.writeFileSync('/e/f', 'x'.repeat(100)),
    appendFile: (fs) => fs.appendFileSync('/e/f', 'x'.repeat(50)),
    write: (fs) => {
      const fd = fs.openSync('/e/f', 'r+');
      expect(fs.writeSync(fd, 'x'.repeat(100))).toBe(100);
      fs.closeSync(fd);
    },
    mkdir: (fs) => fs.mkdirSync('/new'),
    'mkdir, recursive': (fs) => void fs.mkdirSync('/new', { recursive: true }),
    symlink: (fs) => fs.symlinkSync('x', '/new'),
    chmod: (fs) => fs.chmodSync('/e/f', 0o600),
    truncate: (fs) => fs.truncateSync('/e/f', 1),
    copyFile: (fs) => fs.copyFileSync('/e/f', '/new'),
  };
  for (const [name, call] of Object.entries(calls)) {
    it(`makes room for others: ${name}`, () => {
      const { fs, spent } = stand({ bytes: 100, inodes: 1 });
      call(fs);
      expect(spent().inodes).toBe(1);
    });
  }

  it('makes room for a copy', () => {
    const { fs } = stand({ bytes: 160 });
    fs.writeFileSync('/one', 'x'.repeat(60));
    fs.copyFileSync('/one', '/two');
    expect(fs.readFileSync('/two', 'utf8')).toBe('x'.repeat(60));
  });
});
