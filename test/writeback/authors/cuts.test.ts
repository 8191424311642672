// W13, W11: a write-back of what several users wrote, cut after every command. The next mount of the upper finds the
// state before that sync or the one after it. The same with one user refused, with every command failing in turn, and
// with stacked overlays.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import {
  cutSync,
  Fault,
  type FileSystem,
  failing,
  forgetLock,
  leftovers,
  newLower,
  PAGE,
  survey,
  type UpperFs,
  whichOf,
  writeAt,
} from '../rig.ts';
import { ActingUpper, failuresOf, makeShared } from './acting.ts';

const STRIDE = process.env.OVERFS_SOAK === 'long' ? 1 : 7;

/** What a tree shows, but for the times of files of the lower, which is made anew for each scene. */
function looksOf(fs: FileSystem): string[] {
  return survey(fs).map((line) => line.replace(/ (?!10{18} )\d{19} /, ' a time of the lower '));
}

/** The overlay itself, and two of its guests. */
type Users = readonly [own: FileSystem, one: FileSystem, two: FileSystem];

/** Each scene has a lower of its own, since overlays are left open. */
function open(upper: ActingUpper, lower: object): { overlay: Overlay; users: Users } {
  const { fs, as } = upper;
  const overlay = createOverlay({ lower, upper: { fs, as }, pageSize: PAGE, umask: 0, clock: () => 1e12 });
  return { overlay, users: [overlay.fs, overlay.as({ uid: 1, gid: 1 }), overlay.as({ uid: 2, gid: 2 })] };
}

/** What is there to begin with. */
function prepare([own, one]: Users): void {
  own.chmodSync('/', 0o777);
  makeShared(own, '/shared', 'x'.repeat(3 * PAGE));
  makeShared(own, '/twins', 'y'.repeat(2 * PAGE));
  own.linkSync('/twins', '/twin');
  own.chmodSync('/big', 0o666);
  one.mkdirSync('/of-one');
}

/** What is cut. */
function change([own, one, two]: Users): void {
  writeAt(one, '/shared', 'of one', 10);
  writeAt(two, '/shared', 'of two', PAGE - 3);
  writeAt(two, '/shared', 'of two', 4 * PAGE);
  writeAt(two, '/twin', 'of two', 5);
  writeAt(one, '/twins', 'of one', 50);
  writeAt(one, '/big', 'of one', 5 * PAGE);
  writeAt(two, '/big', 'of two', 5 * PAGE + 100);
  one.writeFileSync('/of-one/new', 'of one');
  two.mkdirSync('/of-two', 0o755);
  two.writeFileSync('/of-two/new', 'of two');
  two.copyFileSync('/shared', '/of-two/copy');
  own.renameSync('/of-one', '/moved');
  own.writeFileSync('/own', 'own');
}

function begun(refused: boolean): { upper: ActingUpper; overlay: Overlay; lower: object; before: string[] } {
  const upper = new ActingUpper();
  const lower = newLower();
  const { overlay, users } = open(upper, lower);
  prepare(users);
  overlay.syncSync();
  const before = looksOf(overlay.fs);
  change(users);
  if (refused) upper.refusals.set(2, { code: 'EDQUOT', at: 'write' });
  return { upper, overlay, lower, before };
}

/** What the next process finds. */
function found({ upper, lower }: { upper: ActingUpper; lower: object }): string[] {
  forgetLock(upper.volume as unknown as UpperFs);
  const { overlay } = open(upper, lower);
  const shown = looksOf(overlay.fs);
  expect(leftovers(upper.volume as unknown as UpperFs)).toEqual([]);
  overlay.close();
  return shown;
}

