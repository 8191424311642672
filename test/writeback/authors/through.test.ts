// W7, W13: random calls of several users on an overlay that writes through, some of them refused: what was refused is as if it had never been
// tried, all else is as on an overlay without an upper. A failure tells its seed; OVERFS_SEED repeats it.

import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { bytesOf, type FileSystem, newLower, PAGE, survey } from '../rig.ts';
import { ActingUpper, diceOf } from './acting.ts';

const { OVERFS_SEED, OVERFS_SOAK } = process.env;
const FILES = ['/a', '/b', '/src/f3', '/big', '/src/f0', '/src/f2'];
/** They may all do everything. */
const USERS = [0, 1, 2].map((gid) => ({ uid: 0, gid }));

function callFrom(dice: (count: number) => number): (fs: FileSystem) => void {
  const [file, other] = [FILES[dice(6)] ?? '', FILES[dice(6)] ?? ''];
  const [at, bytes] = [dice(5 * PAGE), bytesOf(dice(1000), 1 + dice(2 * PAGE))];
  const write = (fs: FileSystem) => {
    const fd = fs.openSync(file, 'r+');
    try {
      fs.writeSync(fd, bytes, 0, bytes.length, at);
    } finally {
      fs.closeSync(fd);
    }
  };
  const calls: readonly ((fs: FileSystem) => void)[] = [
    write,
    write,
    (fs) => fs.writeFileSync(file, bytes),
    (fs) => fs.appendFileSync(file, bytes),
    (fs) => fs.truncateSync(file, at),
    (fs) => fs.copyFileSync(file, other),
    (fs) => fs.renameSync(file, other),
  ];
  return calls[dice(calls.length)] ?? write;
}

function codeOf(call: (fs: FileSystem) => void, fs: FileSystem): string | undefined {
  try {
    call(fs);
    return undefined;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? String(thrown);
  }
}

/** Plays a history; answers how many calls were refused. */
function play(seed: number): number {
  const dice = diceOf(seed);
  const upper = new ActingUpper();
  let now = 1e12;
  const options = { lower: newLower(), pageSize: PAGE, umask: 0, clock: () => now, credentials: { uid: 0, gid: 0 } };
  const model = createOverlay(options);
  const { volume: fs, as } = upper;
  const overlay = createOverlay({ ...options, upper: { fs, as }, writeback: 'through' });
  const viewsOf = (of: Overlay) => USERS.map((user) => of.as(user));
  const [here, there] = [viewsOf(overlay), viewsOf(model)];
  let refused = 0;
  for (let step = 0; step < 40; step++) {
    now += 1000;
    const [call, user] = [callFrom(dice), dice(USERS.length)];
    if (dice(4) === 0) upper.refusals.set(0, { code: 'EDQUOT', at: dice(2) === 0 ? 'open' : 'write' });
    const got = codeOf(call, here[user] ?? overlay.fs);
    upper.refusals.clear();
    if (got === 'EDQUOT') refused++;
    else expect(got, `seed ${seed}, step ${step}`).toBe(codeOf(call, there[user] ?? model.fs));
    expect(survey(overlay.fs), `seed ${seed}, step ${step}`).toEqual(survey(model.fs));
  }
  overlay.close();
  const next = createOverlay({ ...options, upper: { fs, as } });
  expect(survey(next.fs), `seed ${seed}, mounted again`).toEqual(survey(model.fs));
  next.close();
  return refused;
}

it('W7, W13: calls that one of several users is refused change nothing, all others do', () => {
  const first = OVERFS_SEED === undefined ? Math.floor(Math.random() * 2 ** 30) : Number(OVERFS_SEED);
  const runs = OVERFS_SEED !== undefined ? 1 : OVERFS_SOAK === 'long' ? 2000 : 8;
  let refused = 0;
  for (let run = 0; run < runs; run++) refused += play(first + run);
  if (runs > 1) expect(refused).toBeGreaterThan(0);
});
