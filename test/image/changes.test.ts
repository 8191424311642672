import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import nodeFs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Volume } from 'memfs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';

function lower(): Volume {
  return Volume.fromJSON({
    '/src/index.ts': 'one',
    '/src/lib/deep.ts': 'two',
    '/src/lib/other.ts': 'three',
    '/README.md': 'four',
    '/old/file': 'five',
  });
}

/** The changes in short: `kind path < from`. */
function changesOf(overlay: Overlay): string[] {
  return [...overlay.changes()].map(
    ({ kind, path: at, from }) => `${kind} ${at}${from === undefined ? '' : ` < ${from}`}`,
  );
}

describe('changes', () => {
  it('are none at first, and none after looking around', () => {
    const overlay = createOverlay({ lower: lower() });
    overlay.fs.readdirSync('/', { recursive: true });
    overlay.fs.readFileSync('/src/lib/deep.ts');
    expect(changesOf(overlay)).toEqual([]);
  });

  it('N2: are refused by an error, with the words of the system, where a branch cannot be asked', () => {
    const volume = lower();
    const fails = { isOn: false };
    const lstatSync = (...given: unknown[]): unknown => {
      if (fails.isOn) throw Object.assign(new Error('no'), { code: 'EIO' });
      return Reflect.apply(volume.lstatSync, volume, given);
    };
    const overlay = createOverlay({ lower: { readFileSync: volume.readFileSync.bind(volume), lstatSync } });
    overlay.fs.chmodSync('/README.md', 0o600);
    fails.isOn = true;
    expect(() => overlay.changes()).toThrow(
      expect.objectContaining({ constructor: Error, code: 'EIO', message: 'EIO: i/o error, lstat' }),
    );
    fails.isOn = false;
    expect(changesOf(overlay)).toEqual(['attributes /README.md']);
  });

  it('tell what was added, modified, removed and given other attributes, in order', () => {
    const overlay = createOverlay({ lower: lower() });
    const { fs } = overlay;
    fs.writeFileSync('/src/new.ts', 'new');
    fs.mkdirSync('/build/out', { recursive: true });
    fs.writeFileSync('/build/out/a.js', 'a');
    fs.appendFileSync('/README.md', '!');
    fs.unlinkSync('/src/lib/other.ts');
    fs.chmodSync('/src/index.ts', 0o600);
    expect(changesOf(overlay)).toEqual([
      'modified /README.md',
      'added /build',
      'added /build/out',
      'added /build/out/a.js',
      'attributes /src/index.ts',
      'removed /src/lib/other.ts',
      'added /src/new.ts',
    ]);
  });

  it('tell other attributes of the root itself', () => {
    for (const immutable of [false, true]) {
      const overlay = createOverlay({ lower: { fs: lower(), immutable } });
      const { fs } = overlay;
      fs.readdirSync('/');
      fs.chmodSync('/', 0o700);
      expect(changesOf(overlay)).toEqual(['attributes /']);
      fs.unlinkSync('/README.md');
      expect(changesOf(overlay)).toEqual(['attributes /', 'removed /README.md']);
      expect(fs.readdirSync('/')).toEqual(['old', 'src']);
    }
  });

  it('tell a rename once, with what else happened to the file', () => {
    const overlay = createOverlay({ lower: lower() });
    const { fs } = overlay;
    fs.renameSync('/src/lib', '/src/core');
    fs.writeFileSync('/src/core/deep.ts', 'changed');
    fs.renameSync('/README.md', '/readme');
    fs.appendFileSync('/readme', '!');
    expect(changesOf(overlay)).toEqual([
      'renamed /readme < /README.md',
      'modified /readme',
      'renamed /src/core < /src/lib',
      'modified /src/core/deep.ts',
    ]);
  });

  it('forget what was undone', () => {
    const overlay = createOverlay({ lower: lower() });
    const { fs } = overlay;
    fs.writeFileSync('/tmp.txt', 'x');
    fs.unlinkSync('/tmp.txt');
    fs.renameSync('/old', '/moved');
    fs.renameSync('/moved', '/old');
    expect(changesOf(overlay)).toEqual([]);
  });

  it('L5 tell a directory that replaces one of the lowers as removed and added', () => {
    const overlay = createOverlay({ lower: lower() });
    overlay.fs.rmSync('/old', { recursive: true });
    overlay.fs.mkdirSync('/old');
    overlay.fs.writeFileSync('/old/fresh', '');
    expect(changesOf(overlay)).toEqual(['removed /old', 'added /old', 'added /old/fresh']);
  });

  it('tell a link to a lower file as added, and a copy too', () => {
    const overlay = createOverlay({ lower: lower() });
    overlay.fs.linkSync('/README.md', '/hard');
    overlay.fs.copyFileSync('/README.md', '/copy');
    overlay.fs.symlinkSync('README.md', '/soft');
    expect(changesOf(overlay)).toEqual(['added /copy', 'added /hard', 'added /soft']);
    expect([...overlay.changes()].at(-1)?.type).toBe('symlink');
  });

  it('cost what changed: of a large tree only the way to the change is asked for', () => {
    const files = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`/d${i % 50}/f${i}`, 'x']));
    const volume = Volume.fromJSON({ ...files, '/d0/sub/changed': 'x' });
    let questions = 0;
    const counting = new Proxy(volume, {
      get(target, key) {
        const value = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          questions++;
          return value.apply(target, args);
        };
      },
    });
    const overlay = createOverlay({ lower: { fs: counting, immutable: true } });
    overlay.fs.writeFileSync('/d0/sub/changed', 'y');
    questions = 0;
    expect(changesOf(overlay)).toEqual(['modified /d0/sub/changed']);
    expect(questions).toBeLessThan(10);
  });
});

