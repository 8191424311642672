// W12, and what a write-back costs: counted in commands, so that it is the same on every machine.

import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { bytesOf, Fault, mount, PAGE } from './rig.ts';

function rig() {
  const volume = new Volume();
  const overlay = mount(volume);
  return { volume, overlay, fs: overlay.fs, fault: new Fault(overlay) };
}

it('W12: 100,000 temporary files made and removed between two syncs cost the upper nothing', () => {
  const { overlay, fs, fault } = rig();
  fs.mkdirSync('/tmp');
  overlay.syncSync();
  const { mtime } = fs.statSync('/tmp');
  fault.arm(Number.POSITIVE_INFINITY, 0, undefined);
  for (let i = 0; i < 100_000; i++) {
    fs.writeFileSync(`/tmp/${i % 100}`, 'temporary');
    fs.unlinkSync(`/tmp/${i % 100}`);
  }
  expect(fault.count).toBe(0);
  fs.utimesSync('/tmp', mtime, mtime);
  overlay.syncSync();
  expect(fault.seen.filter((command) => JSON.stringify(command).includes('/tmp/'))).toEqual([]);
  overlay.close();
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
  expect(fault.seen.filter(({ kind }) => kind === 'write').length).toBeLessThanOrEqual(3);
  overlay.close();
});

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
  for (const command of fault.seen) if (command.kind === 'write') written += command.bytes.length;
  // Once to the work area, once in place, and the journal.
  expect(written).toBeLessThan(21 * PAGE);
  expect(Buffer.compare(volume.readFileSync('/large') as Buffer, bytes)).toBe(0);
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
