// Small files are staged by one command each, and many at once where the upper answers later: what becomes of one is
// nothing to the others.

import nodeFs from 'node:fs';
import { expect, it } from 'vitest';
import { useDirectories } from '../directories.ts';
import { bytesOf, Fault, leftovers, mount, newLower, PAGE, survey } from '../rig.ts';

const newDirectory = useDirectories();

const COUNT = 100;

type Later = (...given: unknown[]) => void;

/** `node:fs` that counts how many calls of its callback functions are under way, and can refuse to write. */
function counting() {
  const counts = { now: 0, most: 0 };
  /** Which `write` calls are refused, and with what. */
  const refusals: string[] = [];
  /** Which `unlink` calls are. */
  const kept: string[] = [];
  /** How many files are open, and how many may be. */
  const files = { open: 0, most: Number.POSITIVE_INFINITY };
  const fs: Record<string, unknown> = { ...nodeFs };
  const refuse = (name: string): string | undefined => {
    if (name === 'unlink') return kept.shift();
    if (name === 'open' && files.open >= files.most) return 'EMFILE';
    if (name === 'open') files.open++;
    if (name === 'close') files.open--;
    return (name === 'write' && refusals.shift()) || undefined;
  };
  for (const name of ['open', 'write', 'futimes', 'fsync', 'fstat', 'close', 'unlink'] as const) {
    const real = nodeFs[name] as unknown as Later;
    fs[name] = (...given: unknown[]) => {
      const done = given.pop() as Later;
      counts.most = Math.max(counts.most, ++counts.now);
      const end: Later = (...answer) => {
        counts.now--;
        done(...answer);
      };
      const code = refuse(name);
      if (code === undefined) real(...given, end);
      else setImmediate(end, Object.assign(new Error(code), { code }));
    };
  }
  return { fs, counts, refusals, kept, files };
}

function setUp() {
  const root = newDirectory();
  const upper = counting();
  const lower = newLower();
  const writeback = { expire: Number.POSITIVE_INFINITY };
  const overlay = mount({ fs: upper.fs, root }, { lower, writeback });
  const contents = Array.from({ length: COUNT }, (_, i) => bytesOf(i, i * 100));
  overlay.fs.mkdirSync('/new');
  for (const [i, content] of contents.entries()) overlay.fs.writeFileSync(`/new/${i}`, content);
  const isThere = (i: number) => nodeFs.readFileSync(`${root}/new/${i}`).equals(contents[i] as Buffer);
  return { ...upper, root, lower, overlay, isThere };
}

it('without blocking many are under way at once, in as few commands as there are files', async () => {
  const { counts, root, overlay, isThere } = setUp();
  const fault = new Fault(overlay);
  await overlay.sync();
  expect(counts.most).toBeGreaterThan(8);
  expect(fault.seen.filter(({ kind }) => kind === 'put')).toHaveLength(COUNT);
  // The directories, the journal, the notes.
  expect(fault.seen.length).toBeLessThan(COUNT + 40);
  for (let i = 0; i < COUNT; i++) expect(isThere(i)).toBe(true);
  expect(leftovers(nodeFs, root)).toEqual([]);
  overlay.close();
});

it('W2, W4: those that are refused stay dirty and are told, all others are written', async () => {
  const { refusals, root, overlay, isThere } = setUp();
  refusals.push('ENOSPC', 'EIO');
  const thrown: unknown = await overlay.sync().catch((failure) => failure);
  expect(thrown).toBeInstanceOf(AggregateError);
  const { errors } = thrown as { errors: { code: string; path: string }[] };
  // Which file is refused with which is up to the threads.
  expect(errors.map(({ code }) => code).sort()).toEqual(['EIO', 'ENOSPC']);
  const refused = errors.map(({ path }) => path);
  for (let i = 0; i < COUNT; i++) {
    expect(nodeFs.existsSync(`${root}/new/${i}`)).toBe(!refused.includes(`/new/${i}`));
    expect(overlay.fs.readFileSync(`/new/${i}`)).toEqual(bytesOf(i, i * 100));
  }
  await overlay.sync();
  for (let i = 0; i < COUNT; i++) expect(isThere(i)).toBe(true);
  overlay.close();
});

