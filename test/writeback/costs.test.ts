// W12, and what a write-back costs: counted in commands, so that it is the same on every machine.

import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import type { Overlay } from '../../lib/index.ts';
import { bytesOf, bytesTold, Fault, mount, PAGE } from './rig.ts';

function rig() {
  const volume = new Volume();
  const overlay = mount(volume);
  return { volume, overlay, fs: overlay.fs, fault: new Fault(overlay) };
}

it('W12: 100,000 temporary files made and removed between two syncs cost the upper nothing', () => {
  const { overlay, fs, fault } = rig();
  fs.mkdirSync('/tmp');
  overlay.syncSync();
  fault.arm(Number.POSITIVE_INFINITY, 0, undefined);
  for (let i = 0; i < 100_000; i++) {
    fs.writeFileSync(`/tmp/${i % 100}`, 'temporary');
    fs.unlinkSync(`/tmp/${i % 100}`);
  }
  overlay.syncSync();
  expect(fault.seen).toEqual([]);
  overlay.close();
});

const REASONS: [string, (overlay: Overlay) => void][] = [
  [
    'something else is written back',
    (overlay) => {
      overlay.fs.writeFileSync('/other', '');
      overlay.syncSync();
    },
  ],
  [
    'the directory is flushed',
    ({ fs }) => {
      const fd = fs.openSync('/tmp', 'r');
      fs.fsyncSync(fd);
      fs.closeSync(fd);
    },
  ],
  ['the overlay is closed', (overlay) => overlay.close()],
];

it.each(REASONS)('W8, W12: the times of a directory whose names came and went are told when %s', (_, give) => {
  const { volume, overlay, fs } = rig();
  fs.mkdirSync('/tmp');
  fs.utimesSync('/tmp', 1, 1);
  overlay.syncSync();
  fs.writeFileSync('/tmp/file', 'temporary');
  fs.unlinkSync('/tmp/file');
  overlay.syncSync();
  expect(volume.statSync('/tmp').mtimeMs).toBe(1000);
  const { mtimeMs } = fs.statSync('/tmp');
  give(overlay);
  expect(volume.statSync('/tmp').mtimeMs).toBe(mtimeMs);
  overlay.close();
});

it('W12: names that come and go during a write-back, or after one that failed, leave nothing behind', () => {
  for (let from = 1; ; from++) {
    const { volume, overlay, fs, fault } = rig();
    fs.mkdirSync('/tmp');
    overlay.syncSync();
    fs.writeFileSync('/tmp/file', 'bytes');
    fault.arm(from, Number.POSITIVE_INFINITY, Object.assign(new Error('failed'), { code: 'EIO' }));
    try {
      overlay.syncSync();
    } catch {
      // What is tested is what comes afterwards.
    }
    const isOver = fault.count < from;
    fault.disarm();
    fs.unlinkSync('/tmp/file');
    fs.writeFileSync('/tmp/file', 'again');
    fs.unlinkSync('/tmp/file');
    overlay.syncSync();
    expect(volume.readdirSync('/tmp'), `command ${from}`).toEqual([]);
    overlay.close();
    if (isOver) break;
  }
});

it('W12: a temporary file that is renamed over another costs what that other costs', () => {
  const { overlay, fs, fault } = rig();
  fs.writeFileSync('/file', 'first');
  overlay.syncSync();
  fault.arm(Number.POSITIVE_INFINITY, 0, undefined);
  fs.writeFileSync('/file.tmp', 'second');
  fs.renameSync('/file.tmp', '/file');
  overlay.syncSync();
  expect(fault.seen.filter((command) => JSON.stringify(command).includes('file.tmp'))).toEqual([]);
  expect(fault.seen.filter((command) => bytesTold(command) !== undefined).length).toBeLessThanOrEqual(3);
  overlay.close();
});

it.each(['/src/f0', '/ln', '/src'])(
  'W12: what a lower shows as %s is not copied for being renamed and renamed back',
  (path) => {
    const { overlay, fs, fault } = rig();
    fs.renameSync(path, '/other');
    fs.renameSync('/other', path);
    fault.arm(Number.POSITIVE_INFINITY, 0, undefined);
    overlay.syncSync();
    expect(fault.seen.filter(({ kind }) => kind === 'read' || kind === 'symlink')).toEqual([]);
    overlay.close();
  },
);

