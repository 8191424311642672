// Another overlay as an upper: over a volume or a directory, several levels deep, by its `fs`, cut short.

import nodeFs from 'node:fs';
import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import type { Command } from '../../../lib/writeback/commands.ts';
import { useDirectories } from '../directories.ts';
import {
  bytesTold,
  cutSync,
  failing,
  forgetLock,
  leftovers,
  mount,
  newLower,
  numbersOf,
  playUpTo,
  survey,
  type UpperFs,
  whichOf,
} from '../rig.ts';
import { WORKLOADS } from '../workloads.ts';

const newDirectory = useDirectories();

/** Overlays one upon the other; the first is the lowest. Mounting again gives the same stack anew. */
function stack(base: object | string, depth: number): Overlay[] {
  const overlays = [createOverlay({ lower: [], upper: base })];
  for (let i = 1; i < depth; i++) overlays.push(createOverlay({ lower: [], upper: overlays[i - 1] as Overlay }));
  return overlays;
}

function closeAll(overlays: readonly Overlay[]): void {
  for (const overlay of [...overlays].reverse()) overlay.close();
}

const PHASES = Object.entries(WORKLOADS);
const LEVELS = [1, 3].flatMap((depth) => PHASES.map(([name, phases]) => [name, depth, phases] as const));

it.each(LEVELS)(
  'C3, W8, L5: %s, synced through %d overlays, is the same when all are mounted again',
  (_, depth, phases) => {
    const directory = newDirectory();
    for (const phase of phases) {
      const below = stack(directory, depth);
      const overlay = mount(below.at(-1) as Overlay);
      phase(overlay.fs);
      overlay.syncSync();
      const [wanted, numbers] = [survey(overlay.fs), numbersOf(overlay.fs)];
      closeAll([...below, overlay]);
      const again = stack(directory, depth);
      const next = mount(again.at(-1) as Overlay);
      expect(whichOf(survey(next.fs), wanted, wanted)).toBe('after');
      expect(numbersOf(next.fs)).toEqual(numbers);
      expect(leftovers(again.at(-1)?.fs as UpperFs, '', `.overfs${depth}`)).toEqual([]);
      closeAll([...again, next]);
      expect(leftovers(nodeFs as UpperFs, directory)).toEqual([]);
    }
  },
);

it('the marks of the outer overlay are plain names to the inner one, and none to be made in the outer one', () => {
  const inner = createOverlay({ lower: [] });
  const overlay = mount(inner);
  overlay.fs.unlinkSync('/big');
  overlay.syncSync();
  expect(inner.fs.readdirSync('/')).toEqual(['.overfs1', '.wh1.big']);
  for (const name of ['.wh.x', '.wh1.x', '.overfs', '.overfs1']) {
    expect(() => overlay.fs.writeFileSync(`/${name}`, ''), name).toThrow('EINVAL');
    expect(overlay.fs.existsSync(`/${name}`), name).toBe(false);
  }
  overlay.fs.writeFileSync('/.wh2.x', 'plain');
  expect(overlay.fs.readdirSync('/')).not.toContain('.overfs1');
  expect(() => mount(inner)).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  overlay.close();
});

it('files of a lower with such names do not show where the upper could not hold them', () => {
  const lower = Volume.fromJSON({
    '/.wh1.x': '',
    '/.overfs1/format': '',
    '/.overfs/format': '',
    '/d/.overfs1': '',
    '/d/.wh1.y': '',
  });
  const plain = createOverlay({ lower });
  expect(plain.fs.readdirSync('/')).toEqual(['.overfs1', '.wh1.x', 'd']);
  expect(plain.fs.existsSync('/.overfs/format')).toBe(false);
  const over = createOverlay({ lower, upper: createOverlay({ lower: [] }) });
  expect(over.fs.readdirSync('/')).toEqual(['d']);
  expect(over.fs.readdirSync('/d')).toEqual(['.overfs1']);
  expect(over.fs.existsSync('/.overfs1')).toBe(false);
});

