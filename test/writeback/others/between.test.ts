// An upper that is changed from outside while it is not mounted: the notes about a file do not apply to another file
// that has got its inode number since.

import { Volume } from 'memfs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';

const START = 1_700_000_000_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A volume in which numbers of removed files are given again, as on ext4. */
function newVolume(): InstanceType<typeof Volume> {
  return new Volume();
}

/** A lower with two files of two names each. */
function newLower(): { fs: object; immutable: true } {
  const lower = newVolume();
  lower.writeFileSync('/file', 'below');
  lower.linkSync('/file', '/twin');
  return { fs: lower, immutable: true };
}

/** Works with an upper for a while, a minute after the last who did. */
function visit<R>(lower: object, upper: object, work: (overlay: Overlay) => R): R {
  vi.setSystemTime(Date.now() + 60_000);
  const overlay = createOverlay({ lower, upper, credentials: { uid: 0, gid: 0 } });
  try {
    return work(overlay);
  } finally {
    overlay.close();
    vi.setSystemTime(Date.now() + 60_000);
  }
}

function numbersOf({ fs }: Overlay): Map<number, string[]> {
  const numbers = new Map<number, string[]>();
  for (const name of fs.readdirSync('/').sort()) {
    const { ino } = fs.lstatSync(`/${name}`);
    numbers.set(ino, [...(numbers.get(ino) ?? []), name]);
  }
  return numbers;
}

it('C2: a file that has got the number of a removed one is no name of what a lower shows in its place', () => {
  const [lower, upper] = [newLower(), newVolume()];
  visit(lower, upper, ({ fs }) => fs.chmodSync('/file', 0o600));
  const { ino } = upper.lstatSync('/file');
  upper.unlinkSync('/file');
  upper.writeFileSync('/new', 'theirs');
  upper.linkSync('/new', '/new2');
  expect(upper.lstatSync('/new').ino).toBe(ino);
  visit(lower, upper, (overlay) => {
    expect([...numbersOf(overlay).values()]).toEqual([
      ['file', 'twin'],
      ['new', 'new2'],
    ]);
    overlay.fs.appendFileSync('/file', ' here');
    expect(overlay.fs.readFileSync('/new2', 'utf8')).toBe('theirs');
    expect(overlay.fs.readFileSync('/twin', 'utf8')).toBe('below here');
  });
});

it('W8: a file that has got the number of a removed one has none of its kept attributes', () => {
  const volume = newVolume();
  // As for who is not root.
  const refuse = () => {
    throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
  };
  const upper = Object.create(volume, { chownSync: { value: refuse }, lchownSync: { value: refuse } }) as object;
  visit([], upper, ({ fs }) => {
    fs.writeFileSync('/file', 'ours');
    fs.chownSync('/file', 7, 8);
  });
  visit([], upper, ({ fs }) => expect(fs.statSync('/file')).toMatchObject({ uid: 7, gid: 8 }));
  const { ino, uid, gid } = volume.lstatSync('/file');
  volume.unlinkSync('/file');
  volume.writeFileSync('/new', 'theirs');
  expect(volume.lstatSync('/new').ino).toBe(ino);
  visit([], upper, ({ fs }) => expect(fs.statSync('/new')).toMatchObject({ uid, gid }));
});

it('C3: a file that gets back the number that it had in the upper before keeps its own', () => {
  const [lower, upper] = [newLower(), newVolume()];
  const ino = visit(lower, upper, ({ fs }) => {
    fs.writeFileSync('/other', 'x');
    return fs.statSync('/other').ino;
  });
  const seen = new Set<number>();
  for (let i = 0; i < 6; i++) {
    visit(lower, upper, (overlay) => {
      const { fs } = overlay;
      for (let j = 0; j < 3; j++) {
        fs.writeFileSync('/other', `${i} ${j}`);
        overlay.syncSync();
        seen.add(Number(upper.lstatSync('/other').ino));
        vi.setSystemTime(Date.now() + 1_000);
      }
      expect(fs.statSync('/other').ino).toBe(ino);
    });
  }
  expect(seen.size).toBeLessThan(18);
});

/** A lower in which the files of two names each have the numbers that those of any other such lower have. */
function lowerOf(...names: string[]): { fs: object; immutable: true } {
  const lower = newVolume();
  for (const name of names) {
    lower.writeFileSync(`/${name}1`, `below in ${name}`);
    lower.linkSync(`/${name}1`, `/${name}2`);
  }
  return { fs: lower, immutable: true };
}

it.each([
  ['the upper has is looked at first', 'o'],
  ['the lower has is looked at first', 'p'],
])('C2: a file of another lower with the number of one that the upper has got is another file: what %s', (_, first) => {
  const upper = newVolume();
  visit(lowerOf('o'), upper, (overlay) => {
    numbersOf(overlay);
    overlay.fs.chmodSync('/o1', 0o600);
  });
  for (let round = 0; round < 2; round++) {
    visit(lowerOf('p'), upper, (overlay) => {
      const { fs } = overlay;
      for (const number of [1, 2]) fs.statSync(`/${first}${number}`);
      expect([...numbersOf(overlay).values()]).toEqual([
        ['o1', 'o2'],
        ['p1', 'p2'],
      ]);
      expect(fs.statSync('/p1').nlink).toBe(2);
      fs.appendFileSync('/p1', '+');
      expect(fs.readFileSync('/o2', 'utf8')).toBe('below in o');
      expect(fs.readFileSync('/p2', 'utf8')).toBe(`below in p${'+'.repeat(round + 1)}`);
    });
  }
});