it('a sync of one changed file costs the same in a small tree and in a large one', () => {
  const costs = [10, 1000].map((files) => {
    const { overlay, fs, fault } = rig();
    fs.mkdirSync('/many');
    for (let i = 0; i < files; i++) fs.writeFileSync(`/many/${i}`, `${i}`);
    overlay.syncSync();
    fault.arm(Number.POSITIVE_INFINITY, 0, undefined);
    fs.writeFileSync('/many/5', 'changed');
    overlay.syncSync();
    const { count } = fault;
    overlay.close();
    return count;
  });
  expect(costs[1]).toBe(costs[0]);
  expect(costs[0]).toBeLessThan(30);
});

it('of a large file that the upper has only the changed pages are written', () => {
  const { overlay, fs, fault, volume } = rig();
  const bytes = bytesOf(3, 1000 * PAGE);
  fs.writeFileSync('/large', bytes);
  overlay.syncSync();
  fault.arm(Number.POSITIVE_INFINITY, 0, undefined);
  const fd = fs.openSync('/large', 'r+');
  for (let i = 0; i < 10; i++) {
    fs.writeSync(fd, 'changed', i * 100 * PAGE);
    bytes.write('changed', i * 100 * PAGE);
  }
  fs.closeSync(fd);
  overlay.syncSync();
  let written = 0;
  for (const command of fault.seen) written += bytesTold(command)?.length ?? 0;
  // Once to the work area, once in place, and the journal.
  expect(written).toBeLessThan(21 * PAGE);
  expect(Buffer.compare(volume.readFileSync('/large') as Buffer, bytes)).toBe(0);
  overlay.close();
});

it('W1: what is copied into a file of the upper is read in pieces, however much it is', () => {
  const { volume, overlay, fs, fault } = rig();
  const changed = bytesOf(3, 3 * 1024 * 1024 + 1);
  fs.writeFileSync('/file', bytesOf(1, changed.length + PAGE));
  // A file of two names keeps its inode in the upper, so that even all of it goes there in this way.
  fs.linkSync('/file', '/twin');
  overlay.syncSync();
  fs.writeSync(fs.openSync('/file', 'r+'), changed);
  fault.arm(Number.POSITIVE_INFINITY, 0, undefined);
  overlay.syncSync();
  const lengths = fault.seen.flatMap((command) => (command.kind === 'read' ? [command.length] : []));
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBeGreaterThanOrEqual(changed.length);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(1024 * 1024);
  expect((volume.readFileSync('/twin') as Buffer).subarray(0, changed.length).equals(changed)).toBe(true);
  overlay.close();
});

it('a sync with nothing to do tells the upper nothing', () => {
  const { overlay, fs, fault } = rig();
  fs.writeFileSync('/file', 'bytes');
  overlay.syncSync();
  fault.arm(Number.POSITIVE_INFINITY, 0, undefined);
  fs.readFileSync('/file');
  overlay.syncSync();
  expect(fault.count).toBe(0);
  overlay.close();
});

it('a new directory gets its place with all that is in it by one rename', () => {
  const { volume, overlay, fs, fault } = rig();
  fs.mkdirSync('/new/deep', { recursive: true });
  for (let i = 0; i < 50; i++) fs.writeFileSync(`/new/deep/${i}`, `${i}`);
  overlay.syncSync();
  const renames = fault.seen.filter((command) => command.kind === 'rename');
  expect(renames.map(({ to }) => to)).toEqual(['/.overfs/journal', '/new']);
  expect(volume.readdirSync('/new/deep')).toHaveLength(50);
  overlay.close();
});

it('of a new directory of which one file could not be written all others get their place, and that one later', () => {
  const { volume, overlay, fs, fault } = rig();
  fs.mkdirSync('/new');
  for (const name of ['a', 'b', 'c']) fs.writeFileSync(`/new/${name}`, name);
  overlay.on('command', (command) => {
    if (command.kind === 'put' && command.path.endsWith('/b') && fault.what === 'full') {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    }
  });
  fault.what = 'full';
  expect(() => overlay.syncSync()).toThrow('/new/b');
  expect(volume.readdirSync('/new')).toEqual(['a', 'c']);
  expect(fs.readFileSync('/new/b', 'utf8')).toBe('b');
  fault.what = 'free';
  overlay.syncSync();
  expect(volume.readFileSync('/new/b', 'utf8')).toBe('b');
  overlay.close();
});
