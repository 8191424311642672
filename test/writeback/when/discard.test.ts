// `onError: 'discard'`: what the upper refuses is given up, said so, and the file is again what the upper or a lower
// has.

import nodeFs from 'node:fs';
import { join } from 'node:path';
import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { useDirectories } from '../directories.ts';
import {
  bytesTold,
  Fault,
  type FileSystem,
  forgetLock,
  leftovers,
  mount,
  newLower,
  survey,
  type UpperFs,
} from '../rig.ts';
import { WORKLOADS } from '../workloads.ts';

const STRIDE = process.env.OVERFS_SOAK === 'long' ? 1 : 5;

const newDirectory = useDirectories();

/** An overlay whose upper refuses contents that begin with `refused`. */
function setUp(lower: object = newLower()) {
  const volume = new Volume();
  const overlay = mount(volume, { lower, writeback: { onError: 'discard' } });
  const told: string[] = [];
  overlay.on('writeback-error', ({ path, code, discarded }) => told.push(`${code} ${path} ${discarded}`));
  overlay.on('command', (command) => {
    if (bytesTold(command)?.toString().startsWith('refused') !== true) return;
    throw Object.assign(new Error('full'), { code: 'EDQUOT' });
  });
  const sync = () => expect(() => overlay.syncSync()).toThrow(AggregateError);
  return { volume, lower, overlay, fs: overlay.fs, told, sync };
}

it('a file of the upper is what the upper has again, for open descriptors too', () => {
  const { volume, overlay, fs, told, sync } = setUp();
  fs.writeFileSync('/file', 'taken', { mode: 0o640 });
  // To the microsecond, which not every upper has.
  fs.utimesSync('/file', 5, 1234.567891);
  overlay.syncSync();
  const { mtimeMs } = fs.statSync('/file');
  expect(mtimeMs).toBeCloseTo(1234567.891, 1);
  const fd = fs.openSync('/file', 'r+');
  fs.writeSync(fd, 'refused and longer', 0);
  fs.fchmodSync(fd, 0o600);
  sync();
  expect(told).toEqual(['EDQUOT /file true']);
  expect(fs.readFileSync(fd, 'utf8')).toBe('taken');
  expect(fs.statSync('/file')).toMatchObject({ size: 5, mode: 0o100640, mtimeMs });
  expect(overlay.statistics().dirtyBytes).toBe(0);
  expect(() => fs.fsyncSync(fd)).toThrow('EDQUOT');
  // Nothing is tried again; what is written now is.
  overlay.syncSync();
  fs.writeSync(fd, 'later', 0);
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  expect(volume.readFileSync('/file', 'utf8')).toBe('later');
  overlay.close();
});

it('a file of a lower is the lower’s again, and follows it', () => {
  const lower = Volume.fromJSON({ '/file': 'the lower’s', '/other': 'x' });
  const overlay = createOverlay({
    lower,
    upper: new Volume(),
    writeback: { onError: 'discard' },
    limits: { inodes: 5 },
  });
  overlay.on('command', (command) => {
    if (bytesTold(command)?.toString() === 'mine') {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    }
  });
  const { fs } = overlay;
  const fd = fs.openSync('/file', 'r');
  fs.writeFileSync('/file', 'mine');
  expect(() => overlay.syncSync()).toThrow(AggregateError);
  expect(fs.readFileSync('/file', 'utf8')).toBe('the lower’s');
  lower.writeFileSync('/file', 'changed below');
  expect(fs.readFileSync('/file', 'utf8')).toBe('changed below');
  expect(fs.readFileSync(fd, 'utf8')).toBe('changed below');
  expect([...overlay.changes()]).toEqual([]);
  expect(fs.statfsSync('/').ffree).toBe(5);
  overlay.close();
});

it('a new file goes; where it has replaced another, that is there again', () => {
  const { lower, volume, overlay, fs, told, sync } = setUp();
  fs.writeFileSync('/kept', 'of the upper');
  fs.mkdirSync('/d');
  overlay.syncSync();
  fs.writeFileSync('/new', 'refused');
  fs.writeFileSync('/d/new', 'refused');
  fs.writeFileSync('/tmp1', 'refused');
  fs.renameSync('/tmp1', '/kept');
  fs.writeFileSync('/tmp2', 'refused');
  fs.renameSync('/tmp2', '/src/f0');
  fs.writeFileSync('/fine', 'taken');
  const fd = fs.openSync('/new', 'r+');
  sync();
  expect(told.sort()).toEqual(['/d/new', '/kept', '/new', '/src/f0'].map((path) => `EDQUOT ${path} true`));
  expect(fs.readdirSync('/d')).toEqual([]);
  expect(fs.existsSync('/new')).toBe(false);
  expect(fs.readFileSync(fd, 'utf8')).toBe('');
  expect(fs.readFileSync('/kept', 'utf8')).toBe('of the upper');
  expect(fs.statSync('/src/f0').size).toBe(100);
  expect(volume.readFileSync('/fine', 'utf8')).toBe('taken');
  expect(() => fs.closeSync(fd)).toThrow('EDQUOT');
  overlay.syncSync();
  const shown = survey(fs);
  overlay.close();
  const next = mount(volume, { lower });
  expect(survey(next.fs)).toEqual(shown);
  next.close();
});

