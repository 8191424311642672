// N5 at random: several users do the same on the real filesystem, where the process takes their effective rights, and
// on an overlay with `as`. What a call gives, and the whole tree after each, must be the same.

import nodeFs, { constants } from 'node:fs';
import { expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { actAs } from '../act-as.ts';
import { Dice } from '../dice.ts';
import type { FileSystem } from '../grounds/face.ts';
import { clear, ROOT, scratch } from '../grounds/ground.ts';

const FIRST = Number(process.env.OVERFS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env.OVERFS_RUNS ?? 25);
const STEPS = 40;
/** Where the tree is in the overlay. */
const PLACE = '/tree';

const { O_RDWR, O_RDONLY, O_TRUNC, O_CREAT, O_EXCL, O_DIRECTORY } = constants;
const O_TMPFILE = 0o20000000 | O_DIRECTORY;
const USERS = [
  { uid: 0, gid: 0, groups: [] },
  { uid: 1000, gid: 1000, groups: [3000] },
  { uid: 1001, gid: 1001, groups: [3000, 1000] },
  { uid: 1002, gid: 2000, groups: [] },
];
const NAMES = ['a', 'b'];
const MODES = [
  0, 0o070, 0o100, 0o300, 0o555, 0o600, 0o644, 0o666, 0o700, 0o711, 0o722, 0o733, 0o744, 0o750, 0o755, 0o777, 0o1777,
  0o2644, 0o2666, 0o2755, 0o2770, 0o2777, 0o3777, 0o4711, 0o4755, 0o6777,
];
const IDS = [-1, 0, 1000, 1001, 1002, 2000, 3000];

/** A call as it is made on either filesystem; paths begin at the root of the tree. */
interface Call {
  readonly words: string;
  run(fs: FileSystem, root: string): unknown;
}

function callFrom(dice: Dice): Call {
  const some = () => Array.from({ length: 1 + dice.below(3) }, () => `/${dice.pick(NAMES)}`).join('');
  const [one, two] = [some(), some()];
  const [mode, uid, gid, text] = [dice.pick(MODES), dice.pick(IDS), dice.pick(IDS), `${dice.below(1000)}`];
  const target = dice.pick(NAMES);
  const opened = dice.pick([O_RDONLY, O_RDWR, O_RDWR | O_CREAT, O_RDONLY | O_TRUNC, O_RDWR | O_CREAT | O_EXCL]);
  const flag = dice.pick([opened, O_TMPFILE | O_RDWR]);
  const calls: readonly Call['run'][] = [
    (fs, root) => fs.writeFileSync(root + one, text, { mode }),
    (fs, root) => fs.writeFileSync(root + one, text, { mode }),
    (fs, root) => fs.appendFileSync(root + one, text),
    (fs, root) => fs.truncateSync(root + one, 1),
    (fs, root) => fs.chmodSync(root + one, mode),
    (fs, root) => fs.chmodSync(root + one, mode),
    (fs, root) => fs.chownSync(root + one, uid, gid),
    (fs, root) => fs.lchownSync(root + one, uid, gid),
    (fs, root) => fs.utimesSync(root + one, 5, 6),
    (fs, root) => fs.unlinkSync(root + one),
    (fs, root) => fs.rmdirSync(root + one),
    (fs, root) => fs.mkdirSync(root + one, { mode }),
    (fs, root) => fs.mkdirSync(root + one, { mode }),
    (fs, root) => fs.symlinkSync(target, root + one),
    (fs, root) => fs.renameSync(root + one, root + two),
    (fs, root) => fs.renameSync(root + one, root + two),
    (fs, root) => fs.readFileSync(root + one, 'latin1'),
    (fs, root) =>
      fs
        .readdirSync(root + one)
        .sort()
        .join(),
    (fs, root) =>
      fs
        .readdirSync(root + one, { recursive: true })
        .sort()
        .join(),
    (fs, root) => fs.realpathSync(root + one).slice(root.length),
    (fs, root) => `${fs.lstatSync(root + one).mode} ${fs.lstatSync(root + one).uid}`,
    (fs, root) => {
      const fd = fs.openSync(root + one, flag, mode);
      const bits = () => (fs.fstatSync(fd).mode & 0o7777).toString(8);
      const before = bits();
      try {
        fs.fchmodSync(fd, mode);
        fs.fchownSync(fd, uid, gid);
        return `${before} ${bits()} ${fs.writeSync(fd, text)} ${bits()}`;
      } finally {
        fs.closeSync(fd);
      }
    },
  ];
  const at = dice.below(calls.length);
  const run = calls[at] as Call['run'];
  return { words: `${run.toString().slice(0, 60)} ${one} ${two} ${mode.toString(8)} ${uid}:${gid} ${flag}`, run };
}

/** What a call comes to, free of where the tree is. */
function outcome({ run }: Call, fs: FileSystem, root: string): string {
  try {
    return `gives ${String(run(fs, root))}`;
  } catch (thrown) {
    return `fails ${(thrown as Error).message.replaceAll(root, '')}`;
  }
}

/** Modes, owners and contents of all that there is, as root sees it. */
function survey(fs: FileSystem, root: string): string[] {
  const lines: string[] = [];
  const visit = (path: string): void => {
    const stats = fs.lstatSync(root + path);
    const mode = stats.isSymbolicLink() ? 'link' : stats.mode.toString(8);
    const body = stats.isFile() ? fs.readFileSync(root + path, 'latin1') : '';
    const time = stats.mtimeMs < 1e10 ? stats.mtimeMs : 'now';
    lines.push(`${path} ${mode} ${stats.uid}:${stats.gid} ${time} ${body}`);
    if (stats.isDirectory()) for (const name of fs.readdirSync(root + path).sort()) visit(`${path}/${name}`);
  };
  visit('');
  return lines;
}

function play(seed: number): void {
  const dice = new Dice(seed);
  const base = scratch();
  const umask = process.umask(dice.pick([0, 0o022, 0o077]));
  const said: string[] = [];
  try {
    nodeFs.chmodSync(base, 0o755);
    for (const name of ['real', 'lower']) nodeFs.mkdirSync(`${base}/${name}`);
    const overlay = createOverlay({ lower: { root: `${base}/lower`, at: PLACE, immutable: dice.below(2) === 0 } });
    const users = USERS.map((user) => ({ user, fs: user.uid === 0 ? overlay.fs : overlay.as(user) }));
    const given: Call[] = Array.from({ length: dice.pick([0, 30]) }, () => callFrom(dice));
    for (const call of given) for (const name of ['real', 'lower']) outcome(call, nodeFs, `${base}/${name}`);
    for (const fs of [nodeFs, overlay.fs]) fs.chmodSync(fs === nodeFs ? `${base}/real` : PLACE, 0o777);
    for (let i = 0; i < STEPS; i++) {
      const call = callFrom(dice);
      const { user, fs } = dice.pick(users);
      const real = actAs(user, () => outcome(call, nodeFs, `${base}/real`));
      said.push(`${user.uid}: ${call.words} ${real}`);
      expect(outcome(call, fs, PLACE), said.join('\n')).toBe(real);
      expect(survey(overlay.fs, PLACE), said.join('\n')).toEqual(survey(nodeFs, `${base}/real`));
    }
    overlay.close();
  } finally {
    process.umask(umask);
    clear(base);
  }
}

it.runIf(ROOT)('N5 users have the same rights as on the real fs', () => {
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    try {
      play(seed);
    } catch (thrown) {
      throw new Error(`OVERFS_SEED=${seed} OVERFS_RUNS=1`, { cause: thrown });
    }
  }
});
