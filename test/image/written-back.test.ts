// `changes()` while an upper gets what was changed, and when it is mounted again: always what makes of the lowers what
// there is.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import { auditChanges, pictureOf } from '../chaos/books.ts';
import { Dice } from '../dice.ts';
import { callFrom, outcomeOf } from '../writeback/meanwhile.ts';
import { type FileSystem, forgetLock, mount, newLower, PAGE, type UpperFs } from '../writeback/rig.ts';

const FIRST = Number(process.env.OVERFS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env.OVERFS_RUNS ?? 40);

/** Changes, syncs and mounts again at random. */
function play(seed: number): void {
  const dice = new Dice(seed);
  const lower = newLower();
  const pristine = pictureOf(createOverlay({ lower }).fs);
  const upper = new Volume();
  const options = { lower, cache: { maxBytes: 8 * PAGE, maxEntries: dice.pick([0, 1000]) } };
  // A name that nobody has looked at is not known to be another name of a file that was changed (README, Limits).
  const mountAgain = () => {
    const overlay = mount(upper, options);
    pictureOf(overlay.fs);
    return overlay;
  };
  let overlay = mountAgain();
  const audit = () => {
    const early = [...overlay.changes()];
    const now = pictureOf(overlay.fs);
    for (const changes of [early, [...overlay.changes()]]) auditChanges(pristine, now, changes);
  };
  const open = new Map<string, number>();
  for (let round = 0; round < 6; round++) {
    for (let i = dice.below(10); i >= 0; i--) outcomeOf(callFrom(dice), overlay.fs, open);
    audit();
    overlay.syncSync();
    audit();
    if (dice.below(2) === 0) continue;
    for (const fd of open.values()) overlay.fs.closeSync(fd);
    open.clear();
    overlay.close();
    overlay = mountAgain();
    audit();
  }
  overlay.close();
}

it('C3, W8: changes() tells all that differs from the lowers, before and after it has reached the upper', () => {
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    try {
      play(seed);
    } catch (thrown) {
      throw new Error(`OVERFS_SEED=${seed} OVERFS_RUNS=1`, { cause: thrown });
    }
  }
});

/** What is done to the tree of `newLower`, and what `changes()` tells of it. */
const DEEDS: Record<string, readonly [(fs: FileSystem) => void, readonly string[]]> = {
  'a mode': [(fs) => fs.chmodSync('/src/f0', 0o600), ['attributes /src/f0']],
  'an owner': [(fs) => fs.chownSync('/src/f0', 5, 6), ['attributes /src/f0']],
  times: [(fs) => fs.utimesSync('/src/f0', 1, 2), ['attributes /src/f0']],
  'a mode and its old one again': [
    (fs) => {
      fs.chmodSync('/src/f0', 0o600);
      fs.chmodSync('/src/f0', 0o666);
    },
    ['attributes /src/f0'],
  ],
  'times of a link': [(fs) => fs.lutimesSync('/ln', 1, 2), ['attributes /ln']],
  'a mode of a file of two names': [
    (fs) => {
      fs.statSync('/lib/twin');
      fs.chmodSync('/src/f1', 0o600);
    },
    ['attributes /lib/twin', 'attributes /src/f1'],
  ],
  'a mode of a directory': [(fs) => fs.chmodSync('/src', 0o700), ['attributes /src']],
  'times of a directory': [(fs) => fs.utimesSync('/src', 1, 2), ['attributes /src']],
  'a mode of the root': [(fs) => fs.chmodSync('/', 0o700), ['attributes /']],
  'times of the root': [(fs) => fs.utimesSync('/', 1, 2), ['attributes /']],
  'a further name': [(fs) => fs.linkSync('/src/f0', '/more'), ['added /more']],
  content: [(fs) => fs.appendFileSync('/src/f0', 'x'), ['modified /src/f0']],
  'content and a mode': [
    (fs) => {
      fs.chmodSync('/src/f0', 0o600);
      fs.appendFileSync('/src/f0', 'x');
    },
    ['modified /src/f0'],
  ],
  'the same content, new': [(fs) => fs.writeFileSync('/src/f0', fs.readFileSync('/src/f0')), ['modified /src/f0']],
  'removed and made again': [
    (fs) => {
      fs.unlinkSync('/src/f0');
      fs.writeFileSync('/src/f0', '');
    },
    ['modified /src/f0'],
  ],
  'a directory removed and made again': [
    (fs) => {
      fs.rmSync('/src', { recursive: true });
      fs.mkdirSync('/src');
    },
    ['removed /src', 'added /src'],
  ],
  'a directory instead of a file': [
    (fs) => {
      fs.unlinkSync('/src/f0');
      fs.mkdirSync('/src/f0');
    },
    ['removed /src/f0', 'added /src/f0'],
  ],
  'a copy': [(fs) => fs.copyFileSync('/src/f0', '/copy'), ['added /copy']],
  removed: [(fs) => fs.unlinkSync('/src/f0'), ['removed /src/f0']],
};

const toldBy = (overlay: Overlay) => [...overlay.changes()].map(({ kind, path }) => `${kind} ${path}`);

