// What an overlay gives once an overlay that is its lower was closed, and with it all that was open there.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import { FORMS, faceOf } from '../grounds/face.ts';

const PAGE = 16 * 1024;
/** More than what is read ahead, so that each read asks below. */
const APART = 160 * 1024;

let directory: string;
beforeEach(() => {
  directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
  nodeFs.chmodSync(directory, 0o755);
  for (const name of ['a', 'b']) nodeFs.writeFileSync(`${directory}/${name}`, Buffer.alloc(8 * APART, name));
});
afterEach(() => {
  nodeFs.rmSync(directory, { recursive: true });
});

/** Where pages differ in size bytes are read; elsewhere pages are borrowed. */
const WAYS = [
  { pageSize: PAGE, immutable: false },
  { pageSize: PAGE, immutable: true },
  { pageSize: PAGE / 2, immutable: false },
  { pageSize: PAGE / 2, immutable: true },
];

describe.each(FORMS)('a lower that is a closed overlay, %s', (form) => {
  describe.each(WAYS)('pages of $pageSize, immutable: $immutable', ({ pageSize, immutable }) => {
    let below: Overlay;
    let above: Overlay;
    beforeEach(() => {
      below = createOverlay({ lower: directory, pageSize: PAGE });
      above = createOverlay({ lower: { fs: below.fs, immutable }, pageSize });
    });

    it('L12 is read on from by what is open above', async () => {
      const face = faceOf(above.fs, form, '/');
      const handle = await face.open('/a', 'r');
      const bytes = Buffer.alloc(4);
      await handle.read(bytes, 0, 4, 0);
      below.close();
      for (const at of [1, 2, 3]) {
        await handle.read(bytes, 0, 4, at * APART);
        expect(String(bytes)).toBe('aaaa');
      }
      await handle.close();
      expect(await face.readFile('/b', 'utf8')).toBe('b'.repeat(8 * APART));
      above.close();
    });

    it('L12 is never asked by a number that it has given to another file since', async () => {
      const face = faceOf(above.fs, form, '/');
      const handle = await face.open('/a', 'r');
      const bytes = Buffer.alloc(4);
      await handle.read(bytes, 0, 4, 0);
      below.close();
      const others = Array.from({ length: 4 }, () => below.fs.openSync('/b', 'r'));
      await handle.read(bytes, 0, 4, APART);
      expect(String(bytes)).toBe('aaaa');
      await handle.close();
      above.close();
      for (const other of others) expect(below.fs.readSync(other, bytes, 0, 4, 0)).toBe(4);
    });

    it('C7 of a file that was removed there gives what is in memory, then ESTALE', async () => {
      const face = faceOf(above.fs, form, '/');
      const handle = await face.open('/a', 'r');
      const bytes = Buffer.alloc(4);
      await handle.read(bytes, 0, 4, 0);
      below.fs.unlinkSync('/a');
      below.close();
      await handle.read(bytes, 0, 4, 0);
      expect(String(bytes)).toBe('aaaa');
      await expect(handle.read(bytes, 0, 4, APART)).rejects.toMatchObject({ code: 'ESTALE' });
      await handle.close();
    });
  });

  it('C7 that is closed just when a file was opened there is asked again', async () => {
    const below = createOverlay({ lower: directory });
    let opens = 0;
    const end = () => {
      if (++opens === 1) below.close();
    };
    const { fs } = below;
    const closing = {
      ...fs,
      open: (...args: unknown[]) => {
        const done = args.pop() as (...given: unknown[]) => void;
        Reflect.apply(fs.open, fs, [
          ...args,
          (...given: unknown[]) => {
            end();
            done(...given);
          },
        ]);
      },
      openSync: (...args: Parameters<typeof fs.openSync>) => {
        const fd = fs.openSync(...args);
        end();
        return fd;
      },
    };
    const above = createOverlay({ lower: { fs: { ...closing, promises: undefined } } });
    const face = faceOf(above.fs, form, '/');
    // What was changed here cannot be looked at again: it would be ESTALE.
    await face.appendFile('/a', '!');
    expect(await face.readFile('/a', 'utf8')).toBe(`${'a'.repeat(8 * APART)}!`);
    expect(opens).toBeGreaterThan(1);
  });

  it('L12 C7 whose device was open is EIO, and nothing of ours is said not to be open', async () => {
    if (!nodeFs.existsSync('/dev/zero')) return expect(process.platform).toBe('win32');
    const below = createOverlay({ lower: '/dev' });
    const above = createOverlay({ lower: below });
    const handle = await faceOf(above.fs, form, '/').open('/zero', 'r+');
    const bytes = Buffer.alloc(4, 'x');
    expect(await handle.read(bytes, 0, 4)).toBe(4);
    below.close();
    await expect(handle.read(bytes, 0, 4)).rejects.toMatchObject({ code: 'EIO', syscall: 'read' });
    await expect(handle.write(bytes)).rejects.toMatchObject({ code: 'EIO', syscall: 'write' });
    await handle.close();
  });
});

describe('a closed overlay', () => {
  it('N2 gives no number of a descriptor again', async () => {
    const overlay = createOverlay({ lower: directory });
    const { fs } = overlay;
    const [one, handle] = [fs.openSync('/a', 'r'), await fs.promises.open('/a')];
    overlay.close();
    const others = [fs.openSync('/b', 'r'), fs.openSync('/b', 'r')];
    expect(overlay.statistics().openFiles).toBe(2);
    for (const fd of others) expect([one, handle.fd]).not.toContain(fd);
    expect(() => fs.fstatSync(one)).toThrow('EBADF');
    await expect(handle.stat()).rejects.toThrow('EBADF');
    await expect(fs.promises.readFile(handle)).rejects.toThrow('EBADF');
    overlay.close();
    expect(overlay.statistics().openFiles).toBe(2);
  });
});

describe('a FileHandle whose descriptor was closed by its number', () => {
  const fronts = {
    node: () => ({ fs: nodeFs as Overlay['fs'], at: `${directory}/a` }),
    overlay: () => ({ fs: createOverlay({ lower: directory }).fs, at: '/a' }),
  };
  it.each(['node', 'overlay'] as const)('N7 of %s is EBADF for whole files too', async (which) => {
    const { fs, at } = fronts[which]();
    const handle = await fs.promises.open(at, 'r+');
    fs.closeSync(handle.fd);
    await expect(fs.promises.readFile(handle)).rejects.toMatchObject({ code: 'EBADF' });
    await expect(fs.promises.writeFile(handle, 'x')).rejects.toMatchObject({ code: 'EBADF' });
    await expect(handle.close()).rejects.toMatchObject({ code: 'EBADF' });
  });
});
