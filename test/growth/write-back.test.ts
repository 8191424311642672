// What a write-back costs grows as what there is to bring to the upper, and no faster: counted in steps, requests and
// calls.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import { growth } from './steps.ts';

/** Far from 16, and some way above 4: sorting is among the steps. */
const IN_PROPORTION = 6;

function overNothing(): Overlay {
  return createOverlay({ lower: [], upper: new Volume() });
}

/** Changes each file of a lower that `laterLower` has made. */
function appendToAll({ fs }: Overlay, files: number): Promise<unknown> {
  return Promise.all(Array.from({ length: files }, (_, i) => fs.promises.appendFile(`/d/f${i}`, 'more')));
}

function writeFiles({ fs }: Overlay, count: number, name = 'f'): void {
  for (let i = 0; i < count; i++) fs.writeFileSync(`/${name}${i}`, `${i}`);
}

const CASES: readonly [string, (overlay: Overlay, count: number) => void, (overlay: Overlay, count: number) => void][] =
  [
    ['new files', () => {}, writeFiles],
    ['changed files', writeFiles, writeFiles],
    [
      'removed files',
      writeFiles,
      ({ fs }, count) => {
        for (let i = 0; i < count; i++) fs.unlinkSync(`/f${i}`);
      },
    ],
    [
      'renamed files, and as many new ones',
      writeFiles,
      (overlay, count) => {
        for (let i = 0; i < count; i++) overlay.fs.renameSync(`/f${i}`, `/g${i}`);
        writeFiles(overlay, count, 'h');
      },
    ],
    [
      'names of one file',
      ({ fs }) => fs.writeFileSync('/f', 'one'),
      ({ fs }, count) => {
        for (let i = 0; i < count; i++) fs.linkSync('/f', `/l${i}`);
      },
    ],
    [
      'names of one new file',
      () => {},
      ({ fs }, count) => {
        fs.writeFileSync('/f', 'one');
        for (let i = 0; i < count; i++) fs.linkSync('/f', `/l${i}`);
      },
    ],
    [
      'copies of one file, which is changed then',
      ({ fs }) => fs.writeFileSync('/f', 'one'),
      ({ fs }, count) => {
        for (let i = 0; i < count; i++) fs.copyFileSync('/f', `/c${i}`);
        fs.writeFileSync('/f', 'another');
      },
    ],
  ];

it.each(CASES)('the steps of a sync grow as the number of %s', async (_, before, change) => {
  const factor = await growth(200, (count) => {
    const overlay = overNothing();
    before(overlay, count);
    overlay.syncSync();
    change(overlay, count);
    return () => overlay.syncSync();
  });
  expect(factor).toBeLessThan(IN_PROPORTION);
});

/** A lower that answers later, and counts. */
function laterLower(files: number) {
  const volume = new Volume();
  volume.mkdirSync('/d');
  for (let i = 0; i < files; i++) volume.writeFileSync(`/d/f${i}`, `${i}`);
  const books = { asked: 0, under: 0, most: 0 };
  const counted =
    <R>(ask: (path: string) => R) =>
    async (path: string) => {
      books.asked++;
      books.most = Math.max(books.most, ++books.under);
      await new Promise((resolve) => setImmediate(resolve));
      books.under--;
      return ask(path);
    };
  const promises = {
    lstat: counted((path) => volume.lstatSync(path)),
    readdir: counted((path) => volume.readdirSync(path)),
    readFile: counted((path) => volume.readFileSync(path)),
  };
  return { books, promises };
}

it('a sync asks a lower that answers later about many files together, and about each a few times', async () => {
  const files = 500;
  const { books, promises } = laterLower(files);
  const overlay = createOverlay({ lower: { promises }, upper: new Volume() });
  await appendToAll(overlay, files);
  Object.assign(books, { asked: 0, most: 0 });
  await overlay.sync();
  expect(books.asked).toBeLessThan(3 * files);
  expect(books.most).toBeGreaterThan(32);
});

it('a sync that is given up asks a lower no more', async () => {
  const files = 500;
  const { books, promises } = laterLower(files);
  const overlay = createOverlay({ lower: { promises }, upper: new Volume() });
  await appendToAll(overlay, files);
  books.asked = 0;
  const giving = new AbortController();
  const sync = overlay.sync({ signal: giving.signal });
  while (books.asked < 100) await new Promise((resolve) => setImmediate(resolve));
  giving.abort();
  await expect(sync).rejects.toThrow('aborted');
  const { asked } = books;
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(books.asked).toBe(asked);
  expect(asked).toBeLessThan(files);
});

describe('over a lower that answers later, the steps of a sync grow', () => {
  const CHANGES: readonly (readonly [string, (overlay: Overlay, files: number) => Promise<unknown>])[] = [
    ['changed files', appendToAll],
    ['files in a directory that was moved', ({ fs }) => fs.promises.rename('/d', '/moved')],
  ];

  it.each(CHANGES)('as the number of %s', async (_, change) => {
    const make = async (files: number) => {
      const overlay = createOverlay({ lower: { promises: laterLower(files).promises }, upper: new Volume() });
      await change(overlay, files);
      return overlay;
    };
    const overlays = new Map([
      [100, await make(100)],
      [400, await make(400)],
    ]);
    const factor = await growth(100, (files) => () => overlays.get(files)?.sync());
    expect(factor).toBeLessThan(IN_PROPORTION);
  });
});

it('the steps of changes that are written through, and wait for one another, grow as their number', async () => {
  const factor = await growth(200, (calls) => {
    const { fs } = createOverlay({ lower: [], upper: new Volume(), writeback: 'through' });
    return () => Promise.all(Array.from({ length: calls }, (_, i) => fs.promises.writeFile(`/f${i}`, 'bytes')));
  });
  expect(factor).toBeLessThan(IN_PROPORTION);
});

it('a call that waits for the syncs before its own waits once', async () => {
  const calls = 100;
  const overlay = overNothing();
  let waits = 0;
  const sync = (i: number) => {
    const { signal } = new AbortController();
    const listen = signal.addEventListener.bind(signal);
    signal.addEventListener = (...given: Parameters<typeof listen>) => {
      waits++;
      listen(...given);
    };
    overlay.fs.writeFileSync(`/f${i}`, 'bytes');
    return overlay.sync({ signal });
  };
  await Promise.all(Array.from({ length: calls }, (_, i) => sync(i)));
  // For its turn, and for what it does then.
  expect(waits).toBeLessThan(5 * calls);
});