it("an upper that was an overlay's upper is read as a layered lower too", () => {
  const inner = createOverlay({ lower: [] });
  const overlay = mount(inner);
  overlay.fs.unlinkSync('/big');
  overlay.fs.writeFileSync('/new', 'new');
  overlay.close();
  const both = createOverlay({ lower: [{ fs: inner.fs, layered: true }, newLower()] });
  expect(both.fs.existsSync('/big')).toBe(false);
  expect(both.fs.readFileSync('/new', 'utf8')).toBe('new');
  expect(both.fs.readdirSync('/')).not.toContain('.overfs1');
});

it("W8: what the inner overlay is told is its writer's: umask and owner make no difference", () => {
  const inner = createOverlay({ lower: [], umask: 0o077, credentials: { uid: 0, gid: 7 } });
  const overlay = mount(inner, { umask: 0, credentials: { uid: 0, gid: 0 } });
  overlay.fs.writeFileSync('/file', 'bytes', { mode: 0o666 });
  overlay.fs.mkdirSync('/dir', 0o777);
  overlay.syncSync();
  for (const path of ['/file', '/dir']) {
    const { mode, gid } = overlay.fs.statSync(path);
    expect(inner.fs.statSync(path)).toMatchObject({ mode, gid });
  }
  overlay.close();
});

it('W7: an overlay in memory is not written without being asked, one with a directory below is', async () => {
  const isAsked = async (upper: Overlay): Promise<boolean> => {
    const overlay = mount(upper, { writeback: { dirtyBytes: 1 } });
    let commands = 0;
    overlay.on('command', () => commands++);
    overlay.fs.writeFileSync('/file', 'bytes');
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    return commands > 0;
  };
  expect(await isAsked(createOverlay({ lower: [] }))).toBe(false);
  expect(await isAsked(createOverlay({ lower: [], upper: new Volume() }))).toBe(false);
  expect(await isAsked(createOverlay({ lower: [], upper: newDirectory() }))).toBe(true);
});

/** An overlay over another one whose upper refuses contents that begin with `refused`, as long as it says so. */
function overRefusing(onError: 'retain' | 'discard') {
  const volume = new Volume();
  const inner = createOverlay({ lower: [], upper: volume, writeback: { onError } });
  const state = { isRefusing: true };
  inner.on('command', (command) => {
    if (state.isRefusing && bytesTold(command)?.toString().startsWith('refused')) throw failing('EDQUOT');
  });
  return { volume, inner, overlay: mount(inner), state };
}

const REFUSALS = (['retain', 'discard'] as const).flatMap((onError) =>
  (['sync', 'syncSync'] as const).map((form) => [form, onError] as const),
);

it.each(REFUSALS)(
  'W4 W5: %s tells which files the upper of an upper has refused, onError: %s',
  async (form, onError) => {
    const { volume, inner, overlay, state } = overRefusing(onError);
    const { fs } = overlay;
    fs.writeFileSync('/bad', 'refused');
    fs.writeFileSync('/good', 'taken');
    const fds = ['/bad', '/good'].map((path) => fs.openSync(path, 'r+'));
    const heard: string[] = [];
    overlay.on('writeback-error', ({ path }) => heard.push(path));
    for (let i = 1; i <= 2; i++) {
      await expect((async () => overlay[form]())()).rejects.toThrow('could not be written back: /bad');
      expect(heard).toEqual(Array(i).fill('/bad'));
      expect(volume.existsSync('/bad')).toBe(false);
      expect(volume.readFileSync('/good', 'utf8')).toBe('taken');
    }
    fs.fsyncSync(fds[1] as number);
    expect(() => fs.fsyncSync(fds[0] as number)).toThrow(', fsync');
    state.isRefusing = false;
    await overlay[form]();
    for (const fd of fds) fs.closeSync(fd);
    expect(volume.readFileSync('/bad', 'utf8')).toBe('refused');
    expect(fs.readFileSync('/bad', 'utf8')).toBe('refused');
    overlay.close();
    inner.close();
  },
);

