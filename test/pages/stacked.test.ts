// P8, DESIGN idea 5: stacked overlays share pages. What several of them have in memory is there once, and whoever
// writes copies first.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOverlay, type OverlayOptions } from '../../lib/index.ts';
import { WatchedLower } from '../faults/lower.ts';
import { type Face, FORMS, type Form, faceOf } from '../grounds/face.ts';
import { collect } from './collector.ts';

const PAGE = 16 * 1024;
const MIB = 1024 * 1024;

let directory: string;
beforeEach(() => {
  directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-stacked-'));
  nodeFs.chmodSync(directory, 0o755);
});
afterEach(() => {
  nodeFs.rmSync(directory, { recursive: true });
});

/** No two pages alike. */
function content(length: number, label = 'content'): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 512) bytes.write(`${label} ${at}\n`, at);
  return bytes;
}

/** The same as `toEqual`, which takes long for long buffers. */
function expectBytes(found: Buffer, wanted: Buffer): void {
  expect(found.equals(wanted)).toBe(true);
}

/** Makes a file of the disk that was there for long: what has just been written would be read again each time for a while. */
function place(name: string, bytes: Buffer | string): void {
  nodeFs.writeFileSync(`${directory}/${name}`, bytes);
  nodeFs.utimesSync(`${directory}/${name}`, 1, 1);
}

/** A clock by which each change has a time of its own, long ago. */
function ticking(): () => number {
  let now = 1_000_000_000_000;
  return () => ++now;
}

const clock = ticking();

/** Overlays over the directory, the lowest first, each the lower of the next. */
function stack(levels: number, each: OverlayOptions = {}) {
  const overlays = [createOverlay({ lower: directory, clock, ...each })];
  while (overlays.length < levels) {
    const below = overlays.at(-1);
    if (below !== undefined) overlays.push(createOverlay({ lower: below, clock, ...each }));
  }
  const [lowest, , highest] = [overlays[0], overlays[1], overlays.at(-1)];
  if (lowest === undefined || highest === undefined) throw new Error('a stack has one overlay at least');
  return { overlays, lowest, highest };
}

function two(options: OverlayOptions = {}) {
  const { lowest, highest } = stack(2, options);
  return { below: lowest, above: highest };
}

/** Reads a file piece by piece. */
async function readPieces(face: Face, name: string, piece: number): Promise<Buffer> {
  const handle = await face.open(name, 'r');
  const pieces: Buffer[] = [];
  try {
    for (;;) {
      const buffer = Buffer.alloc(piece);
      const read = await handle.read(buffer);
      if (read === 0) return Buffer.concat(pieces);
      pieces.push(buffer.subarray(0, read));
    }
  } finally {
    // Newer Nodes take a handle that is collected open for an error.
    await handle.close();
  }
}

/** Reads a file piece by piece, and keeps nothing of it. */
async function pass(face: Face, name: string): Promise<void> {
  const handle = await face.open(name, 'r');
  const buffer = Buffer.alloc(PAGE);
  while ((await handle.read(buffer)) > 0) {}
  await handle.close();
}