it.each(Object.entries(WORKLOADS))(
  '%s: whatever is refused, overlay and upper show the same afterwards',
  (_, phases) => {
    for (let k = 1; ; k += STRIDE) {
      const volume = new Volume();
      const lower = newLower();
      const overlay = mount(volume, { lower, writeback: { onError: 'discard' } });
      survey(overlay.fs);
      phases[0]?.(overlay.fs);
      overlay.syncSync();
      phases[1]?.(overlay.fs);
      const fault = new Fault(overlay);
      fault.arm(k, k, Object.assign(new Error('full'), { code: 'ENOSPC' }));
      try {
        overlay.syncSync();
      } catch {
        // It is told.
      }
      const isStruck = fault.count >= k;
      fault.disarm();
      overlay.syncSync();
      const shown = survey(overlay.fs);
      forgetLock(volume as unknown as UpperFs);
      const next = mount(volume, { lower });
      expect(survey(next.fs), `command ${k}`).toEqual(shown);
      next.close();
      expect(leftovers(volume as unknown as UpperFs)).toEqual([]);
      if (!isStruck) break;
    }
  },
);

it.each(['upper', 'lower'])(
  'C2: a file of the %s has a name again that the file had taken which is given up',
  (where) => {
    const { overlay, fs, sync } = setUp();
    const [kept, taken] = where === 'upper' ? ['/one', '/two'] : ['/src/f1', '/lib/twin'];
    if (where === 'upper') {
      fs.writeFileSync(kept, 'old');
      fs.linkSync(kept, taken);
      overlay.syncSync();
    }
    expect(fs.statSync(taken).ino).toBe(fs.statSync(kept).ino);
    fs.writeFileSync('/new', 'refused');
    fs.renameSync('/new', taken);
    expect(fs.statSync(kept).nlink).toBe(1);
    sync();
    for (const name of [kept, taken]) expect(fs.statSync(name)).toMatchObject({ nlink: 2, ino: fs.statSync(kept).ino });
    fs.writeFileSync(taken, 'changed');
    expect(fs.readFileSync(kept, 'utf8')).toBe('changed');
    fs.unlinkSync(taken);
    expect(fs.statSync(kept).nlink).toBe(1);
    expect(fs.readFileSync(kept, 'utf8')).toBe('changed');
    overlay.close();
  },
);

it('W4: nothing is called discarded where a batch fails as a whole: it stays dirty, and is told as that', () => {
  const volume = new Volume();
  const overlay = mount(volume, { lower: Volume.fromJSON({ '/file': 'old' }), writeback: { onError: 'discard' } });
  const { fs } = overlay;
  const told: string[] = [];
  overlay.on('writeback-error', ({ path, code, discarded }) => told.push(`${code} ${path} ${discarded}`));
  // Contents and the journal alike.
  let isFull = true;
  overlay.on('command', (command) => {
    if (isFull && bytesTold(command) !== undefined) throw Object.assign(new Error('full'), { code: 'EDQUOT' });
  });
  fs.writeFileSync('/file', 'mine');
  fs.writeFileSync('/new', 'mine');
  expect(() => overlay.syncSync()).toThrow('EDQUOT');
  expect(told).toContain('EDQUOT /file false');
  expect(told).toContain('EDQUOT /new false');
  expect(told.filter((each) => each.endsWith('true'))).toEqual([]);
  for (const path of ['/file', '/new']) expect(fs.readFileSync(path, 'utf8')).toBe('mine');
  isFull = false;
  overlay.close();
  for (const path of ['/file', '/new']) expect(volume.readFileSync(path, 'utf8')).toBe('mine');
});

