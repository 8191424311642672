// An upper of somebody who is not root: modes that forbid its owner what write-back must do (W8), and owners that
// cannot be given.

import nodeFs, { chownSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { actAs } from '../../act-as.ts';
import { useDirectories } from '../directories.ts';
import {
  bytesOf,
  cutSync,
  type FileSystem,
  forgetLock,
  leftovers,
  PAGE,
  survey,
  type UpperFs,
  whichOf,
} from '../rig.ts';

const SOMEBODY = 65534;
const ROOT = process.getuid?.() === 0;

const newOwnDirectory = useDirectories();

/** A directory of somebody's. */
function newDirectory(): string {
  const directory = newOwnDirectory();
  if (ROOT) chownSync(directory, SOMEBODY, SOMEBODY);
  return directory;
}

/** Opens for a while what the mode of a path forbids its owner. */
function opened(fs: FileSystem, path: string, change: () => void): void {
  const { mode } = fs.statSync(path);
  fs.chmodSync(path, 0o700);
  change();
  fs.chmodSync(path, mode & 0o7777);
}

type Change = readonly [name: string, change: (fs: FileSystem) => void];

/** Each is synced by itself. */
const CHANGES: readonly Change[] = [
  [
    'closed files and directories are made',
    (fs) => {
      fs.mkdirSync('/closed/inner', { recursive: true });
      fs.writeFileSync('/closed/file', bytesOf(1, 12 * PAGE));
      fs.writeFileSync('/closed/inner/deep', 'deep');
      fs.writeFileSync('/none', 'none', { mode: 0 });
      fs.mkdirSync('/dark/inner', { recursive: true });
      fs.writeFileSync('/dark/inner/file', 'file');
      fs.chmodSync('/closed/file', 0o400);
      fs.chmodSync('/closed/inner', 0o555);
      fs.chmodSync('/closed', 0o555);
      fs.chmodSync('/dark', 0);
    },
  ],
  ['a file is made in a closed directory', (fs) => opened(fs, '/closed', () => fs.writeFileSync('/closed/new', 'new'))],
  [
    'pages of a closed file are written',
    (fs) =>
      opened(fs, '/closed/file', () => {
        const fd = fs.openSync('/closed/file', 'r+');
        fs.writeSync(fd, Buffer.from('patched'), 0, 7, 3 * PAGE);
        fs.closeSync(fd);
      }),
  ],
  ['a file without any rights grows', (fs) => opened(fs, '/none', () => fs.appendFileSync('/none', ' more'))],
  [
    'names in a closed directory change',
    (fs) => opened(fs, '/closed', () => fs.renameSync('/closed/file', '/closed/file2')),
  ],
  [
    'a closed file is made in a dark directory',
    (fs) => opened(fs, '/dark', () => fs.writeFileSync('/dark/closed', 'closed', { mode: 0o444 })),
  ],
  [
    'a closed directory leaves a closed one',
    (fs) => opened(fs, '/closed', () => opened(fs, '/closed/inner', () => {})),
  ],
  [
    'it is moved',
    (fs) =>
      opened(fs, '/closed', () => {
        fs.chmodSync('/closed/inner', 0o755);
        fs.renameSync('/closed/inner', '/moved');
        fs.chmodSync('/moved', 0o555);
      }),
  ],
  ['a dark directory gets a file', (fs) => opened(fs, '/dark', () => fs.writeFileSync('/dark/second', 'second'))],
  [
    'closed directories are removed',
    (fs) => {
      for (const path of ['/dark', '/moved']) fs.chmodSync(path, 0o700);
      fs.rmSync('/dark', { recursive: true });
      fs.rmSync('/moved', { recursive: true });
    },
  ],
  ['the root is closed', (fs) => fs.chmodSync('/', 0o555)],
  ['and gets a file', (fs) => opened(fs, '/', () => fs.writeFileSync('/late', 'late'))],
];

/** What shows of the overlay to root. */
function surveyed(upper: string): string[] {
  const overlay = createOverlay({ lower: [], upper, pageSize: PAGE, credentials: { uid: 0, gid: 0 } });
  const lines = survey(overlay.fs);
  overlay.close();
  return lines;
}

describe.each(['at once', 'later'])('an upper of somebody who is not root, written %s', (form) => {
  it('W8: keeps modes that forbid its owner to write, and is written all the same', async () => {
    const directory = newDirectory();
    for (const [name, change] of CHANGES) {
      await actAs({ uid: SOMEBODY, gid: SOMEBODY }, async () => {
        const overlay = createOverlay({ lower: [], upper: directory, pageSize: PAGE });
        change(overlay.fs);
        if (form === 'later') await overlay.sync();
        else overlay.syncSync();
        const root = overlay.as({ uid: 0, gid: 0 });
        const wanted = survey(root);
        const { mode } = root.statSync('/');
        await overlay[Symbol.asyncDispose]();
        expect(whichOf(surveyed(directory), wanted, wanted), name).toBe('after');
        expect(nodeFs.statSync(directory).mode & 0o777, name).toBe(mode & 0o777);
        expect(leftovers(nodeFs as UpperFs, directory), name).toEqual([]);
      });
    }
  });

  it('W8: an owner that cannot be given is left, and the rest is written', async () => {
    const directory = newDirectory();
    await actAs({ uid: SOMEBODY, gid: SOMEBODY }, async () => {
      const overlay = createOverlay({ lower: [], upper: directory, credentials: { uid: 0, gid: 0 } });
      overlay.fs.writeFileSync('/file', 'bytes', { mode: 0o640 });
      overlay.fs.chownSync('/file', 1, 2);
      if (form === 'later') await overlay.sync();
      else overlay.syncSync();
      overlay.close();
      expect(nodeFs.statSync(join(directory, 'file')).mode & 0o777).toBe(0o640);
      expect(nodeFs.readFileSync(join(directory, 'file'), 'utf8')).toBe('bytes');
    });
  });
});

it('W11: is before or after when it is cut after any command', async () => {
  const [, ...later] = CHANGES;
  await actAs({ uid: SOMEBODY, gid: SOMEBODY }, () => {
    for (let cut = 1; ; cut += 5) {
      const directory = newOwnDirectory();
      const overlay = createOverlay({ lower: [], upper: directory, pageSize: PAGE });
      const root = overlay.as({ uid: 0, gid: 0 });
      CHANGES[0]?.[1](overlay.fs);
      overlay.syncSync();
      const before = survey(root);
      for (const [, change] of later) change(overlay.fs);
      const isDone = cutSync(overlay, cut);
      const after = survey(root);
      forgetLock(nodeFs as UpperFs, directory);
      expect(['before', 'after'], `cut ${cut}`).toContain(whichOf(surveyed(directory), before, after));
      if (isDone) break;
    }
  });
});

it('another user’s file is refused, and named', async () => {
  if (!ROOT) return;
  const directory = newDirectory();
  nodeFs.mkdirSync(join(directory, 'foreign'), { mode: 0o755 });
  await actAs({ uid: SOMEBODY, gid: SOMEBODY }, () => {
    const overlay = createOverlay({ lower: [], upper: directory, credentials: { uid: 0, gid: 0 } });
    overlay.fs.writeFileSync('/foreign/file', 'bytes');
    expect(() => overlay.syncSync()).toThrow('EACCES');
    expect(overlay.fs.readFileSync('/foreign/file', 'utf8')).toBe('bytes');
  });
  expect(nodeFs.readdirSync(join(directory, 'foreign'))).toEqual([]);
});
