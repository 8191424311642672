// A descriptor that is closed while calls on it are under way: they fail or are done, and never make anything of a file
// that has ended.

import nodeFs from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { WatchedLower } from '../../faults/lower.ts';
import type { FileSystem } from '../../grounds/face.ts';

const SIZE = 20_000;

/** A file of a lower that answers later, open and without a name. */
function stand() {
  const lower = new WatchedLower('both');
  lower.volume.fromJSON({ '/f': 'x'.repeat(SIZE) });
  const overlay = createOverlay({ lower: { fs: lower.fs }, pageSize: 4096, limits: { bytes: 1_000_000, inodes: 100 } });
  const { fs } = overlay;
  fs.readdirSync('/');
  const fd = fs.openSync('/f', 'r+');
  fs.unlinkSync('/f');
  lower.behave = async (_request, answer) => {
    await new Promise((resolve) => setImmediate(resolve));
    return answer();
  };
  return { overlay, fs, fd, lower };
}

const CALLS: Readonly<Record<string, (fs: FileSystem, fd: number) => Promise<unknown>>> = {
  read: async (fs, fd) => {
    const target = Buffer.alloc(10);
    await promisify(fs.read)(fd, target, 0, 10, 9000);
    return String(target);
  },
  readv: async (fs, fd) => {
    const targets = [Buffer.alloc(5), Buffer.alloc(5)];
    await promisify(fs.readv)(fd, targets, 9000);
    return targets.join('');
  },
  readFile: async (fs, fd) => (await promisify(fs.readFile)(fd, 'latin1')).slice(-10),
  write: (fs, fd) => promisify(fs.write)(fd, Buffer.from('A'), 0, 1, 5000),
  writev: (fs, fd) => promisify(fs.writev)(fd, [Buffer.from('A'), Buffer.from('B')], 5000),
  appendFile: (fs, fd) => promisify(fs.appendFile)(fd, 'A'),
};

describe('T4, P3 a descriptor is closed under a call', () => {
  for (const [name, call] of Object.entries(CALLS)) {
    it(name, async () => {
      for (let turns = 0; turns <= 12; turns++) {
        let isOver = false;
        const { overlay, fs, fd, lower } = stand();
        const said = call(fs, fd)
          .then((value) => (typeof value === 'string' ? value : 'done'))
          .catch((error: Error) => error.message)
          .finally(() => {
            isOver = true;
          });
        for (let turn = 0; turn < turns && !isOver; turn++) await new Promise((resolve) => setImmediate(resolve));
        fs.closeSync(fd);
        expect([
          'done',
          'xxxxxxxxxx',
          `EBADF: bad file descriptor, ${name.startsWith('read') ? 'read' : 'write'}`,
        ]).toContain(await said);
        lower.behave = (_request, answer) => answer();
        const { blocks, bfree, files, ffree } = fs.statfsSync('/');
        expect([blocks - bfree, files - ffree]).toEqual([0, 0]);
        overlay.close();
      }
    });
  }

  it('what is written piece by piece stops at the first piece after it', async () => {
    const { fs } = createOverlay({ lower: [] });
    fs.writeFileSync('/f', 'content');
    const handle = await fs.promises.open('/f', 'r+');
    async function* pieces() {
      yield 'AA';
      fs.closeSync(handle.fd);
      yield 'BB';
    }
    const error = { code: 'EBADF', message: 'EBADF: bad file descriptor, write' };
    await expect(fs.promises.writeFile(handle, pieces())).rejects.toMatchObject(error);
    await expect(handle.close()).rejects.toMatchObject({ code: 'EBADF' });
    expect(fs.readFileSync('/f', 'utf8')).toBe('AAntent');
  });

  it('an anonymous file gets no name that way', async () => {
    const { overlay, fs, lower } = stand();
    lower.volume.mkdirSync('/d');
    const { O_RDWR, O_DIRECTORY } = nodeFs.constants;
    const fd = fs.openSync('/', 0o20000000 | O_DIRECTORY | O_RDWR);
    fs.writeSync(fd, 'anonymous');
    const linked = fs.promises.link(`/proc/self/fd/${fd}`, '/d/name');
    fs.closeSync(fd);
    await expect(linked).rejects.toMatchObject({ code: expect.stringMatching(/EBADF|ENOENT/) });
    lower.behave = (_request, answer) => answer();
    expect(fs.readdirSync('/d')).toEqual([]);
    overlay.close();
  });
});
