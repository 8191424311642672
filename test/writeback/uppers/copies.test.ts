// A large file of the disk that is changed in part comes to an upper on the disk as a copy made by the kernel, and its
// dirty pages.

import nodeFs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import type { OverlayOptions } from '../../../lib/overlay/options.ts';
import type { Command } from '../../../lib/writeback/commands.ts';
import { useDirectories } from '../directories.ts';
import { bytesOf, bytesTold, type FileSystem, PAGE, writeAt } from '../rig.ts';

const newDirectory = useDirectories();

const SIZE = 300 * PAGE + 123;
const CONTENT = bytesOf(9, SIZE);

type Form = 'at once' | 'later';

interface Rig {
  readonly lower: string;
  readonly upper: string;
  readonly overlay: Overlay;
  readonly fs: FileSystem;
  readonly seen: Command[];
  sync(): Promise<void>;
}

function rig(form: Form, options: OverlayOptions = {}): Rig {
  const [lower, upper] = [newDirectory(), newDirectory()];
  nodeFs.writeFileSync(join(lower, 'large'), CONTENT, { mode: 0o644 });
  nodeFs.chmodSync(join(lower, 'large'), 0o640);
  const overlay = createOverlay({ lower, upper, pageSize: PAGE, ...options });
  const seen: Command[] = [];
  overlay.on('command', (command) => seen.push(command));
  const sync = async () => (form === 'later' ? overlay.sync() : overlay.syncSync());
  return { lower, upper, overlay, fs: overlay.fs, seen, sync };
}

/** How many bytes of contents the upper was told: all but the journal and the numbers. */
function told(seen: readonly Command[]): number {
  const isContent = (path: string, bytes: Uint8Array) =>
    path.includes('/stage/') && !Buffer.from(bytes).subarray(0, 8).equals(Buffer.from('{"moves"'));
  return seen.reduce((sum, each) => {
    const bytes = bytesTold(each);
    return bytes !== undefined && 'path' in each && isContent(each.path, bytes) ? sum + bytes.length : sum;
  }, 0);
}

type Change = readonly [name: string, pages: number, change: (fs: FileSystem, path: string) => void];

const CHANGES: readonly Change[] = [
  [
    'bytes in two pages',
    2,
    (fs, path) => {
      for (const at of [5 * PAGE, 200 * PAGE + 9]) writeAt(fs, path, 'changed', at);
    },
  ],
  ['its mode', 0, (fs, path) => fs.chmodSync(path, 0o600)],
  ['its times', 0, (fs, path) => fs.utimesSync(path, 1000, 2000)],
  ['it grows', 0, (fs, path) => fs.truncateSync(path, SIZE + 10 * PAGE)],
  ['it is cut', 0, (fs, path) => fs.truncateSync(path, 250 * PAGE)],
  [
    'it is cut and grows',
    0,
    (fs, path) => {
      fs.truncateSync(path, 250 * PAGE + 7);
      fs.truncateSync(path, 400 * PAGE);
    },
  ],
  ['its last page', 1, (fs, path) => fs.appendFileSync(path, 'end')],
];