/** A lower whose directories have the numbers that those of any other such lower have, each with one file that is named after it. */
function directoriesOf(...names: string[]): { fs: object; immutable: true } {
  const lower = newVolume();
  for (const name of names) lower.mkdirSync(`/${name}`);
  for (const name of names) lower.writeFileSync(`/${name}/in-${name}`, name);
  return { fs: lower, immutable: true };
}

it('C3: a directory of another lower with the number of one that the upper has got is another directory', () => {
  const upper = newVolume();
  visit(directoriesOf('a', 'd'), upper, (overlay) => overlay.fs.chmodSync('/d', 0o700));
  const other = directoriesOf('d', 'c');
  visit(other, upper, (overlay) => {
    const { fs } = overlay;
    expect(new Set(['/c', '/d', '/c/in-c', '/d/in-d'].map((path) => fs.statSync(path).ino)).size).toBe(4);
    fs.chmodSync('/c', 0o711);
  });
  for (const first of ['/c', '/d']) {
    visit(other, upper, (overlay) => {
      const { fs } = overlay;
      fs.statSync(first);
      expect([fs.readdirSync('/c'), fs.readdirSync('/d')]).toEqual([['in-c'], ['in-d']]);
      expect(fs.statSync('/c').ino).not.toBe(fs.statSync('/d').ino);
      fs.writeFileSync('/d/new', '');
      fs.rmSync('/d/new');
    });
  }
});

it('C3: so is a file of one name', () => {
  const upper = newVolume();
  const lowerWith = (...names: string[]) => {
    const lower = newVolume();
    for (const name of names) lower.writeFileSync(`/${name}`, name);
    return { fs: lower, immutable: true };
  };
  visit(lowerWith('a', 'b'), upper, (overlay) => overlay.fs.chmodSync('/b', 0o600));
  for (let round = 0; round < 2; round++) {
    visit(lowerWith('b', 'c'), upper, ({ fs }) => {
      expect(fs.statSync('/b').ino).not.toBe(fs.statSync('/c').ino);
      expect(fs.statSync('/c').ino).toBe(fs.statSync('/c').ino);
      if (round === 0) fs.chmodSync('/c', 0o640);
    });
  }
});

describe.each(['write', 'chmod'] as const)('a file of two names in a lower that was changed here (%s)', (change) => {
  /** Files of two names each. */
  function pair(volume: InstanceType<typeof Volume>, text: string, one: string, other: string): number {
    volume.writeFileSync(one, text);
    volume.linkSync(one, other);
    return Number(volume.lstatSync(one).ino);
  }

  function stand() {
    const [volume, upper] = [newVolume(), newVolume()];
    const ino = pair(volume, 'old', '/a', '/b');
    /** The lower gives the number to another file. */
    const replace = () => {
      vi.setSystemTime(Date.now() + 60_000);
      for (const path of ['/a', '/b']) volume.unlinkSync(path);
      expect(pair(volume, 'new', '/x', '/y')).toBe(ino);
    };
    const work = ({ fs }: Overlay) => {
      if (change === 'write') fs.writeFileSync('/a', 'ours');
      else fs.chmodSync('/a', 0o600);
    };
    return { lower: { fs: volume, immutable: false }, upper, replace, work };
  }

  function expectApart({ fs }: Overlay): void {
    for (const path of ['/x', '/y']) expect(fs.readFileSync(path, 'utf8')).toBe('new');
    expect(fs.statSync('/x').ino).toBe(fs.statSync('/y').ino);
    expect(fs.statSync('/x').ino).not.toBe(fs.lstatSync('/a').ino);
    expect(fs.statSync('/x').nlink).toBe(2);
    fs.writeFileSync('/x', 'newer');
    expect(fs.readFileSync('/y', 'utf8')).toBe('newer');
    if (change === 'write') expect(fs.readFileSync('/a', 'utf8')).toBe('ours');
  }

  it('C2, C3: is not one that the lower gives its number to afterwards', () => {
    const { lower, replace, work } = stand();
    const overlay = createOverlay({ lower });
    overlay.fs.readdirSync('/');
    work(overlay);
    replace();
    expectApart(overlay);
  });

  it('C2, C3: nor once the upper has it', () => {
    const { lower, upper, replace, work } = stand();
    const overlay = createOverlay({ lower, upper, writeback: 'manual' });
    work(overlay);
    overlay.syncSync();
    replace();
    expectApart(overlay);
    overlay.close();
  });

  it.each(['/a', '/x'])('C2, C3: nor when the upper is mounted again and %s is looked at first', (first) => {
    const { lower, upper, replace, work } = stand();
    visit(lower, upper, work);
    replace();
    visit(lower, upper, (overlay) => {
      overlay.fs.statSync(first);
      expectApart(overlay);
    });
    visit(lower, upper, ({ fs }) => {
      for (const path of ['/x', '/y']) expect(fs.readFileSync(path, 'utf8')).toBe('newer');
      expect(fs.statSync('/x').ino).not.toBe(fs.statSync('/a').ino);
    });
  });
});
