// W11: a sync that is cut after any command: whoever mounts the upper then finds the state before that sync, or the one
// after it.

import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { cutSync, forgetLock, leftovers, mount, newLower, playUpTo, survey, type UpperFs, whichOf } from './rig.ts';
import { type Phase, WORKLOADS } from './workloads.ts';

/** Every command is cut in the soak; here one in so many, others in each phase. */
const STRIDE = process.env.OVERFS_SOAK === 'long' ? 1 : 9;

/** Plays phases up to `last`, which is cut from command `cut` on. */
function play(phases: readonly Phase[], last: number, cut: number) {
  const volume = new Volume();
  const lower = newLower();
  const overlay = mount(volume, { lower });
  const before = playUpTo(overlay, phases, last);
  const isDone = cutSync(overlay, cut);
  const after = survey(overlay.fs);
  return { volume, lower, before, after, isDone, overlay };
}

function mountAgain(volume: InstanceType<typeof Volume>, lower: object) {
  forgetLock(volume as unknown as UpperFs);
  const overlay = mount(volume, { lower });
  return { overlay, shown: survey(overlay.fs) };
}

it.each(Object.entries(WORKLOADS))(
  'W11: %s, cut after every command, is before or after at the next mount',
  (_, phases) => {
    for (let last = 0; last < phases.length; last++) {
      let decided = false;
      for (let cut = 1 + (last % STRIDE); ; cut += STRIDE) {
        const { volume, lower, before, after, isDone } = play(phases, last, cut);
        const { overlay, shown } = mountAgain(volume, lower);
        const where = `phase ${last}, cut from command ${cut} on`;
        const state = whichOf(shown, before, after);
        // What was once decided stays so.
        expect(decided || isDone ? ['after'] : ['before', 'after'], `${where}: ${state}`).toContain(state);
        decided ||= state === 'after' && before.join() !== after.join();
        expect(leftovers(volume as unknown as UpperFs), where).toEqual([]);
        overlay.close();
        if (isDone) break;
      }
    }
  },
);

it.each(Object.entries(WORKLOADS))('W11: %s, cut after every command, and the mount after it cut too', (_, phases) => {
  const last = phases.length - 1;
  for (let cut = 1; ; cut += STRIDE) {
    const { volume, lower, before, after, isDone } = play(phases, last, cut);
    for (let again = 1; again < 60; again += 4) {
      forgetLock(volume as unknown as UpperFs);
      let left = again;
      try {
        mount(
          cutAfter(volume, () => left-- > 0),
          { lower },
        );
      } catch {
        continue;
      }
      break;
    }
    const { overlay, shown } = mountAgain(volume, lower);
    expect(['before', 'after'], `cut ${cut}`).toContain(whichOf(shown, before, after));
    expect(leftovers(volume as unknown as UpperFs)).toEqual([]);
    overlay.close();
    if (isDone) break;
  }
});

const WRITERS = [
  'mkdirSync',
  'openSync',
  'writeSync',
  'ftruncateSync',
  'renameSync',
  'unlinkSync',
  'rmdirSync',
  'symlinkSync',
  'linkSync',
  'chmodSync',
  'lutimesSync',
  'utimesSync',
];

/** The volume, whose writing functions fail once `goes` says no. */
function cutAfter(volume: InstanceType<typeof Volume>, goes: () => boolean): object {
  return new Proxy(volume, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name);
      if (typeof found !== 'function') return found;
      return (...given: unknown[]) => {
        if (WRITERS.includes(String(name)) && !goes()) throw Object.assign(new Error('cut'), { code: 'EIO' });
        return found.apply(target, given);
      };
    },
  });
}

it.each(Object.entries(WORKLOADS))(
  'W11: %s, a cut sync carried on by the same overlay reaches the same end',
  (_, phases) => {
    for (let last = 0; last < phases.length; last++) {
      for (let cut = 1 + (last % STRIDE); ; cut += STRIDE) {
        const { volume, lower, after, isDone, overlay } = play(phases, last, cut);
        expect(survey(overlay.fs)).toEqual(after);
        overlay.syncSync();
        expect(survey(overlay.fs)).toEqual(after);
        expect(leftovers(volume as unknown as UpperFs)).toEqual([]);
        overlay.close();
        const { overlay: next, shown } = mountAgain(volume, lower);
        next.close();
        expect(whichOf(shown, after, after), `phase ${last}, cut ${cut}`).toBe('after');
        if (isDone) break;
      }
    }
  },
);
