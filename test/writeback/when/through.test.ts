// W7: writing through. Every change is in the upper when its call returns; what the upper refuses is the error of that
// call, and leaves everything as it was.

import nodeFs from 'node:fs';
import { Volume } from 'memfs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { Slab } from '../../../lib/pages/slab.ts';
import type { Command } from '../../../lib/writeback/commands.ts';
import { useDirectories } from '../directories.ts';
import {
  bytesOf,
  bytesTold,
  Fault,
  type FileSystem,
  failing,
  forgetLock,
  leftovers,
  mount,
  newLower,
  PAGE,
  survey,
  type UpperFs,
} from '../rig.ts';
import { HeldUpper } from './held-upper.ts';

const STRIDE = process.env.OVERFS_SOAK === 'long' ? 1 : 3;

const newTop = useDirectories();
let directory: string;
beforeEach(() => {
  directory = newTop();
});

it('W7: questions to a lower that is an overlay take nothing from the change under way', () => {
  const below = createOverlay({ lower: directory });
  below.fs.writeFileSync('/f', 'below');
  below.fs.mkdirSync('/d');
  const upper = Volume.fromJSON({});
  const { fs } = createOverlay({ lower: below, upper, writeback: 'through' });
  const fd = fs.openSync('/f', 'r+');
  fs.writeSync(fd, 'W', 0);
  expect(upper.readFileSync('/f', 'utf8')).toBe('Welow');
  fs.closeSync(fd);
  fs.writeFileSync('/d/new', 'new');
  expect(upper.readFileSync('/d/new', 'utf8')).toBe('new');
  fs.truncateSync('/f', 2);
  expect(upper.readFileSync('/f', 'utf8')).toBe('We');
  fs.rmSync('/d', { recursive: true });
  expect(upper.readdirSync('/')).toContain('.wh.d');
});

it('W7: without an upper a volume in memory is made at once, which has each change', () => {
  const overlay = createOverlay({ lower: directory, writeback: 'through' });
  const upper = overlay.upper as InstanceType<typeof Volume>;
  overlay.fs.mkdirSync('/d');
  for (const name of ['1', '2', '3']) {
    overlay.fs.writeFileSync(`/d/${name}`, name);
    expect(upper.readFileSync(`/d/${name}`, 'utf8')).toBe(name);
  }
  overlay.close();
});

it('W7 T1: what is kept to take a change back is let go when it stands', () => {
  const [taken, given] = [vi.spyOn(Slab.prototype, 'take'), vi.spyOn(Slab.prototype, 'giveBack')];
  try {
    const { fs } = createOverlay({ lower: [], writeback: 'through', pageSize: PAGE });
    // Such a file never gets to the upper, so that its pages are dirty at every change.
    const fd = fs.openSync('/', fs.constants.O_RDWR | fs.constants.O_TMPFILE);
    for (let i = 0; i < 50; i++) fs.writeSync(fd, bytesOf(i, PAGE), 0, PAGE, 0);
    fs.closeSync(fd);
    expect(taken.mock.calls.length).toBeGreaterThan(0);
    expect(given.mock.calls.length).toBe(taken.mock.calls.length);
  } finally {
    vi.restoreAllMocks();
  }
});

/** Something to begin with: files of the upper, of the lower, and of both. */
function prepare(fs: FileSystem): void {
  fs.mkdirSync('/mine/deep', { recursive: true });
  fs.writeFileSync('/mine/file', bytesOf(1, 3 * PAGE));
  fs.writeFileSync('/mine/deep/other', 'other');
  fs.linkSync('/mine/file', '/mine/twin');
  fs.symlinkSync('mine/file', '/link');
  fs.appendFileSync('/src/f2', 'more');
}