describe.each<Form>(['at once', 'later'])('a large file of the disk, synced %s', (form) => {
  it.each(CHANGES)('W1, C4: of which %s changed costs what changed', async (_, pages, change) => {
    const { overlay, fs, seen, upper, sync } = rig(form);
    change(fs, '/large');
    const { mode, mtimeMs } = fs.statSync('/large');
    const wanted = fs.readFileSync('/large');
    await sync();
    expect(seen.filter(({ kind }) => kind === 'copy').length).toBe(1);
    expect(seen.filter(({ kind }) => kind === 'read')).toEqual([]);
    expect(told(seen)).toBeLessThanOrEqual(pages * PAGE);
    expect(told(seen) > 0).toBe(pages > 0);
    const found = nodeFs.statSync(join(upper, 'large'));
    expect(found.mode).toBe(mode);
    // To the microsecond, as `utimes` has it.
    expect(Math.abs(found.mtimeMs - mtimeMs)).toBeLessThan(0.002);
    expect(nodeFs.readFileSync(join(upper, 'large')).equals(wanted)).toBe(true);
    expect(fs.readFileSync('/large').equals(wanted)).toBe(true);
    overlay.close();
  });

  it('P8: and a copy of it in the overlay cost no bytes', async () => {
    const { overlay, fs, seen, upper, sync } = rig(form);
    fs.copyFileSync('/large', '/copy');
    await sync();
    expect(told(seen)).toBe(0);
    expect(nodeFs.readFileSync(join(upper, 'copy')).equals(CONTENT)).toBe(true);
    overlay.close();
  });

  it('C7: that another tool changes meanwhile is ESTALE, never a mixture', async () => {
    for (const kind of ['copy', 'lstat']) {
      const { overlay, fs, lower, upper, sync } = rig(form);
      writeAt(fs, '/large', 'changed', 0);
      let isChanged = false;
      overlay.on('command', (command) => {
        // `lstat`: before the copy; `copy`: while it is made.
        if (command.kind !== kind || isChanged) return;
        isChanged = true;
        nodeFs.writeFileSync(join(lower, 'large'), bytesOf(4, SIZE + 1));
      });
      const failure = await sync().catch((error: unknown) => error);
      expect(isChanged, kind).toBe(true);
      expect(failure, kind).toMatchObject({ errors: [{ code: 'ESTALE', path: '/large' }] });
      expect(nodeFs.readdirSync(upper)).toEqual(['.overfs']);
      fs.unlinkSync('/large');
      overlay.close();
    }
  });

  it('of a lower that appears elsewhere is copied from where it is', async () => {
    const lower = newDirectory();
    nodeFs.mkdirSync(join(lower, 'in'));
    nodeFs.writeFileSync(join(lower, 'in/large'), CONTENT);
    const { overlay, fs, seen, upper, sync } = rig(form, { lower: { root: join(lower, 'in'), at: '/here/there' } });
    fs.chmodSync('/here/there/large', 0o600);
    await sync();
    expect(seen.filter(({ kind }) => kind === 'copy').length).toBe(1);
    expect(nodeFs.readFileSync(join(upper, 'here/there/large')).equals(CONTENT)).toBe(true);
    overlay.close();
  });
});

it.each([
  [
    'an upper that copies nothing',
    (directory: string) => ({ fs: { ...nodeFs, copyFile: undefined, copyFileSync: undefined }, root: directory }),
  ],
  ['another overlay as upper', () => createOverlay({ lower: [] })],
])('%s gets all the bytes', (_, make) => {
  const { overlay, fs, seen, sync } = rig('at once', { upper: make(newDirectory()) });
  writeAt(fs, '/large', 'changed', 0);
  void sync();
  expect(seen.some(({ kind }) => kind === 'copy')).toBe(false);
  expect(told(seen)).toBe(SIZE);
  overlay.close();
});

it('a small file is written', () => {
  const { overlay, fs, seen, lower } = rig('at once');
  nodeFs.writeFileSync(join(lower, 'small'), 'small');
  fs.chmodSync('/small', 0o600);
  overlay.syncSync();
  expect(seen.some(({ kind }) => kind === 'copy')).toBe(false);
  overlay.close();
});

it('W1 C6: a file of the disk with holes has them in the upper too', () => {
  const [lower, upper] = [newDirectory(), newDirectory()];
  const size = 8 * 2 ** 20;
  const bytes = Buffer.alloc(size);
  for (const at of [0, 4 * 2 ** 20 - 2, size - 5000]) bytes.write('data', at);
  const fd = nodeFs.openSync(join(lower, 'image'), 'w');
  for (const at of [0, 4 * 2 ** 20 - 2, size - 5000]) nodeFs.writeSync(fd, 'data', at);
  nodeFs.ftruncateSync(fd, size);
  nodeFs.closeSync(fd);
  const overlay = createOverlay({ lower, upper });
  const { fs } = overlay;
  const check = (...names: string[]) => {
    overlay.syncSync();
    for (const name of names) {
      const path = join(upper, name);
      expect(nodeFs.readFileSync(path).equals(bytes), name).toBe(true);
      expect(nodeFs.statSync(path).blocks * 512, name).toBeLessThan(size / 8);
    }
  };
  fs.chmodSync('/image', 0o600);
  check('image');
  fs.copyFileSync('/image', '/copy');
  check('copy');
  // Of the copy of a copy the bytes are kept when what it was made of changes.
  fs.copyFileSync('/copy', '/second');
  const handle = fs.openSync('/copy', 'r+');
  fs.writeSync(handle, 'more', 100);
  fs.closeSync(handle);
  check('second');
  overlay.close();
});
