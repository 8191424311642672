// `cache.maxEntries`: what the branches can tell again is forgotten when there is too much of it, and nobody sees that
// it was.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type FileSystem, type OverlayOptions } from '../../lib/index.ts';
import { quiet } from '../chaos/history.ts';
import { WatchedLower } from '../faults/lower.ts';

const MANY = 100;

/** A hundred files in each of three directories. */
function manyFiles(): Record<string, string> {
  const files: Record<string, string> = {};
  for (const directory of ['/a', '/b', '/c']) for (let i = 0; i < MANY; i++) files[`${directory}/f${i}`] = `${i}`;
  return files;
}

function overlayOf(maxEntries: number, options: OverlayOptions = {}, immutable = true) {
  const lower = new WatchedLower('both');
  lower.volume.fromJSON(manyFiles());
  const overlay = createOverlay({ lower: { fs: lower.fs, immutable }, cache: { maxEntries }, ...options });
  return { lower, overlay, fs: overlay.fs };
}

function visit(fs: FileSystem, directory: string): number[] {
  return Array.from({ length: MANY }, (_, i) => fs.statSync(`${directory}/f${i}`).ino);
}

describe.each([true, false])('immutable: %s', (immutable) => {
  it('P6 never keeps more than the bound, in any form', async () => {
    const { overlay, fs } = overlayOf(32, {}, immutable);
    for (let i = 0; i < MANY; i++) {
      fs.statSync(`/a/f${i}`);
      expect(overlay.statistics().entries).toBeLessThanOrEqual(33);
      fs.existsSync(`/b/f${i}`);
      expect(overlay.statistics().entries).toBeLessThanOrEqual(33);
      await fs.promises.readFile(`/c/f${i}`);
      expect(overlay.statistics().entries).toBeLessThanOrEqual(32);
      await new Promise((done) => fs.lstat(`/b/f${MANY - 1 - i}`, done));
      expect(overlay.statistics().entries).toBeLessThanOrEqual(32);
    }
    expect(overlay.statistics().forgotten).toBeGreaterThan(3 * MANY);
  });

  it('C3 keeps the numbers', () => {
    const { overlay, fs } = overlayOf(10, {}, immutable);
    const all = overlayOf(1e6, {}, immutable).fs;
    for (const directory of ['/a', '/b', '/c', '/a']) expect(visit(fs, directory)).toEqual(visit(all, directory));
    expect(fs.statSync('/a').ino).toBe(all.statSync('/a').ino);
    expect(overlay.statistics().forgotten).toBeGreaterThan(3 * MANY);
  });

  it('keeps what was changed, and the way to it', () => {
    const { overlay, fs } = overlayOf(0, {}, immutable);
    fs.appendFileSync('/a/f0', ' changed');
    fs.renameSync('/b', '/moved');
    fs.unlinkSync('/c/f1');
    fs.chmodSync('/c/f2', 0o600);
    visit(fs, '/a');
    visit(fs, '/moved');
    expect(overlay.statistics().entries).toBeLessThanOrEqual(3);
    expect(fs.readFileSync('/a/f0', 'utf8')).toBe('0 changed');
    expect(fs.readFileSync('/moved/f5', 'utf8')).toBe('5');
    expect(fs.existsSync('/c/f1')).toBe(false);
    expect(fs.readdirSync('/')).toEqual(['a', 'c', 'moved']);
    expect([...overlay.changes()].map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'modified /a/f0',
      'removed /c/f1',
      'attributes /c/f2',
      'renamed /moved',
    ]);
  });

  it('keeps what is open, and lets it go when it is closed', () => {
    const { lower, overlay, fs } = overlayOf(0, {}, immutable);
    const fd = fs.openSync('/a/f7', 'r+');
    visit(fs, '/b');
    lower.requests.length = 0;
    expect(fs.fstatSync(fd).size).toBe(1);
    expect(lower.requests).toEqual([]);
    fs.writeSync(fd, 'through the descriptor', 0);
    expect(fs.readFileSync('/a/f7', 'utf8')).toBe('through the descriptor');
    fs.closeSync(fd);
    const before = overlay.statistics().forgotten;
    fs.closeSync(fs.openSync('/b/f1', 'r'));
    visit(fs, '/c');
    expect(overlay.statistics().forgotten).toBeGreaterThan(before + MANY - 2);
  });

  it('a Dir goes on', async () => {
    const { fs } = overlayOf(0, {}, immutable);
    const dir = fs.opendirSync('/a');
    const names: string[] = [];
    for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) {
      names.push(entry.name);
      fs.statSync(`/b/${entry.name}`);
      await fs.promises.readdir('/c');
    }
    dir.closeSync();
    expect(names).toEqual(fs.readdirSync('/a'));
  });

  it('C2 hard links of a lower stay one file', () => {
    const volume = Volume.fromJSON({ '/d/one': 'same', '/x': '' });
    volume.linkSync('/d/one', '/d/two');
    const { fs } = createOverlay({ lower: { fs: volume, immutable }, cache: { maxEntries: 0 } });
    expect(fs.statSync('/d/one').nlink).toBe(2);
    fs.statSync('/x');
    expect(fs.statSync('/d/two').ino).toBe(fs.statSync('/d/one').ino);
    fs.statSync('/x');
    fs.appendFileSync('/d/two', '!');
    fs.statSync('/x');
    expect(fs.readFileSync('/d/one', 'utf8')).toBe('same!');
    fs.unlinkSync('/d/one');
    fs.statSync('/x');
    expect(fs.statSync('/d/two').nlink).toBe(1);
  });

  it('watchers go on hearing', async () => {
    const { fs } = overlayOf(0, {}, immutable);
    const heard: string[] = [];
    const watcher = fs.watch('/a', (event, name) => heard.push(`${event} ${name}`));
    const abort = new AbortController();
    const iterator = fs.promises.watch('/b', { signal: abort.signal })[Symbol.asyncIterator]();
    const first = iterator.next();
    await quiet();
    visit(fs, '/c');
    await fs.promises.stat('/c/f3');
    fs.writeFileSync('/a/new', '');
    fs.writeFileSync('/b/new', '');
    expect((await first).value).toEqual({ eventType: 'rename', filename: 'new' });
    await quiet();
    expect(heard).toContain('rename new');
    watcher.close();
    abort.abort();
    await expect(iterator.next()).rejects.toThrow('aborted');
  });

  it.each([
    ['readFile', (fs: FileSystem) => fs.promises.readFile('/a/link')],
    ['copyFile', (fs: FileSystem) => fs.promises.copyFile('/a/link', '/c/copy')],
    ['rename', (fs: FileSystem) => fs.promises.rename('/a/f1', '/b/f2')],
  ])('%s asks no more where all is forgotten at each stop', async (_name, call) => {
    const asked = async (maxEntries: number) => {
      const { lower, fs } = overlayOf(maxEntries, {}, immutable);
      lower.volume.symlinkSync('../b/f2', '/a/link');
      await call(fs);
      return lower.requests.map(({ name, path }) => `${name} ${path}`);
    };
    expect(await asked(0)).toEqual(await asked(1e6));
  });
});