/** One call each; some of what is of the upper, some of what is of the lower. */
const CHANGES: Readonly<Record<string, (fs: FileSystem) => void>> = {
  'writeFile, new': (fs) => fs.writeFileSync('/new', bytesOf(2, 2 * PAGE)),
  'writeFile, over a file': (fs) => fs.writeFileSync('/mine/file', 'short'),
  'writeFile, over a file of the lower': (fs) => fs.writeFileSync('/src/f3', bytesOf(3, PAGE)),
  appendFile: (fs) => fs.appendFileSync('/big', 'end'),
  mkdir: (fs) => void fs.mkdirSync('/mine/made'),
  'mkdir, recursive': (fs) => void fs.mkdirSync('/a/b/c', { recursive: true }),
  symlink: (fs) => fs.symlinkSync('x', '/lib/ln'),
  link: (fs) => fs.linkSync('/src/f0', '/mine/f0'),
  'unlink, the upper’s': (fs) => fs.unlinkSync('/mine/deep/other'),
  'unlink, one of two names': (fs) => fs.unlinkSync('/mine/twin'),
  'unlink, the lower’s': (fs) => fs.unlinkSync('/big'),
  'rmdir, the lower’s': (fs) => fs.rmdirSync('/empty'),
  'rm -r, the lower’s': (fs) => fs.rmSync('/src', { recursive: true }),
  'rm -r, the upper’s': (fs) => fs.rmSync('/mine', { recursive: true }),
  'rename, a file': (fs) => fs.renameSync('/mine/file', '/lib/moved'),
  'rename, over a file': (fs) => fs.renameSync('/mine/file', '/src/f0'),
  'rename, a directory of the lower': (fs) => fs.renameSync('/src', '/renamed'),
  'rename, a directory of the upper': (fs) => fs.renameSync('/mine', '/lib/mine'),
  chmod: (fs) => fs.chmodSync('/mine/file', 0o600),
  'chmod, the lower’s': (fs) => fs.chmodSync('/src/deep', 0o700),
  utimes: (fs) => fs.utimesSync('/src/f1', 1, 2),
  truncate: (fs) => fs.truncateSync('/mine/file', 10),
  'truncate, the lower’s': (fs) => fs.truncateSync('/big', PAGE + 1),
  copyFile: (fs) => fs.copyFileSync('/mine/file', '/lib/copy'),
  'copyFile, over a file': (fs) => fs.copyFileSync('/src/f3', '/mine/file'),
};

/** What each path is, times of access aside, and what is charged. */
function stateOf(overlay: Overlay): string[] {
  const { bfree, ffree } = overlay.fs.statfsSync('/');
  return [...survey(overlay.fs), `${bfree} ${ffree}`];
}

