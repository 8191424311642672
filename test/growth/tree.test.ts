// What changes cost, and the questions about them, grows as they do, and no faster.

import { Volume } from 'memfs';
import { expect, it, vi } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { growth } from './steps.ts';

/** Far from 16, and some way above 4: sorting is among the steps. */
const IN_PROPORTION = 6;
const PAGE = 4096;

it('the steps of a file that is cut page by page', async () => {
  const factor = await growth(1000, (pages) => {
    const { fs } = createOverlay({ lower: [], pageSize: PAGE });
    const fd = fs.openSync('/f', 'w+');
    fs.writeSync(fd, Buffer.alloc(pages * PAGE, 'x'));
    return () => {
      for (let left = pages - 1; left >= 0; left--) fs.ftruncateSync(fd, left * PAGE);
    };
  });
  expect(factor).toBeLessThan(IN_PROPORTION);
});

it('P3: a file with holes gives back what is cut off, wherever it is cut', () => {
  const limit = 1000 * PAGE;
  const { fs } = createOverlay({ lower: [], pageSize: PAGE, limits: { bytes: limit, inodes: 10 } });
  const fd = fs.openSync('/f', 'w+');
  const places = [0, 1, 63, 64, 65, 200, 4096, 2 ** 28];
  for (const place of places) fs.writeSync(fd, Buffer.alloc(PAGE, 'x'), 0, PAGE, place * PAGE);
  for (let last = places.length - 1; last > 0; last--) {
    fs.ftruncateSync(fd, (places[last] as number) * PAGE);
    expect(fs.fstatSync(fd).blocks).toBe((last * PAGE) / 512);
    expect(fs.readSync(fd, Buffer.alloc(1), 0, 1, (places[last - 1] as number) * PAGE)).toBe(1);
  }
  fs.ftruncateSync(fd, 0);
  fs.writeFileSync('/all', Buffer.alloc(limit));
});

it('the steps of changes where each is watched by one of many', async () => {
  const factor = await growth(200, (watchers) => {
    const { fs } = createOverlay({ lower: [] });
    for (let i = 0; i < watchers; i++) {
      fs.mkdirSync(`/d${i}`);
      fs.watch(`/d${i}`, { persistent: false });
    }
    return () => {
      for (let i = 0; i < watchers; i++) fs.writeFileSync(`/d${i}/f`, 'bytes');
    };
  });
  expect(factor).toBeLessThan(IN_PROPORTION);
});

it('the steps of changes where each is of one of many files that are looked at', async () => {
  const ends: (() => void)[] = [];
  const factor = await growth(200, (watchers) => {
    const { fs } = createOverlay({ lower: [] });
    const files = Array.from({ length: watchers }, (_, i) => `/d${i % 10}/f${i}`);
    for (let i = 0; i < 10; i++) fs.mkdirSync(`/d${i}`);
    let heard = 0;
    for (const file of files) {
      fs.writeFileSync(file, 'bytes');
      fs.watchFile(file, () => heard++);
    }
    ends.push(() => {
      for (const file of files) fs.unwatchFile(file);
    });
    return async () => {
      // The first look is no change.
      await new Promise((resolve) => setTimeout(resolve, 10));
      for (const file of files) fs.appendFileSync(file, 'more');
      await vi.waitFor(() => expect(heard).toBe(watchers));
    };
  });
  for (const end of ends) end();
  expect(factor).toBeLessThan(IN_PROPORTION);
});

it('N8: several watchers of one thing, of its entries or of everything below it each hear of it once, in order', async () => {
  const { fs } = createOverlay({ lower: [] });
  fs.mkdirSync('/a/b', { recursive: true });
  fs.writeFileSync('/a/b/f', '');
  const heard: string[] = [];
  const watched: [string, boolean][] = [
    ['/', true],
    ['/a/b/f', false],
    ['/a/b', false],
    ['/a', true],
    ['/', false],
    ['/a/b', true],
  ];
  const watchers = watched.map(([path, recursive], i) =>
    fs.watch(path, { recursive, persistent: false }, (_, name) => heard.push(`${i} ${name}`)),
  );
  fs.chmodSync('/a/b/f', 0o600);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toEqual(['0 a/b/f', '1 f', '2 f', '3 b/f', '5 f']);
  for (const watcher of watchers) watcher.close();
});

it('the steps of changes() where all names of a file were changed', async () => {
  const factor = await growth(200, (names) => {
    const lower = new Volume();
    lower.writeFileSync('/f', 'bytes');
    for (let i = 0; i < names; i++) lower.linkSync('/f', `/l${i}`);
    const overlay = createOverlay({ lower });
    for (let i = 0; i < names; i++) overlay.fs.renameSync(`/l${i}`, `/m${i}`);
    return () => expect([...overlay.changes()].length).toBe(2 * names - 1);
  });
  expect(factor).toBeLessThan(IN_PROPORTION);
});

it('the steps of looking at all names of a file that was changed', async () => {
  const factor = await growth(200, (names) => {
    const lower = new Volume();
    lower.writeFileSync('/f', 'bytes');
    for (let i = 0; i < names; i++) lower.linkSync('/f', `/l${i}`);
    const { fs } = createOverlay({ lower: { fs: lower, immutable: true } });
    fs.appendFileSync('/f', ' more');
    return () => {
      for (let i = 0; i < names; i++) expect(fs.statSync(`/l${i}`).size).toBe(10);
    };
  });
  expect(factor).toBeLessThan(IN_PROPORTION);
});
