// Lowers that change under the overlay (DESIGN, Coherence with the lowers): what is not ours follows them, what is ours
// stays, and nothing is ever a mixture (C7).

import { constants } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import { WatchedLower } from '../faults/lower.ts';
import { type Face, type FileSystem, FORMS, faceOf } from '../grounds/face.ts';

interface Stage {
  readonly lower: WatchedLower['volume'];
  readonly second: WatchedLower['volume'];
  readonly overlay: Overlay;
  readonly fs: FileSystem;
}

const FILES = { '/d/x': 'x', '/d/y': 'y', '/d/sub/z': 'z', '/e/other': 'other' };

function stand(files: Record<string, string> = FILES, below: Record<string, string> = {}): Stage {
  const [first, second] = [new WatchedLower('both'), new WatchedLower('both')];
  first.volume.fromJSON(files);
  second.volume.fromJSON(below);
  const overlay = createOverlay({ lower: [first, second].map(({ fs }) => ({ fs })), pageSize: 4096 });
  return { lower: first.volume, second: second.volume, overlay, fs: overlay.fs };
}

/** Makes everything known. */
function warm(fs: FileSystem, path = '/'): void {
  for (const name of fs.readdirSync(path)) {
    const child = path === '/' ? `/${name}` : `${path}/${name}`;
    const stats = fs.lstatSync(child);
    if (stats.isDirectory()) warm(fs, child);
    else if (stats.isFile()) fs.readFileSync(child);
  }
}

function remove(volume: WatchedLower['volume'], path: string): void {
  volume.rmSync(path, { recursive: true });
}

