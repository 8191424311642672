/**
 * Random sequences of synchronous calls, on lowers in several arrangements; now and then the books are audited (P3, C2, `changes()`).
 */

import { constants } from 'node:fs';
import { expect } from 'vitest';
import { Dice } from '../dice.ts';
import type { FileSystem } from '../grounds/face.ts';
import { type Arrangement, OpenOverlay } from './books.ts';

const A = 'a'.repeat(4096) + 'A'.repeat(5000);
const FILES = { '/d/a': A, '/d/b': 'bbb', '/d/sub/c': 'c', '/e/x': 'x', '/e/deep/y': 'y'.repeat(4097) };

const REMEMBERING: readonly Arrangement[] = [
  {
    name: 'one lower',
    immutable: true,
    lowers: [
      { files: FILES, links: { '/d/l': 'a' }, twins: { '/d/h': '/d/b', '/e/h': '/d/b' }, directories: ['/empty'] },
    ],
  },
  {
    name: 'one lower that may change',
    immutable: false,
    lowers: [
      { files: FILES, links: { '/d/l': 'a' }, twins: { '/d/h': '/d/b', '/e/h': '/d/b' }, directories: ['/empty'] },
    ],
  },
  {
    name: 'three lowers',
    immutable: false,
    lowers: [
      { files: { '/d/a': 'above', '/e/deep': 'a file over a directory' }, links: { '/l': '/d' } },
      { files: FILES, twins: { '/d/h': '/d/b' }, directories: ['/empty'] },
      { files: { '/d/sub/low': 'low', '/e/x/hidden': 'hidden', '/only/z': 'z' } },
    ],
  },
  {
    name: 'an upper that held something',
    immutable: true,
    upper: {
      files: {
        '/d/.wh.gone': '',
        '/d/a': 'over',
        '/e/.wh..wh..opq': '',
        '/e/own': 'own',
        '/new/x': 'x',
        '/d/sub/n': 'n',
      },
      directories: ['/d/sub', '/f'],
      links: { '/d/l': 'sub' },
    },
    lowers: [{ files: { ...FILES, '/d/gone': 'gone' }, twins: { '/d/h': '/d/b' }, directories: ['/empty'] }],
  },
  {
    name: 'layers',
    immutable: true,
    lowers: [
      {
        layered: true,
        files: { '/d/.wh.a': '', '/e/.wh..wh..opq': '', '/e/new': 'new', '/d/sub/c': 'over' },
        directories: ['/f'],
      },
      { layered: true, files: { '/d/sub/.wh.none': '', '/d/sub/k': 'k', '/.wh.gone': '' } },
      { files: { ...FILES, '/gone/x': 'gone', '/d/.wh.b': 'a name that never shows' }, directories: ['/empty'] },
    ],
  },
];

/** The same where nothing is remembered from one call to the next but what was changed. */
function forgetful(arrangement: Arrangement): Arrangement {
  return { ...arrangement, name: `${arrangement.name}, forgetting`, maxEntries: 0 };
}

export const ARRANGEMENTS = [...REMEMBERING, ...REMEMBERING.map(forgetful)];

const PATHS = [
  '/d',
  '/d/a',
  '/d/a',
  '/d/b',
  '/d/h',
  '/d/l',
  '/d/sub',
  '/d/sub/c',
  '/d/n',
  '/e',
  '/e/x',
  '/e/h',
  '/e/deep',
  '/e/deep/y',
  '/empty',
  '/n',
  '/n/m',
  '/only',
  '/gone',
];

type Act = (fs: FileSystem, dice: Dice, open: number[]) => string;

function acting(name: string, act: (fs: FileSystem, path: string, dice: Dice) => void): Act {
  return (fs, dice) => {
    const path = dice.pick(PATHS);
    act(fs, path, dice);
    return `${name} ${path}`;
  };
}

function size(dice: Dice): number {
  return dice.pick([0, 1, 100, 4095, 4096, 4097, 9000, 12_000, 30_000]);
}

