// Small files are staged by one command each, and many at once where the upper answers later: what becomes of one is nothing to the others.

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
  const fs: Record<string, unknown> = { ...nodeFs };
  for (const name of ['open', 'write', 'futimes', 'fsync', 'fstat', 'close'] as const) {
    const real = nodeFs[name] as unknown as Later;
    fs[name] = (...given: unknown[]) => {
      const done = given.pop() as Later;
      counts.most = Math.max(counts.most, ++counts.now);
      const end: Later = (...answer) => {
        counts.now--;
        done(...answer);
      };
      const code = name === 'write' ? refusals.shift() : undefined;
      if (code === undefined) real(...given, end);
      else setImmediate(end, Object.assign(new Error(code), { code }));
    };
  }
  return { fs, counts, refusals };
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
  expect(errors.map(({ code }) => code)).toEqual(['ENOSPC', 'EIO']);
  const refused = errors.map(({ path }) => path);
  for (let i = 0; i < COUNT; i++) {
    expect(nodeFs.existsSync(`${root}/new/${i}`)).toBe(!refused.includes(`/new/${i}`));
    expect(overlay.fs.readFileSync(`/new/${i}`)).toEqual(bytesOf(i, i * 100));
  }
  await overlay.sync();
  for (let i = 0; i < COUNT; i++) expect(isThere(i)).toBe(true);
  overlay.close();
});

it('W3: one that is to come later comes later', async () => {
  const { refusals, overlay, isThere } = setUp();
  refusals.push('EAGAIN', 'EBUSY', 'EAGAIN');
  await overlay.sync();
  for (let i = 0; i < COUNT; i++) expect(isThere(i)).toBe(true);
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
