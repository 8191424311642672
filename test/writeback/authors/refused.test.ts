// W13: random calls of several users, one of whom is refused whatever they write: none of that gets to the upper, and
// everything that the others wrote does. A failure tells its seed; OVERFS_SEED repeats it.

import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { Dice } from '../../dice.ts';
import { type FileSystem, leftovers, newLower, PAGE, survey, type UpperFs } from '../rig.ts';
import { ActingUpper } from './acting.ts';
import { type Call, callOf, codeOf, FILES } from './calls.ts';

const { OVERFS_SEED, OVERFS_SOAK } = process.env;
/** Each writes a letter of his own. They may all do everything; the last one is refused. */
const USERS = [9, 1, 2].map((gid) => ({ uid: 0, gid }));
const REFUSED = 2;

function callFrom(dice: Dice, letter: string): Call {
  const [at, bytes] = [dice.below(4 * PAGE), letter.repeat(3 + dice.below(dice.below(2) === 0 ? 50 : 6000))];
  const write = (fs: FileSystem, file: string) => {
    const fd = fs.openSync(file, 'r+');
    fs.writeSync(fd, bytes, at);
    try {
      fs.closeSync(fd);
    } catch {
      // It hears of what was refused (W4).
    }
  };
  return callOf(dice, { bytes, at, write });
}

/** Whether a file of the tree has what the refused one wrote. */
function hasRefused(fs: UpperFs | FileSystem): boolean {
  return FILES.some((path) => fs.existsSync(path) && `${fs.readFileSync(path, 'latin1')}`.includes('222'));
}

/** Plays a history; answers how often something was refused. */
async function play(seed: number, onError: 'retain' | 'discard'): Promise<number> {
  const dice = new Dice(seed);
  const upper = new ActingUpper();
  const volume = upper.volume as unknown as UpperFs;
  const options = { lower: newLower(), pageSize: PAGE, umask: 0, clock: () => 1e12, credentials: { uid: 0, gid: 0 } };
  const as = ({ gid }: { gid: number }) => upper.as({ uid: gid });
  const mounted = {
    ...options,
    upper: { fs: upper.volume, as },
    writeback: { onError, expire: Number.POSITIVE_INFINITY },
  };
  const [overlay, model] = [createOverlay(mounted), createOverlay(options)];
  const viewsOf = (of: Overlay) => USERS.map((user) => of.as(user));
  const [here, there] = [viewsOf(overlay), viewsOf(model)];
  upper.refusals.set(REFUSED, { code: 'EDQUOT', at: dice.below(2) === 0 ? 'open' : 'write' });
  let refused = 0;
  overlay.on('writeback-error', ({ as: author }) => void (author?.gid === REFUSED && refused++));
  for (let step = 0; step < 40; step++) {
    const user = dice.below(USERS.length);
    const call = callFrom(dice, `${USERS[user]?.gid}`);
    const got = codeOf(call, here[user] ?? overlay.fs);
    const wanted = codeOf(call, there[user] ?? model.fs);
    if (onError === 'retain') expect(got, `seed ${seed}, step ${step}`).toBe(wanted);
    if (dice.below(8) === 0) await overlay.sync().catch(() => {});
    if (onError === 'retain') expect(survey(overlay.fs), `seed ${seed}, step ${step}`).toEqual(survey(model.fs));
    expect(hasRefused(volume), `seed ${seed}, step ${step}`).toBe(false);
  }
  await overlay.sync().catch(() => {});
  expect(hasRefused(volume), `seed ${seed}`).toBe(false);
  if (onError === 'discard') expect(hasRefused(overlay.fs), `seed ${seed}`).toBe(false);
  upper.refusals.clear();
  await overlay.sync();
  const wanted = survey(onError === 'retain' ? model.fs : overlay.fs);
  expect(overlay.statistics().dirtyBytes).toBe(0);
  overlay.close();
  expect(leftovers(volume)).toEqual([]);
  const next = createOverlay(mounted);
  expect(survey(next.fs), `seed ${seed}, mounted again`).toEqual(wanted);
  next.close();
  return refused;
}

describe.each(['retain', 'discard'] as const)('W13: what one is refused, with onError %s,', (onError) => {
  it('W13: gets to the upper by its own author only, and holds no other data back', async () => {
    const first = OVERFS_SEED === undefined ? Math.floor(Math.random() * 2 ** 30) : Number(OVERFS_SEED);
    const runs = OVERFS_SEED !== undefined ? 1 : OVERFS_SOAK === 'long' ? 2000 : 8;
    let refused = 0;
    for (let run = 0; run < runs; run++) refused += await play(first + run, onError);
    if (runs > 1) expect(refused).toBeGreaterThan(0);
  });
});