const ACTS: readonly Act[] = [
  acting('writeFile', (fs, path, dice) => fs.writeFileSync(path, 'w'.repeat(size(dice)))),
  acting('append', (fs, path, dice) => fs.appendFileSync(path, '+'.repeat(size(dice)))),
  acting('truncate', (fs, path, dice) => fs.truncateSync(path, size(dice))),
  acting('chmod', (fs, path, dice) => fs.chmodSync(path, dice.pick([0o600, 0o755]))),
  acting('utimes', (fs, path) => fs.lutimesSync(path, 5, 6)),
  acting('unlink', (fs, path) => fs.unlinkSync(path)),
  acting('unlink', (fs, path) => fs.unlinkSync(path)),
  acting('rmdir', (fs, path) => fs.rmdirSync(path)),
  acting('rm', (fs, path) => fs.rmSync(path, { recursive: true })),
  acting('mkdir', (fs, path) => fs.mkdirSync(path, { recursive: true })),
  acting('symlink', (fs, path) => fs.symlinkSync('a', path)),
  acting('read', (fs, path) => fs.readFileSync(path)),
  acting('list', (fs, path) => fs.readdirSync(path)),
  ...(['renameSync', 'renameSync', 'renameSync', 'linkSync', 'copyFileSync'] as const).map(
    (name): Act =>
      (fs, dice) => {
        const [from, to] = [dice.pick(PATHS), dice.pick(PATHS)];
        fs[name](from, to);
        return `${name} ${from} ${to}`;
      },
  ),
  (fs, dice, open) => {
    const path = dice.pick(PATHS);
    open.push(fs.openSync(path, dice.pick(['r', 'r+', 'w', 'a', 'wx'])));
    return `open ${path}`;
  },
  (fs, _dice, open) => {
    open.push(fs.openSync('/', constants.O_RDWR | 0o20000000 | constants.O_DIRECTORY));
    return 'open an anonymous file';
  },
  (fs, dice, open) => {
    if (open.length === 0) return '';
    fs.writeSync(dice.pick(open), 'v'.repeat(size(dice)), dice.pick([null, 0, 4000, 20_000]));
    return 'write to an open file';
  },
  (fs, dice, open) => {
    if (open.length === 0) return '';
    fs.ftruncateSync(dice.pick(open), size(dice));
    return 'truncate an open file';
  },
  (fs, dice, open) => {
    const [fd] = open.splice(dice.below(open.length), 1);
    if (fd !== undefined) fs.closeSync(fd);
    return 'close';
  },
];

/** Plays the sequence of a seed; in the end everything is removed, and the quota must be back at nothing. */
export function playSequence(arrangement: Arrangement, seed: number, steps: number): void {
  const dice = new Dice(seed);
  const overlay = new OpenOverlay(arrangement);
  const open: number[] = [];
  const done: string[] = [];
  try {
    overlay.audit();
    for (let i = 0; i < steps; i++) {
      done.push(attempt(dice.pick(ACTS), overlay.fs, dice, open));
      // Looking at everything makes everything known: sometimes several calls come between.
      if (dice.chance(0.4)) overlay.audit();
    }
    overlay.audit();
    for (const fd of open) overlay.fs.closeSync(fd);
    for (const name of overlay.fs.readdirSync('/')) overlay.fs.rmSync(`/${name}`, { recursive: true });
    // What lay in removed directories, where nobody has looked since, is found out when somebody wants to know.
    overlay.fs.statfsSync('/');
    const { quota } = overlay.tree.memory;
    expect({ bytes: quota.bytes, inodes: quota.inodes }).toEqual({ bytes: 0, inodes: 0 });
  } catch (thrown) {
    const words = `OVERFS_SEED=${seed} OVERFS_RUNS=1, ${arrangement.name}\n${done.join('\n')}`;
    if (thrown instanceof Error) thrown.message = `${words}\n${thrown.message}`;
    throw thrown;
  }
}

function attempt(act: Act, fs: FileSystem, dice: Dice, open: number[]): string {
  try {
    return act(fs, dice, open);
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException;
    // Only what a filesystem may say; anything else is a mistake of ours.
    expect(error.code, error.stack).toMatch(/^E[A-Z]+$/);
    return error.message;
  }
}