it('T4: a file that is only open has its name again when the one that had taken it is given up', () => {
  const { overlay, fs, sync } = setUp();
  fs.writeFileSync('/file', 'old');
  overlay.syncSync();
  const fd = fs.openSync('/file', 'r+');
  fs.writeFileSync('/new', 'refused');
  fs.renameSync('/new', '/file');
  expect(fs.fstatSync(fd).nlink).toBe(0);
  sync();
  expect(fs.fstatSync(fd)).toMatchObject({ nlink: 1, ino: fs.statSync('/file').ino });
  fs.writeSync(fd, 'OLD', 0);
  fs.closeSync(fd);
  expect(fs.readFileSync('/file', 'utf8')).toBe('OLD');
  overlay.close();
});

/** Expects that all shows as before, `/file` with this number, when the upper is mounted again. */
function expectSameAgain(overlay: Overlay, upper: object, lower: object, ino: number): void {
  overlay.syncSync();
  const shown = survey(overlay.fs);
  overlay.close();
  const again = mount(upper, { lower });
  expect(survey(again.fs)).toEqual(shown);
  expect(again.fs.statSync('/file').ino).toBe(ino);
  again.close();
}

it.each([
  ['replaced', (fs: FileSystem) => fs.renameSync('/new', '/file')],
  ['removed', (fs: FileSystem) => fs.rmSync('/file')],
])('T4, C3: a lower’s file that is only open has its name again, and its number: %s', (how, leave) => {
  const lower = Volume.fromJSON({ '/file': 'old', '/other': 'x' });
  const { volume, overlay, fs, sync } = setUp(lower);
  const { ino } = fs.statSync('/file');
  const fd = fs.openSync('/file', 'r+');
  if (how === 'replaced') fs.writeFileSync('/new', 'refused');
  leave(fs);
  if (how === 'removed') fs.writeFileSync('/file', 'refused');
  expect(fs.fstatSync(fd)).toMatchObject({ nlink: 0, ino });
  sync();
  for (const stats of [fs.statSync('/file'), fs.fstatSync(fd)]) expect(stats).toMatchObject({ nlink: 1, ino });
  fs.writeSync(fd, 'OLD', 0);
  expect(fs.readFileSync('/file', 'utf8')).toBe('OLD');
  fs.closeSync(fd);
  expect(fs.readdirSync('/')).toEqual(['file', 'other']);
  expectSameAgain(overlay, volume, lower, ino);
});

it.each([1, 2])(
  'C3: a lower’s file of %i names that was copied over is itself again, for who has it open too',
  (names) => {
    const lower = Volume.fromJSON({ '/file': 'old', '/other': 'x' });
    if (names === 2) lower.linkSync('/file', '/twin');
    const { volume, overlay, fs, sync } = setUp(lower);
    const before = survey(fs);
    const { ino } = fs.statSync('/file');
    const fd = fs.openSync('/file', 'r');
    fs.writeFileSync('/new', 'refused');
    fs.copyFileSync('/new', '/file');
    expect(fs.readFileSync(fd, 'utf8')).toBe('refused');
    sync();
    expect(survey(fs)).toEqual(before);
    for (const stats of [fs.statSync('/file'), fs.fstatSync(fd)]) expect(stats).toMatchObject({ nlink: names, ino });
    lower.writeFileSync('/file', 'changed below');
    expect(fs.readFileSync('/file', 'utf8')).toBe('changed below');
    fs.writeFileSync('/file', 'mine');
    expect(fs.readSync(fd, Buffer.alloc(9), 0, 9, 0)).toBe(4);
    fs.closeSync(fd);
    expectSameAgain(overlay, volume, lower, ino);
  },
);

it.each(['by who hears of it', 'while it is given up'])(
  'W2: what is written to a file %s is not given up',
  async (when) => {
    const { volume, overlay, fs, told, sync } = setUp();
    fs.writeFileSync('/old', 'taken');
    overlay.syncSync();
    const write = () => {
      for (const path of ['/old', '/new']) fs.writeFileSync(path, `newer ${path}`);
    };
    if (when === 'by who hears of it') overlay.once('writeback-error', write);
    else {
      overlay.on('command', ({ kind }) => {
        if (kind === 'lstat' && told.length > 0) write();
      });
    }
    fs.writeFileSync('/old', 'refused old');
    fs.writeFileSync('/new', 'refused new');
    fs.writeFileSync('/other', 'refused other');
    sync();
    expect(told).toHaveLength(3);
    overlay.removeAllListeners('command');
    const wanted = { '/old': 'newer /old', '/new': 'newer /new' };
    for (const [path, text] of Object.entries(wanted)) expect(fs.readFileSync(path, 'utf8')).toBe(text);
    await overlay.sync();
    for (const [path, text] of Object.entries(wanted)) expect(volume.readFileSync(path, 'utf8')).toBe(text);
    expect(fs.readdirSync('/')).not.toContain('other');
    overlay.close();
    const survivors = volume.readdirSync('/').filter((name) => name !== '.overfs');
    expect(survivors).toEqual(['new', 'old']);
  },
);

