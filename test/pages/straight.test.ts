// Long reads of files that are large beside the cache, which go past it where the kernel keeps what it has read.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { FORMS, faceOf } from '../grounds/face.ts';

const PIECE = 64 * 1024;
const PIECES = 16;
const LARGE = PIECE * PIECES + 1000;
/** The file is larger than a quarter of it. */
const CACHE = LARGE;

let directory: string;
beforeEach(() => {
  directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-straight-'));
});
afterEach(() => {
  nodeFs.rmSync(directory, { recursive: true });
});

/** What a file holds that is small beside it. */
const SMALL = 's'.repeat(CACHE / 5);

/** No two pages alike. */
function large(label: string): Buffer {
  const content = Buffer.alloc(LARGE);
  for (let at = 0, line = 0; at < LARGE; line++) at += content.write(`${label} ${line}\n`, at);
  return content;
}

/** Makes a small file that was there for long: what has just been written would be read again each time for a while. */
function writeSmall(): void {
  nodeFs.writeFileSync(`${directory}/small`, SMALL);
  nodeFs.utimesSync(`${directory}/small`, 1, 1);
}

/** An overlay over the directory or, with two levels, over an overlay over it; `at` a place of the overlay if one is given; and how often a file was read. */
function counted({ at = '/', cache = CACHE, levels = 1 } = {}) {
  const count = { reads: 0 };
  const fs = {
    ...nodeFs,
    readSync: ((...args: Parameters<typeof nodeFs.readSync>) => {
      count.reads++;
      return nodeFs.readSync(...args);
    }) as typeof nodeFs.readSync,
    read: ((...args: Parameters<typeof nodeFs.read>) => {
      count.reads++;
      return nodeFs.read(...args);
    }) as typeof nodeFs.read,
  };
  const options = { cache: { maxBytes: cache }, pageSize: 4096 };
  const [below, root] =
    levels === 1 ? [fs, directory] : [createOverlay({ lower: { fs, root: directory }, ...options }), '/'];
  const overlay = createOverlay({ lower: { fs: 'fs' in below ? below.fs : below, root, at }, ...options });
  return { overlay, fs: overlay.fs, count };
}

for (const [form, levels] of FORMS.flatMap((each) => [1, 2].map((number) => [each, number] as const))) {
  describe(`a long read of a large file, ${form}, levels: ${levels}`, () => {
    it('P6 gives what the file holds and leaves in the cache what is there', async () => {
      const content = large('content');
      nodeFs.writeFileSync(`${directory}/large`, content);
      writeSmall();
      const { fs, count } = counted({ levels });
      const face = faceOf(fs, form, '/');
      await face.readFile('/small');
      for (let time = 1; time <= 2; time++) {
        const handle = await face.open('/large', 'r');
        const pieces: Buffer[] = [];
        for (let position = 0; ; ) {
          const buffer = Buffer.alloc(PIECE);
          const read = await handle.read(buffer, 0, PIECE, position);
          if (read === 0) break;
          pieces.push(buffer.subarray(0, read));
          position += read;
        }
        await handle.close();
        expect(Buffer.concat(pieces).equals(content)).toBe(true);
      }
      const { reads } = count;
      expect(await face.readFile('/small', 'utf8')).toBe(SMALL);
      expect(count.reads).toBe(reads);
    });

    it('C1 shows what was written in its range, and zeros where it was cut', async () => {
      const content = large('content');
      nodeFs.writeFileSync(`${directory}/large`, content);
      const { fs } = counted({ at: '/below/here', levels });
      const face = faceOf(fs, form, '/');
      const handle = await face.open('/below/here/large', 'r+');
      const buffer = Buffer.alloc(PIECE);
      await handle.write(Buffer.from('written'), PIECE + 5000);
      content.write('written', PIECE + 5000);
      for (let at = 0; at < 4 * PIECE; at += PIECE) {
        expect(await handle.read(buffer, 0, PIECE, at)).toBe(PIECE);
        expect(buffer.equals(content.subarray(at, at + PIECE))).toBe(true);
      }
      await face.truncate('/below/here/large', 8 * PIECE + 10);
      await face.truncate('/below/here/large', LARGE);
      content.fill(0, 8 * PIECE + 10);
      for (let at = 7 * PIECE; at < 10 * PIECE; at += PIECE) {
        expect(await handle.read(buffer, 0, PIECE, at)).toBe(PIECE);
        expect(buffer.equals(content.subarray(at, at + PIECE))).toBe(true);
      }
      await handle.close();
    });

    it('C6 that begins behind what is left of it, in the last page of that, finds zeros', async () => {
      nodeFs.writeFileSync(`${directory}/large`, large('content'));
      const { fs } = counted({ levels });
      const face = faceOf(fs, form, '/');
      const handle = await face.open('/large', 'r+');
      await face.truncate('/large', PIECE + 1000);
      await face.truncate('/large', LARGE);
      for (const behind of [0, 1, 1000]) {
        const buffer = Buffer.alloc(PIECE, 'x');
        expect(await handle.read(buffer, 0, PIECE, PIECE + 1000 + behind)).toBe(PIECE);
        expect(buffer.equals(Buffer.alloc(PIECE))).toBe(true);
      }
      await handle.close();
    });

    it('that begins behind its end, in its last page, finds nothing and leaves the file what it is', async () => {
      nodeFs.writeFileSync(`${directory}/large`, large('content'));
      nodeFs.utimesSync(`${directory}/large`, 1, 1);
      const { fs, count } = counted({ levels });
      const handle = await faceOf(fs, form, '/').open('/large', 'r');
      const buffer = Buffer.alloc(PIECE);
      for (const behind of [0, 1, 1000]) expect(await handle.read(buffer, 0, PIECE, LARGE + behind)).toBe(0);
      await handle.read(buffer, 0, 10, 0);
      const { reads } = count;
      await handle.read(buffer, 0, 10, 0);
      expect(count.reads).toBe(reads);
      await handle.close();
    });

    it('C7 of a file that the lower has changed is ESTALE where it is owned, else the new one', async () => {
      nodeFs.writeFileSync(`${directory}/owned`, large('old'));
      nodeFs.writeFileSync(`${directory}/clean`, large('old'));
      const { fs } = counted({ levels });
      const face = faceOf(fs, form, '/');
      const owned = await face.open('/owned', 'r+');
      const clean = await face.open('/clean', 'r');
      await owned.write(Buffer.from('mine'), 0);
      for (const name of ['owned', 'clean']) {
        nodeFs.writeFileSync(`${directory}/${name}`, large('new'));
        nodeFs.utimesSync(`${directory}/${name}`, 5, 5);
      }
      const buffer = Buffer.alloc(PIECE);
      await expect(owned.read(buffer, 0, PIECE, 4 * PIECE)).rejects.toThrow('ESTALE');
      expect(await clean.read(buffer, 0, PIECE, 4 * PIECE)).toBe(PIECE);
      expect(buffer.equals(large('new').subarray(4 * PIECE, 5 * PIECE))).toBe(true);
      await owned.close();
      await clean.close();
    });
  });
}

