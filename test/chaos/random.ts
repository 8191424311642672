/**
 * Random histories: a few calls of the promise and callback API at once, over a lower that delays, reorders and fails its answers,
 * with synchronous calls in between. A seed gives the same history again (`OVERFS_SEED`, with `OVERFS_RUNS` for how many).
 */

import { expect } from 'vitest';
import type { OverlayOptions } from '../../lib/index.ts';
import { Dice } from '../dice.ts';
import type { FileSystem } from '../grounds/face.ts';
import { type Given, type Outcome, playAtOnce, type Schedule, type Step, serialOrderOf } from './history.ts';

const FILES = {
  '/d/a': 'a'.repeat(4096) + 'A'.repeat(3000),
  '/d/b': 'bbb',
  '/e/x': 'x',
  '/e/deep/y': 'y'.repeat(5000),
};

const PATHS = [
  '/d/a',
  '/d/a',
  '/d/b',
  '/d/h',
  '/d/l',
  '/d/new',
  '/e/x',
  '/e/deep/y',
  '/e/deep',
  '/e',
  '/n',
  '/n/m',
  '/empty',
];

type Promises = FileSystem['promises'];
type Make = (dice: Dice) => readonly [words: string, run: (fs: Promises) => Promise<unknown>];

function one(name: string, run: (fs: Promises, path: string) => Promise<unknown>): Make {
  return (dice) => {
    const path = dice.pick(PATHS);
    return [`${name} ${path}`, (fs) => run(fs, path)];
  };
}

function two(name: 'rename' | 'link' | 'copyFile'): Make {
  return (dice) => {
    const [from, to] = [dice.pick(PATHS), dice.pick(PATHS)];
    return [`${name} ${from} ${to}`, (fs) => fs[name](from, to)];
  };
}

/** Calls that are one operation each; what is a sequence of calls (rm, cp) may be seen half done, as in Node. */
const CALLS: readonly Make[] = [
  one('stat', (fs, path) => fs.stat(path)),
  one('lstat', (fs, path) => fs.lstat(path)),
  one('readFile', (fs, path) => fs.readFile(path, 'latin1')),
  one('readFile', (fs, path) => fs.readFile(path, 'latin1')),
  one('readdir', (fs, path) => fs.readdir(path)),
  one('readlink', (fs, path) => fs.readlink(path)),
  one('realpath', (fs, path) => fs.realpath(path)),
  one('append', (fs, path) => fs.appendFile(path, '+')),
  one('append', (fs, path) => fs.appendFile(path, '+'.repeat(4000))),
  one('write', (fs, path) => fs.writeFile(path, 'written')),
  one('create', (fs, path) => fs.writeFile(path, 'created', { flag: 'wx' })),
  one('overwrite the start', (fs, path) => fs.writeFile(path, 'start', { flag: 'r+' })),
  one('truncate', (fs, path) => fs.truncate(path, 4100)),
  one('chmod', (fs, path) => fs.chmod(path, 0o600)),
  one('utimes', (fs, path) => fs.utimes(path, 7, 8)),
  one('unlink', (fs, path) => fs.unlink(path)),
  one('unlink', (fs, path) => fs.unlink(path)),
  one('rmdir', (fs, path) => fs.rmdir(path)),
  one('mkdir', (fs, path) => fs.mkdir(path)),
  one('mkdirs', (fs, path) => fs.mkdir(`${path}/o/p`, { recursive: true })),
  one('symlink', (fs, path) => fs.symlink('a', path)),
  two('rename'),
  two('rename'),
  two('rename'),
  two('link'),
  two('copyFile'),
];

const TWINS = ['/d/b', '/d/h'] as const;

function furnish(volume: Parameters<NonNullable<Given['furnish']>>[0]): void {
  volume.symlinkSync('a', '/d/l');
  volume.linkSync(...TWINS);
  volume.mkdirSync('/empty');
}

/** What the overlay has done before the calls begin. */
const EARLIER: readonly ((fs: FileSystem) => void)[] = [
  () => {},
  (fs) => fs.renameSync('/e', '/n'),
  (fs) => fs.unlinkSync('/d/a'),
  (fs) => fs.copyFileSync('/d/a', '/d/new'),
  (fs) => fs.appendFileSync('/d/a', 'earlier'),
  (fs) => {
    fs.readFileSync('/d/a');
    fs.readdirSync('/e');
  },
];

interface History {
  readonly given: Given;
  /** How much is remembered while the calls overlap. */
  readonly cache: NonNullable<OverlayOptions['cache']>;
  readonly steps: readonly Step[];
  readonly schedule: Schedule;
}

function historyFrom(seed: number): History {
  const dice = new Dice(seed);
  const before = dice.pick(EARLIER);
  const limits = dice.chance(0.15) ? { bytes: 9000, inodes: 4 } : { bytes: 1_000_000, inodes: 1000 };
  const given: Given = {
    files: FILES,
    furnish,
    twins: TWINS,
    before,
    immutable: dice.chance(0.5),
    options: { limits },
  };
  const steps = Array.from({ length: 3 + dice.below(2) }, (): Step => {
    const [name, run] = dice.pick(CALLS)(dice);
    return { name, run: (fs) => run(fs.promises) };
  });
  const failing = dice.chance(0.3) ? 0.15 : 0;
  const schedule: Schedule = { choose: (count) => dice.below(count), fails: () => dice.chance(failing) };
  // Nothing but what was changed is remembered from one stop to the next, or nearly nothing, or all.
  const cache = dice.pick([{ maxBytes: 0, maxEntries: 0 }, { maxBytes: 4096, maxEntries: 2 }, {}]);
  return { given, cache, steps, schedule };
}

/** Plays the history of a seed and sees that it comes to what some order of its calls comes to. */
async function playSeed(seed: number): Promise<void> {
  const { given, cache, steps, schedule } = historyFrom(seed);
  const outcome: Outcome = await playAtOnce({ ...given, options: { ...given.options, cache } }, steps, schedule);
  const order = await serialOrderOf(given, steps, outcome);
  const words = `OVERFS_SEED=${seed} OVERFS_RUNS=1\n${outcome.results.join('\n')}\n${outcome.tree}`;
  expect(order, `no order of these calls comes to the same: ${words}`).toBeDefined();
}

/** Plays histories from a seed on: so many, or until the time is over. */
export async function playMany(runs: number, milliseconds: number): Promise<number> {
  const { OVERFS_SEED, OVERFS_RUNS } = process.env;
  const first = OVERFS_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(OVERFS_SEED);
  const most = OVERFS_RUNS === undefined ? runs : Number(OVERFS_RUNS);
  const end = Date.now() + milliseconds;
  let played = 0;
  while (played < most && Date.now() < end) await playSeed(first + played++);
  return played;
}
