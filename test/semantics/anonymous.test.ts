// T1-T4: files without a name.

import { describe, expect, it } from 'vitest';
import { makeWorld } from '../chaos/history.ts';

const GIVEN = { files: { '/d/f': 'f' }, options: { limits: { bytes: 100_000, inodes: 10 } } };

function stand() {
  const world = makeWorld(GIVEN);
  const { fs } = world.overlay;
  const { O_RDWR, O_WRONLY, O_RDONLY, O_EXCL, O_TMPFILE } = fs.constants as typeof fs.constants & { O_TMPFILE: number };
  return { ...world, fs, O_RDWR, O_WRONLY, O_RDONLY, O_EXCL, O_TMPFILE };
}

describe('anonymous files', () => {
  it('T1 have no name and nlink 0, take space until the last close, and are no change', () => {
    const { fs, overlay, O_RDWR, O_TMPFILE } = stand();
    const free = () => [fs.statfsSync('/').bfree, fs.statfsSync('/').ffree];
    const before = free();
    const fd = fs.openSync('/d', O_RDWR | O_TMPFILE, 0o600);
    fs.writeSync(fd, 'x'.repeat(8192));
    expect(fs.fstatSync(fd)).toMatchObject({ nlink: 0, size: 8192, mode: 0o100600 });
    expect(fs.readdirSync('/d')).toEqual(['f']);
    expect([...overlay.changes()]).toEqual([]);
    expect(free()).toEqual([(before[0] as number) - 2, (before[1] as number) - 1]);
    fs.closeSync(fd);
    expect(free()).toEqual(before);
  });

  it('T2 want write access and a directory that exists', () => {
    const { fs, O_RDWR, O_RDONLY, O_TMPFILE } = stand();
    expect(() => fs.openSync('/d', O_RDONLY | O_TMPFILE)).toThrow('EINVAL');
    expect(() => fs.openSync('/none', O_RDWR | O_TMPFILE)).toThrow('ENOENT');
    expect(() => fs.openSync('/d/f', O_RDWR | O_TMPFILE)).toThrow('ENOTDIR');
  });

  it('T2 the flags are judged as Linux does', () => {
    const { fs, O_RDWR, O_RDONLY, O_WRONLY, O_TMPFILE } = stand();
    const { O_CREAT, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
    for (const flags of [O_TMPFILE & ~O_DIRECTORY, O_TMPFILE | O_CREAT]) {
      expect(() => fs.openSync('/d', O_RDWR | flags)).toThrow('EINVAL');
    }
    fs.symlinkSync('d', '/link');
    expect(() => fs.openSync('/link', O_RDWR | O_TMPFILE | O_NOFOLLOW)).toThrow('ENOTDIR');
    const neither = fs.openSync('/link', O_RDONLY | O_WRONLY | O_RDWR | O_TMPFILE);
    expect(fs.fstatSync(neither)).toMatchObject({ nlink: 0, size: 0 });
    expect(() => fs.writeSync(neither, 'x')).toThrow('EBADF');
    fs.closeSync(neither);
  });

  it('T1 whole files are written to one without a name, and read from one that is empty', async () => {
    const { fs, O_RDWR, O_TMPFILE } = stand();
    const names = fs.readdirSync('/d');
    const before = fs.statfsSync('/');
    const flag = O_RDWR | O_TMPFILE;
    fs.writeFileSync('/d', 'content', { flag: flag as unknown as string });
    await fs.promises.appendFile('/d', 'content', { flag: flag as unknown as string });
    expect(fs.readFileSync('/d', { flag: flag as unknown as string }).length).toBe(0);
    expect((await fs.promises.readFile('/d', { flag })).length).toBe(0);
    expect(fs.readdirSync('/d')).toEqual(names);
    expect(fs.statfsSync('/')).toEqual(before);
  });

  it('T3 can be given a name, once or more, never over an existing one', () => {
    const { fs, overlay, O_RDWR, O_TMPFILE } = stand();
    const fd = fs.openSync('/d', O_RDWR | O_TMPFILE, 0o644);
    fs.writeSync(fd, 'complete');
    expect(() => overlay.linkTmpfile(fd, '/d/f')).toThrow("EEXIST: file already exists, link '/d/f'");
    overlay.linkTmpfile(fd, '/d/new');
    fs.linkSync('/d/new', '/d/again');
    expect(fs.readFileSync('/d/again', 'utf8')).toBe('complete');
    expect(fs.fstatSync(fd).nlink).toBe(2);
    fs.writeSync(fd, ' and open');
    fs.closeSync(fd);
    expect(fs.readFileSync('/d/new', 'utf8')).toBe('complete and open');
    expect([...overlay.changes()].map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'added /d/again',
      'added /d/new',
    ]);
  });

  it('T3 link(/proc/self/fd/N) names them too', async () => {
    const { fs, O_RDWR, O_TMPFILE } = stand();
    const fd = fs.openSync('/d', O_RDWR | O_TMPFILE);
    fs.linkSync(`/proc/self/fd/${fd}`, '/d/named');
    await fs.promises.link(`/proc/self/fd/${fd}`, '/d/twice');
    expect(fs.fstatSync(fd).nlink).toBe(2);
  });

  it('T3 with O_EXCL never; nor is a file that was unlinked given a name again', () => {
    const { fs, overlay, O_RDWR, O_EXCL, O_TMPFILE } = stand();
    const exclusive = fs.openSync('/d', O_RDWR | O_TMPFILE | O_EXCL);
    expect(() => overlay.linkTmpfile(exclusive, '/d/new')).toThrow('ENOENT');
    const fd = fs.openSync('/d/f', 'r');
    fs.unlinkSync('/d/f');
    expect(() => overlay.linkTmpfile(fd, '/d/f')).toThrow('ENOENT');
  });

  it('T4 a lower file unlinked while open goes on, its content from the lower, until the last close', () => {
    const { fs } = stand();
    const [reader, writer] = [fs.openSync('/d/f', 'r'), fs.openSync('/d/f', 'r+')];
    fs.unlinkSync('/d/f');
    fs.writeFileSync('/d/f', 'another');
    fs.writeSync(writer, '+more', 1);
    expect(fs.readFileSync(reader, 'utf8')).toBe('f+more');
    expect(fs.fstatSync(reader).nlink).toBe(0);
    fs.closeSync(writer);
    fs.closeSync(reader);
    expect(fs.readFileSync('/d/f', 'utf8')).toBe('another');
    expect(() => fs.fstatSync(reader)).toThrow('EBADF');
  });
});
