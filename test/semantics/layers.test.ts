// L1-L9: what only an overlay can show of the statements about layers; what any filesystem shows is in test/grounds.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import { type Given, makeWorld } from '../chaos/history.ts';
import { WatchedLower } from '../faults/lower.ts';
import type { FileSystem } from '../grounds/face.ts';

const FILES = { '/d/f': 'f', '/d/g': 'g', '/d/sub/x': 'x', '/e/y': 'y' };
const GIVEN: Given = { files: FILES };

function changesOf(overlay: Overlay): string[] {
  return [...overlay.changes()].map(({ kind, path, from }) =>
    from === undefined ? `${kind} ${path}` : `${kind} ${path} ${from}`,
  );
}

/** Everything that writes, on what a lower has. */
const WRITING: Readonly<Record<string, (fs: FileSystem) => unknown>> = {
  write: (fs) => fs.writeFileSync('/d/f', 'new'),
  append: (fs) => fs.appendFileSync('/d/f', 'more'),
  truncate: (fs) => fs.truncateSync('/d/f', 0),
  chmod: (fs) => fs.chmodSync('/d/f', 0o600),
  chown: (fs) => fs.chownSync('/d/f', 1, 1),
  utimes: (fs) => fs.utimesSync('/d/f', 1, 1),
  unlink: (fs) => fs.unlinkSync('/d/f'),
  rename: (fs) => fs.renameSync('/d', '/moved'),
  'rm -r': (fs) => fs.rmSync('/d', { recursive: true }),
  link: (fs) => fs.linkSync('/d/f', '/e/f'),
  copyFile: (fs) => fs.copyFileSync('/d/f', '/e/y'),
  'open for writing': (fs) => fs.closeSync(fs.openSync('/d/f', 'w+')),
  stream: (fs) => new Promise((resolve) => fs.createWriteStream('/d/f').end('streamed', () => resolve(undefined))),
  mkdtemp: (fs) => fs.mkdtempSync('/d/tmp-'),
};

describe('L1 a lower is never changed', () => {
  for (const [name, write] of Object.entries(WRITING)) {
    it(`L1 by ${name}`, async () => {
      const { lower, overlay } = makeWorld(GIVEN);
      const before = lower.picture();
      await write(overlay.fs);
      expect(changesOf(overlay)).not.toEqual([]);
      expect(lower.picture()).toBe(before);
      expect(new Set(lower.requests.map((request) => request.name))).not.toContain('write');
    });
  }
});