it.each([
  ['/null', 'character device'],
  ['/fifo', 'fifo'],
  ['/socket', 'socket'],
  ['/link', 'symlink'],
])('what %s is that was changed: %s', async (at, type) => {
  const directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-changes-'));
  execFileSync('mkfifo', [path.join(directory, 'fifo')]);
  nodeFs.symlinkSync('fifo', path.join(directory, 'link'));
  const server = net.createServer().listen(path.join(directory, 'socket'));
  await once(server, 'listening');
  try {
    const overlay = createOverlay({ lower: at === '/null' ? '/dev' : directory, credentials: { uid: 0, gid: 0 } });
    overlay.fs.lutimesSync(at, 1, 1);
    expect([...overlay.changes()]).toEqual([{ path: at, kind: 'attributes', type }]);
    expect(overlay.whence(at)).toEqual([expect.objectContaining({ branch: 'lower1', offset: 0, length: 0 })]);
  } finally {
    server.close();
    nodeFs.rmSync(directory, { recursive: true });
  }
});

describe('whence', () => {
  it('says of pages that lie beside each other that they are one part', () => {
    const overlay = createOverlay({ lower: [], pageSize: 4096 });
    overlay.fs.writeFileSync('/f', 'x'.repeat(10_000));
    overlay.fs.mkdirSync('/d');
    overlay.fs.symlinkSync('f', '/link');
    expect(overlay.whence('/f')).toEqual([{ offset: 0, length: 10_000, branch: 'memory' }]);
    expect(overlay.whence('/d')).toEqual([{ offset: 0, length: 0, branch: 'memory' }]);
    expect(overlay.whence('/link')).toEqual([{ offset: 0, length: 0, branch: 'memory' }]);
  });

  it('says for each part where it comes from', () => {
    const volume = Volume.fromJSON({ '/big': 'b'.repeat(100_000) });
    const overlay = createOverlay({ lower: { fs: volume, name: 'base' } });
    const fd = overlay.fs.openSync('/big', 'r+');
    overlay.fs.writeSync(fd, 'x', 40_000);
    overlay.fs.ftruncateSync(fd, 120_000);
    expect(overlay.whence('/big')).toEqual([
      { offset: 0, length: 32_768, branch: 'base', path: '/big' },
      { offset: 32_768, length: 16_384, branch: 'memory' },
      { offset: 49_152, length: 50_848, branch: 'base', path: '/big' },
      { offset: 100_000, length: 20_000, branch: 'hole' },
    ]);
  });

  it('takes no time for a hole, however long', () => {
    const overlay = createOverlay({ lower: [], pageSize: 4096 });
    const { fs } = overlay;
    fs.writeFileSync('/f', 'start');
    fs.truncateSync('/f', 2 ** 52);
    const fd = fs.openSync('/f', 'r+');
    fs.writeSync(fd, 'end', 2 ** 52 - 3);
    fs.closeSync(fd);
    expect(overlay.whence('/f')).toEqual([
      { offset: 0, length: 4096, branch: 'memory' },
      { offset: 4096, length: 2 ** 52 - 8192, branch: 'hole' },
      { offset: 2 ** 52 - 4096, length: 4096, branch: 'memory' },
    ]);
  });

  it('says where that is in a branch that appears elsewhere', () => {
    const below = Volume.fromJSON({ '/base/dir/file': 'file' });
    const overlay = createOverlay({ lower: { fs: below, root: '/base', at: '/deps/in', name: 'base' } });
    overlay.fs.renameSync('/deps/in/dir', '/moved');
    expect(overlay.whence('/moved/file')).toEqual([{ offset: 0, length: 4, branch: 'base', path: '/base/dir/file' }]);
    expect(overlay.whence('/deps/in')).toEqual([{ offset: 0, length: 0, branch: 'base', path: '/base' }]);
    expect(overlay.whence('/deps')).toEqual([{ offset: 0, length: 0, branch: 'base' }]);
    expect(changesOf(overlay)).toEqual(['renamed /moved < /deps/in/dir']);
  });

  it('says of a directory what it merges', () => {
    const overlay = createOverlay({
      lower: [
        { fs: Volume.fromJSON({ '/d/a': '' }), name: 'top' },
        { fs: Volume.fromJSON({ '/d/b': '' }), name: 'bottom' },
      ],
    });
    expect(overlay.whence('/d').map(({ branch }) => branch)).toEqual(['top', 'bottom']);
    expect(() => overlay.whence('/none')).toThrow("ENOENT: no such file or directory, lstat '/none'");
  });
});

