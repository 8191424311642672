// L13: a branch with promises only, through all three forms; and the example of such a branch over a key-value store.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { keyValueBranch } from '../../examples/key-value-branch.js';
import { createOverlay, NotLoadedError } from '../../lib/index.ts';
import { WatchedLower } from '../faults/lower.ts';

/** A key-value store in memory that counts what it is asked. */
function makeStore(values: Record<string, string>) {
  const times = new Map<string, number>();
  const asked: string[] = [];
  return {
    values,
    asked,
    put(key: string, value: string): void {
      values[key] = value;
      times.set(key, (times.get(key) ?? 0) + 1000);
    },
    async get(key: string) {
      asked.push(`get ${key}`);
      return key in values ? Buffer.from(values[key] ?? '') : undefined;
    },
    async head(key: string) {
      asked.push(`head ${key}`);
      return key in values ? { size: Buffer.byteLength(values[key] ?? ''), modified: times.get(key) ?? 0 } : undefined;
    },
    async keys(prefix: string) {
      asked.push(`keys ${prefix}`);
      return Object.keys(values).filter((key) => key.startsWith(prefix));
    },
  };
}

const VALUES = { 'src/index.js': 'index', 'src/deep/part.js': 'part', 'readme.md': 'read me' };

function notLoaded(call: () => unknown): NodeJS.ErrnoException {
  try {
    call();
  } catch (thrown) {
    return thrown as NodeJS.ErrnoException;
  }
  throw new Error('nothing was thrown');
}

describe('L13 the example: a branch over a key-value store', () => {
  it('L13 is read, listed and written over by promises and callbacks', async () => {
    const store = makeStore({ ...VALUES });
    const { fs } = createOverlay({ lower: keyValueBranch(store) });
    const names = await fs.promises.readdir('/', { recursive: true });
    expect(names.sort()).toEqual(['readme.md', 'src', 'src/deep', 'src/deep/part.js', 'src/index.js']);
    expect(await fs.promises.readFile('/src/deep/part.js', 'utf8')).toBe('part');
    expect((await fs.promises.stat('/src')).isDirectory()).toBe(true);
    await expect(fs.promises.stat('/src/none')).rejects.toMatchObject({ code: 'ENOENT', path: '/src/none' });
    await expect(fs.promises.stat('/readme.md/none')).rejects.toMatchObject({ code: 'ENOTDIR' });
    await fs.promises.appendFile('/src/index.js', ' changed');
    expect(await new Promise((resolve) => fs.readFile('/src/index.js', 'utf8', (_error, text) => resolve(text)))).toBe(
      'index changed',
    );
    expect(store.values).toEqual(VALUES);
  });

  it('L13 its changes are seen by the next asynchronous call', async () => {
    const store = makeStore({ ...VALUES });
    const { fs } = createOverlay({ lower: keyValueBranch(store) });
    expect(await fs.promises.readFile('/readme.md', 'utf8')).toBe('read me');
    store.put('readme.md', 'written');
    expect(await fs.promises.readFile('/readme.md', 'utf8')).toBe('written');
  });

  it('L13 preload: afterwards the synchronous functions have everything, and ask the store for nothing', async () => {
    const store = makeStore({ ...VALUES });
    const overlay = createOverlay({ lower: keyValueBranch(store) });
    const { fs } = overlay;
    await overlay.preload('/');
    store.asked.length = 0;
    expect(fs.readdirSync('/', { recursive: true })).toHaveLength(5);
    expect(fs.readFileSync('/src/deep/part.js', 'utf8')).toBe('part');
    expect(fs.existsSync('/none')).toBe(false);
    expect(fs.existsSync('/none/deeper')).toBe(false);
    expect(() => fs.statSync('/readme.md/x')).toThrow('ENOTDIR');
    fs.appendFileSync('/readme.md', '!');
    fs.renameSync('/src', '/lib');
    fs.unlinkSync('/lib/index.js');
    expect(fs.readdirSync('/lib/deep')).toEqual(['part.js']);
    expect(fs.readFileSync('/readme.md', 'utf8')).toBe('read me!');
    expect([...overlay.changes()].map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'renamed /lib',
      'removed /lib/index.js',
      'modified /readme.md',
    ]);
    expect(store.asked).toEqual([]);
  });
});