describe('what goes first', () => {
  it('P6 is what was not used for longest', () => {
    const { lower, fs } = overlayOf(50);
    for (let i = 0; i < 2 * MANY; i++) {
      for (let favourite = 0; favourite < 10; favourite++) fs.statSync(`/a/f${favourite}`);
      fs.statSync(`/${i < MANY ? 'b' : 'c'}/f${i % MANY}`);
    }
    const asked = lower.requests.filter(({ name, path }) => name === 'lstat' && /^\/a\/f\d$/.test(path));
    // At first nothing has been used twice.
    expect(asked.length).toBeLessThanOrEqual(20);
  });

  it('names that only a listing has shown count too, and are asked for again', () => {
    const { lower, overlay, fs } = overlayOf(150);
    const names = fs.readdirSync('/a');
    for (const directory of ['/b', '/c']) fs.readdirSync(directory);
    fs.statSync('/a/f0');
    expect(overlay.statistics().entries).toBeLessThanOrEqual(151);
    lower.requests.length = 0;
    expect(fs.readdirSync('/a')).toEqual(names);
    expect(fs.existsSync('/a/none')).toBe(false);
    expect(lower.requests.map(({ name, path }) => `${name} ${path}`)).toContain('readdir /a');
  });

  it('nothing is, as long as there is room', () => {
    const { lower, overlay, fs } = overlayOf(1000);
    for (const directory of ['/a', '/b', '/c']) visit(fs, directory);
    lower.requests.length = 0;
    for (const directory of ['/a', '/b', '/c']) visit(fs, directory);
    expect(lower.requests).toEqual([]);
    expect(overlay.statistics()).toMatchObject({ entries: 303, forgotten: 0 });
  });

  it('content goes with its file', () => {
    const { overlay, fs } = overlayOf(0);
    for (let i = 0; i < MANY; i++) fs.readFileSync(`/a/f${i}`);
    fs.statSync('/b');
    expect(overlay.statistics()).toMatchObject({ fills: MANY, cachedBytes: 0 });
  });
});