it('a directory that was renamed is new, with all in it, once an upper has it', () => {
  using overlay = createOverlay({ lower: { fs: Volume.fromJSON({ '/old/deep/file': 'file' }) }, upper: new Volume() });
  overlay.fs.renameSync('/old', '/new');
  const told = () => [...overlay.changes()].map(({ kind, path, from = '' }) => `${kind} ${path} ${from}`.trim());
  expect(told()).toEqual(['renamed /new /old']);
  overlay.syncSync();
  expect(told()).toEqual(['added /new', 'added /new/deep', 'added /new/deep/file', 'removed /old']);
});

describe('an upper that already holds content', () => {
  let directory: string;
  beforeEach(() => {
    directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
  });
  afterEach(() => {
    nodeFs.rmSync(directory, { recursive: true, force: true });
  });

  it('L3 L5 is read as the topmost branch, and is what changed', () => {
    nodeFs.mkdirSync(path.join(directory, 'src/lib'), { recursive: true });
    nodeFs.writeFileSync(path.join(directory, 'src/.wh.index.ts'), '');
    nodeFs.writeFileSync(path.join(directory, 'src/lib/.wh..wh..opq'), '');
    nodeFs.writeFileSync(path.join(directory, 'src/lib/only.ts'), 'upper');
    nodeFs.writeFileSync(path.join(directory, 'README.md'), 'upper');
    using overlay = createOverlay({ lower: lower(), upper: directory });
    expect(overlay.fs.readdirSync('/src')).toEqual(['lib']);
    expect(overlay.fs.readdirSync('/src/lib')).toEqual(['only.ts']);
    expect(overlay.fs.readFileSync('/README.md', 'utf8')).toBe('upper');
    expect(changesOf(overlay)).toEqual([
      'modified /README.md',
      'attributes /src',
      'removed /src/index.ts',
      'removed /src/lib',
      'added /src/lib',
      'added /src/lib/only.ts',
    ]);
  });
});