describe('L13 the synchronous API over a branch with promises only', () => {
  const FILES = { '/d/f': 'f'.repeat(9000), '/d/sub/g': 'g', '/e/h': 'h' };

  function stand(immutable = false) {
    const lower = new WatchedLower('promises');
    lower.volume.fromJSON(FILES);
    lower.volume.symlinkSync('../e', '/d/link');
    lower.volume.symlinkSync('nowhere', '/d/dangling');
    const overlay = createOverlay({ lower: { fs: lower.fs, immutable, name: 'far' }, pageSize: 4096 });
    return { lower, overlay, fs: overlay.fs };
  }

  it('L13 throws one documented error that names the branch, the path and the cure', async () => {
    const { fs } = stand();
    const calls = [
      () => fs.statSync('/d/f'),
      () => fs.readFileSync('/d/f'),
      () => fs.readdirSync('/d'),
      () => fs.openSync('/d/f', 'w'),
      () => fs.writeFileSync('/d/new', ''),
      () => fs.unlinkSync('/d/f'),
      () => fs.renameSync('/d', '/x'),
      () => fs.readlinkSync('/d/link'),
    ];
    for (const call of calls) {
      const error = notLoaded(call);
      expect(error).toBeInstanceOf(NotLoadedError);
      expect(error).toMatchObject({ name: 'NotLoadedError', code: 'ERR_OVERFS_NOT_LOADED' });
      expect(error.message).toContain('The branch "far" has only promise functions');
      expect(error.message).toContain('overlay.preload(path)');
    }
    await fs.promises.stat('/d/f');
    expect(notLoaded(() => fs.readFileSync('/d/f')).message).toContain("read '/d/f' is not loaded yet");
    expect(notLoaded(() => fs.readdirSync('/d')).message).toContain("list '/d' is not loaded yet");
  });

  it.each(['a lower', 'a lower of its lower'])(
    'L13 %s: an overlay says so too, and writes nothing back that it cannot read',
    async (where) => {
      const far = new WatchedLower('promises');
      far.volume.fromJSON({ '/large': 'x'.repeat(100_000) });
      const lower = where === 'a lower' ? { fs: far.fs } : { fs: createOverlay({ lower: { fs: far.fs } }).fs };
      const upper = new Volume();
      const overlay = createOverlay({ lower, upper, pageSize: 4096 });
      expect(notLoaded(() => overlay.fs.readFileSync('/large'))).toBeInstanceOf(NotLoadedError);
      const handle = await overlay.fs.promises.open('/large', 'r+');
      await handle.write('changed', 50_000);
      await handle.close();
      await overlay.fs.promises.writeFile('/other', 'other');
      // Not once only: what it had taken is dirty again.
      for (let i = 0; i < 2; i++) expect(notLoaded(() => overlay.syncSync())).toBeInstanceOf(NotLoadedError);
      await overlay.sync();
      expect(upper.readFileSync('/large', 'utf8')).toBe(`${'x'.repeat(50_000)}changed${'x'.repeat(49_993)}`);
      expect(upper.readFileSync('/other', 'utf8')).toBe('other');
    },
  );

  it('L13 has what asynchronous calls have loaded', async () => {
    const { fs } = stand();
    await fs.promises.readFile('/d/f');
    expect(fs.statSync('/d/f').size).toBe(9000);
    expect(fs.readFileSync('/d/f')).toHaveLength(9000);
    await fs.promises.readdir('/d');
    expect(fs.readdirSync('/d')).toEqual(['dangling', 'f', 'link', 'sub']);
    expect(fs.existsSync('/d/none')).toBe(false);
    expect(notLoaded(() => fs.statSync('/d/sub')).name).toBe('NotLoadedError');
    expect(notLoaded(() => fs.statSync('/e')).name).toBe('NotLoadedError');
  });

  for (const immutable of [false, true]) {
    it(`L13 preload loads directories to the bottom, links and contents; ${immutable ? 'immutable' : 'may change'}`, async () => {
      const { lower, overlay, fs } = stand(immutable);
      await overlay.preload(['/d', Buffer.from('/e'), new URL('file:///e/h')]);
      const asked = lower.count;
      expect(fs.readFileSync('/d/f')).toHaveLength(9000);
      expect(fs.readdirSync('/d')).toEqual(['dangling', 'f', 'link', 'sub']);
      expect(fs.readFileSync('/d/link/h', 'utf8')).toBe('h');
      expect(fs.realpathSync('/d/link/h')).toBe('/e/h');
      expect(fs.readlinkSync('/d/dangling')).toBe('nowhere');
      expect(() => fs.statSync('/d/dangling')).toThrow('ENOENT');
      const fd = fs.openSync('/d/f', 'r+');
      expect(fs.writeSync(fd, 'W', 5000)).toBe(1);
      fs.closeSync(fd);
      fs.copyFileSync('/d/f', '/e/copy');
      fs.renameSync('/d', '/e/moved');
      expect(fs.readdirSync('/e/moved/sub')).toEqual(['g']);
      fs.rmSync('/e/moved', { recursive: true });
      expect(fs.readFileSync('/e/copy', 'latin1')).toBe(`${'f'.repeat(5000)}W${'f'.repeat(3999)}`);
      expect(lower.count).toBe(asked);
    });
  }

  it('L13 has what asynchronous calls have found absent', async () => {
    const store = makeStore({ ...VALUES });
    const overlay = createOverlay({ lower: keyValueBranch(store) });
    const { fs } = overlay;
    await fs.promises.writeFile('/src/new.js', 'new');
    await fs.promises.mkdir('/src/made');
    expect(Array.from(overlay.changes(), ({ kind, path }) => `${kind} ${path}`)).toEqual([
      'added /src/made',
      'added /src/new.js',
    ]);
    fs.unlinkSync('/src/new.js');
    expect(fs.existsSync('/src/new.js')).toBe(false);
    fs.writeFileSync('/src/new.js', 'again');
    expect(notLoaded(() => fs.existsSync('/src/other.js')).code).toBe('ERR_OVERFS_NOT_LOADED');
    await fs.promises.access('/src/absent.js').catch(() => {});
    store.put('src/absent.js', 'no longer');
    expect(await fs.promises.readFile('/src/absent.js', 'utf8')).toBe('no longer');
    expect(fs.existsSync('/src/absent.js')).toBe(true);
  });

  it('L13 preload brings what it finds changed up to date, and says what it cannot load', async () => {
    const { lower, overlay, fs } = stand();
    await overlay.preload('/');
    lower.volume.writeFileSync('/d/sub/g', 'new and longer');
    lower.volume.writeFileSync('/d/added', 'added');
    lower.volume.unlinkSync('/e/h');
    expect(fs.readFileSync('/d/sub/g', 'utf8')).toBe('g');
    await overlay.preload('/');
    expect(fs.readFileSync('/d/sub/g', 'utf8')).toBe('new and longer');
    expect(fs.readFileSync('/d/added', 'utf8')).toBe('added');
    expect(fs.readdirSync('/e')).toEqual([]);
    await expect(overlay.preload('/none')).rejects.toMatchObject({
      code: 'ENOENT',
      message: "ENOENT: no such file or directory, stat '/none'",
    });
    await expect(overlay.preload(5 as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('L13 preload loads nothing for good from branches that can be asked at any time', async () => {
    const lower = new WatchedLower('both');
    lower.volume.fromJSON(FILES);
    const overlay = createOverlay({ lower: { fs: lower.fs } });
    await overlay.preload('/d');
    expect(lower.requests.filter(({ name }) => name === 'read')).toEqual([]);
    lower.volume.writeFileSync('/d/f', 'new');
    expect(overlay.fs.readFileSync('/d/f', 'utf8')).toBe('new');
  });
});