describe('L2 the topmost that is no directory hides what is below', () => {
  it('L2 a directory on the way to a branch that appears elsewhere is the one that a lower really has there', async () => {
    const packages = Volume.fromJSON({ '/left.js': '' });
    const project = Volume.fromJSON({ '/deps/own/mine.js': '', '/file': '' });
    const set = (mode: number, time: number) => {
      for (const path of ['/', '/deps', '/deps/own']) {
        project.chmodSync(path, mode);
        project.utimesSync(path, time, time);
      }
    };
    set(0o700, 1000);
    const lower = [
      { fs: packages, at: '/deps/own/left', immutable: true },
      { fs: packages, at: '/only/left' },
      project,
    ];
    const { fs } = createOverlay({ lower });
    const seen = async (path: string) => {
      const { mode, mtimeMs, ino } = await fs.promises.stat(path);
      expect(fs.statSync(path)).toMatchObject({ mode, mtimeMs, ino });
      return [(mode & 0o777).toString(8), mtimeMs];
    };
    for (const path of ['/', '/deps', '/deps/own']) expect([path, await seen(path)]).toEqual([path, ['700', 1e6]]);
    expect(await seen('/only')).toEqual(['755', 0]);
    set(0o750, 2000);
    for (const path of ['/', '/deps', '/deps/own']) expect([path, await seen(path)]).toEqual([path, ['750', 2e6]]);
    expect(fs.readdirSync('/deps/own')).toEqual(['left', 'mine.js']);
    project.rmSync('/deps', { recursive: true });
    expect(await seen('/deps/own')).toEqual(['755', 0]);
    expect(fs.readdirSync('/deps/own/left')).toEqual(['left.js']);
    fs.chmodSync('/deps', 0o711);
    expect(await seen('/deps')).toEqual(['711', 0]);
  });

  it('L2 a file over a directory, a directory over a file, a whiteout, an opaque directory', () => {
    const layer = (files: Record<string, string>) => {
      const lower = new WatchedLower('sync');
      lower.volume.fromJSON(files);
      return { fs: lower.fs, layered: true };
    };
    const { fs } = createOverlay({
      lower: [
        layer({ '/a': 'a file', '/b/in': 'in', '/.wh.c': '', '/d/.wh..wh..opq': '', '/d/top': 'top', '/m/one': '1' }),
        layer({ '/a/hidden': '', '/b': 'hidden', '/c': 'hidden', '/d/hidden': '', '/m/two': '2', '/m/one': 'below' }),
        layer({ '/c/hidden': '', '/d/top': 'hidden', '/m/three': '3', '/b/merged-no-more': '' }),
      ],
    });
    expect(fs.readdirSync('/')).toEqual(['a', 'b', 'd', 'm']);
    expect(fs.readFileSync('/a', 'utf8')).toBe('a file');
    expect(fs.readdirSync('/b')).toEqual(['in']);
    expect(fs.existsSync('/c')).toBe(false);
    expect(fs.readdirSync('/d')).toEqual(['top']);
    expect(fs.readFileSync('/d/top', 'utf8')).toBe('top');
    expect(fs.readdirSync('/m')).toEqual(['one', 'three', 'two']);
    expect(fs.readFileSync('/m/one', 'utf8')).toBe('1');
    expect(() => fs.writeFileSync('/.wh.f', '')).toThrow('EINVAL');
  });
});

describe('L3-L7 whiteouts', () => {
  it('L3 removing what a lower shows leaves one, removing what is new leaves none', () => {
    const { overlay } = makeWorld(GIVEN);
    overlay.fs.writeFileSync('/d/new', '');
    overlay.fs.unlinkSync('/d/new');
    overlay.fs.unlinkSync('/d/f');
    expect(changesOf(overlay)).toEqual(['removed /d/f']);
  });

  it('L2 L5 an opaque root hides all that lies below its layer', () => {
    const layer = Volume.fromJSON({ '/.wh..wh..opq': '', '/a': 'a' });
    const { fs } = createOverlay({ lower: [{ fs: layer, layered: true }, Volume.fromJSON({ '/b': 'b' })] });
    expect(fs.readdirSync('/')).toEqual(['a']);
    expect(fs.existsSync('/b')).toBe(false);
  });

  it('L3 none is left in an opaque directory', () => {
    const { overlay } = makeWorld(GIVEN);
    const { fs } = overlay;
    fs.rmSync('/d', { recursive: true });
    fs.mkdirSync('/d');
    fs.writeFileSync('/d/f', 'again');
    fs.unlinkSync('/d/f');
    expect(changesOf(overlay)).toEqual(['removed /d', 'added /d']);
    expect(fs.existsSync('/d/f')).toBe(false);
    fs.rmdirSync('/d');
    expect(changesOf(overlay)).toEqual(['removed /d']);
  });

  it('L4 what is made over a whiteout clears it, and removing it leaves one again', () => {
    const { overlay } = makeWorld(GIVEN);
    const { fs } = overlay;
    for (const make of [
      () => fs.writeFileSync('/d/f', 'new', { flag: 'wx' }),
      () => fs.symlinkSync('g', '/d/f'),
      () => fs.linkSync('/d/g', '/d/f'),
      () => fs.copyFileSync('/d/g', '/d/f', fs.constants.COPYFILE_EXCL),
      () => fs.renameSync('/e/y', '/d/f'),
    ]) {
      fs.unlinkSync('/d/f');
      expect(changesOf(overlay)).toContain('removed /d/f');
      make();
      expect(fs.readdirSync('/d')).toEqual(['f', 'g', 'sub']);
    }
  });

  it('L5 a directory made over a whiteout shows nothing of the old one, at any depth', () => {
    const { fs } = makeWorld(GIVEN).overlay;
    fs.rmSync('/d', { recursive: true });
    fs.mkdirSync('/d/sub', { recursive: true });
    expect(fs.readdirSync('/d', { recursive: true })).toEqual(['sub']);
    expect(fs.existsSync('/d/sub/x')).toBe(false);
  });

  it('L6 a directory that holds only whiteouts is empty, L7 and nothing is made below one', () => {
    const { fs } = makeWorld(GIVEN).overlay;
    fs.unlinkSync('/d/sub/x');
    fs.rmdirSync('/d/sub');
    fs.rmSync('/e', { recursive: true });
    expect(() => fs.writeFileSync('/e/new', '')).toThrow("ENOENT: no such file or directory, open '/e/new'");
    fs.unlinkSync('/d/f');
    fs.renameSync('/d/g', '/g');
    fs.mkdirSync('/other');
    fs.renameSync('/other', '/d');
    expect(fs.readdirSync('/d')).toEqual([]);
  });
});

