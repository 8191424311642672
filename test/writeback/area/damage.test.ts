// Damaged uppers: an error that says what is wrong and how to repair it, never a silent loss; locks; layers that other
// tools change.

import nodeFs, { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { useDirectories } from '../directories.ts';
import { comesToEnd, Fault, forgetLock, leftovers, mount, newLower, survey, type UpperFs, whichOf } from '../rig.ts';
import { WORKLOADS } from '../workloads.ts';

const newDirectory = useDirectories();

function damaged(name: string) {
  return expect.objectContaining({
    name: 'UpperError',
    code: 'ERR_OVERFS_UPPER',
    message: expect.stringMatching(new RegExp(`\\.overfs${name}'.* move (it|'.*') away`)),
  });
}

/** A directory that an overlay has used. */
function used(): string {
  const directory = newDirectory();
  const overlay = mount(directory);
  overlay.fs.writeFileSync('/file', 'bytes');
  overlay.fs.mkdirSync('/dir');
  overlay.fs.unlinkSync('/big');
  overlay.close();
  return directory;
}

function expectWhole(directory: string): void {
  const overlay = mount(directory);
  expect(overlay.fs.readFileSync('/file', 'utf8')).toBe('bytes');
  expect(overlay.fs.existsSync('/big')).toBe(false);
  overlay.close();
}

describe('something of another type in the work area', () => {
  it.each(['format', 'lock', 'journal', 'moved', 'numbers'])('a directory as %s is told', (name) => {
    const directory = used();
    const path = join(directory, '.overfs', name);
    rmSync(path, { force: true });
    mkdirSync(path);
    for (let attempt = 0; attempt < 2; attempt++) expect(() => mount(directory)).toThrow(damaged(`/${name}`));
    if (name !== 'lock') expect(existsSync(join(directory, '.overfs/lock'))).toBe(false);
    rmSync(path, { recursive: true });
    expectWhole(directory);
  });

  it('a file as the staging directory, or as the work area, is told', () => {
    const directory = used();
    rmSync(join(directory, '.overfs/stage'), { recursive: true });
    writeFileSync(join(directory, '.overfs/stage'), '');
    expect(() => mount(directory)).toThrow(damaged('/stage'));
    rmSync(join(directory, '.overfs'), { recursive: true });
    writeFileSync(join(directory, '.overfs'), '');
    expect(() => mount(directory)).toThrow(damaged(''));
    rmSync(join(directory, '.overfs'));
    expectWhole(directory);
  });
});

it('a work area of a later version is told as such', () => {
  const directory = used();
  const path = join(directory, '.overfs/format');
  const format = readFileSync(path, 'utf8');
  writeFileSync(path, '{"version":2,"dev":1}');
  expect(() => mount(directory)).toThrow(
    /format' is of version 2, and this overfs knows versions up to 1; mount it with/,
  );
  writeFileSync(path, format);
  expectWhole(directory);
});

/** A journal of a batch that does nothing. */
const NOTHING = { moves: [], steps: [], staged: {}, notes: [] };

/** A line of a journal, and what seals it. */
function sealed(line: string): string {
  return `${line}\n${crc32(line).toString(16).padStart(8, '0')}\n`;
}

it.each([
  ['', 'moves', { from: '/elsewhere/file', stage: '1' }],
  ['', 'moves', { from: 'dir/../../file', stage: '1' }],
  ['', 'moves', { from: 'file', stage: '../../file' }],
  ['', 'steps', { kind: 'place', stage: '1', path: '/elsewhere/file' }],
  ['', 'steps', { kind: 'place', stage: '/elsewhere/file', path: 'file' }],
  ['', 'steps', { kind: 'unmark', path: '../file' }],
  ['', 'steps', { kind: 'link', existing: '/elsewhere/file', stage: '1', path: 'file' }],
])('a journal that names what is not in the upper is refused%s: %s %j', (_, key, entry) => {
  const directory = used();
  const path = join(directory, '.overfs/journal');
  const journal = { ...NOTHING, [key]: [entry] };
  writeFileSync(path, sealed(JSON.stringify(journal)));
  expect(() => mount(directory)).toThrow(damaged('/journal'));
  rmSync(path);
  expectWhole(directory);
});

it('a journal must be complete and sealed', () => {
  const directory = used();
  const path = join(directory, '.overfs/journal');
  const whole = JSON.stringify(NOTHING);
  const incomplete = Object.keys(NOTHING).map((key) => sealed(JSON.stringify({ ...NOTHING, [key]: undefined })));
  for (const text of [
    whole,
    `${whole}\n`,
    sealed(whole).replace('moves', 'Moves'),
    'null',
    sealed('null'),
    ...incomplete,
  ]) {
    writeFileSync(path, text);
    expect(() => mount(directory), text).toThrow(damaged('/journal'));
  }
  writeFileSync(path, sealed(whole));
  expectWhole(directory);
});

it('W11: a batch that cannot be finished is reported with the cause, and finished once that is removed', () => {
  const directory = newDirectory();
  const overlay = mount(directory);
  overlay.fs.mkdirSync('/dir');
  overlay.fs.writeFileSync('/dir/file', 'old');
  overlay.syncSync();
  overlay.fs.writeFileSync('/dir/file', 'new');
  overlay.fs.writeFileSync('/dir/other', 'new');
  cutBehindJournal(overlay, 1);
  const wanted = survey(overlay.fs);
  forgetLock(nodeFs as UpperFs, directory);
  // Somebody takes the directory away.
  nodeFs.renameSync(join(directory, 'dir'), join(directory, 'away'));
  expect(() => mount(directory)).toThrow(damaged('/journal'));
  expect(() => mount(directory)).toThrow(/ENOENT at 'place .*\/dir\/\w+'/);
  nodeFs.renameSync(join(directory, 'away'), join(directory, 'dir'));
  const next = mount(directory);
  expect(whichOf(survey(next.fs), wanted, wanted)).toBe('after');
  next.close();
});

it.each([0, 1, 4])(
  'W11: an upper that is moved after a crash, %i commands behind the journal, shows what was decided',
  (behind) => {
    const base = newDirectory();
    const directory = join(base, 'upper');
    mkdirSync(directory);
    const overlay = mount(directory);
    overlay.fs.mkdirSync('/dir');
    overlay.fs.writeFileSync('/dir/file', 'old');
    overlay.syncSync();
    overlay.fs.renameSync('/dir', '/other');
    overlay.fs.linkSync('/other/file', '/second');
    overlay.fs.chmodSync('/', 0o700);
    expect(cutBehindJournal(overlay, behind)).toBe(true);
    const wanted = survey(overlay.fs);
    forgetLock(nodeFs as UpperFs, directory);
    const elsewhere = join(base, 'moved');
    nodeFs.renameSync(directory, elsewhere);
    const next = mount(elsewhere);
    expect(whichOf(survey(next.fs), wanted, wanted)).toBe('after');
    next.close();
  },
);

type Mounted = ReturnType<typeof mount>;

/** Syncs, and lets everything fail from so many commands behind the journal on; false where the sync ended before. */
function cutBehindJournal(overlay: Mounted, behind: number): boolean {
  const fault = new Fault(overlay);
  overlay.on('command', (command) => {
    if (command.kind === 'rename' && command.to.endsWith('/journal')) {
      fault.arm(behind, Number.POSITIVE_INFINITY, new Error('cut'));
    }
  });
  const isDone = comesToEnd(overlay);
  fault.disarm();
  return !isDone;
}

/** What a crash leaves so many commands behind the journal, and what is to be there when it is made up for. */
function crashed(name: string, behind: number) {
  const [volume, lower] = [new Volume(), newLower()];
  const overlay = mount(volume, { lower });
  survey(overlay.fs);
  const [first, second] = WORKLOADS[name] ?? [];
  first?.(overlay.fs);
  overlay.syncSync();
  second?.(overlay.fs);
  const isCut = cutBehindJournal(overlay, behind);
  const wanted = survey(overlay.fs);
  const fs = volume as unknown as UpperFs;
  forgetLock(fs);
  return { fs, volume, lower, wanted, isCut };
}

type Left = ReturnType<typeof crashed>;

/** The files of a work area, with their sizes. */
function filesIn(volume: Left['volume'], directory = '/.overfs'): Path[] {
  return volume.readdirSync(directory).flatMap((name): Path[] => {
    const path = `${directory}/${name}`;
    const stats = volume.lstatSync(path);
    if (stats.isDirectory()) return filesIn(volume, path);
    // What has other names is in its place already.
    return stats.isFile() && stats.nlink === 1 ? [[path, Number(stats.size)]] : [];
  });
}

/** Mounts a damaged upper: it shows what is wanted, or says what is wrong. */
function expectWholeOrTold({ fs, volume, lower, wanted }: Left, what: string): 'whole' | 'told' {
  let overlay: Mounted;
  try {
    overlay = mount(volume, { lower });
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    expect(['ERR_OVERFS_UPPER', 'EBUSY'], `${what}: ${message}`).toContain(code);
    return 'told';
  }
  expect(whichOf(survey(overlay.fs), wanted, wanted), what).toBe('after');
  expect(leftovers(fs), what).toEqual([]);
  overlay.close();
  return 'whole';
}

/** Here one byte in so many is damaged. */
const STRIDE = process.env.OVERFS_SOAK === 'long' ? 1 : 389;

type Path = readonly [path: string, size: number];

/** What may be cut: all but the notes of numbers, whose last lines a crash may cut, and what only waits to be moved on. */
function cuts({ volume }: Left): Path[] {
  const files = filesIn(volume);
  const path = files.find(([each]) => /\/(journal|moved)$/.test(each))?.[0] ?? '';
  const { moves } = JSON.parse(`${volume.readFileSync(path)}`.split('\n')[0] ?? '') as { moves: { stage: string }[] };
  const waiting = new Set(moves.map(({ stage }) => stage));
  return files.filter(([each]) => !each.endsWith('/numbers') && !waiting.has(each.split('/')[3] ?? ''));
}

/** What may be flipped: what is not contents. */
function flips(left: Left): Path[] {
  return cuts(left).filter(([path]) => !path.includes('/stage/'));
}

const CRASHES = ['contents', 'renames', 'install'].flatMap((name) => [1, 7].map((behind) => [name, behind] as const));

describe.each(CRASHES)('W11: %s, crashed %i commands behind the journal', (name, behind) => {
  it('shows what was decided when nothing is damaged', () => {
    const left = crashed(name, behind);
    expect(left.isCut).toBe(true);
    expect(filesIn(left.volume).some(([path]) => /\/(journal|moved)$/.test(path))).toBe(true);
    expect(expectWholeOrTold(left, 'undamaged')).toBe('whole');
  });

  it.each([
    ['cut at', cuts, (bytes: Buffer, at: number) => bytes.subarray(0, at)],
    [
      'with another bit at',
      flips,
      (bytes: Buffer, at: number) => {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
        return flipped;
      },
    ],
  ] as const)('a file of the work area %s any byte is no harm, or is told', (_, pathsOf, spoil) => {
    const outcomes = new Set<string>();
    // Staged files have other names each time.
    for (const [index, [, size]] of pathsOf(crashed(name, behind)).entries()) {
      for (let at = behind % Math.min(STRIDE, Math.max(size, 1)); at < size; at += STRIDE) {
        const left = crashed(name, behind);
        const [path] = pathsOf(left)[index] as Path;
        const bytes = left.volume.readFileSync(path) as Buffer;
        const { atime, mtime } = left.volume.statSync(path);
        left.volume.writeFileSync(path, spoil(bytes, at));
        left.volume.utimesSync(path, atime, mtime);
        outcomes.add(expectWholeOrTold(left, `${path} at ${at}`));
      }
    }
    expect(outcomes).toContain('told');
  });

  it('a file of the work area that is missing is no harm, or is told', () => {
    for (const index of cuts(crashed(name, behind)).keys()) {
      const left = crashed(name, behind);
      const [path] = cuts(left)[index] as Path;
      // Without the journal nothing tells that the batch was decided.
      if (/\/(journal|moved)$/.test(path)) continue;
      left.volume.unlinkSync(path);
      expectWholeOrTold(left, path);
    }
  });
});

it('a lock of another host is EBUSY, naming host and process, and how to go on', () => {
  const directory = used();
  const path = join(directory, '.overfs/lock');
  const lock = { pid: 12, host: `not-${hostname()}`, began: '', token: 'x' };
  writeFileSync(path, JSON.stringify(lock));
  expect(() => mount(directory)).toThrow(
    expect.objectContaining({
      code: 'EBUSY',
      message: expect.stringMatching(`process 12 on ${lock.host}; if that is not so, remove '${path}'`),
    }),
  );
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(lock);
  rmSync(path);
  expectWhole(directory);
});

it('a lock of this process is EBUSY, and no word of removing it', () => {
  const directory = used();
  const overlay = mount(directory);
  const message = `EBUSY: the upper '${directory}' is in use by another overlay of this process; close that one first`;
  expect(() => mount(directory)).toThrow(expect.objectContaining({ code: 'EBUSY', message }));
  overlay.close();
  expectWhole(directory);
});

it.each(['', '{', 'null', '{"pid":"x"}', '\0\0\0'])(
  'a lock that says %j is of who died while it was written',
  (text) => {
    const directory = used();
    writeFileSync(join(directory, '.overfs/lock'), text);
    expectWhole(directory);
  },
);

it('what another tool changes between two mounts is what the next one shows', () => {
  const directory = newDirectory();
  const overlay = mount(directory);
  overlay.fs.writeFileSync('/src/f0', 'mine');
  overlay.fs.unlinkSync('/src/f1');
  overlay.fs.mkdirSync('/made/deep', { recursive: true });
  overlay.fs.writeFileSync('/made/deep/file', 'file');
  overlay.fs.rmSync('/lib', { recursive: true });
  overlay.close();
  const at = (path: string) => join(directory, path);
  writeFileSync(at('src/f0'), 'theirs, and longer');
  rmSync(at('src/.wh.f1'));
  writeFileSync(at('src/.wh.f2'), '');
  nodeFs.renameSync(at('made/deep'), at('moved'));
  writeFileSync(at('moved/second'), 'second');
  rmSync(at('.wh.lib'));
  mkdirSync(at('lib'));
  writeFileSync(at('lib/.wh..wh..opq'), '');
  writeFileSync(at('lib/only'), 'only');
  const next = mount(directory);
  const { fs } = next;
  expect(fs.readFileSync('/src/f0', 'utf8')).toBe('theirs, and longer');
  expect(fs.readdirSync('/src')).toEqual(['deep', 'f0', 'f1', 'f3']);
  expect(fs.readdirSync('/made')).toEqual([]);
  expect(fs.readdirSync('/moved')).toEqual(['file', 'second']);
  expect(fs.readdirSync('/lib')).toEqual(['only']);
  fs.renameSync('/moved', '/made/again');
  fs.unlinkSync('/lib/only');
  next.close();
  expect(existsSync(at('made/again/second'))).toBe(true);
  expect(nodeFs.readdirSync(at('lib'))).toEqual(['.wh..wh..opq']);
  const last = mount(directory);
  expect(last.fs.readdirSync('/lib')).toEqual([]);
  expect(last.fs.readFileSync('/made/again/second', 'utf8')).toBe('second');
  last.close();
});

it('numbers that another tool has given to other files are not shared by two', () => {
  const directory = newDirectory();
  const overlay = mount(directory);
  for (const name of ['a', 'b', 'c']) overlay.fs.writeFileSync(`/${name}`, name);
  overlay.close();
  rmSync(join(directory, 'a'));
  for (const name of ['d', 'e', 'f', 'g']) writeFileSync(join(directory, name), name);
  const next = mount(directory);
  next.fs.writeFileSync('/new', 'new');
  const numbers = next.fs.readdirSync('/').map((name) => next.fs.lstatSync(`/${name}`).ino);
  expect(new Set(numbers).size).toBe(numbers.length);
  next.close();
});