describe.each([
  ['nobody is refused', false],
  ['one is refused', true],
])('W11, W13: %s', (_, refused) => {
  it('and the sync is cut after every command', () => {
    const whole = begun(refused);
    if (refused) failuresOf(whole.overlay);
    else whole.overlay.syncSync();
    const after = found(whole);
    let isDecided = false;
    for (let cut = 1; ; cut += STRIDE) {
      const scene = begun(refused);
      const { overlay, before } = scene;
      let commands = 0;
      overlay.on('command', () => void commands++);
      cutSync(overlay, cut);
      const state = whichOf(found(scene), before, after);
      expect(isDecided ? ['after'] : ['before', 'after'], `cut ${cut}: ${state}`).toContain(state);
      isDecided ||= state === 'after';
      if (commands < cut) break;
    }
    expect(isDecided).toBe(true);
  });

  it('and a sync that was cut is gone on with by the same overlay', () => {
    for (let cut = 1; ; cut += STRIDE) {
      const scene = begun(refused);
      const { upper, overlay } = scene;
      const wanted = looksOf(overlay.fs);
      let commands = 0;
      overlay.on('command', () => void commands++);
      cutSync(overlay, cut);
      expect(looksOf(overlay.fs), `cut ${cut}`).toEqual(wanted);
      upper.refusals.clear();
      overlay.syncSync();
      expect(looksOf(overlay.fs), `cut ${cut}`).toEqual(wanted);
      expect(overlay.statistics().dirtyBytes).toBe(0);
      expect(whichOf(found(scene), wanted, wanted), `cut ${cut}`).toBe('after');
      if (commands < cut) break;
    }
  });

  it('and every command fails in turn', () => {
    for (let k = 1; ; k += STRIDE) {
      const scene = begun(refused);
      const { upper, overlay } = scene;
      const wanted = looksOf(overlay.fs);
      const fault = new Fault(overlay);
      fault.arm(k, k, failing('EIO'));
      try {
        overlay.syncSync();
      } catch {
        // It is told; what counts is what is left.
      }
      const isStruck = fault.count >= k;
      fault.disarm();
      expect(looksOf(overlay.fs), `command ${k}`).toEqual(wanted);
      if (refused) expect(upper.writersOf('of two').filter((uid) => uid !== 0 && uid !== 2)).toEqual([]);
      upper.refusals.clear();
      overlay.syncSync();
      expect(looksOf(overlay.fs), `command ${k}`).toEqual(wanted);
      expect(leftovers(upper.volume as unknown as UpperFs)).toEqual([]);
      expect(whichOf(found(scene), wanted, wanted), `command ${k}`).toBe('after');
      if (!isStruck) break;
    }
  });
});

it('W13: an overlay that is the upper passes on for whom it writes', () => {
  const upper = new ActingUpper();
  const { fs, as } = upper;
  const below = createOverlay({ lower: [], upper: { fs, as }, umask: 0 });
  const between = { fs: below.fs, as: (who: { uid: number; gid: number }) => below.as(who) };
  const overlay = createOverlay({ lower: [], upper: between, umask: 0 });
  overlay.fs.chmodSync('/', 0o777);
  const [one, two] = [overlay.as({ uid: 1, gid: 1 }), overlay.as({ uid: 2, gid: 2 })];
  makeShared(overlay.fs, '/shared', 'own text');
  one.appendFileSync('/shared', 'text of one');
  two.appendFileSync('/shared', 'text of two');
  upper.refusals.set(2, { code: 'EACCES', at: 'write' });
  overlay.syncSync();
  expect(failuresOf(below)).toEqual(['EACCES /shared']);
  expect(upper.read('/shared')).toBe('own texttext of one');
  expect(upper.writersOf('text of one')).toContain(1);
  upper.refusals.clear();
  below.syncSync();
  expect(upper.read('/shared')).toBe('own texttext of onetext of two');
  expect(upper.writersOf('text of two')).toEqual([2]);
  overlay.close();
  below.close();
});

it('W13: without an `as`, and with one that is not used, the commands are the same', () => {
  const kindsFor = (as: object) => {
    const volume = new Volume();
    const overlay = createOverlay({
      lower: newLower(),
      upper: { fs: volume, ...as },
      pageSize: PAGE,
      clock: () => 1e12,
    });
    const kinds: string[] = [];
    overlay.on('command', ({ kind }) => void kinds.push(kind));
    overlay.fs.writeFileSync('/new', 'new');
    overlay.fs.appendFileSync('/big', 'more');
    overlay.fs.mkdirSync('/made/deep', { recursive: true });
    overlay.fs.writeFileSync('/made/deep/file', 'file', { mode: 0o600 });
    overlay.syncSync();
    overlay.fs.appendFileSync('/big', 'and more');
    overlay.close();
    return kinds;
  };
  const kinds = kindsFor({});
  expect(kindsFor({ as: () => new Volume() })).toEqual(kinds);
});
