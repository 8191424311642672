// Files of the upper that are changed or removed from outside while it is mounted: this is reported file by file, and
// the bytes of the two are never mixed.

import nodeFs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Overlay } from '../../../lib/index.ts';
import { useDirectories } from '../directories.ts';
import { bytesOf, leftovers, mount, PAGE, writeAt } from '../rig.ts';

const newDirectory = useDirectories();
const THEIRS = bytesOf(9, 8 * PAGE);

let root: string;
let overlay: Overlay;

beforeEach(() => {
  root = newDirectory();
  overlay = mount(root, { writeback: 'manual' });
  overlay.fs.writeFileSync('/file', bytesOf(1, 8 * PAGE));
  overlay.syncSync();
});

afterEach(() => {
  overlay.fs.rmSync('/file', { force: true });
  overlay.close();
  expect(leftovers(nodeFs, root)).toEqual([]);
  mount(root).close();
});

/** Syncs; answers which files were refused, and how. */
function refusals(): string[] {
  try {
    overlay.syncSync();
    return [];
  } catch (error) {
    const { errors } = error as AggregateError;
    return errors.map(({ code, path }: NodeJS.ErrnoException) => `${code} ${path}`);
  }
}

describe.each([
  ['replaced', () => nodeFs.writeFileSync(join(root, 'file'), THEIRS)],
  ['removed', () => nodeFs.unlinkSync(join(root, 'file'))],
])('a file that somebody else has %s', (how, meddle) => {
  it('C7: gets no bytes of ours between theirs, and holds back nothing else', () => {
    meddle();
    writeAt(overlay.fs, '/file', 'ours', 3 * PAGE);
    overlay.fs.writeFileSync('/other', 'arrives');
    for (let i = 0; i < 2; i++) {
      expect(refusals()).toEqual(['ESTALE /file']);
      expect(nodeFs.readFileSync(join(root, 'other'), 'utf8')).toBe('arrives');
      if (how === 'replaced') expect(nodeFs.readFileSync(join(root, 'file')).equals(THEIRS)).toBe(true);
    }
    overlay.fs.writeFileSync('/file', 'written anew');
    expect(refusals()).toEqual([]);
    expect(nodeFs.readFileSync(join(root, 'file'), 'utf8')).toBe('written anew');
  });
});

const CHANGES: readonly (readonly [string, () => void])[] = [
  ['written to', () => nodeFs.writeFileSync(join(root, 'file'), THEIRS)],
  [
    'replaced',
    () => {
      nodeFs.writeFileSync(join(root, 'theirs'), THEIRS);
      nodeFs.renameSync(join(root, 'theirs'), join(root, 'file'));
    },
  ],
];

describe.each(CHANGES)('a file that somebody else has %s, and that gets other attributes here', (_how, meddle) => {
  const DEEDS: Readonly<Record<string, () => string>> = {
    chmod: () => {
      overlay.fs.chmodSync('/file', 0o600);
      return '/file';
    },
    rename: () => {
      overlay.fs.renameSync('/file', '/moved');
      return '/moved';
    },
    link: () => {
      overlay.fs.linkSync('/file', '/further');
      return '/file';
    },
  };

  it.each(Object.keys(DEEDS))('C7 W4: is not taken for the one that was there before: %s', (name) => {
    overlay.fs.copyFileSync('/file', '/copy');
    meddle();
    const path = DEEDS[name]?.() ?? '';
    overlay.fs.writeFileSync('/other', 'arrives');
    expect(refusals()).toEqual(expect.arrayContaining([`ESTALE ${path}`]));
    expect(nodeFs.readFileSync(join(root, 'other'), 'utf8')).toBe('arrives');
    // The first to close it hears of the failure (W4).
    expect(() => writeAt(overlay.fs, path, 'ours', 3 * PAGE)).toThrow('ESTALE: stale file handle, close');
    expect(refusals()).toEqual(expect.arrayContaining([`ESTALE ${path}`]));
    expect(nodeFs.readFileSync(join(root, path)).equals(THEIRS)).toBe(true);
    expect(nodeFs.existsSync(join(root, 'copy'))).toBe(false);
    for (const gone of [path, '/copy', '/further']) overlay.fs.rmSync(gone, { force: true });
    expect(refusals()).toEqual([]);
  });
});

it.each(CHANGES)(
  'a file of two names that somebody else has %s is what it is made here, when all of it is',
  (_how, meddle) => {
    overlay.fs.linkSync('/file', '/twin');
    expect(refusals()).toEqual([]);
    meddle();
    // This needs what is gone.
    writeAt(overlay.fs, '/file', 'ours', 3 * PAGE);
    expect(refusals()).toEqual(['ESTALE /file']);
    overlay.fs.writeFileSync('/twin', 'written anew');
    expect(refusals()).toEqual([]);
    for (const name of ['file', 'twin']) expect(nodeFs.readFileSync(join(root, name), 'utf8')).toBe('written anew');
    expect(nodeFs.statSync(join(root, 'file')).ino).toBe(nodeFs.statSync(join(root, 'twin')).ino);
    expect(overlay.fs.statSync('/file').nlink).toBe(2);
    overlay.fs.rmSync('/twin');
  },
);

it('W4: attributes of a file that another tool has removed are refused, and hold back nothing else', () => {
  nodeFs.unlinkSync(join(root, 'file'));
  const fd = overlay.fs.openSync('/file', 'r');
  const heard: string[] = [];
  overlay.on('writeback-error', ({ path, code }) => heard.push(`${code} ${path}`));
  overlay.fs.chmodSync('/file', 0o600);
  overlay.fs.writeFileSync('/other', 'arrives');
  expect(refusals()).toEqual(['ENOENT /file']);
  expect(heard).toEqual(['ENOENT /file']);
  expect(nodeFs.readFileSync(join(root, 'other'), 'utf8')).toBe('arrives');
  expect(() => overlay.fs.fsyncSync(fd)).toThrow(', fsync');
  overlay.fs.writeFileSync('/file', 'written anew');
  expect(refusals()).toEqual([]);
  expect(nodeFs.statSync(join(root, 'file')).mode & 0o777).toBe(0o600);
  overlay.fs.closeSync(fd);
});

it('C7: a file that has become a copy of another meanwhile, and lost its name, is not taken for one that another tool has changed', () => {
  overlay.fs.writeFileSync('/other', bytesOf(5, 2 * PAGE));
  expect(refusals()).toEqual([]);
  overlay.fs.chmodSync('/file', 0o600);
  let isDone = false;
  overlay.on('command', () => {
    if (isDone) return;
    isDone = true;
    overlay.fs.copyFileSync('/other', '/file');
    overlay.fs.unlinkSync('/file');
  });
  expect(refusals()).toEqual([]);
  expect(isDone).toBe(true);
});
