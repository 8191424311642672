import nodeFs, { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { memfs, Volume } from 'memfs';
import { describe, expect, it, vi } from 'vitest';
import { type Credentials, createOverlay, type Lower, type OverlayOptions } from '../../lib/index.ts';

describe('bad options', () => {
  it.each<[unknown, string, string]>([
    [null, 'ERR_INVALID_ARG_TYPE', 'options'],
    [[], 'ERR_INVALID_ARG_TYPE', 'options'],
    [{ lowers: '/' }, 'ERR_INVALID_ARG_VALUE', 'lowers'],
    [{ lower: 5 }, 'ERR_INVALID_ARG_TYPE', 'lower'],
    [{ lower: ['/', 5] }, 'ERR_INVALID_ARG_TYPE', 'lower[1]'],
    [{ lower: {} }, 'ERR_INVALID_ARG_TYPE', 'lower'],
    [{ lower: { fs: {} } }, 'ERR_INVALID_ARG_TYPE', 'lower.fs'],
    [{ lower: { fs: null } }, 'ERR_INVALID_ARG_TYPE', 'lower.fs'],
    [{ lower: { path: '/' } }, 'ERR_INVALID_ARG_TYPE', 'lower'],
    [{ lower: [['/']] }, 'ERR_INVALID_ARG_TYPE', 'lower[0]'],
    // biome-ignore lint/suspicious/noSparseArray: what is left out by mistake
    [{ lower: [, '/'] }, 'ERR_INVALID_ARG_TYPE', 'lower[0]'],
    [{ lower: Buffer.from('/') }, 'ERR_INVALID_ARG_TYPE', 'lower'],
    [{ lower: '/no/such/directory' }, 'ENOENT', 'lower'],
    [{ lower: ['/', { root: '/no/such/directory' }] }, 'ENOENT', 'lower[1].root'],
    [{ lower: import.meta.filename }, 'ENOTDIR', 'lower'],
    [{ lower: 'a\0b' }, 'ERR_INVALID_ARG_VALUE', 'lower'],
    [{ lower: new URL('http://example.org/') }, 'ERR_INVALID_URL_SCHEME', 'lower'],
    [{ lower: { root: '/', as: () => ({}) } }, 'ERR_INVALID_ARG_VALUE', 'lower.as'],
    [{ lower: { fs: new Volume(), root: 'relative' } }, 'ERR_INVALID_ARG_VALUE', 'lower.root'],
    [{ lower: { fs: new Volume(), root: '/none' } }, 'ERR_INVALID_ARG_VALUE', 'lower.root'],
    [{ lower: { fs: new Volume(), at: 'relative' } }, 'ERR_INVALID_ARG_VALUE', 'lower.at'],
    [{ lower: { fs: new Volume(), immutable: 1 } }, 'ERR_INVALID_ARG_TYPE', 'lower.immutable'],
    [{ lower: { fs: new Volume(), name: 1 } }, 'ERR_INVALID_ARG_TYPE', 'lower.name'],
    [{ upper: { fs: new Volume(), at: '/x' } }, 'ERR_INVALID_ARG_VALUE', 'upper.at'],
    [{ upper: { fs: new Volume(), at: Symbol('at') } }, 'ERR_INVALID_ARG_VALUE', 'upper.at'],
    [{ upper: { fs: new Volume(), immutable: false } }, 'ERR_INVALID_ARG_VALUE', 'upper.immutable'],
    [{ upper: { fs: new Volume(), layered: false } }, 'ERR_INVALID_ARG_VALUE', 'upper.layered'],
    [{ upper: { fs: new Volume(), name: 5 } }, 'ERR_INVALID_ARG_TYPE', 'upper.name'],
    [{ upper: '/no/such/directory' }, 'ENOENT', 'upper'],
    [{ upper: null }, 'ERR_INVALID_ARG_TYPE', 'upper'],
    [{ upper: [] }, 'ERR_INVALID_ARG_TYPE', 'upper'],
    [{ upper: Buffer.from('/') }, 'ERR_INVALID_ARG_TYPE', 'upper'],
    [{ upper: 7 }, 'ERR_INVALID_ARG_TYPE', 'upper'],
    [{ cwd: 'relative' }, 'ERR_INVALID_ARG_VALUE', 'cwd'],
    [{ cwd: 1 }, 'ERR_INVALID_ARG_TYPE', 'cwd'],
    [{ umask: -1 }, 'ERR_INVALID_ARG_VALUE', 'umask'],
    [{ umask: 0o1000 }, 'ERR_INVALID_ARG_VALUE', 'umask'],
    [{ credentials: 1 }, 'ERR_INVALID_ARG_TYPE', 'credentials'],
    [{ credentials: { uid: 'root', gid: 0 } }, 'ERR_INVALID_ARG_VALUE', 'credentials.uid'],
    [{ credentials: { uid: 0, gid: -1 } }, 'ERR_INVALID_ARG_VALUE', 'credentials.gid'],
    [{ credentials: { uid: 0, gid: 0, group: [5] } }, 'ERR_INVALID_ARG_VALUE', 'credentials.group'],
    [{ credentials: { uid: 0, gid: 0, groups: 5 } }, 'ERR_INVALID_ARG_VALUE', 'credentials.groups'],
    [{ clock: 5 }, 'ERR_INVALID_ARG_TYPE', 'clock'],
    [{ timers: 5 }, 'ERR_INVALID_ARG_TYPE', 'timers'],
    [{ timers: [] }, 'ERR_INVALID_ARG_TYPE', 'timers'],
    [{ timers: { waits: () => {} } }, 'ERR_INVALID_ARG_VALUE', 'timers.waits'],
    [{ timers: { wait: 5 } }, 'ERR_INVALID_ARG_TYPE', 'timers.wait'],
    [{ limits: 5 }, 'ERR_INVALID_ARG_TYPE', 'limits'],
    [{ limits: [] }, 'ERR_INVALID_ARG_TYPE', 'limits'],
    [{ limits: { bytes: -1 } }, 'ERR_INVALID_ARG_VALUE', 'limits.bytes'],
    [{ limits: { inodes: 1.5 } }, 'ERR_INVALID_ARG_VALUE', 'limits.inodes'],
    [{ pageSize: 5000 }, 'ERR_INVALID_ARG_VALUE', 'pageSize'],
    [{ pageSize: 2048 }, 'ERR_INVALID_ARG_VALUE', 'pageSize'],
    [{ pageSize: 2 ** 21 }, 'ERR_INVALID_ARG_VALUE', 'pageSize'],
    [{ readonly: 'yes' }, 'ERR_INVALID_ARG_TYPE', 'readonly'],
    [{ cache: 5 }, 'ERR_INVALID_ARG_TYPE', 'cache'],
    [{ cache: { maxBytes: -1 } }, 'ERR_INVALID_ARG_VALUE', 'cache.maxBytes'],
    [{ cache: { maxEntries: 0.5 } }, 'ERR_INVALID_ARG_VALUE', 'cache.maxEntries'],
    [{ writeback: 5 }, 'ERR_INVALID_ARG_TYPE', 'writeback'],
    [{ writeback: null }, 'ERR_INVALID_ARG_TYPE', 'writeback'],
    [{ writeback: [] }, 'ERR_INVALID_ARG_TYPE', 'writeback'],
    [{ writeback: { onError: 'ignore' } }, 'ERR_INVALID_ARG_VALUE', 'writeback.onError'],
    [{ writeback: { expire: -1 } }, 'ERR_INVALID_ARG_VALUE', 'writeback.expire'],
    [{ writeback: { ever: 1 } }, 'ERR_INVALID_ARG_VALUE', 'writeback.ever'],
    [{ cache: { max: 1 } }, 'ERR_INVALID_ARG_VALUE', 'cache.max'],
    [{ limits: { byte: 1 } }, 'ERR_INVALID_ARG_VALUE', 'limits.byte'],
    [{ lower: { root: '/', imutable: true } }, 'ERR_INVALID_ARG_VALUE', 'lower.imutable'],
    [{ upper: { fs: new Volume(), rot: '/' } }, 'ERR_INVALID_ARG_VALUE', 'upper.rot'],
  ])('%j is refused with %s naming %s', (options, code, option) => {
    expect(() => createOverlay(options as OverlayOptions)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(`"${option}"`) }),
    );
  });

  it('a misspelt key is refused, and what else an object with an `fs` carries is not', () => {
    const message = 'There is no option "limits.byte". The options are: bytes, inodes';
    expect(() => createOverlay({ limits: { byte: 1 } as object })).toThrow(message);
    const { fs } = createOverlay({ lower: memfs({ '/file': 'x' }) });
    expect(fs.readdirSync('/')).toEqual(['file']);
  });

  it('L5: the whiteouts of an upper always count', () => {
    const lower = Volume.fromJSON({ '/file': 'x' });
    // Of an object that is not plain, unknown properties are not looked at.
    const upper: object = Object.assign(Object.create({}), { fs: new Volume(), layered: false });
    const first = createOverlay({ lower, upper });
    first.fs.rmSync('/file');
    first.close();
    expect(createOverlay({ lower, upper }).fs.existsSync('/file')).toBe(false);
  });

  it.each<[string, (directory: string) => Lower]>([
    ['one of the lowers', (directory) => directory],
    ['one of the lowers that is described', (directory) => ({ root: directory, immutable: true })],
  ])('an upper that is %s is refused, since a lower is never changed', (_, lowerOf) => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'overfs-')));
    try {
      expect(() => createOverlay({ lower: ['/', lowerOf(directory)], upper: directory })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('"upper"') }),
      );
      expect(readdirSync(directory)).toEqual([]);
      createOverlay({ lower: '/', upper: directory }).close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each<[string, () => OverlayOptions]>([
    ['a volume', () => ((volume) => ({ lower: volume, upper: volume }))(new Volume())],
    [
      'a described volume',
      () => ((volume) => ({ lower: [{ fs: volume, immutable: true }], upper: { fs: volume } }))(new Volume()),
    ],
    ['an overlay', () => ((overlay) => ({ lower: ['/', overlay.fs], upper: overlay }))(createOverlay({ lower: [] }))],
  ])('%s that is both a lower and the upper is refused', (_, optionsOf) => {
    expect(() => createOverlay(optionsOf())).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('"upper"') }),
    );
  });

  it('other parts of the volume that the upper lies in may be lowers', () => {
    const fs = Volume.fromJSON({ '/low/file': 'x', '/up/.keep': '' });
    const overlay = createOverlay({
      lower: [
        { fs, root: '/low' },
        { fs, at: '/all' },
      ],
      upper: { fs, root: '/up' },
    });
    expect(overlay.fs.readdirSync('/')).toEqual(['.keep', 'all', 'file']);
    overlay.close();
  });

  it('of a directory that is not there Node’s own error is told', () => {
    expect(() => createOverlay({ lower: '/no/such/directory' })).toThrow(
      expect.objectContaining({
        message:
          'The option "lower" must be a directory. ENOENT: no such file or directory, realpath \'/no/such/directory\'',
        code: 'ENOENT',
        syscall: 'realpath',
        path: '/no/such/directory',
      }),
    );
  });

  it.each(['lower', 'upper'])('of a root that the %s cannot look at its error is told', (option) => {
    const lstatSync = () => {
      throw Object.assign(new Error('no luck'), { code: 'EIO' });
    };
    const root = realpathSync(tmpdir());
    const message = `The option "${option}.root" must be a directory. EIO: i/o error, lstat '${root}'`;
    expect(() => createOverlay({ lower: [], [option]: { fs: { ...nodeFs, lstatSync }, root } })).toThrow(
      expect.objectContaining({ message, code: 'EIO', syscall: 'lstat', path: root }),
    );
  });

  it('L13: a root in an overlay over promises is taken as it is', async () => {
    const { promises } = memfs({ '/d/file': 'far away' }).fs;
    const far = createOverlay({ lower: { promises } });
    const { fs } = createOverlay({ lower: { fs: far.fs, root: '/d' } });
    expect(await fs.promises.readFile('/file', 'utf8')).toBe('far away');
  });

  it('what is given as undefined is left out', () => {
    const nothing = { dirtyBytes: undefined, dirtyLimit: undefined, expire: undefined, onError: undefined };
    const options: object = {
      lower: [],
      upper: undefined,
      cwd: undefined,
      umask: undefined,
      credentials: undefined,
      clock: undefined,
      timers: { after: undefined },
      limits: { bytes: undefined, inodes: undefined },
      pageSize: undefined,
      readonly: undefined,
      cache: { maxBytes: undefined, maxEntries: undefined },
      writeback: nothing,
    };
    const { fs } = createOverlay(options as OverlayOptions);
    fs.writeFileSync('/file', 'x');
    expect(fs.readFileSync('/file', 'utf8')).toBe('x');
  });

  it('N3: a URL of another realm is one', () => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'overfs-')));
    const { href, protocol, pathname, hostname } = pathToFileURL(directory);
    // What Node takes for one (node lib/internal/url.js).
    const foreign = { href, protocol, pathname, hostname } as URL;
    try {
      const { fs } = createOverlay({ lower: foreign });
      fs.writeFileSync('/file', '');
      expect(readdirSync(foreign)).toEqual([]);
      const whole = createOverlay().fs;
      expect(whole.realpathSync(foreign)).toBe(directory);
      expect(whole.readdirSync(foreign)).toEqual([]);
      expect(() => whole.realpathSync({ ...foreign, hostname: 'elsewhere' } as URL)).toThrow('File URL host must be');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('N3: in a working directory that was removed nothing is at a relative path', async () => {
    const gone = Object.assign(new Error('ENOENT: process.cwd failed'), { code: 'ENOENT', syscall: 'uv_cwd' });
    const cwd = vi.spyOn(process, 'cwd').mockImplementation(() => {
      throw gone;
    });
    const { fs } = createOverlay({ lower: [] });
    const message = "ENOENT: no such file or directory, open 'file'";
    try {
      expect(fs.existsSync('file')).toBe(false);
      expect(() => fs.writeFileSync('file', '')).toThrow(message);
      await expect(fs.promises.readFile('file')).rejects.toThrow(message);
      await expect(promisify(fs.readFile)('file')).rejects.toThrow(message);
      expect(() => fs.realpathSync('file')).toThrow(gone);
    } finally {
      cwd.mockRestore();
    }
  });

  it.each([[5], ['relative'], [''], [undefined]])('a `cwd` that returns %j is told as such', async (answer) => {
    const { fs } = createOverlay({ lower: [], cwd: () => answer as string });
    const told = expect.objectContaining({
      code: 'ERR_INVALID_RETURN_VALUE',
      message: expect.stringContaining('The option "cwd" must return an absolute path. It returned '),
    });
    expect(() => fs.writeFileSync('file', 'x')).toThrow(told);
    await expect(fs.promises.writeFile('file', 'x')).rejects.toThrow(told);
    fs.writeFileSync('/file', 'x');
    expect(fs.readdirSync('/')).toEqual(['file']);
  });
});