describe('a long read of a large file', () => {
  it('C10 sees all of what is written while the lower answers, or nothing', async () => {
    const content = large('content');
    nodeFs.writeFileSync(`${directory}/large`, content);
    const { fs } = counted();
    const handle = await fs.promises.open('/large', 'r');
    const buffer = Buffer.alloc(PIECE);
    const reading = handle.read(buffer, 0, PIECE, PIECE);
    const fd = fs.openSync('/large', 'r+');
    fs.writeSync(fd, 'x'.repeat(8192), PIECE + 8192);
    fs.closeSync(fd);
    await reading;
    content.fill('x', PIECE + 8192, PIECE + 2 * 8192);
    expect(buffer.equals(content.subarray(PIECE, 2 * PIECE))).toBe(true);
    await handle.close();
  });

  it('P6 leaves the cache as it is where all of the file is read at once', () => {
    const content = large('content');
    nodeFs.writeFileSync(`${directory}/large`, content);
    writeSmall();
    const { fs, overlay, count } = counted();
    fs.readFileSync('/small');
    const { cachedBytes } = overlay.statistics();
    expect(fs.readFileSync('/large').equals(content)).toBe(true);
    expect(fs.readFileSync('/large', 'utf8')).toBe(content.toString());
    const fd = fs.openSync('/large', 'r');
    fs.readSync(fd, Buffer.alloc(1000));
    expect(fs.readFileSync(fd).equals(content.subarray(1000))).toBe(true);
    fs.closeSync(fd);
    expect(overlay.statistics().cachedBytes).toBeLessThan(cachedBytes + PIECE);
    const { reads } = count;
    fs.readFileSync('/small');
    expect(count.reads).toBe(reads);
    fs.appendFileSync('/large', 'more');
    fs.truncateSync('/large', LARGE + 100_000);
    const longer = Buffer.concat([content, Buffer.from('more'), Buffer.alloc(100_000 - 4)]);
    expect(fs.readFileSync('/large').equals(longer)).toBe(true);
    expect(overlay.statistics().cachedBytes).toBeLessThan(cachedBytes + PIECE);
  });

  it('into several buffers fills them all', async () => {
    const content = large('content');
    nodeFs.writeFileSync(`${directory}/large`, content);
    const { fs } = counted();
    const handle = await fs.promises.open('/large', 'r');
    const buffers = [Buffer.alloc(PIECE), Buffer.alloc(100), Buffer.alloc(PIECE)];
    expect((await handle.readv(buffers, 777)).bytesRead).toBe(2 * PIECE + 100);
    expect(Buffer.concat(buffers).equals(content.subarray(777, 777 + 2 * PIECE + 100))).toBe(true);
    await handle.close();
  });

  it('is cached where the file is small beside the cache', () => {
    nodeFs.writeFileSync(`${directory}/large`, large('content'));
    const { fs, count } = counted({ cache: 8 * LARGE });
    const fd = fs.openSync('/large', 'r');
    const buffer = Buffer.alloc(PIECE);
    fs.readSync(fd, buffer, 0, PIECE, 0);
    const { reads } = count;
    fs.readSync(fd, buffer, 0, PIECE, 0);
    expect(count.reads).toBe(reads);
    fs.closeSync(fd);
  });
});