describe('C4, W8: changes() tells the same before a write-back, behind it, and when the upper is mounted again', () => {
  for (const [name, [deed, wanted]] of Object.entries(DEEDS)) {
    it(name, () => {
      const upper = new Volume();
      const root = { credentials: { uid: 0, gid: 0 } };
      let overlay = mount(upper, root);
      deed(overlay.fs);
      expect(toldBy(overlay)).toEqual(wanted);
      overlay.syncSync();
      expect(toldBy(overlay)).toEqual(wanted);
      overlay.close();
      overlay = mount(upper, root);
      expect(toldBy(overlay)).toEqual(wanted);
      pictureOf(overlay.fs);
      overlay.fs.writeFileSync('/other', '');
      overlay.fs.unlinkSync('/other');
      overlay.syncSync();
      expect(toldBy(overlay)).toEqual(wanted);
      overlay.close();
    });
  }

  it('where a crash came between', () => {
    const upper = new Volume();
    const dying = mount(upper);
    dying.fs.chmodSync('/src/f0', 0o600);
    dying.fs.chmodSync('/', 0o700);
    let commands = Number.POSITIVE_INFINITY;
    dying.on('command', (command) => {
      if (command.kind === 'rename' && command.to.endsWith('/journal')) commands = 1;
      if (commands-- <= 0) throw new Error('cut');
    });
    expect(() => dying.syncSync()).toThrow();
    forgetLock(upper as unknown as UpperFs);
    const overlay = mount(upper);
    expect(toldBy(overlay)).toEqual(['attributes /', 'attributes /src/f0']);
    overlay.close();
  });

  it('of a directory that was moved, changed and moved back', () => {
    const upper = new Volume();
    let overlay = mount(upper);
    overlay.fs.renameSync('/src/deep', '/moved');
    overlay.syncSync();
    overlay.fs.chmodSync('/moved', 0o700);
    overlay.fs.renameSync('/moved', '/src/deep');
    overlay.syncSync();
    const wanted = toldBy(overlay);
    expect(wanted.slice(0, 3)).toEqual(['removed /src/deep', 'added /src/deep', 'added /src/deep/deeper']);
    overlay.close();
    overlay = mount(upper);
    expect(toldBy(overlay)).toEqual(wanted);
    overlay.close();
  });

  it('of what is made in a new directory while the upper gets that', async () => {
    const overlay = mount(new Volume());
    const { fs } = overlay;
    fs.mkdirSync('/new');
    fs.writeFileSync('/new/early', '');
    let isFirst = true;
    overlay.on('command', () => {
      if (!isFirst) return;
      isFirst = false;
      fs.mkdirSync('/new/in');
      fs.writeFileSync('/new/in/late', '');
    });
    await overlay.sync();
    const wanted = ['added /new', 'added /new/early', 'added /new/in', 'added /new/in/late'];
    expect(toldBy(overlay)).toEqual(wanted);
    overlay.syncSync();
    expect(toldBy(overlay)).toEqual(wanted);
    overlay.close();
  });

  it('of what the upper refuses in a new directory that it gets', () => {
    const overlay = mount(new Volume());
    overlay.fs.mkdirSync('/new');
    overlay.fs.writeFileSync('/new/file', 'refused');
    let isRefused = true;
    overlay.on('command', ({ kind }) => {
      if (kind === 'put' && isRefused) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    });
    expect(() => overlay.syncSync()).toThrow();
    expect(toldBy(overlay)).toEqual(['added /new', 'added /new/file']);
    isRefused = false;
    overlay.syncSync();
    expect(toldBy(overlay)).toEqual(['added /new', 'added /new/file']);
    overlay.close();
  });

  it('what is done further counts: to content, to attributes, by a rename, by another tool, by a lower', () => {
    const [upper, lower] = [new Volume(), newLower().fs as InstanceType<typeof Volume>];
    const again = () => mount(upper, { lower: { fs: lower, immutable: true } });
    const deeds: (readonly [(fs: FileSystem) => void, string])[] = [
      [(fs) => fs.chmodSync('/src/f2', 0o600), 'attributes /src/f2'],
      [(fs) => fs.chmodSync('/src/f2', 0o640), 'attributes /src/f2'],
      [(fs) => fs.appendFileSync('/src/f2', '!'), 'modified /src/f2'],
      [(fs) => fs.chmodSync('/src/f2', 0o600), 'modified /src/f2'],
    ];
    for (const [deed, wanted] of deeds) {
      const overlay = again();
      deed(overlay.fs);
      expect(toldBy(overlay)).toEqual([wanted]);
      overlay.syncSync();
      expect(toldBy(overlay)).toEqual([wanted]);
      overlay.close();
    }
    let overlay = again();
    overlay.fs.linkSync('/src/f3', '/more');
    for (const name of ['/src/f0', '/src/deep/g0', '/src/deep/g1']) overlay.fs.chmodSync(name, 0o600);
    overlay.close();
    overlay = again();
    overlay.fs.renameSync('/src/f0', '/src/f2');
    overlay.close();
    upper.appendFileSync('/src/deep/g0', 'by a tool');
    lower.appendFileSync('/src/deep/g1', 'by a tool');
    overlay = again();
    expect(toldBy(overlay)).toEqual([
      'added /more',
      'modified /src/deep/g0',
      'modified /src/deep/g1',
      'removed /src/f0',
      'modified /src/f2',
    ]);
    overlay.close();
  });
});