describe.each(FORMS)('stacked overlays, %s', (form: Form) => {
  it('P8 DESIGN idea 5: hold what is read through three of them once', async () => {
    place('f', content(64 * MIB));
    const { overlays, highest } = stack(3);
    collect();
    const before = process.memoryUsage().arrayBuffers;
    await pass(faceOf(highest.fs, form, '/'), '/f');
    collect();
    const grown = process.memoryUsage().arrayBuffers - before;
    const told = overlays.map((overlay) => overlay.statistics());
    expect(told.map(({ cachedBytes }) => cachedBytes)).toEqual([64 * MIB, 64 * MIB, 64 * MIB]);
    expect(told.map(({ borrowedBytes }) => borrowedBytes)).toEqual([0, 64 * MIB, 64 * MIB]);
    // Each with pages of its own would hold three times that.
    expect(grown).toBeLessThan(1.5 * 64 * MIB);
  });

  it('P8 share what was written below, and go apart when either side writes', async () => {
    const { below, above } = two();
    const [low, high] = [faceOf(below.fs, form, '/'), faceOf(above.fs, form, '/')];
    const bytes = content(5 * PAGE + 100);
    await low.writeFile('/f', bytes);
    expectBytes(await high.readFile('/f'), bytes);
    // The few bytes at its end are cheaper to copy.
    expect(above.statistics().borrowedBytes).toBe(5 * PAGE);

    const handle = await high.open('/f', 'r');
    const first = Buffer.alloc(PAGE);
    await handle.read(first, 0, PAGE, 0);
    const writing = await low.open('/f', 'r+');
    await writing.write('BELOW', 10);
    await writing.close();
    const lower = Buffer.from(bytes);
    lower.write('BELOW', 10);
    // Who reads on by its descriptor has what it had; who looks at the name sees the change.
    const again = Buffer.alloc(PAGE);
    await handle.read(again, 0, PAGE, 0);
    expectBytes(again, first);
    await handle.close();
    expectBytes(await high.readFile('/f'), lower);

    const upper = Buffer.from(lower);
    const own = await high.open('/f', 'r+');
    await own.write('ABOVE', 2 * PAGE + 5);
    await own.close();
    upper.write('ABOVE', 2 * PAGE + 5);
    expectBytes(await high.readFile('/f'), upper);
    expectBytes(await low.readFile('/f'), lower);
  });

  it('P8 C6 cut, grow and remove on one side, and the other keeps its bytes', async () => {
    place('f', content(6 * PAGE));
    const { below, above } = two();
    const [low, high] = [faceOf(below.fs, form, '/'), faceOf(above.fs, form, '/')];
    const bytes = content(6 * PAGE);
    expectBytes(await high.readFile('/f'), bytes);
    await high.truncate('/f', 2 * PAGE + 7);
    await high.truncate('/f', 3 * PAGE);
    const cut = Buffer.alloc(3 * PAGE);
    bytes.copy(cut, 0, 0, 2 * PAGE + 7);
    expectBytes(await high.readFile('/f'), cut);
    expectBytes(await low.readFile('/f'), bytes);
    await low.truncate('/f', 100);
    await low.unlink('/f');
    await low.writeFile('/other', content(8 * PAGE, 'other'));
    expectBytes(await high.readFile('/f'), cut);
    await high.unlink('/f');
    expectBytes(await high.readFile('/other'), content(8 * PAGE, 'other'));
    expectBytes(await low.readFile('/other'), content(8 * PAGE, 'other'));
  });

  it('P6 P8 forget by rules of their own, and never mix up cells', async () => {
    for (let i = 0; i < 8; i++) place(`f${i}`, content(10 * PAGE, `file f${i}`));
    const caches = [
      [256 * MIB, 12 * PAGE],
      [12 * PAGE, 256 * MIB],
      [12 * PAGE, 12 * PAGE],
      [50 * PAGE, 20 * PAGE],
      [0, 256 * MIB],
      [256 * MIB, 0],
    ] as const;
    for (const [lowMost, highMost] of caches) {
      const below = createOverlay({ lower: directory, cache: { maxBytes: lowMost } });
      const above = createOverlay({ lower: below, cache: { maxBytes: highMost } });
      const [low, high] = [faceOf(below.fs, form, '/'), faceOf(above.fs, form, '/')];
      for (let i = 0; i < 24; i++) {
        const name = `f${(i * 5) % 8}`;
        const bytes = await readPieces(i % 3 === 0 ? low : high, `/${name}`, 3 * PAGE);
        expectBytes(bytes, content(10 * PAGE, `file ${name}`));
        expect(below.statistics().cachedBytes).toBeLessThanOrEqual(lowMost);
        expect(above.statistics().cachedBytes).toBeLessThanOrEqual(highMost);
      }
    }
  });

  it('P4 P6 P8 read what each file holds, many at a time, through caches of any size', async () => {
    for (let i = 0; i < 8; i++) place(`f${i}`, content(6 * PAGE + i, `file f${i}`));
    for (const maxBytes of [0, 9 * PAGE, 20 * PAGE, 256 * MIB]) {
      const { overlays } = stack(3, { cache: { maxBytes } });
      const faces = overlays.map((overlay) => faceOf(overlay.fs, form, '/'));
      const readings = Array.from({ length: 48 }, async (_, i) => {
        const [face, name] = [faces[i % 3], `f${(i * 3) % 8}`];
        if (face === undefined) throw new Error('there are three');
        const wanted = content(6 * PAGE + ((i * 3) % 8), `file ${name}`);
        expectBytes(await (i % 2 === 0 ? face.readFile(`/${name}`) : readPieces(face, `/${name}`, PAGE)), wanted);
      });
      await Promise.all(readings);
    }
  });

  it('P4 tell a fault of the lowest, and read the file when it is over', async () => {
    const wanted = content(6 * PAGE);
    for (let failing = 1, failures = 1; failures > 0; failing++) {
      const lower = new WatchedLower('both');
      lower.volume.writeFileSync('/f', wanted);
      lower.volume.utimesSync('/f', 1, 1);
      const highest = createOverlay({ lower: createOverlay({ lower: { fs: lower.fs } }) });
      const high = faceOf(highest.fs, form, '/');
      failures = 0;
      lower.behave = ({ number }, answer) => {
        if (number !== failing) return answer();
        failures++;
        throw Object.assign(new Error('EIO'), { code: 'EIO' });
      };
      const found = await readPieces(high, '/f', PAGE).catch((error: NodeJS.ErrnoException) => error.code);
      if (typeof found === 'string') expect(found).toBe('EIO');
      else if (found !== undefined) expectBytes(found, wanted);
      lower.behave = (_request, answer) => answer();
      expectBytes(await readPieces(high, '/f', PAGE), wanted);
      expect(highest.statistics().borrowedBytes).toBe(6 * PAGE);
    }
  });

  it('P8 outlive the overlay below, once that is closed', async () => {
    place('f', content(4 * PAGE));
    place('g', content(4 * PAGE, 'another'));
    const { below, above } = two();
    const high = faceOf(above.fs, form, '/');
    expectBytes(await high.readFile('/f'), content(4 * PAGE));
    const handle = await high.open('/f', 'r+');
    below.close();
    const bytes = Buffer.alloc(4 * PAGE);
    await handle.read(bytes, 0, 4 * PAGE, 0);
    expectBytes(bytes, content(4 * PAGE));
    await handle.write('mine', 0);
    await handle.close();
    expect((await high.readFile('/f', 'utf8')).slice(0, 4)).toBe('mine');
    expect(above.statistics().borrowedBytes).toBe(3 * PAGE);
  });

  it('P8 a hole below costs nothing above', async () => {
    const { below, above } = two();
    const [low, high] = [faceOf(below.fs, form, '/'), faceOf(above.fs, form, '/')];
    await low.writeFile('/f', 'start');
    await low.truncate('/f', 8 * MIB);
    const expected = Buffer.alloc(8 * MIB);
    expected.write('start');
    expectBytes(await readPieces(high, '/f', PAGE), expected);
    expect(above.statistics().cachedBytes).toBeLessThan(64 * 1024);
    const handle = await high.open('/f', 'r+');
    await handle.write('x', 4 * MIB + 1);
    await handle.close();
    expected.write('x', 4 * MIB + 1);
    expectBytes(await high.readFile('/f'), expected);
    expect((await low.readFile('/f')).subarray(5).every((byte) => byte === 0)).toBe(true);
  });

  it('P8 are read byte by byte where their pages differ, or where somebody stands between', async () => {
    place('f', content(5 * PAGE));
    const below = createOverlay({ lower: directory });
    const count = { reads: 0 };
    const counting = { ...below.fs };
    for (const name of ['readSync', 'read'] as const) {
      const original = below.fs[name] as (...given: unknown[]) => unknown;
      Object.assign(counting, {
        [name]: (...given: unknown[]) => {
          count.reads++;
          return original(...given);
        },
      });
    }
    Object.assign(counting, { promises: undefined });
    const overlays = [
      createOverlay({ lower: below, pageSize: 4096 }),
      createOverlay({ lower: counting }),
      createOverlay({ lower: { promises: below.fs.promises } }),
    ];
    for (const [i, overlay] of overlays.entries()) {
      const face = faceOf(overlay.fs, form, '/');
      await overlay.preload('/f');
      expectBytes(await face.readFile('/f'), content(5 * PAGE));
      expect(overlay.statistics().borrowedBytes).toBe(0);
      expect(count.reads > 0).toBe(i >= 1);
    }
    // Somebody who replaces a function of an overlay is heard too.
    const heard = { reads: 0 };
    const { readSync } = below.fs;
    below.fs.readSync = ((...given: Parameters<typeof readSync>) => {
      heard.reads++;
      return readSync(...given);
    }) as typeof readSync;
    expectBytes(createOverlay({ lower: below }).fs.readFileSync('/f'), content(5 * PAGE));
    expect(heard.reads).toBeGreaterThan(0);
  });

  it('P8 share where only a part of one is seen, at another place', async () => {
    nodeFs.mkdirSync(`${directory}/deep`);
    place('deep/f', content(5 * PAGE));
    const below = createOverlay({ lower: directory });
    const options = { lower: { fs: below.fs, root: '/deep', at: '/here/it/is', immutable: true } };
    const above = createOverlay(options);
    const high = faceOf(above.fs, form, '/');
    expectBytes(await readPieces(high, '/here/it/is/f', 5000), content(5 * PAGE));
    expect(above.statistics().borrowedBytes).toBe(5 * PAGE);
  });

  it('N5 P8 lend nothing that could not be read', async () => {
    const below = createOverlay({ lower: directory, credentials: { uid: 0, gid: 0 } });
    below.fs.writeFileSync('/secret', content(3 * PAGE), { mode: 0o600 });
    below.fs.writeFileSync('/open', content(3 * PAGE), { mode: 0o644 });
    const above = createOverlay({
      lower: below.as({ uid: 1000, gid: 1000 }),
      credentials: { uid: 0, gid: 0 },
    });
    const high = faceOf(above.fs, form, '/');
    await expect(high.readFile('/secret')).rejects.toThrow('EACCES');
    expectBytes(await high.readFile('/open'), content(3 * PAGE));
    expect(above.statistics().borrowedBytes).toBeGreaterThan(0);
  });

  it('C7 P8 never mix what was lent with what the overlay below has now', async () => {
    place('owned', content(4 * PAGE, 'old'));
    place('clean', content(4 * PAGE, 'old'));
    const { below, above } = two();
    const [low, high] = [faceOf(below.fs, form, '/'), faceOf(above.fs, form, '/')];
    const owned = await high.open('/owned', 'r+');
    const clean = await high.open('/clean', 'r');
    await owned.write('mine', 0);
    await low.writeFile('/owned', content(4 * PAGE, 'new'));
    await low.writeFile('/clean', content(4 * PAGE, 'new'));
    const buffer = Buffer.alloc(PAGE);
    await expect(owned.read(buffer, 0, PAGE, 2 * PAGE)).rejects.toThrow('ESTALE');
    expect(await clean.read(buffer, 0, PAGE, 2 * PAGE)).toBe(PAGE);
    expectBytes(buffer, content(4 * PAGE, 'new').subarray(2 * PAGE, 3 * PAGE));
    await owned.close();
    await clean.close();
  });

  it.each([0, 1024 * PAGE])(
    'C7 read on in a file that was replaced at the bottom, with room for %d bytes',
    async (maxBytes) => {
      place('f', content(4 * PAGE, 'old'));
      const { overlays, lowest, highest } = stack(3, { cache: { maxBytes } });
      const high = faceOf(highest.fs, form, '/');
      const handle = await high.open('/f', 'r');
      await handle.read(Buffer.alloc(PAGE), 0, PAGE, 0);
      await handle.close();
      const low = faceOf(lowest.fs, form, '/');
      await low.writeFile('/n', content(4 * PAGE, 'new'));
      await low.rename('/n', '/f');
      // Each overlay keeps open what it has read: the one between has the new file open now, the one above still the old one of that.
      for (const { fs } of [...overlays].slice(1))
        expectBytes(await faceOf(fs, form, '/').readFile('/f'), content(4 * PAGE, 'new'));
    },
  );

  it('P8 pages of an overlay that is the upper are borrowed when they are read again', async () => {
    const below = createOverlay({ lower: directory });
    const options = { lower: [] as string[], upper: below, cache: { maxBytes: 10 * PAGE } };
    const above = createOverlay(options);
    const high = faceOf(above.fs, form, '/');
    await high.writeFile('/f', content(8 * PAGE));
    await above.sync();
    await high.writeFile('/g', content(8 * PAGE, 'g'));
    await above.sync();
    await high.readFile('/g');
    expectBytes(await readPieces(high, '/f', PAGE), content(8 * PAGE));
    expect(above.statistics().borrowedBytes).toBeGreaterThan(0);
    const handle = await high.open('/f', 'r+');
    await handle.write('changed', 7 * PAGE);
    await handle.close();
    const changed = content(8 * PAGE);
    changed.write('changed', 7 * PAGE);
    expectBytes(await below.fs.promises.readFile('/f'), content(8 * PAGE));
    await above.sync();
    expectBytes(await high.readFile('/f'), changed);
    expectBytes(await below.fs.promises.readFile('/f'), changed);
  });
});
