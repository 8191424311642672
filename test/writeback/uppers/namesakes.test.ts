// Two files of an upper with one inode number: where something new could not be written, its name keeps the file that it
// had, and that file's own new content is elsewhere.

import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import type { OverlayOptions } from '../../../lib/overlay/options.ts';
import { bytesTold, type FileSystem, failing, forgetLock, mount, type UpperFs } from '../rig.ts';

const NAMES = ['/a', '/b', '/c', '/d'];

/** A file with the names a, b and c; a and b are to be other files, which the upper refuses, and c has new content. */
function withRefused(options: OverlayOptions) {
  const volume = new Volume();
  const overlay = mount(volume, options);
  const { fs } = overlay;
  const sync = () => expect(() => overlay.syncSync()).toThrow(AggregateError);
  if (!fs.existsSync('/a')) {
    fs.writeFileSync('/a', 'older');
    fs.linkSync('/a', '/b');
    fs.linkSync('/a', '/c');
  }
  for (const path of NAMES.slice(0, 3)) fs.writeFileSync(path, 'old');
  overlay.syncSync();
  for (const path of ['/a', '/b']) {
    fs.writeFileSync('/temporary', 'refused');
    fs.renameSync('/temporary', path);
  }
  fs.writeFileSync('/c', 'new');
  overlay.on('command', (command) => {
    if (bytesTold(command)?.toString() === 'refused') throw failing('ENOSPC');
  });
  sync();
  return { volume, overlay, fs, sync };
}

function contents(fs: FileSystem): string[] {
  return NAMES.map((path) => fs.readFileSync(path, 'utf8'));
}

function numbers(fs: FileSystem): number[] {
  return NAMES.map((path) => fs.statSync(path).ino);
}

it('C2, C3, W11: names that keep an old file, since new ones were refused, are not names of what that is now', () => {
  const { volume, fs, sync } = withRefused({ lower: [] });
  fs.linkSync('/c', '/d');
  sync();
  for (const order of [NAMES, [...NAMES].reverse()]) {
    forgetLock(volume as unknown as UpperFs);
    const overlay = mount(volume, { lower: [] });
    for (const path of order) overlay.fs.statSync(path);
    expect(contents(overlay.fs)).toEqual(['old', 'old', 'new', 'new']);
    const [a, b, c, d] = numbers(overlay.fs);
    expect([a === b, c === d, a === c]).toEqual([true, true, false]);
  }
  forgetLock(volume as unknown as UpperFs);
  const overlay = mount(volume, { lower: [] });
  overlay.fs.appendFileSync('/a', 'er');
  overlay.close();
  expect(NAMES.map((path) => volume.readFileSync(path, 'utf8'))).toEqual(['older', 'older', 'new', 'new']);
});

it('C2, C3: the same where what was refused is discarded', () => {
  const lower = Volume.fromJSON({ '/a': 'oldest' });
  lower.linkSync('/a', '/b');
  lower.linkSync('/a', '/c');
  const { overlay, fs } = withRefused({ lower, writeback: { onError: 'discard' } });
  fs.linkSync('/c', '/d');
  overlay.syncSync();
  expect(contents(fs)).toEqual(['old', 'old', 'new', 'new']);
  const [a, b, c, d] = numbers(fs);
  expect([a === b, c === d, a === c]).toEqual([true, true, false]);
  overlay.close();
});
