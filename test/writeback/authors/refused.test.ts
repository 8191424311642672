// W13: random calls of several users, one of whom is refused whatever he writes: none of it gets to the upper by anybody's hand, and all that the
// others wrote does. A failure tells its seed; OVERFS_SEED repeats it.

import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { type FileSystem, leftovers, newLower, PAGE, survey, type UpperFs } from '../rig.ts';
import { ActingUpper, diceOf } from './acting.ts';

const { OVERFS_SEED, OVERFS_SOAK } = process.env;
const FILES = ['/a', '/b', '/src/f3', '/big', '/src/f0', '/src/f2'];
/** Each writes a letter of his own. They may all do everything; the last one is refused. */
const USERS = [9, 1, 2].map((gid) => ({ uid: 0, gid }));
const REFUSED = 2;

function callFrom(dice: (count: number) => number, letter: string): (fs: FileSystem) => void {
  const [file, other] = [FILES[dice(6)] ?? '', FILES[dice(6)] ?? ''];
  const [at, text] = [dice(4 * PAGE), letter.repeat(3 + dice(dice(2) === 0 ? 50 : 6000))];
  const write = (fs: FileSystem) => {
    const fd = fs.openSync(file, 'r+');
    fs.writeSync(fd, text, at);
    try {
      fs.closeSync(fd);
    } catch {
      // It hears of what was refused (W4).
    }
  };
  const calls: readonly ((fs: FileSystem) => void)[] = [
    write,
    write,
    write,
    (fs) => fs.writeFileSync(file, text),
    (fs) => fs.appendFileSync(file, text),
    (fs) => fs.truncateSync(file, at),
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

/** Whether a file of the tree has what the refused one wrote. */
function hasRefused(fs: UpperFs | FileSystem): boolean {
  return FILES.some((path) => fs.existsSync(path) && `${fs.readFileSync(path, 'latin1')}`.includes('222'));
}

/** Plays a history; answers how often something was refused. */
async function play(seed: number, onError: 'retain' | 'discard'): Promise<number> {
  const dice = diceOf(seed);
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
  upper.refusals.set(REFUSED, { code: 'EDQUOT', at: dice(2) === 0 ? 'open' : 'write' });
  let refused = 0;
  overlay.on('writeback-error', ({ as: author }) => void (author?.gid === REFUSED && refused++));
  for (let step = 0; step < 40; step++) {
    const user = dice(USERS.length);
    const call = callFrom(dice, `${USERS[user]?.gid}`);
    const got = codeOf(call, here[user] ?? overlay.fs);
    const wanted = codeOf(call, there[user] ?? model.fs);
    if (onError === 'retain') expect(got, `seed ${seed}, step ${step}`).toBe(wanted);
    if (dice(8) === 0) await overlay.sync().catch(() => {});
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
  it('gets to the upper by nobody else’s hand, and holds nobody else’s back', async () => {
    const first = OVERFS_SEED === undefined ? Math.floor(Math.random() * 2 ** 30) : Number(OVERFS_SEED);
    const runs = OVERFS_SEED !== undefined ? 1 : OVERFS_SOAK === 'long' ? 2000 : 8;
    let refused = 0;
    for (let run = 0; run < runs; run++) refused += await play(first + run, onError);
    if (runs > 1) expect(refused).toBeGreaterThan(0);
  });
});