for (const form of FORMS) {
  const faceFor = ({ fs }: Stage): Face => faceOf(fs, form, '/');

  describe(`lowers that change, ${form}`, () => {
    it('C7 a directory that goes takes all that was known of it along', async () => {
      const stage = stand();
      warm(stage.fs);
      remove(stage.lower, '/d');
      const face = faceFor(stage);
      expect(await face.exists('/d/x')).toBe(false);
      expect(await face.exists('/d/y')).toBe(false);
      expect(await face.exists('/d/sub/z')).toBe(false);
      expect(await face.exists('/d')).toBe(false);
      expect(await face.readdir('/')).toEqual(['e']);
    });

    it('C7 a directory that is replaced by another is the other at once, for reading and for writing', async () => {
      for (const first of ['read', 'write', 'unlink', 'rename'] as const) {
        const stage = stand();
        warm(stage.fs);
        remove(stage.lower, '/d');
        stage.lower.mkdirSync('/between');
        stage.lower.mkdirSync('/d');
        stage.lower.writeFileSync('/d/x', 'new x');
        const face = faceFor(stage);
        if (first === 'read') expect(await face.readFile('/d/x', 'utf8')).toBe('new x');
        if (first === 'write') await face.appendFile('/d/x', '!');
        if (first === 'unlink') await face.unlink('/d/x');
        if (first === 'rename') await face.rename('/d/x', '/d/w');
        const names = { read: ['x'], write: ['x'], unlink: [], rename: ['w'] }[first];
        expect(await face.readdir('/d')).toEqual(names);
        if (first === 'write') expect(await face.readFile('/d/x', 'utf8')).toBe('new x!');
        if (first === 'rename') expect(await face.readFile('/d/w', 'utf8')).toBe('new x');
        expect(await face.exists('/d/y')).toBe(false);
        expect((await face.stat('/d')).ino).not.toBe((await face.stat('/between')).ino);
      }
    });

    it('C7 a directory that is replaced by a link leads where the link does', async () => {
      const stage = stand();
      warm(stage.fs);
      remove(stage.lower, '/d');
      stage.lower.symlinkSync('/e', '/d');
      const face = faceFor(stage);
      expect(await face.exists('/d/x')).toBe(false);
      expect(await face.readFile('/d/other', 'utf8')).toBe('other');
      expect((await face.lstat('/d')).isSymbolicLink()).toBe(true);
    });

    it('C7 a directory that is replaced by a link: what both have is read through the link, the first time too', async () => {
      const stage = stand({ ...FILES, '/e/x': 'from e' });
      warm(stage.fs);
      remove(stage.lower, '/d');
      stage.lower.symlinkSync('/e', '/d');
      expect(await faceFor(stage).readFile('/d/x', 'utf8')).toBe('from e');
    });

    it('C7 a directory that is replaced by a file is ENOTDIR on the way', async () => {
      const stage = stand();
      warm(stage.fs);
      remove(stage.lower, '/d');
      stage.lower.writeFileSync('/d', 'a file now');
      const face = faceFor(stage);
      await expect(face.stat('/d/x')).rejects.toThrow('ENOTDIR');
      expect(await face.readFile('/d', 'utf8')).toBe('a file now');
    });

    it('C7 a link on the way leads where it leads now', async () => {
      const stage = stand({ '/one/f': 'one', '/second/f': 'two' });
      stage.lower.symlinkSync('one', '/current');
      const face = faceFor(stage);
      expect(await face.readFile('/current/f', 'utf8')).toBe('one');
      stage.lower.unlinkSync('/current');
      // Takes the number that memfs would give again: its links tell no size, and their times may be the same.
      stage.lower.writeFileSync('/filler', '');
      stage.lower.symlinkSync('second', '/current');
      expect(await face.readFile('/current/f', 'utf8')).toBe('two');
      stage.lower.unlinkSync('/current');
      expect(await face.exists('/current/f')).toBe(false);
      stage.lower.mkdirSync('/current');
      stage.lower.writeFileSync('/current/f', 'its own');
      expect(await face.readFile('/current/f', 'utf8')).toBe('its own');
    });

    it('C7 a file that becomes a directory can be gone through', async () => {
      const stage = stand({ '/f': 'a file' });
      const face = faceFor(stage);
      await expect(face.readFile('/f/x')).rejects.toThrow('ENOTDIR');
      stage.lower.unlinkSync('/f');
      stage.lower.mkdirSync('/f');
      stage.lower.writeFileSync('/f/x', 'x');
      expect(await face.readFile('/f/x', 'utf8')).toBe('x');
    });

    it('C7 what is ours stays when the directories around it go', async () => {
      const stage = stand();
      const face = faceFor(stage);
      await face.writeFile('/d/sub/mine', 'mine');
      await face.chmod('/e/other', 0o600);
      warm(stage.fs);
      remove(stage.lower, '/d');
      remove(stage.lower, '/e');
      expect(await face.exists('/d/x')).toBe(false);
      expect(await face.readFile('/d/sub/mine', 'utf8')).toBe('mine');
      expect(await face.readdir('/')).toEqual(['d', 'e']);
      expect(await face.readdir('/d')).toEqual(['sub']);
      expect(await face.readdir('/d/sub')).toEqual(['mine']);
      expect(await face.readdir('/e')).toEqual(['other']);
      expect((await face.stat('/e/other')).mode & 0o777).toBe(0o600);
      const told = [...stage.overlay.changes()].map(({ kind, path }) => `${kind} ${path}`);
      expect(told).toContain('added /d/sub/mine');
    });

    it('C7 what is ours stays when the directory around it is replaced, and the new one is merged with it', async () => {
      const stage = stand();
      const face = faceFor(stage);
      await face.writeFile('/d/sub/mine', 'mine');
      warm(stage.fs);
      remove(stage.lower, '/d');
      stage.lower.fromJSON({ '/between': '', '/d/new': 'new', '/d/sub/more': 'more' });
      expect(await face.readdir('/d')).toEqual(['new', 'sub']);
      expect(await face.readdir('/d/sub')).toEqual(['mine', 'more']);
      expect(await face.readFile('/d/sub/mine', 'utf8')).toBe('mine');
      expect(await face.exists('/d/y')).toBe(false);
    });

    it('C7 what is ours stays when the directory around it becomes a file, which it hides', async () => {
      const stage = stand();
      const face = faceFor(stage);
      await face.writeFile('/d/sub/mine', 'mine');
      remove(stage.lower, '/d');
      stage.lower.writeFileSync('/d', 'a file now');
      expect((await face.stat('/d')).isDirectory()).toBe(true);
      expect(await face.readFile('/d/sub/mine', 'utf8')).toBe('mine');
      expect(await face.readdir('/d')).toEqual(['sub']);
      await face.rm('/d', { recursive: true });
      expect(await face.exists('/d')).toBe(false);
    });

    it('C7 a name of ours is listed after the lower has lost it', async () => {
      const stage = stand();
      const face = faceFor(stage);
      await face.chmod('/d/x', 0o600);
      await face.readdir('/d');
      stage.lower.unlinkSync('/d/x');
      expect(await face.readdir('/d')).toEqual(['sub', 'x', 'y']);
      await face.unlink('/d/x');
      expect(await face.readdir('/d')).toEqual(['sub', 'y']);
    });

    it('L2 a name that appears in a source above hides the one below, and shows it again when it goes', async () => {
      const stage = stand({ '/d/x': 'above' }, { '/d/low': 'low', '/d/x': 'below', '/only/q': 'q' });
      warm(stage.fs);
      const face = faceFor(stage);
      stage.lower.writeFileSync('/d/low', 'now above');
      stage.lower.unlinkSync('/d/x');
      expect(await face.readFile('/d/low', 'utf8')).toBe('now above');
      expect(await face.readFile('/d/x', 'utf8')).toBe('below');
      stage.lower.unlinkSync('/d/low');
      expect(await face.readFile('/d/low', 'utf8')).toBe('low');
    });

    it('L10 directories are merged as they come and go in the sources', async () => {
      const stage = stand({ '/d/a': 'a' }, { '/e/b': 'b' });
      warm(stage.fs);
      const face = faceFor(stage);
      stage.second.fromJSON({ '/d/low': 'low' });
      stage.lower.fromJSON({ '/e/high': 'high' });
      expect(await face.readdir('/d')).toEqual(['a', 'low']);
      expect(await face.readdir('/e')).toEqual(['b', 'high']);
      expect(await face.readFile('/d/low', 'utf8')).toBe('low');
      remove(stage.lower, '/d');
      remove(stage.second, '/e');
      expect(await face.readdir('/d')).toEqual(['low']);
      expect(await face.readdir('/e')).toEqual(['high']);
    });

    it('L2 L10 what has come with a directory that is merged now is what is opened, and is in the way of what is made', async () => {
      const calls: Record<string, (face: Face) => Promise<unknown>> = {
        append: (face) => face.appendFile('/d/low', ' and ours'),
        wx: (face) => face.writeFile('/d/low', 'ours', { flag: 'wx' }),
        mkdir: (face) => face.mkdir('/d/low'),
        link: (face) => face.link('/d/a', '/d/low'),
        copyFile: (face) => face.copyFile('/d/a', '/d/low', constants.COPYFILE_EXCL),
        rename: (face) => face.rename('/d/a', '/d/low'),
      };
      const outcomes: unknown[] = [];
      for (const [name, call] of Object.entries(calls)) {
        const stage = stand({ '/d/a': 'a' });
        warm(stage.fs);
        stage.second.fromJSON({ '/d/low': 'low' });
        const code = await call(faceFor(stage)).then(
          () => 'done',
          ({ code }) => code,
        );
        outcomes.push([name, code, stage.fs.readFileSync('/d/low', 'utf8')]);
        stage.fs.unlinkSync('/d/low');
        expect(stage.fs.existsSync('/d/low')).toBe(false);
      }
      expect(outcomes).toEqual([
        ['append', 'done', 'low and ours'],
        ['wx', 'EEXIST', 'low'],
        ['mkdir', 'EEXIST', 'low'],
        ['link', 'EEXIST', 'low'],
        ['copyFile', 'EEXIST', 'low'],
        ['rename', 'done', 'a'],
      ]);
    });

    it('C1 a descriptor and its path stay one file when only the directory above is looked at anew', async () => {
      const stage = stand({ '/d/a': 'a' }, { '/d/low': 'low' });
      const face = faceFor(stage);
      const handle = await face.open('/d/low', 'r');
      remove(stage.lower, '/d');
      await face.stat('/d');
      await face.appendFile('/d/low', '!');
      expect(String(await handle.readFile())).toBe('low!');
      await handle.close();
    });

    it('C2 another name of a lower file is as new as the look at it', async () => {
      const stage = stand();
      stage.lower.linkSync('/d/x', '/e/twin');
      const face = faceFor(stage);
      await face.readFile('/d/x');
      stage.lower.writeFileSync('/d/x', 'much longer');
      expect((await face.stat('/e/twin')).size).toBe(11);
      expect(await face.readFile('/e/twin', 'utf8')).toBe('much longer');
    });

    it('C2 another name of a lower file goes, or becomes another file, by itself', async () => {
      const stage = stand();
      stage.lower.linkSync('/d/x', '/d/twin');
      const face = faceFor(stage);
      for (const path of ['/d/x', '/d/twin', '/d/x']) await face.stat(path);
      stage.lower.unlinkSync('/d/twin');
      expect(await face.exists('/d/twin')).toBe(false);
      expect((await face.stat('/d/x')).nlink).toBe(1);
      stage.lower.writeFileSync('/d/twin', 'another');
      expect(await face.readFile('/d/twin', 'utf8')).toBe('another');
      expect(await face.readFile('/d/x', 'utf8')).toBe('x');
    });

    it('C2 a lower file is the same, and a descriptor reads it, when the name goes that it was first looked up by', async () => {
      const stage = stand();
      stage.lower.linkSync('/d/x', '/e/twin');
      const face = faceFor(stage);
      const { ino } = await face.stat('/d/x');
      const handle = await face.open('/e/twin', 'r');
      stage.lower.unlinkSync('/d/x');
      expect((await face.stat('/e/twin')).ino).toBe(ino);
      expect(await face.exists('/d/x')).toBe(false);
      expect(String(await handle.readFile())).toBe('x');
      await handle.close();
    });

    it('L2 a name that appears above a lower that never changes hides what that has, and shows it again when it goes', async () => {
      const [above, below] = [new WatchedLower('both'), new WatchedLower('both')];
      below.volume.fromJSON({ '/f': 'below', '/d/low': 'low' });
      const { fs } = createOverlay({ lower: [{ fs: above.fs }, { fs: below.fs, immutable: true }] });
      warm(fs);
      const face = faceOf(fs, form, '/');
      above.volume.fromJSON({ '/f': 'now above', '/d/high': 'high' });
      expect(await face.readFile('/f', 'utf8')).toBe('now above');
      expect(await face.readdir('/d')).toEqual(['high', 'low']);
      remove(above.volume, '/f');
      remove(above.volume, '/d');
      expect(await face.readFile('/f', 'utf8')).toBe('below');
      expect(await face.readdir('/d')).toEqual(['low']);
    });

    it('C2 the names of a lower file are followed one by one', async () => {
      const stage = stand();
      const face = faceFor(stage);
      stage.lower.linkSync('/d/x', '/d/second');
      stage.lower.linkSync('/d/x', '/e/third');
      warm(stage.fs);
      const handle = await face.open('/d/second', 'r');
      stage.lower.unlinkSync('/d/x');
      stage.lower.writeFileSync('/d/x', 'another file');
      expect(await face.readFile('/d/x', 'utf8')).toBe('another file');
      expect(await face.readFile('/e/third', 'utf8')).toBe('x');
      await face.appendFile('/e/third', '!');
      expect(String(await handle.readFile())).toBe('x!');
      expect(await face.readFile('/d/x', 'utf8')).toBe('another file');
      await handle.close();
    });

    it('C2 a lower file that gets another name is one file by both, whichever is looked at first', async () => {
      for (const names of [
        ['/d/x', '/e/late'],
        ['/e/late', '/d/x'],
      ] as const) {
        const stage = stand();
        const face = faceFor(stage);
        await face.stat('/d/x');
        stage.lower.linkSync('/d/x', '/e/late');
        for (const name of names) await face.stat(name);
        await face.appendFile('/d/x', '!');
        expect(await face.readFile('/e/late', 'utf8')).toBe('x!');
      }
    });

    it('C2 an own file of which a lower moves a name that was removed here has that name too, and lasts as long', async () => {
      const stage = stand();
      const face = faceFor(stage);
      stage.lower.linkSync('/d/x', '/d/second');
      await face.unlink('/d/second');
      await face.appendFile('/d/x', '!');
      stage.lower.renameSync('/d/second', '/e/third');
      expect((await face.stat('/e/third')).nlink).toBe(2);
      await face.unlink('/d/x');
      expect((await face.stat('/e/third')).nlink).toBe(1);
      expect(await face.readFile('/e/third', 'utf8')).toBe('x!');
    });

    it('C7 a lower that changed under an owned file is ESTALE for the pages still with it, never a mixture', async () => {
      const stage = stand({ '/f': 'a'.repeat(4096) + 'b'.repeat(4096) });
      const face = faceFor(stage);
      const handle = await face.open('/f', 'r+');
      await handle.write('OWN', 0);
      // Of another length: two changes within a millisecond look alike in memfs.
      stage.lower.writeFileSync('/f', 'c'.repeat(8193));
      const page = Buffer.alloc(4096);
      expect(await handle.read(page, 0, 4096, 0)).toBe(4096);
      expect(page.toString()).toBe(`OWN${'a'.repeat(4093)}`);
      await expect(handle.read(page, 0, 4096, 4096)).rejects.toThrow('ESTALE');
      await expect(face.readFile('/f')).rejects.toMatchObject({ code: 'ESTALE' });
      // What needs nothing of the old content can be done.
      await handle.write('d'.repeat(4096), 4096);
      expect(String(await face.readFile('/f'))).toBe(`OWN${'a'.repeat(4093)}${'d'.repeat(4096)}`);
      await face.truncate('/f', 0);
      expect(await face.readFile('/f', 'utf8')).toBe('');
      await handle.close();
    });

    it('C7 chmod, rename and copyFile own the content as it was', async () => {
      const stage = stand({ '/f': 'old '.repeat(2000) });
      const face = faceFor(stage);
      await face.copyFile('/f', '/copy');
      await face.copyFile('/copy', '/second');
      await face.rename('/f', '/g');
      stage.lower.writeFileSync('/f', 'newer '.repeat(2000));
      for (const path of ['/copy', '/second', '/g']) await expect(face.readFile(path)).rejects.toThrow('ESTALE');
      expect(await face.exists('/f')).toBe(false);
      await face.writeFile('/second', 'whole');
      expect(await face.readFile('/second', 'utf8')).toBe('whole');
    });
  });
}