describe('a change that the upper refuses', () => {
  it.each(Object.entries(CHANGES))('W7: %s: every command failing in turn', (_, change) => {
    for (let k = 1; ; k += STRIDE) {
      const volume = new Volume();
      const lower = newLower();
      const overlay = mount(volume, { lower, writeback: 'through', limits: { bytes: 2 ** 24, inodes: 1000 } });
      prepare(overlay.fs);
      const before = stateOf(overlay);
      const numbers = overlay.fs.readdirSync('/mine').map((name) => overlay.fs.lstatSync(`/mine/${name}`).ino);
      const fd = overlay.fs.openSync('/mine/file', 'r+');
      const fault = new Fault(overlay);
      fault.arm(k, k, failing('ENOSPC'));
      let code: string | undefined;
      try {
        change(overlay.fs);
      } catch (thrown) {
        ({ code } = thrown as NodeJS.ErrnoException);
      }
      const isStruck = fault.count >= k;
      fault.disarm();
      if (code !== undefined) {
        expect(code).toBe('ENOSPC');
        expect(stateOf(overlay), `command ${k}`).toEqual(before);
        expect(overlay.fs.readdirSync('/mine').map((name) => overlay.fs.lstatSync(`/mine/${name}`).ino)).toEqual(
          numbers,
        );
        expect(overlay.fs.fstatSync(fd)).toEqual(overlay.fs.statSync('/mine/file'));
        expect(overlay.statistics().dirtyBytes).toBe(0);
        change(overlay.fs);
      }
      // What fails behind the decision is no error of the call: a descriptor hears of it (W4).
      if (code === undefined && isStruck) {
        try {
          overlay.fs.fsyncSync(fd);
        } catch (thrown) {
          expect((thrown as NodeJS.ErrnoException).message).toBe('ENOSPC: no space left on device, fsync');
        }
      }
      overlay.fs.fsyncSync(fd);
      overlay.fs.closeSync(fd);
      const after = survey(overlay.fs);
      // Nobody writes anything back any more: it is all there.
      forgetLock(volume as unknown as UpperFs);
      const next = mount(volume, { lower });
      expect(survey(next.fs), `command ${k}`).toEqual(after);
      next.close();
      expect(leftovers(volume as unknown as UpperFs)).toEqual([]);
      if (!isStruck) break;
    }
  });

  it('W7: leaves an open file, its position and its pages as they were', () => {
    const volume = new Volume();
    const overlay = mount(volume, { writeback: 'through' });
    const { fs } = overlay;
    const fd = fs.openSync('/file', 'w+');
    fs.writeSync(fd, 'kept');
    const fault = new Fault(overlay);
    fault.arm(1, Number.POSITIVE_INFINITY, failing('EACCES'));
    expect(() => fs.writeSync(fd, 'refused')).toThrow('EACCES: permission denied, write');
    expect(() => fs.ftruncateSync(fd, 1)).toThrow('EACCES: permission denied, ftruncate');
    expect(() => fs.openSync('/other', 'w')).toThrow("EACCES: permission denied, open '/other'");
    fault.disarm();
    expect(fs.existsSync('/other')).toBe(false);
    fs.writeSync(fd, ' on');
    expect(fs.readFileSync('/file', 'utf8')).toBe('kept on');
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    overlay.close();
  });

  it('T4: leaves anonymous files alone', () => {
    const volume = new Volume();
    const overlay = mount(volume, { writeback: 'through' });
    const { fs } = overlay;
    const fd = fs.openSync('/', fs.constants.O_TMPFILE | fs.constants.O_RDWR);
    fs.writeSync(fd, 'anonymous');
    const fault = new Fault(overlay);
    fault.arm(1, Number.POSITIVE_INFINITY, failing('EIO'));
    expect(() => overlay.linkTmpfile(fd, '/named')).toThrow('EIO');
    fault.disarm();
    expect(fs.fstatSync(fd).nlink).toBe(0);
    overlay.linkTmpfile(fd, '/named');
    expect(volume.readFileSync('/named', 'utf8')).toBe('anonymous');
    fs.closeSync(fd);
    overlay.close();
  });
});