describe('options', () => {
  it('without a lower the real disk is shown, every absolute path as it is', () => {
    const { fs } = createOverlay();
    expect(fs.readFileSync(import.meta.filename, 'utf8')).toContain('every absolute path as it is');
  });

  it('`at` shows a branch somewhere in the overlay, `root` only a part of it', () => {
    const volume = Volume.fromJSON({ '/in/side': 'x', '/out': 'y' });
    const { fs } = createOverlay({
      lower: [{ fs: volume, root: '/in', at: '/mnt/here' }, Volume.fromJSON({ '/mnt/z': '' })],
    });
    expect(fs.readdirSync('/', { recursive: true })).toEqual(['mnt', 'mnt/here', 'mnt/z', 'mnt/here/side']);
  });

  it('`readonly` refuses every change with EROFS', () => {
    const { fs } = createOverlay({ lower: Volume.fromJSON({ '/f': 'x' }), readonly: true });
    for (const change of [
      () => fs.writeFileSync('/f', ''),
      () => fs.writeFileSync('/new', ''),
      () => fs.mkdirSync('/d'),
      () => fs.unlinkSync('/f'),
      () => fs.renameSync('/f', '/g'),
      () => fs.chmodSync('/f', 0),
      () => fs.chownSync('/f', 1, 1),
      () => fs.accessSync('/f', fs.constants.W_OK),
      () => fs.utimesSync('/f', 0, 0),
      () => fs.truncateSync('/f'),
      () => fs.linkSync('/f', '/g'),
      () => fs.symlinkSync('f', '/g'),
      () => fs.copyFileSync('/f', '/g'),
    ]) {
      expect(change).toThrow(expect.objectContaining({ code: 'EROFS' }));
    }
    expect(fs.readFileSync('/f', 'utf8')).toBe('x');
  });

  it('`clock`, `umask` and `cwd` decide times, modes and relative paths', () => {
    const { fs } = createOverlay({ lower: [], clock: () => 1_234_567.5, umask: 0o027, cwd: '/site' });
    fs.mkdirSync('/site');
    fs.writeFileSync('file', '');
    const stats = fs.statSync('/site/file');
    expect(stats.mtimeMs).toBe(1_234_567.5);
    expect(stats.mode & 0o777).toBe(0o640);
    expect(fs.statSync('/site', { bigint: true }).birthtimeNs).toBe(1_234_567_500_000n);
  });

  it('P1 `limits` are told by statfs and refuse what is beyond', () => {
    const { fs } = createOverlay({ lower: [], limits: { bytes: 65_536, inodes: 3 } });
    fs.writeFileSync('/a', Buffer.alloc(65_536));
    expect(fs.statfsSync('/')).toMatchObject({ blocks: 4, bfree: 0, files: 3, ffree: 2 });
    expect(() => fs.appendFileSync('/a', 'x')).toThrow(/^ENOSPC: no space left on device/);
    fs.mkdirSync('/b');
    fs.mkdirSync('/c');
    expect(() => fs.mkdirSync('/d')).toThrow(/^ENOSPC/);
    fs.rmSync('/a');
    fs.writeFileSync('/d', Buffer.alloc(65_536));
    expect(fs.statfsSync('/').bfree).toBe(0);
  });
});