/** What fails of the inner overlay's commands while its upper is broken. */
const BREAKS: Record<string, (command: Command) => boolean> = {
  everything: () => true,
  contents: (command) => bytesTold(command) !== undefined,
  renames: ({ kind }) => kind === 'rename',
};

it.each(Object.keys(BREAKS).flatMap((what) => (['sync', 'syncSync'] as const).map((form) => [what, form] as const)))(
  'W4 W5: once the upper of an upper takes %s again, the first %s says so',
  async (what, form) => {
    const volume = new Volume();
    const inner = createOverlay({ lower: [], upper: volume });
    const overlay = mount(inner);
    let isBroken = true;
    inner.on('command', (command) => {
      if (isBroken && BREAKS[what]?.(command)) throw failing('EIO');
    });
    for (let i = 0; i < 3; i++) {
      overlay.fs.mkdirSync(`/dir${i}`);
      for (const path of [`/file${i}`, `/dir${i}/file`, '/again']) overlay.fs.appendFileSync(path, `${i}`);
      await expect((async () => overlay[form]())()).rejects.toThrow();
      // The inner one tries by itself too.
      expect(() => inner.syncSync()).toThrow();
    }
    isBroken = false;
    await overlay[form]();
    const wanted = survey(overlay.fs);
    expect(volume.readFileSync('/again', 'utf8')).toBe('012');
    overlay.close();
    inner.close();
    const below = createOverlay({ lower: [], upper: volume });
    const next = mount(below);
    expect(whichOf(survey(next.fs), wanted, wanted)).toBe('after');
    next.close();
    below.close();
  },
);

it('W14: an upper that is frozen holds back calls that can wait, and no others', async () => {
  const inner = createOverlay({ lower: [] });
  const slept: number[] = [];
  const overlay = mount(inner, { timers: { sleep: (ms) => void slept.push(ms) } });
  for (let i = 0; i < 3; i++) overlay.fs.writeFileSync(`/f${i}`, 'text');
  inner.freeze();
  expect(() => overlay.syncSync()).toThrow('EBUSY');
  expect(() => overlay.close()).toThrow('EBUSY');
  expect(slept).toEqual([]);
  const abort = new AbortController();
  const aborted = overlay.sync({ signal: abort.signal });
  const waiting = overlay.sync();
  abort.abort(new Error('no longer wanted'));
  await expect(aborted).rejects.toThrow('no longer wanted');
  expect(inner.fs.readdirSync('/')).not.toContain('f0');
  inner.thaw();
  await waiting;
  for (let i = 0; i < 3; i++) expect(inner.fs.readFileSync(`/f${i}`, 'utf8')).toBe('text');
  overlay.close();
  inner.close();
});

/** Here one command in so many is cut, others in each phase. */
const STRIDE = process.env.OVERFS_SOAK === 'long' ? 1 : 29;

it.each(PHASES)('W11: %s, synced to an overlay and cut after every command, is before or after', (_, phases) => {
  for (let last = 0; last < phases.length; last++) {
    for (let cut = 1 + (last % STRIDE); ; cut += STRIDE) {
      const volume = new Volume();
      const inner = createOverlay({ lower: [], upper: volume });
      const overlay = mount(inner);
      const before = playUpTo(overlay, phases, last);
      const isDone = cutSync(overlay, cut);
      const after = survey(overlay.fs);
      // The process dies when the inner overlay has just been synced.
      inner.syncSync();
      forgetLock(volume as unknown as UpperFs);
      const again = createOverlay({ lower: [], upper: volume });
      forgetLock(again.fs, '', '.overfs1');
      const next = mount(again);
      expect(['before', 'after'].slice(isDone ? 1 : 0), `phase ${last}, cut ${cut}`).toContain(
        whichOf(survey(next.fs), before, after),
      );
      expect(leftovers(again.fs as UpperFs, '', '.overfs1')).toEqual([]);
      next.close();
      again.close();
      if (isDone) break;
    }
  }
});
