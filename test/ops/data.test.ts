// Where the bytes of a file are when the quota, a copy or a size that lies has a say in it.

import nodeFs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { WatchedLower } from '../faults/lower.ts';
import { type Face, FORMS, faceOf } from '../grounds/face.ts';

/** An overlay over files of these contents, whose `lstat` and `fstat` tell the sizes given (and that they take no room). */
function over(contents: Record<string, string>, lies: Record<string, number> = {}, limits = {}) {
  const lower = new WatchedLower('both');
  lower.volume.fromJSON(contents);
  lower.behave = (request, answer) => {
    const size = lies[request.path];
    if ((request.name !== 'lstat' && request.name !== 'fstat') || size === undefined) return answer();
    const lying = (stats: nodeFs.Stats | nodeFs.BigIntStats) =>
      Object.assign(stats, typeof stats.size === 'bigint' ? { size: BigInt(size), blocks: 0n } : { size, blocks: 0 });
    const stats = answer() as Promise<nodeFs.Stats> | nodeFs.Stats;
    return stats instanceof Promise ? stats.then(lying) : lying(stats);
  };
  return { lower, ...createOverlay({ lower: { fs: lower.fs }, pageSize: 4096, limits }) };
}

for (const form of FORMS) {
  describe(`bytes, ${form}`, () => {
    const faceFor = (options: { readonly fs: typeof nodeFs }): Face => faceOf(options.fs, form, '/');

    it('P1 a short write leaves what it does not reach of a lower file as it was', async () => {
      const old = 'o'.repeat(3 * 4096);
      const face = faceFor(over({ '/f': old }, {}, { bytes: 6000 }));
      const handle = await face.open('/f', 'r+');
      const source = Buffer.alloc(old.length, 'n');
      const count = await handle.write(source, 0);
      expect(await face.readFile('/f', 'utf8')).toBe('n'.repeat(count) + old.slice(count));
      // The second page would have to be held whole.
      expect(count).toBe(4096);
      await expect(handle.write(source, 4096)).rejects.toThrow('ENOSPC');
      await handle.close();
    });

    for (const [what, size] of [
      ['less', 0],
      ['more', 4096],
    ] as const) {
      it(`L8 a lower file that tells ${what} than it holds keeps its content when it is renamed, linked, copied or given a mode`, async () => {
        const contents = Object.fromEntries(['/a', '/b', '/c', '/d'].map((path) => [path, `content of ${path}`]));
        const face = faceFor(over(contents, { '/a': size, '/b': size, '/c': size, '/d': size }));
        await face.chmod('/a', 0o600);
        await face.rename('/b', '/renamed');
        await face.link('/c', '/linked');
        await face.copyFile('/d', '/copied');
        expect(await face.readFile('/a', 'utf8')).toBe('content of /a');
        expect(await face.readFile('/renamed', 'utf8')).toBe('content of /b');
        expect(await face.readFile('/linked', 'utf8')).toBe('content of /c');
        expect(await face.readFile('/copied', 'utf8')).toBe('content of /d');
        expect((await face.stat('/copied')).size).toBe('content of /d'.length);
      });
    }

    it('C7 an empty lower file that was renamed stays empty when the lower fills it', async () => {
      const stage = over({ '/empty': '' });
      const face = faceFor(stage);
      await face.rename('/empty', '/mine');
      stage.lower.volume.writeFileSync('/empty', 'full');
      expect(await face.readFile('/mine', 'utf8')).toBe('');
    });

    it('C10 an empty lower file that is filled while it is read is seen before or after', async () => {
      const stage = over({ '/empty': '' });
      const { lower } = stage;
      const face = faceFor(stage);
      let isFilled = false;
      lower.behave = (request, answer) => {
        // Once: a file that changes whenever it is looked at is ESTALE in the end.
        if (request.name === 'open' && !isFilled) lower.volume.writeFileSync('/empty', 'full');
        isFilled ||= request.name === 'open';
        return answer();
      };
      expect(await face.readFile('/empty', 'utf8')).toBe('full');
      expect(isFilled).toBe(true);
    });

    it('P8 a copy of a file whose size lies replaces all of a longer one', async () => {
      const face = faceFor(over({ '/lies': 'short', '/long': 'l'.repeat(5000) }, { '/lies': 0 }));
      await face.writeFile('/mine', 'm'.repeat(5000));
      for (const target of ['/long', '/mine']) {
        await face.copyFile('/lies', target);
        expect(await face.readFile(target, 'utf8')).toBe('short');
      }
    });
  });
}

it('P8 a file of /proc can be copied over another', () => {
  if (!nodeFs.existsSync('/proc/version')) return expect(process.platform).not.toBe('linux');
  const { fs } = createOverlay({ credentials: { uid: 0, gid: 0 } });
  fs.writeFileSync('/proc-copy', 'x'.repeat(4000));
  fs.copyFileSync('/proc/version', '/proc-copy');
  expect(fs.readFileSync('/proc-copy', 'utf8')).toBe(nodeFs.readFileSync('/proc/version', 'utf8'));
});