describe('views and freezing', () => {
  it.each([undefined, null, 1, {}, { uid: 1000 }])(
    'N5 `as` gives nobody the rights of the process for %j',
    (credentials) => {
      const overlay = createOverlay({ lower: [] });
      expect(() => overlay.as(credentials as Credentials)).toThrow(
        expect.objectContaining({ message: expect.stringMatching(/^The option "credentials/) }),
      );
    },
  );

  it('N5 `as` checks with other credentials and makes files theirs', () => {
    const overlay = createOverlay({ lower: [], credentials: { uid: 0, gid: 0 } });
    overlay.fs.mkdirSync('/open');
    overlay.fs.chmodSync('/open', 0o777);
    const guest = overlay.as({ uid: 1000, gid: 100, groups: [7] });
    guest.writeFileSync('/open/mine', 'x');
    expect(overlay.fs.statSync('/open/mine')).toMatchObject({ uid: 1000, gid: 100 });
    expect(() => guest.writeFileSync('/no', '')).toThrow("EACCES: permission denied, open '/no'");
    expect(() => guest.chownSync('/open/mine', 1000, 8)).toThrow(/^EPERM/);
    guest.chownSync('/open/mine', 1000, 7);
    expect(() => overlay.as({ uid: -1, gid: 0 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it('N5 `as`, and the option, take what `os.userInfo` tells', () => {
    const { uid, gid } = os.userInfo();
    for (const user of [os.userInfo(), os.userInfo({ encoding: 'buffer' })]) {
      const overlay = createOverlay({ lower: [], credentials: user });
      overlay.as(user).writeFileSync('/file', 'x');
      expect(overlay.fs.statSync('/file')).toMatchObject({ uid, gid });
    }
    const misspelt = { ...os.userInfo(), group: [7] };
    expect(() => createOverlay({ credentials: misspelt })).toThrow('There is no option "credentials.group"');
  });

  it('W14 `freeze` holds back changes until `thaw`: async ones wait, sync ones get EBUSY, reading goes on', async () => {
    const overlay = createOverlay({ lower: Volume.fromJSON({ '/f': 'x' }) });
    const { fs } = overlay;
    const fd = fs.openSync('/f', 'r+');
    overlay.freeze();
    for (const change of [
      () => fs.writeFileSync('/f', ''),
      () => fs.writeSync(fd, 'y'),
      () => fs.ftruncateSync(fd),
      () => fs.fchmodSync(fd, 0),
      () => fs.mkdirSync('/d'),
      () => fs.renameSync('/f', '/g'),
      () => fs.rmSync('/f'),
    ]) {
      expect(change).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    }
    const waiting = fs.promises.writeFile('/f', 'later');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(fs.readFileSync('/f', 'utf8')).toBe('x');
    overlay.thaw();
    overlay.freeze();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(fs.readFileSync('/f', 'utf8')).toBe('x');
    overlay.thaw();
    await waiting;
    expect(fs.readFileSync('/f', 'utf8')).toBe('later');
  });
});
