// The commands of write-back, given to every kind of upper, at once and later.

import nodeFs from 'node:fs';
import { fs as zenFs } from '@zenfs/core';
import { createFsFromVolume, Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { type AsyncUpperRequests, makeUpper, type UpperRequests } from '../../../lib/branch/upper/upper.ts';
import { Errno } from '../../../lib/errno.ts';
import { originalFs } from '../../../lib/node/original-fs.ts';
import { rejectionOf, scratch, thrownBy } from '../rig.ts';

/** What shows what the commands did. */
type Shown = typeof nodeFs;

interface Kind {
  readonly name: string;
  readonly make: () => { fs: unknown; base: string; shown: Shown };
  readonly forms: readonly ('sync' | 'async')[];
  readonly memory: boolean;
}

let zenCount = 0;

const KINDS: readonly Kind[] = [
  {
    name: 'the disk',
    make: () => ({ fs: originalFs, base: scratch(), shown: nodeFs }),
    forms: ['sync', 'async'],
    memory: false,
  },
  {
    name: 'an object with promises only',
    make: () => ({ fs: { promises: { ...nodeFs.promises } }, base: scratch(), shown: nodeFs }),
    forms: ['async'],
    memory: false,
  },
  {
    name: 'functions that return promises',
    make: () => ({ fs: { ...nodeFs.promises }, base: scratch(), shown: nodeFs }),
    forms: ['async'],
    memory: false,
  },
  {
    name: 'a memfs Volume',
    make: () => {
      const fs = Volume.fromJSON({ '/base/.keep': '' });
      return { fs, base: '/base', shown: fs as unknown as Shown };
    },
    forms: ['sync'],
    memory: true,
  },
  {
    name: 'the fs of a memfs Volume',
    make: () => {
      const fs = createFsFromVolume(Volume.fromJSON({ '/base/.keep': '' }));
      return { fs, base: '/base', shown: fs as unknown as Shown };
    },
    forms: ['sync'],
    memory: true,
  },
  {
    name: 'ZenFS',
    make: () => {
      zenCount += 1;
      const base = `/upper${zenCount}`;
      zenFs.mkdirSync(base);
      return { fs: zenFs, base, shown: zenFs as unknown as Shown };
    },
    forms: ['sync', 'async'],
    memory: false,
  },
];

function telling(kind: Kind, form: 'sync' | 'async') {
  const { fs, base, shown } = kind.make();
  const upper = makeUpper(fs, 'tested');
  const tell: UpperRequests | AsyncUpperRequests | undefined = form === 'sync' ? upper.sync : upper.async;
  if (tell === undefined) throw new Error(`cannot be told ${form}`);
  const failing = async (run: () => unknown) => {
    const thrown = await rejectionOf((async () => run())());
    expect(thrown).toBeInstanceOf(Errno);
    return (thrown as Errno).code;
  };
  return { tell, base, shown, upper, failing };
}

for (const kind of KINDS) {
  describe(`an upper that is ${kind.name}`, () => {
    it(`can be told ${kind.forms.join(' and ')}, everything`, () => {
      const upper = makeUpper(kind.make().fs, 'tested');
      expect(upper.sync !== undefined).toBe(kind.forms.includes('sync'));
      expect(upper.async !== undefined).toBe(kind.forms.includes('async'));
      expect(upper.memory).toBe(kind.memory);
      const { flush, ...others } = upper.can;
      expect(Object.values(others)).not.toContain(false);
      expect(flush).toBe(kind.memory ? false : 'each');
    });

    for (const form of kind.forms) {
      it(`W1 writes pieces at their place (${form})`, async () => {
        const { tell, base, shown, failing } = telling(kind, form);
        const file = `${base}/file`;
        const handle = await tell.create(file, 0o644);
        expect(await tell.write(handle, Buffer.from('hello'), 0)).toBe(5);
        expect(await tell.write(handle, Buffer.from('world'), 6)).toBe(5);
        await tell.flush(handle);
        await tell.close(handle);
        expect(shown.readFileSync(file, 'utf8')).toBe('hello\0world');
        expect(await failing(() => tell.create(file, 0o644))).toBe('EEXIST');

        const again = await tell.openForWriting(file);
        expect(await tell.write(again, Buffer.from('HE'), 0)).toBe(2);
        await tell.truncate(again, 4);
        await tell.close(again);
        expect(shown.readFileSync(file, 'utf8')).toBe('HEll');
        expect(await failing(() => tell.openForWriting(`${base}/none`))).toBe('ENOENT');
        await tell.writeFile(`${base}/whole`, Buffer.from('in one piece'), 0o600);
        expect(shown.readFileSync(`${base}/whole`, 'utf8')).toBe('in one piece');
      });

      it(`W1 puts a whole file there (${form})`, async () => {
        const { tell, base, shown, failing } = telling(kind, form);
        const file = `${base}/put`;
        const pieces = [Buffer.from('one '), Buffer.from('two')];
        const times = { atime: 1234.5, mtime: 5678.25 };
        const found = await tell.put(file, { mode: 0o640, pieces, ...times, isFlushed: true });
        const stats = shown.lstatSync(file);
        expect(shown.readFileSync(file, 'utf8')).toBe('one two');
        expect([stats.mode & 0o777, stats.atimeMs, stats.mtimeMs]).toEqual([0o640, 1_234_500, 5_678_250]);
        if (found !== undefined) expect(found).toMatchObject({ ino: stats.ino, size: 7, mtimeSec: 5678 });
        expect(await failing(() => tell.put(file, { mode: 0, pieces, ...times, isFlushed: false }))).toBe('EEXIST');
        expect(shown.readFileSync(file, 'utf8')).toBe('one two');
        await tell.put(`${base}/empty`, { mode: 0o600, pieces: [], ...times, isFlushed: false });
        expect(shown.lstatSync(`${base}/empty`).size).toBe(0);
      });

      it(`makes, moves and removes names (${form})`, async () => {
        const { tell, base, shown, failing } = telling(kind, form);
        await tell.mkdir(`${base}/dir`, 0o755);
        await tell.writeFile(`${base}/dir/a`, Buffer.from('a'), 0o644);
        await tell.writeFile(`${base}/dir/b`, Buffer.from('b'), 0o644);
        await tell.link(`${base}/dir/a`, `${base}/dir/hard`);
        expect(shown.lstatSync(`${base}/dir/a`).nlink).toBe(2);
        await tell.symlink('a', `${base}/dir/link`);
        expect(shown.readlinkSync(`${base}/dir/link`)).toBe('a');
        await tell.copy(`${base}/dir/b`, `${base}/dir/copy`, 'any');
        expect(shown.readFileSync(`${base}/dir/copy`, 'utf8')).toBe('b');
        expect(await failing(() => tell.copy(`${base}/dir/b`, `${base}/dir/copy`, 'any'))).toBe('EEXIST');
        await tell.flushAt(`${base}/dir`);

        await tell.rename(`${base}/dir/a`, `${base}/dir/b`);
        expect(shown.readFileSync(`${base}/dir/b`, 'utf8')).toBe('a');
        expect(await failing(() => tell.rename(`${base}/dir/a`, `${base}/dir/b`))).toBe('ENOENT');
        expect(await failing(() => tell.rmdir(`${base}/dir`))).toBe('ENOTEMPTY');
        await tell.mkdir(`${base}/empty`, 0o755);
        await tell.mkdir(`${base}/other`, 0o755);
        // ZenFS refuses a directory in the place of another, empty or not.
        if (kind.name === 'ZenFS')
          expect(await failing(() => tell.rename(`${base}/empty`, `${base}/other`))).toBe('EISDIR');
        else await tell.rename(`${base}/empty`, `${base}/other`);
        if (kind.name === 'ZenFS') await tell.rmdir(`${base}/empty`);
        for (const name of ['b', 'hard', 'link', 'copy']) await tell.unlink(`${base}/dir/${name}`);
        await tell.rmdir(`${base}/dir`);
        await tell.rmdir(`${base}/other`);
        expect(shown.readdirSync(base).filter((name) => name !== '.keep')).toEqual([]);
      });

      it(`W8 sets modes, owners and times (${form})`, async () => {
        const { tell, base, shown } = telling(kind, form);
        const file = `${base}/file`;
        await tell.writeFile(file, Buffer.from('x'), 0o644);
        await tell.chmod(file, 0o604);
        if (process.getuid?.() === 0) {
          await tell.chown(file, 12, 34);
          expect(shown.lstatSync(file)).toMatchObject({ uid: 12, gid: 34 });
        }
        await tell.setTimes(file, 1_600_000_000.5, 1_700_000_000.25);
        expect(shown.lstatSync(file)).toMatchObject({ atimeMs: 1_600_000_000_500, mtimeMs: 1_700_000_000_250 });
        expect(shown.lstatSync(file).mode & 0o7777).toBe(0o604);
        await tell.symlink('file', `${base}/link`);
        await tell.setTimes(`${base}/link`, 1_500_000_000, 1_500_000_000);
        expect(shown.lstatSync(`${base}/link`).mtimeMs).toBe(1_500_000_000_000);
        expect(shown.lstatSync(file).mtimeMs).toBe(1_700_000_000_250);
      });
    }
  });
}

describe('an upper on the disk', () => {
  for (const form of ['sync', 'async'] as const) {
    it(`takes times before 1970, and names that are not UTF-8 (${form})`, async () => {
      const { tell, base } = telling(KINDS[0] as Kind, form);
      const file = `${base}/f\uDCFE`;
      await tell.writeFile(file, Buffer.from('x'), 0o644);
      await tell.setTimes(file, -1.5, -86_400.25);
      const bytes = Buffer.concat([Buffer.from(`${base}/f`), Buffer.from([0xfe])]);
      expect(nodeFs.lstatSync(bytes)).toMatchObject({ atimeMs: -1500, mtimeMs: -86_400_250 });
      await tell.symlink('f\uDCFE', `${base}/link`);
      expect(nodeFs.readFileSync(`${base}/link`, 'utf8')).toBe('x');
    });
  }

  it('does not write through a link that has taken the place of a file', async () => {
    const { tell, base, failing } = telling(KINDS[0] as Kind, 'sync');
    nodeFs.symlinkSync('elsewhere', `${base}/link`);
    expect(await failing(() => tell.openForWriting(`${base}/link`))).toBe('ELOOP');
    expect(await failing(() => tell.create(`${base}/link`, 0o644))).toBe('EEXIST');
  });
});

describe('an upper in memory', () => {
  it('is not kept from writing by modes, which it keeps', () => {
    const volume = Volume.fromJSON({ '/d/file': 'content' });
    const tell = makeUpper(volume, 'tested').sync;
    tell?.chmod('/d/file', 0);
    tell?.chmod('/d', 0);
    const handle = tell?.openForWriting('/d/file');
    expect(tell?.write(handle, Buffer.from('C'), 0)).toBe(1);
    tell?.close(handle);
    tell?.chmod('/d/file', 0o7);
    tell?.rename('/d/file', '/d/other');
    tell?.mkdir('/d/sub', 0o700);
    expect(volume.lstatSync('/d').mode & 0o7777).toBe(0);
    tell?.chmod('/d', 0o755);
    expect(volume.readdirSync('/d')).toEqual(['other', 'sub']);
    expect(volume.lstatSync('/d/other').mode & 0o7777).toBe(0o7);
    expect(volume.readFileSync('/d/other', 'utf8')).toBe('Content');
  });

  it('makes files of any mode, which memfs makes and then refuses to open', () => {
    const volume = Volume.fromJSON({ '/file': '' });
    const tell = makeUpper(volume, 'tested').sync;
    for (const mode of [0, 0o400, 0o200]) {
      const handle = tell?.create('/new', mode);
      expect(tell?.write(handle, Buffer.from('content'), 0)).toBe(7);
      tell?.close(handle);
      expect(volume.lstatSync('/new').mode & 0o7777).toBe(mode);
      tell?.unlink('/new');
    }
    expect(thrownBy(() => tell?.create('/file', 0))).toMatchObject({ code: 'EEXIST' });
  });

  it('renames onto a name of the same file, and refuses what POSIX does', () => {
    const volume = Volume.fromJSON({ '/a': 'x', '/d/e/f': '', '/g/h': '' });
    const tell = makeUpper(volume, 'tested').sync;
    tell?.link('/a', '/b');
    tell?.rename('/a', '/b');
    expect(volume.readFileSync('/b', 'utf8')).toBe('x');
    expect(thrownBy(() => tell?.rename('/g', '/d'))).toMatchObject({ code: 'ENOTEMPTY' });
    expect(volume.existsSync('/g/h') && volume.existsSync('/d/e/f')).toBe(true);
  });
});

describe('an upper that lacks functions', () => {
  it('says so beforehand, and when it is told', async () => {
    const { lstat, readdir, readFile, writeFile, mkdir, unlink, rename, rmdir } = nodeFs.promises;
    const upper = makeUpper(
      { promises: { lstat, readdir, readFile, writeFile, mkdir, unlink, rename, rmdir } },
      'store',
    );
    expect(new Set(Object.values(upper.can))).toEqual(new Set([false]));
    expect(upper.sync).toBeUndefined();
    const tell = upper.async;
    if (tell === undefined) throw new Error('cannot be told');
    const base = scratch();
    await tell.writeFile(`${base}/file`, Buffer.from('x'), 0o644);
    expect(nodeFs.readFileSync(`${base}/file`, 'utf8')).toBe('x');
    expect(upper.missing).toBeUndefined();
    expect(await rejectionOf(tell.link(`${base}/file`, `${base}/b`))).toMatchObject({
      branch: 'store',
      missing: 'link',
    });
    expect(await rejectionOf(tell.chown(`${base}/file`, 1, 1))).toMatchObject({ missing: 'chown' });
    expect(await rejectionOf(tell.setTimes(`${base}/file`, 1, 1))).toMatchObject({ missing: 'utimes' });
  });

  it('at once, too', () => {
    const { lstatSync, readFileSync, mkdirSync } = nodeFs;
    const upper = makeUpper({ lstatSync, readFileSync, mkdirSync }, 'store');
    const tell = upper.sync;
    expect(upper.async).toBeUndefined();
    expect(upper.missing).toBe('rename');
    expect(makeUpper({ ...nodeFs.promises, open: undefined, writeFile: undefined }, 'store').missing).toBe('writeFile');
    expect(thrownBy(() => tell?.create('/x', 0))).toMatchObject({ branch: 'store', missing: 'openSync' });
    expect(thrownBy(() => tell?.chmod('/x', 0))).toMatchObject({ code: 'ERR_OVERFS_BRANCH', missing: 'chmodSync' });
    expect(thrownBy(() => tell?.chown('/x', 0, 0))).toMatchObject({ missing: 'chownSync' });
    tell?.flush(5);
    tell?.flushAt('/x');
  });

  it('is none at all where nothing is fs-like', () => {
    expect(thrownBy(() => makeUpper({}, 'store'))).toBeInstanceOf(TypeError);
  });
});

describe('a failing upper', () => {
  it.each([
    ['a string', 'no', 'EIO'],
    ['ENOSPC', Object.assign(new Error('no'), { code: 'ENOSPC' }), 'ENOSPC'],
  ])('throwing %s throws a bare error', async (_, strange, code) => {
    const names = [
      'mkdir',
      'open',
      'write',
      'ftruncate',
      'fsync',
      'close',
      'writeFile',
      'copyFile',
      'rename',
      'unlink',
    ];
    const more = ['rmdir', 'symlink', 'link', 'chmod', 'lchown', 'lutimes', 'stat'];
    const fail = () => {
      throw strange;
    };
    const failing = Object.fromEntries(
      [...names, ...more].flatMap((name) => [
        [`${name}Sync`, fail],
        [name, fail],
      ]),
    );
    const { sync, async } = makeUpper(failing, 'failing');
    for (const tell of [sync, async]) {
      if (tell === undefined) throw new Error('cannot be told');
      const commands: (() => unknown)[] = [
        () => tell.mkdir('/x', 0),
        () => tell.create('/x', 0),
        () => tell.openForWriting('/x'),
        () => tell.put('/x', { mode: 0, pieces: [], atime: 0, mtime: 0, isFlushed: false }),
        () => tell.write(1, Buffer.from('x'), 0),
        () => tell.truncate(1, 0),
        () => tell.flush(1),
        () => tell.flushAt('/x'),
        () => tell.close(1),
        () => tell.writeFile('/x', Buffer.from('x'), 0),
        () => tell.copy('/x', '/y', 'any'),
        () => tell.rename('/x', '/y'),
        () => tell.unlink('/x'),
        () => tell.rmdir('/x'),
        () => tell.symlink('/x', '/y'),
        () => tell.link('/x', '/y'),
        () => tell.chmod('/x', 0),
        () => tell.chown('/x', 0, 0),
        () => tell.setTimes('/x', 0, 0),
      ];
      for (const command of commands) {
        const thrown = await rejectionOf((async () => command())());
        expect(thrown).toBeInstanceOf(Errno);
        expect(thrown).toMatchObject({ code });
      }
    }
  });

  it.each([-1, 2, 1.5, 'x', undefined])('that writes %s of one byte is an error', async (count) => {
    const fs = {
      statSync: () => {},
      mkdirSync: () => {},
      writeSync: () => count,
      open: () => {},
      write: async () => count,
    };
    const { sync, async } = makeUpper({ ...fs, stat: () => {} }, 'failing');
    expect(thrownBy(() => sync?.write(1, Buffer.from('x'), 0))).toMatchObject({ code: 'EIO' });
    expect(await rejectionOf(Promise.resolve(async?.write(1, Buffer.from('x'), 0)))).toMatchObject({ code: 'EIO' });
  });
});