describe('with an upper', () => {
  it('what it held is forgotten and read again; C3 with the same numbers', async () => {
    const upper = Volume.fromJSON({});
    const first = createOverlay({ lower: Volume.fromJSON(manyFiles()), upper });
    first.fs.writeFileSync('/new', 'new');
    first.fs.appendFileSync('/a/f1', '!');
    first.fs.linkSync('/a/f2', '/a/twin');
    const numbers = ['/new', '/a/f1', '/a/f2', '/a/twin'].map((path) => first.fs.statSync(path).ino);
    first.close();
    const overlay = createOverlay({ lower: Volume.fromJSON(manyFiles()), upper, cache: { maxEntries: 0 } });
    const { fs } = overlay;
    for (let round = 0; round < 3; round++) {
      for (const [i, path] of ['/new', '/a/f1', '/a/f2', '/a/twin'].entries()) {
        expect(fs.statSync(path).ino).toBe(numbers[i]);
        await fs.promises.readdir('/b');
      }
      expect(fs.readFileSync('/a/f1', 'utf8')).toBe('1!');
    }
    expect(overlay.statistics().forgotten).toBeGreaterThan(0);
  });

  it('C2 hard links that were seen are written back as one file, under all their names', async () => {
    const volume = Volume.fromJSON({ '/d/one': 'same', '/d/x': '' });
    volume.linkSync('/d/one', '/d/two');
    const upper = Volume.fromJSON({});
    const options = { lower: volume, upper, cache: { maxEntries: 0 } };
    const first = createOverlay(options);
    for (const path of ['/d/one', '/d/x', '/d/two', '/d/x']) await first.fs.promises.stat(path);
    first.fs.appendFileSync('/d/two', '!');
    first.close();
    const { fs } = createOverlay(options);
    expect(fs.readFileSync('/d/one', 'utf8')).toBe('same!');
    expect(fs.statSync('/d/one').ino).toBe(fs.statSync('/d/two').ino);
  });
});

/** Whose lower has a file of two names, one of them in a directory below another, and answers later. */
function overTwins(upper: InstanceType<typeof Volume>, maxEntries: number) {
  const lower = new WatchedLower('both');
  lower.volume.fromJSON({ '/a/b/x': 'x', '/a/b/y': 'y', '/c/other': 'other' });
  lower.volume.linkSync('/a/b/x', '/c/x');
  return createOverlay({ lower: { fs: lower.fs }, upper, cache: { maxEntries }, writeback: 'manual' });
}

it('C2 what is asked together, by a sync without blocking, is asked of no directory that was forgotten meanwhile', async () => {
  const upper = new Volume();
  const overlay = overTwins(upper, 0);
  await overlay.fs.promises.rename('/a', '/moved');
  await overlay.sync();
  const lookAt = ({ fs }: typeof overlay) =>
    ['/moved/b/x', '/c/x'].map((path) => fs.statSync(path)).map(({ ino, nlink }) => ({ ino, nlink }));
  const [first, second] = lookAt(overlay);
  expect(first?.nlink).toBe(2);
  expect(second).toEqual(first);
  await overlay[Symbol.asyncDispose]();
  expect(lookAt(overTwins(upper, 100))).toEqual([first, second]);
});