it('C2: a file of a lower has no name again that the upper hides, or that is another’s since the upper has the file', () => {
  for (const before of [
    ({ fs, syncSync }: Pick<Overlay, 'fs' | 'syncSync'>) => {
      fs.unlinkSync('/lib/twin');
      syncSync();
    },
    ({ fs }: Pick<Overlay, 'fs'>) => fs.chmodSync('/src/f1', 0o600),
  ]) {
    const { volume, lower, overlay, fs, sync } = setUp();
    expect(fs.statSync('/lib/twin').ino).toBe(fs.statSync('/src/f1').ino);
    before({ fs, syncSync: () => overlay.syncSync() });
    fs.writeFileSync('/new', 'refused');
    fs.renameSync('/new', '/lib/twin');
    sync();
    const see = (overlay: Overlay) => [overlay.fs.existsSync('/lib/twin'), overlay.fs.statSync('/src/f1').nlink];
    const seen = see(overlay);
    expect(seen[1]).toBe(1);
    overlay.close();
    const again = mount(volume, { lower });
    expect(see(again)).toEqual(seen);
    again.close();
  }
});

it('what is no policy is refused by name', () => {
  expect(() => createOverlay({ lower: [], writeback: { onError: 'ignore' as 'retain' } })).toThrow(
    `The option "writeback.onError" must be 'retain' or 'discard'. Received 'ignore'`,
  );
});

it('C2: a name that a file of a lower has lost is lost still, and not counted after a mount', () => {
  const { volume, lower, overlay, fs, sync } = setUp();
  fs.statSync('/lib/twin');
  fs.writeFileSync('/src/f1', 'refused');
  fs.unlinkSync('/lib/twin');
  sync();
  expect(fs.statSync('/src/f1')).toMatchObject({ size: 3100, nlink: 1 });
  overlay.close();
  const again = mount(volume, { lower });
  expect(again.fs.statSync('/src/f1')).toMatchObject({ size: 3100, nlink: 1 });
  again.close();
});

it('W2: a file that is about to be given up when a synchronous call takes over is tried again', async () => {
  let isReached = true;
  for (let at = 1; isReached; at++) {
    const directory = newDirectory();
    const overlay = mount({ fs: nodeFs, root: directory }, { writeback: { onError: 'discard' } });
    overlay.fs.writeFileSync('/file', 'old');
    overlay.syncSync();
    overlay.fs.writeFileSync('/file', 'refused once');
    let count = 0;
    let isRefused = false;
    overlay.on('command', (command) => {
      if (++count === at) queueMicrotask(() => overlay.syncSync());
      if (isRefused || bytesTold(command)?.toString() !== 'refused once') return;
      isRefused = true;
      throw Object.assign(new Error('full'), { code: 'EDQUOT' });
    });
    await overlay.sync().catch(() => undefined);
    isReached = count >= at;
    overlay.removeAllListeners('command');
    await new Promise(setImmediate);
    overlay.syncSync();
    expect(overlay.statistics().dirtyBytes, `taken over at command ${at}`).toBe(0);
    const shown = overlay.fs.readFileSync('/file', 'utf8');
    overlay.close();
    expect(nodeFs.readFileSync(join(directory, 'file'), 'utf8'), `taken over at command ${at}`).toBe(shown);
  }
});

it.each(['upper', 'lower'])('W2: what was written to a file of the %s that shows again is written back', (where) => {
  const { volume, overlay, fs, sync } = setUp();
  const path = where === 'upper' ? '/file' : '/big';
  if (where === 'upper') fs.writeFileSync(path, 'old');
  overlay.syncSync();
  const fd = fs.openSync(path, 'r');
  fs.writeFileSync(path, 'newer');
  fs.writeFileSync('/other', 'refused');
  fs.renameSync('/other', path);
  sync();
  const shown = fs.readFileSync(path, 'utf8');
  fs.closeSync(fd);
  overlay.syncSync();
  expect(fs.readFileSync(path, 'utf8')).toBe(shown);
  expect(overlay.statistics().dirtyBytes).toBe(0);
  if (volume.existsSync(path)) expect(volume.readFileSync(path, 'utf8')).toBe(shown);
  overlay.close();
});