describe('L8 renames of what lowers have', () => {
  it('L8 a directory keeps all its content, leaves a whiteout, and nothing in it is looked at', () => {
    const { lower, overlay } = makeWorld(GIVEN);
    lower.count = 0;
    lower.requests.length = 0;
    overlay.fs.renameSync('/d', '/moved');
    expect(lower.requests.filter(({ path }) => path.startsWith('/d/') || path.startsWith('/moved/'))).toEqual([]);
    expect(changesOf(overlay)).toEqual(['renamed /moved /d']);
    expect(overlay.fs.readFileSync('/moved/sub/x', 'utf8')).toBe('x');
    expect(overlay.fs.existsSync('/d')).toBe(false);
    overlay.fs.renameSync('/moved', '/d');
    expect(changesOf(overlay)).toEqual([]);
  });

  it('L8 a directory over a lower with the same names shows its own alone', () => {
    const { overlay } = makeWorld({ files: { ...FILES, '/e/f': 'other f', '/e/sub/z': 'z' } });
    const { fs } = overlay;
    fs.rmSync('/e', { recursive: true });
    fs.renameSync('/d', '/e');
    expect(fs.readdirSync('/e', { recursive: true }).sort()).toEqual(['f', 'g', 'sub', 'sub/x']);
    expect(fs.readFileSync('/e/f', 'utf8')).toBe('f');
    fs.mkdirSync('/d');
    expect(fs.readdirSync('/d')).toEqual([]);
  });

  it('L8 a file is renamed onto a whiteout', () => {
    const { fs } = makeWorld(GIVEN).overlay;
    fs.unlinkSync('/e/y');
    fs.renameSync('/d/f', '/e/y');
    expect(fs.readFileSync('/e/y', 'utf8')).toBe('f');
    expect(fs.readdirSync('/d')).toEqual(['g', 'sub']);
  });
});

describe('names that belong to layers', () => {
  it('L2 L12 names in the whiteout spelling never show, whatever their case or place; others do', () => {
    const { overlay } = makeWorld({
      files: { '/d/.wh.f': 'hidden', '/d/.WH.f': 'shown', '/d/.wh': 'shown', '/d/a.wh.b': 'shown', '/d/f': 'shown' },
    });
    const { fs } = overlay;
    expect(fs.readdirSync('/d')).toEqual(['.WH.f', '.wh', 'a.wh.b', 'f']);
    expect(fs.existsSync('/d/.wh.f')).toBe(false);
    for (const call of [
      () => fs.mkdirSync('/d/.wh.g'),
      () => fs.renameSync('/d/f', '/d/.wh.f'),
      () => fs.linkSync('/d/f', '/d/.wh..wh..opq'),
      () => fs.symlinkSync('f', '/d/.wh.f'),
    ]) {
      expect(call).toThrow('EINVAL');
    }
    fs.unlinkSync('/d/f');
    for (const name of ['.WH.f', '.wh', 'a.wh.b']) fs.unlinkSync(`/d/${name}`);
    fs.rmdirSync('/d');
  });
});
