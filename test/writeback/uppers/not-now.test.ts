// W3: an upper that says "not now" to any of its functions, several times: nothing is an error, nothing stays open,
// nothing is closed twice.

import nodeFs from 'node:fs';
import { callbackify, promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { LaterUpper } from '../../../lib/branch/upper/later-upper.ts';
import { SyncUpper } from '../../../lib/branch/upper/sync-upper.ts';
import { createOverlay, type Overlay, type OverlayOptions } from '../../../lib/index.ts';
import { actAs } from '../../act-as.ts';
import { useDirectories } from '../directories.ts';
import { bytesOf, failing, leftovers, newLower, PAGE, survey, writeAt } from '../rig.ts';

const newDirectory = useDirectories();

/** Nothing waits for long. */
const TIMERS = {
  after: (_: number, callback: () => void) => {
    const soon = setImmediate(callback);
    return () => clearImmediate(soon);
  },
  wait: async () => {},
  sleep: () => {},
};

type AnyFunction = (...given: unknown[]) => unknown;

/** The functions that a directory has as an upper, without `Sync`. */
const TELLING = [
  ...['mkdir', 'open', 'write', 'ftruncate', 'fsync', 'close', 'writeFile', 'copyFile', 'rename', 'unlink', 'rmdir'],
  ...['symlink', 'link', 'chmod', 'lchown', 'lutimes', 'utimes', 'futimes', 'chown'],
];
const ASKING = ['lstat', 'stat', 'fstat', 'readdir', 'readlink', 'read', 'readFile', 'statfs'];

/** What an upper says "not now" to: the name of a function and what it is about. */
type Mood = (name: string, what: unknown) => boolean;

/** The first `times` calls of some functions, for each thing that they are given. */
function atFirst(times: number, names: readonly string[]): Mood {
  const told = new Map<string, number>();
  return (name, what) => {
    if (!names.includes(name)) return false;
    const key = `${name} ${what}`;
    const before = told.get(key) ?? 0;
    told.set(key, before + 1);
    return before < times;
  };
}

/** Every other call of some functions. */
function everyOther(names: readonly string[]): Mood {
  let calls = 0;
  return (name) => names.includes(name) && ++calls % 2 === 1;
}

/** What is given a descriptor. */
const ON_DESCRIPTORS = ['write', 'ftruncate', 'fsync', 'close', 'fstat', 'futimes', 'read'];

/** Something that is open: the descriptor of the process, and the path. */
interface Opened {
  readonly fd: number;
  readonly path: unknown;
}

/** A directory that is in a mood, and notes what it has opened. The numbers that it gives are never given again. */
class Busy {
  /** What is open, by its number. */
  readonly #open = new Map<unknown, Opened>();
  /** How many were opened. */
  #opens = 0;
  /** Numbers that were closed though they were not open. */
  readonly strays: unknown[] = [];
  refusals = 0;
  mood: Mood = () => false;
  /** Whether what it is told has been done all the same. */
  isActing = false;

  /** The functions of it in some forms, but for these. */
  fs(forms: 'at once' | 'both' | 'promises', missing: readonly string[] = []): object {
    const real = nodeFs as unknown as Record<string, AnyFunction>;
    const fs: Record<string, unknown> = { constants: nodeFs.constants };
    const promises: Record<string, unknown> = {};
    for (const name of [...TELLING, ...ASKING].filter((each) => !missing.includes(each))) {
      const [now, later] = [real[`${name}Sync`], real[name]];
      if (now === undefined || later === undefined) throw new Error(`node:fs has no ${name}`);
      fs[`${name}Sync`] = (...given: unknown[]) => {
        if (!this.isActing) this.#hear(name, given);
        const answer = this.#noted(name, given, now(...this.#translated(name, given)));
        if (this.isActing) this.#hear(name, given);
        return answer;
      };
      promises[name] = async (...given: unknown[]) => {
        this.#hear(name, given);
        const answer: unknown = await (promisify(later) as AnyFunction)(...this.#translated(name, given));
        return this.#noted(name, given, answer);
      };
      if (forms === 'both') fs[name] = callbackify(promises[name] as (...given: unknown[]) => Promise<unknown>);
    }
    return forms === 'promises' ? { promises } : fs;
  }

  /** What is open once nothing is closed any more: what was only read is closed behind everybody's back. */
  async left(): Promise<unknown[]> {
    for (let turn = 0; turn < 3000 && this.#open.size > 0; turn++) await new Promise((done) => setTimeout(done, 1));
    return [...this.#open.values()].map(({ path }) => path);
  }

  #hear(name: string, [what]: readonly unknown[]): void {
    if (!this.mood(name, what)) return;
    this.refusals++;
    throw failing(this.refusals % 2 === 0 ? 'EAGAIN' : 'EBUSY');
  }

  /** What node:fs is to be given. */
  #translated(name: string, given: readonly unknown[]): readonly unknown[] {
    if (!ON_DESCRIPTORS.includes(name)) return given;
    const [number, ...rest] = given;
    const opened = this.#open.get(number);
    if (name === 'close' && !this.#open.delete(number)) this.strays.push(number);
    if (opened === undefined) throw failing('EBADF');
    return [opened.fd, ...rest];
  }

  /** What is answered: node:fs gives more than one thing to some callbacks. */
  #noted(name: string, [path]: readonly unknown[], answer: unknown): unknown {
    if (name === 'open') {
      const number = 1_000_000 + this.#opens++;
      this.#open.set(number, { fd: Number(answer), path });
      return number;
    }
    if (typeof answer !== 'object' || answer === null) return answer;
    if ('bytesWritten' in answer) return answer.bytesWritten;
    return 'bytesRead' in answer ? answer.bytesRead : answer;
  }
}

const MOODS: readonly (readonly [string, () => Mood])[] = [
  ['close, twice for each file', () => atFirst(2, ['close'])],
  ['fsync, twice for each file', () => atFirst(2, ['fsync'])],
  ['close and fsync, three times for each file', () => atFirst(3, ['close', 'fsync'])],
  ['every other close and fsync', () => everyOther(['close', 'fsync'])],
  ['every other open, close and fsync', () => everyOther(['open', 'close', 'fsync'])],
  ['every other one of those that change it', () => everyOther(TELLING)],
];

/** Makes, changes in place, moves and removes: what lies in the lower, and in the upper. */
const PHASES: readonly ((overlay: Overlay) => void)[] = [
  ({ fs }) => {
    fs.mkdirSync('/new/deep', { recursive: true });
    for (let i = 0; i < 5; i++) fs.writeFileSync(`/new/small${i}`, bytesOf(i, 20 * i));
    fs.writeFileSync('/new/deep/large', bytesOf(9, 9 * PAGE));
    fs.symlinkSync('large', '/new/deep/link');
    fs.linkSync('/new/small1', '/new/twin');
    fs.unlinkSync('/src/f0');
    fs.chmodSync('/big', 0o600);
  },
  ({ fs }) => {
    writeAt(fs, '/new/deep/large', 'patched', 3 * PAGE);
    writeAt(fs, '/big', 'patched', 5 * PAGE);
    fs.renameSync('/lib', '/new/lib');
    fs.rmSync('/src', { recursive: true });
    fs.truncateSync('/new/small4', 3);
    fs.unlinkSync('/new/small0');
    fs.appendFileSync('/new/small2', 'more');
  },
];

/** Makes the changes of each phase and brings them to an upper in a mood; gives what is shown in the end. The upper is in that mood then. */
async function bringAll(overlay: Overlay, how: 'blocking' | 'not blocking', busy: Busy, mood: Mood): Promise<string[]> {
  for (const phase of PHASES) {
    busy.mood = () => false;
    await overlay.preload('/');
    phase(overlay);
    // Who asks is told what the upper says; who writes back waits.
    busy.mood = mood;
    await (how === 'blocking' ? overlay.syncSync() : overlay.sync());
  }
  busy.mood = () => false;
  await overlay.preload('/');
  const shown = survey(overlay.fs);
  busy.mood = mood;
  return shown;
}

/** Expects the upper to hold what was shown, and nothing that was only on the way. */
function expectWhole(root: string, options: OverlayOptions, shown: readonly string[]): void {
  expect(leftovers(nodeFs, root)).toEqual([]);
  const again = createOverlay({ ...options, upper: root });
  expect(survey(again.fs)).toEqual(shown);
  again.close();
}

describe.each([
  ['at once', 'blocking'],
  ['at once', 'not blocking'],
  ['both', 'blocking'],
  ['both', 'not blocking'],
  ['promises', 'not blocking'],
] as const)('an upper with its functions %s, written %s', (forms, how) => {
  it.each(MOODS)('W3 says "not now" to %s', async (_, newMood) => {
    const busy = new Busy();
    const root = newDirectory();
    const lower = newLower();
    const options = { lower, pageSize: PAGE, timers: TIMERS, writeback: 'manual' as const };
    const overlay = createOverlay({ ...options, upper: { fs: busy.fs(forms), root } });
    const told: unknown[] = [];
    overlay.on('writeback-error', (failure) => told.push(failure));
    const shown = await bringAll(overlay, how, busy, newMood());
    await (how === 'blocking' ? overlay.close() : overlay[Symbol.asyncDispose]());
    expect(told).toEqual([]);
    expect(busy.refusals).toBeGreaterThan(5);
    expect(await busy.left()).toEqual([]);
    expect(busy.strays).toEqual([]);
    expectWhole(root, options, shown);
  });
});

/** What it takes to open files. */
const OPENING = ['open', 'read', 'write', 'ftruncate', 'fsync', 'close', 'fstat', 'futimes'];

it.each(['blocking', 'not blocking'] as const)('W3 files that are written whole, %s', async (how) => {
  const busy = new Busy();
  const root = newDirectory();
  const options = { lower: newLower(), pageSize: PAGE, timers: TIMERS, writeback: 'manual' as const };
  const upper = { fs: busy.fs(how === 'blocking' ? 'at once' : 'promises', OPENING), root };
  const overlay = createOverlay({ ...options, upper });
  const shown = await bringAll(overlay, how, busy, everyOther(TELLING));
  await overlay[Symbol.asyncDispose]();
  expectWhole(root, options, shown);
});

it('W3 a close that has been done all the same is done', async () => {
  const busy = new Busy();
  const upper = { fs: busy.fs('at once'), root: newDirectory() };
  const overlay = createOverlay({ lower: newLower(), upper, pageSize: PAGE, timers: TIMERS, writeback: 'manual' });
  busy.isActing = true;
  busy.mood = atFirst(1, ['close']);
  for (const phase of PHASES) {
    phase(overlay);
    overlay.syncSync();
  }
  overlay.close();
  expect(busy.refusals).toBeGreaterThan(5);
  expect(await busy.left()).toEqual([]);
});

it('W3 nothing stays open where a synchronous call takes over, wherever the other stands', async () => {
  for (let turns = 0; turns < 48; turns += 3) {
    const busy = new Busy();
    const root = newDirectory();
    const upper = { fs: busy.fs('both'), root };
    const lower = newLower();
    const overlay = createOverlay({ lower, upper, pageSize: PAGE, timers: TIMERS, writeback: 'manual' });
    PHASES[0]?.(overlay);
    overlay.syncSync();
    PHASES[1]?.(overlay);
    busy.mood = atFirst(2, ['close', 'fsync', 'open', 'write']);
    const begun = overlay.sync();
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    overlay.syncSync();
    await begun;
    busy.mood = () => false;
    const shown = survey(overlay.fs);
    busy.mood = atFirst(1, ['close']);
    overlay.close();
    expect(await busy.left(), `after ${turns}`).toEqual([]);
    expect(busy.strays).toEqual([]);
    const again = createOverlay({ lower, upper: root, pageSize: PAGE });
    expect(survey(again.fs)).toEqual(shown);
    again.close();
  }
});

describe.each(['blocking', 'not blocking'] as const)('an upper of somebody who is not root, %s', (how) => {
  it.each([
    ['chmod', ['chmod']],
    ['all', TELLING],
  ])('W3 W8 says "not now" to every other %s where its own modes are in the way', async (_, names) => {
    const SOMEBODY = 65534;
    const root = newDirectory();
    if (process.getuid?.() === 0) nodeFs.chownSync(root, SOMEBODY, SOMEBODY);
    await actAs({ uid: SOMEBODY, gid: SOMEBODY }, async () => {
      const busy = new Busy();
      const upper = { fs: busy.fs(how === 'blocking' ? 'at once' : 'both'), root };
      const options = { lower: [], pageSize: PAGE, timers: TIMERS, writeback: 'manual' as const };
      const overlay = createOverlay({ ...options, upper });
      const mood = everyOther(names);
      const { fs } = overlay;
      const changes: (() => void)[] = [
        () => {
          fs.mkdirSync('/closed/inner', { recursive: true });
          fs.writeFileSync('/closed/file', bytesOf(1, 12 * PAGE));
          fs.writeFileSync('/closed/inner/deep', 'deep');
          fs.chmodSync('/closed/file', 0o400);
          fs.chmodSync('/closed/inner', 0o555);
          fs.chmodSync('/closed', 0o555);
        },
        () => {
          for (const [path, mode] of [['/closed', 0o755] as const, ['/closed/inner', 0o755] as const])
            fs.chmodSync(path, mode);
          fs.writeFileSync('/closed/inner/new', 'new');
          fs.renameSync('/closed/file', '/closed/inner/moved');
          fs.chmodSync('/closed/inner', 0o555);
          fs.chmodSync('/closed', 0o555);
        },
        () => {
          fs.chmodSync('/closed/inner/moved', 0o600);
          writeAt(fs, '/closed/inner/moved', 'patched', 3 * PAGE);
          fs.chmodSync('/closed/inner/moved', 0o400);
        },
      ];
      for (const change of changes) {
        busy.mood = () => false;
        change();
        busy.mood = mood;
        await (how === 'blocking' ? overlay.syncSync() : overlay.sync());
      }
      busy.mood = () => false;
      const shown = survey(overlay.as({ uid: 0, gid: 0 }));
      busy.mood = mood;
      await overlay[Symbol.asyncDispose]();
      expect(busy.refusals).toBeGreaterThan(5);
      expect(busy.strays).toEqual([]);
      const again = createOverlay({ ...options, upper: root });
      expect(survey(again.as({ uid: 0, gid: 0 }))).toEqual(shown);
      again.close();
      expect(nodeFs.statSync(`${root}/closed`).mode & 0o777).toBe(0o555);
      expect(nodeFs.statSync(`${root}/closed/inner`).mode & 0o777).toBe(0o555);
    });
  });
});

it('W3 what the kernel closes is closed whatever it says, and never closed again', async () => {
  const refuse = () => Promise.reject(failing('EBUSY'));
  const busy = () => {
    throw failing('EBUSY');
  };
  const nature = { volume: undefined, kernel: true, closer: 'kernel', nesting: undefined } as const;
  const now = new SyncUpper((name) => (name === 'close' ? busy : undefined), 'upper', nature);
  expect(() => now.close(3)).toThrow(expect.objectContaining({ code: 'EIO' }));
  const later = new LaterUpper((name) => (name === 'close' ? refuse : undefined), 'upper', nature);
  await expect(later.close(3)).rejects.toMatchObject({ code: 'EIO' });
});
