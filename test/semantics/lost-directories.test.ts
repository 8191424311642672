// Directories that a lower has lost since they were last looked at (DESIGN, Coherence with the lowers): no path leads
// through one any more, however it is spelled, and nothing is made in one.

import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { WatchedLower } from '../faults/lower.ts';
import { type Face, type FileSystem, FORMS, type Form, faceOf } from '../grounds/face.ts';

/** What became of `/d` in the lower. */
const FATES = ['gone', 'link', 'file', 'directory', 'touched'] as const;
type Fate = (typeof FATES)[number];

interface Stage {
  readonly face: Face;
  readonly fs: FileSystem;
}

/** An overlay that knows all of `/d`, and a lower where that has changed since. */
function stand(form: Form, fate: Fate): Stage {
  const { fs, volume } = new WatchedLower('both');
  volume.fromJSON({ '/d/e/f': 'old', '/z/e/f': 'in place of the old', '/k': 'k' });
  const overlay = createOverlay({ lower: { fs } });
  for (const path of overlay.fs.readdirSync('/', { recursive: true, encoding: 'utf8' }))
    overlay.fs.statSync(`/${path}`);
  if (fate !== 'touched') volume.rmSync('/d', { recursive: true });
  // Takes the number that memfs would give again.
  volume.writeFileSync('/filler', '');
  if (fate === 'link') volume.symlinkSync('z', '/d');
  if (fate === 'file') volume.writeFileSync('/d', 'a file now');
  if (fate === 'directory') volume.mkdirSync('/d');
  if (fate === 'touched') volume.utimesSync('/d', 1000, 1000);
  return { face: faceOf(overlay.fs, form, '/'), fs: overlay.fs };
}