describe('writing through', () => {
  it.each(['sync', 'callback', 'promise'] as const)('W7: a %s call returns when the upper has it', async (form) => {
    const overlay = createOverlay({ lower: [], upper: directory, writeback: 'through' });
    const { fs } = overlay;
    if (form === 'sync') fs.writeFileSync('/file', form);
    else if (form === 'promise') await fs.promises.writeFile('/file', form);
    else await new Promise<void>((resolve) => fs.writeFile('/file', form, () => resolve()));
    expect(nodeFs.readFileSync(`${directory}/file`, 'utf8')).toBe(form);
    overlay.close();
  });

  it('W7: many calls at once go down one after the other, each whole', async () => {
    const overlay = createOverlay({ lower: [], upper: directory, writeback: 'through' });
    const { promises } = overlay.fs;
    await Promise.all(Array.from({ length: 20 }, (_, i) => promises.appendFile('/log', `${i}\n`)));
    const lines = nodeFs.readFileSync(`${directory}/log`, 'utf8').trim().split('\n');
    expect(lines.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    overlay.close();
  });

  it('W7: one refused among many is taken back alone', async () => {
    const overlay = createOverlay({ lower: [], upper: directory, writeback: 'through' });
    overlay.on('command', (command) => {
      if (/^no\d$/.test(`${bytesTold(command)}`)) throw failing('EDQUOT');
    });
    const { promises } = overlay.fs;
    const made = ['a', 'no1', 'b', 'no2', 'c'].map((text) => promises.writeFile(`/${text}`, text));
    const ends = (await Promise.allSettled(made)).map((end) => (end.status === 'rejected' ? end.reason.code : 'made'));
    expect(ends).toEqual(['made', 'EDQUOT', 'made', 'EDQUOT', 'made']);
    expect(await promises.readdir('/')).toEqual(['a', 'b', 'c']);
    expect(nodeFs.readdirSync(directory).filter((name) => !name.startsWith('.'))).toEqual(['a', 'b', 'c']);
    overlay.close();
  });

  it.each(['taken', 'refused'] as const)(
    'C11: a synchronous call ends the one that is on its way, which is %s',
    async (end) => {
      const held = new HeldUpper();
      const overlay = mount({ fs: held.fs, root: directory }, { lower: [], writeback: 'through' });
      const isHeld = held.arm(3, 'late');
      const first = overlay.fs.promises.writeFile('/first', 'first');
      await isHeld;
      // Who reads sees it already.
      expect(overlay.fs.readFileSync('/first', 'utf8')).toBe('first');
      overlay.on('command', (command) => {
        if (end === 'refused' && `${bytesTold(command)}` === 'first') throw failing('EIO');
      });
      overlay.fs.writeFileSync('/second', 'second');
      expect(nodeFs.readFileSync(`${directory}/second`, 'utf8')).toBe('second');
      expect(nodeFs.existsSync(`${directory}/first`)).toBe(end === 'taken');
      expect(overlay.fs.existsSync('/first')).toBe(end === 'taken');
      held.letGo();
      if (end === 'taken') await first;
      else await expect(first).rejects.toThrow("EIO: i/o error, open '/first'");
      overlay.close();
    },
  );

  it('without an upper of its own it has one in memory', () => {
    const overlay = createOverlay({ lower: [], writeback: 'through' });
    overlay.fs.writeFileSync('/file', 'text');
    expect((overlay.upper as Volume).readFileSync('/file', 'utf8')).toBe('text');
  });

  it('what is no mode is refused by name', () => {
    expect(() => createOverlay({ lower: [], writeback: 'sometimes' as 'manual' })).toThrow(
      `The option "writeback" must be 'through', 'manual' or an object { dirtyBytes, dirtyLimit, expire, onError }. Received 'sometimes'`,
    );
  });
});

it('C2, W7: a further name of a file that a refused change has found reaches the upper all the same', () => {
  const volume = new Volume();
  const lower = newLower();
  const overlay = mount(volume, { lower, writeback: 'through' });
  overlay.fs.chmodSync('/src/f1', 0o600);
  const fault = new Fault(overlay);
  fault.arm(1, Number.POSITIVE_INFINITY, failing('ENOSPC'));
  expect(() => overlay.fs.renameSync('/lib/twin', '/other')).toThrow('ENOSPC');
  fault.disarm();
  overlay.close();
  const next = mount(volume, { lower });
  expect(next.fs.statSync('/lib/twin').mode & 0o777).toBe(0o600);
  expect(next.fs.statSync('/lib/twin').ino).toBe(next.fs.statSync('/src/f1').ino);
  next.close();
});

it('W5, W7: what is not flushed yet and is gone does not stand in the way, whatever has taken its place', () => {
  for (const replace of [
    (fs: FileSystem) => fs.writeFileSync('/d', 'a file'),
    (fs: FileSystem) => fs.symlinkSync('d', '/d'),
  ]) {
    const lower = Volume.fromJSON({ '/d/sub': null });
    const overlay = createOverlay({ lower, upper: newTop(), writeback: 'through' });
    overlay.fs.mkdirSync('/d/sub/new');
    overlay.fs.rmSync('/d', { recursive: true });
    replace(overlay.fs as unknown as FileSystem);
    expect(() => overlay.syncSync()).not.toThrow();
    overlay.close();
  }
});

describe('who hears of a refusal', () => {
  /** Lets commands fail, as long as it says so. */
  function breakable(overlay: Overlay, isBroken: (command: Command) => boolean) {
    const state = { code: '' };
    overlay.on('command', (command) => {
      if (state.code !== '' && isBroken(command)) throw failing(state.code);
    });
    return state;
  }

  it('W4 W7: the refusal is told to the call that made the change, and to no other descriptor, open or opened later', () => {
    const overlay = mount(new Volume(), { lower: newLower(), writeback: 'through' });
    const { fs } = overlay;
    fs.chmodSync('/src/f1', 0o600);
    // A further name of what was changed is found: the upper is to hear of it with the next change.
    fs.statSync('/lib/twin');
    const open = fs.openSync('/src/f1', 'r+');
    const other = fs.openSync('/src/f0', 'r+');
    const upper = breakable(overlay, () => true);
    for (const code of ['EIO', 'ENOSPC']) {
      upper.code = code;
      expect(() => fs.writeSync(other, 'more')).toThrow(code);
    }
    expect(() => overlay.syncSync()).toThrow('ENOSPC');
    upper.code = '';
    fs.closeSync(fs.openSync('/src/f1', 'r+'));
    fs.closeSync(fs.openSync('/src/f0', 'r+'));
    fs.fsyncSync(open);
    fs.closeSync(open);
    fs.writeSync(other, 'more');
    fs.closeSync(other);
    overlay.close();
  });

  it('W4 W7: the refusal of a batch of one step is told to the call that made the change', () => {
    const overlay = mount(new Volume(), { lower: newLower(), writeback: 'through' });
    const { fs } = overlay;
    const told: unknown[] = [];
    overlay.on('writeback-error', ({ discarded }) => told.push(discarded));
    fs.chmodSync('/src/f1', 0o600);
    fs.statSync('/lib/twin');
    fs.utimesSync('/src/f1', 1, 1);
    fs.writeFileSync('/new', 'text');
    const upper = breakable(overlay, ({ kind }) => kind === 'rename');
    upper.code = 'EIO';
    const fd = fs.openSync('/new', 'r+');
    expect(() => fs.writeFileSync('/another', 'text')).toThrow('EIO');
    expect(fs.existsSync('/another')).toBe(false);
    upper.code = '';
    fs.closeSync(fd);
    fs.closeSync(fs.openSync('/', 'r'));
    expect(new Set(told)).toEqual(new Set([true]));
    overlay.close();
  });

  it('W4 W5 W7: what a decided change comes to afterwards is heard once by each, whatever is refused in between', () => {
    const overlay = mount(new Volume(), { lower: newLower(), writeback: 'through' });
    const { fs } = overlay;
    fs.writeFileSync('/file', bytesOf(1, 3 * PAGE));
    const [one, two] = [fs.openSync('/file', 'r+'), fs.openSync('/file', 'r+')];
    const late = breakable(overlay, (command) => command.kind === 'open' && command.path === '/file');
    const early = breakable(overlay, ({ kind }) => kind === 'create');
    const fail = () => {
      late.code = 'EIO';
      fs.writeSync(one, 'decided', PAGE);
      late.code = '';
    };
    const refuse = () => {
      early.code = 'EDQUOT';
      expect(() => fs.writeSync(one, 'refused', 2 * PAGE)).toThrow('EDQUOT');
      early.code = '';
    };
    fail();
    expect(() => fs.fsyncSync(one)).toThrow('EIO');
    fs.fsyncSync(one);
    refuse();
    expect(() => fs.fsyncSync(two)).toThrow('EIO');
    fail();
    refuse();
    expect(() => fs.fsyncSync(one)).toThrow('EIO');
    expect(() => fs.closeSync(two)).toThrow('EIO');
    fs.closeSync(one);
    fs.closeSync(fs.openSync('/file', 'r+'));
    overlay.close();
  });
});