it('W10: a take-over at the first of them hears of no other that is not sent', async () => {
  const { root, overlay, isThere } = setUp();
  let puts = 0;
  overlay.on('command', ({ kind }) => {
    if (kind === 'put' && ++puts === 1) overlay.syncSync();
  });
  await overlay.sync();
  // The first was told, and then all of them at once.
  expect(puts).toBe(1 + COUNT);
  for (let i = 0; i < COUNT; i++) expect(isThere(i)).toBe(true);
  expect(leftovers(nodeFs, root)).toEqual([]);
  overlay.close();
});

it('W3: one that is to come later comes later', async () => {
  const { refusals, overlay, isThere } = setUp();
  refusals.push('EAGAIN', 'EBUSY', 'EAGAIN');
  await overlay.sync();
  for (let i = 0; i < COUNT; i++) expect(isThere(i)).toBe(true);
  overlay.close();
});

it('W3: one comes later also where what it had begun can only be cleared away later', async () => {
  const { refusals, kept, overlay, isThere } = setUp();
  for (let i = 0; i < 8; i++) refusals.push('EAGAIN');
  for (let i = 0; i < 8; i++) kept.push('EBUSY');
  await overlay.sync();
  for (let i = 0; i < COUNT; i++) expect(isThere(i)).toBe(true);
  overlay.close();
});

it('W3: one does not begin again where every step in two is to come later', async () => {
  const { refusals, overlay, isThere } = setUp();
  // More than there is patience for, had all of them to go well at one time.
  overlay.fs.writeFileSync('/new/0', bytesOf(0, PAGE * 20));
  for (let i = 0; i < COUNT; i++) refusals.push('', 'EAGAIN');
  await overlay.sync();
  for (let i = 1; i < COUNT; i++) expect(isThere(i)).toBe(true);
  expect(overlay.fs.readFileSync('/new/0')).toEqual(bytesOf(0, PAGE * 20));
  overlay.close();
});

it('W2: where no more files can be opened, fewer are written at once', async () => {
  const { files, counts, overlay, isThere } = setUp();
  files.most = files.open + 3;
  await overlay.sync();
  expect(counts.most).toBeGreaterThan(8);
  for (let i = 0; i < COUNT; i++) expect(isThere(i)).toBe(true);
  overlay.close();
});

it('W8: those that their owner may not read are written step by step, so that they can be opened to be flushed', async () => {
  const root = newDirectory();
  // Not quite node:fs, so that what is open is not trusted to tell all.
  const fs = { ...nodeFs, lstatSync: nodeFs.lstatSync.bind(nodeFs) };
  const overlay = mount({ fs, root }, { lower: newLower(), writeback: { expire: Number.POSITIVE_INFINITY } });
  const fault = new Fault(overlay);
  for (const mode of [0o000, 0o200, 0o400]) overlay.fs.writeFileSync(`/${mode}`, 'x', { mode });
  await overlay.sync();
  expect(fault.seen.filter(({ kind }) => kind === 'put')).toHaveLength(1);
  for (const mode of [0o000, 0o200, 0o400]) expect(nodeFs.statSync(`${root}/${mode}`).mode & 0o777).toBe(mode);
  overlay.close();
});

it('W9: what is changed while they are under way is written by the next', async () => {
  const { root, lower, overlay } = setUp();
  const synced = overlay.sync();
  await new Promise(setImmediate);
  for (let i = 0; i < COUNT; i++) overlay.fs.writeFileSync(`/new/${i}`, bytesOf(i + 1, PAGE));
  overlay.fs.rmSync('/new/5');
  await synced;
  await overlay.sync();
  const wanted = survey(overlay.fs);
  overlay.close();
  const next = mount(root, { lower });
  expect(survey(next.fs)).toEqual(wanted);
  next.close();
});

it('a listener that writes back at once takes over before any is begun', async () => {
  const { counts, overlay, isThere, root } = setUp();
  let most = -1;
  overlay.on('command', ({ kind }) => {
    if (kind !== 'put' || most >= 0) return;
    most = 0;
    overlay.syncSync();
    most = counts.most;
  });
  await overlay.sync();
  expect(most).toBe(0);
  expect(counts.most).toBe(0);
  for (let i = 0; i < COUNT; i++) expect(isThere(i)).toBe(true);
  expect(leftovers(nodeFs, root)).toEqual([]);
  overlay.close();
});