/** What a call comes to. */
async function told(call: () => unknown): Promise<unknown> {
  try {
    return (await call()) ?? 'done';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

type Calls = Readonly<Record<string, (face: Face) => unknown>>;

const LOOKS: Calls = {
  'stat /d/': async (face) => (await face.stat('/d/')).mtimeMs === 1_000_000,
  'stat /d/.': async (face) => (await face.stat('/d/.')).mtimeMs === 1_000_000,
  'stat /d/e/..': async (face) => (await face.stat('/d/e/..')).mtimeMs === 1_000_000,
  'readdir /d/': (face) => face.readdir('/d/'),
  'access /d//': (face) => face.access('/d//'),
  'realpath /d/e': (face) => face.realpath('/d/e'),
  'readFile /d/e/../e/f': (face) => face.readFile('/d/e/../e/f', 'utf8'),
};

const LOOKED: Readonly<Record<Fate, readonly unknown[]>> = {
  gone: Array(7).fill('ENOENT'),
  file: Array(7).fill('ENOTDIR'),
  link: [false, false, false, ['e'], 'done', '/z/e', 'in place of the old'],
  directory: [false, false, 'ENOENT', [], 'done', 'ENOENT', 'ENOENT'],
  touched: [true, true, true, ['e'], 'done', '/d/e', 'old'],
};

const MAKING: Calls = {
  writeFile: (face) => face.writeFile('/d/new', 'x'),
  mkdir: (face) => face.mkdir('/d/new'),
  symlink: (face) => face.symlink('k', '/d/new'),
  link: (face) => face.link('/k', '/d/new'),
  rename: (face) => face.rename('/k', '/d/new'),
  copyFile: (face) => face.copyFile('/k', '/d/new'),
};

const TAKING: Calls = {
  unlink: (face) => face.unlink('/d/e/f'),
  rename: (face) => face.rename('/d/e/f', '/new'),
  rm: (face) => face.rm('/d/e', { recursive: true }),
};

for (const form of FORMS) {
  describe(`directories that a lower has lost, ${form}`, () => {
    for (const fate of FATES) {
      it(`C7 are seen however a path is spelled: ${fate}`, async () => {
        const outcomes: unknown[] = [];
        for (const call of Object.values(LOOKS)) outcomes.push(await told(() => call(stand(form, fate).face)));
        expect(Object.keys(LOOKS).map((name, i) => [name, outcomes[i]])).toEqual(
          Object.keys(LOOKS).map((name, i) => [name, LOOKED[fate][i]]),
        );
      });
    }

    for (const [name, call] of Object.entries(MAKING)) {
      it(`C7 nothing is made in them: ${name}`, async () => {
        const gone = stand(form, 'gone');
        expect(await told(() => call(gone.face))).toBe('ENOENT');
        expect(gone.fs.existsSync('/d')).toBe(false);
        const file = stand(form, 'file');
        expect(await told(() => call(file.face))).toBe('ENOTDIR');
        const link = stand(form, 'link');
        expect(await told(() => call(link.face))).toBe('done');
        expect(link.fs.readdirSync('/z')).toEqual(['e', 'new']);
        expect(link.fs.readlinkSync('/d')).toBe('z');
        const directory = stand(form, 'directory');
        expect(await told(() => call(directory.face))).toBe('done');
        expect(directory.fs.readdirSync('/d')).toEqual(['new']);
      });
    }

    for (const [name, call] of Object.entries(TAKING)) {
      it(`C7 what is taken away is where the path leads now: ${name}`, async () => {
        const { face, fs } = stand(form, 'link');
        expect(await told(() => call(face))).toBe('done');
        expect(fs.existsSync('/z/e/f')).toBe(false);
        expect(fs.readlinkSync('/d')).toBe('z');
      });
    }

    it('L2 what a lower that never changes has below goes when a file above hides it, and comes again', async () => {
      const [first, second] = [new WatchedLower('both'), new WatchedLower('both')];
      const third = new WatchedLower('both');
      first.volume.fromJSON({ '/d/top': 'top' });
      second.volume.fromJSON({ '/other': 'other' });
      third.volume.fromJSON({ '/d/low': 'low', '/d/sub/deep': 'deep', '/d/ours/deep': 'deep' });
      const lower = [first, second, third].map(({ fs }) => ({ fs, immutable: fs === third.fs }));
      const { fs } = createOverlay({ lower });
      const face = faceOf(fs, form, '/');
      for (const path of fs.readdirSync('/', { recursive: true, encoding: 'utf8' })) fs.statSync(`/${path}`);
      await face.writeFile('/d/ours/new', 'new');
      second.volume.writeFileSync('/d', 'hides what is below');
      await face.stat('/d');
      for (const path of ['/d/low', '/d/sub', '/d/sub/deep', '/d/ours/deep']) {
        expect(await told(() => face.stat(path))).toBe('ENOENT');
      }
      expect(await face.readdir('/d')).toEqual(['ours', 'top']);
      expect(await face.readdir('/d/ours')).toEqual(['new']);
      second.volume.unlinkSync('/d');
      await face.stat('/d');
      expect(await face.readFile('/d/low', 'utf8')).toBe('low');
      expect(await face.readFile('/d/sub/deep', 'utf8')).toBe('deep');
      expect(await face.readFile('/d/ours/new', 'utf8')).toBe('new');
    });

    it('L10 what was absent while a lower did not have the directory is there when it has it again', async () => {
      const [first, second] = [new WatchedLower('both'), new WatchedLower('both')];
      first.volume.fromJSON({ '/d/one': 'one' });
      second.volume.fromJSON({ '/d/two': 'two' });
      const lower = [
        { fs: first.fs, immutable: true },
        { fs: second.fs, immutable: false },
      ];
      const face = faceOf(createOverlay({ lower }).fs, form, '/');
      expect(await face.readFile('/d/two', 'utf8')).toBe('two');
      second.volume.renameSync('/d', '/away');
      expect(await face.readdir('/d')).toEqual(['one']);
      await face.stat('/d');
      expect(await face.exists('/d/two')).toBe(false);
      second.volume.renameSync('/away', '/d');
      await face.stat('/d');
      expect(await face.readFile('/d/two', 'utf8')).toBe('two');
      expect(await face.readdir('/d')).toEqual(['one', 'two']);
    });
  });
}
