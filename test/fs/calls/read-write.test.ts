// N4: read, readv, write, writev: every way to call them, what they give, and what promisify makes of them.

import { constants } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import type { FileSystem } from '../matrix.ts';
import { alike, told, toldLater } from './both.ts';

type Loose = (...args: unknown[]) => unknown;

/** Opens a file with ten bytes. */
function opened(fs: FileSystem, flags: string | number = 'r+'): number {
  fs.writeFileSync('file', '0123456789');
  return fs.openSync('file', flags);
}

/** Calls a callback function and tells what it brings. */
function heard(call: (callback: Loose) => unknown): Promise<string> {
  return new Promise((resolve) => {
    try {
      call((...values) => resolve(values.map((value) => told(() => value)).join('; ')));
    } catch (error) {
      resolve(`throws ${told(() => error)}`);
    }
  });
}

const bytes = (): Buffer => Buffer.alloc(8, '.');

/** A view of the bytes with a wrong `length`. */
function lying(data: Buffer, length: number): Buffer {
  return Object.defineProperty(data.subarray(), 'length', { value: length });
}

const READS: readonly ((data: Buffer) => unknown[])[] = [
  (data) => [data],
  (data) => [data, 0, 4, 2],
  (data) => [data, 2, 3, null],
  (data) => [data, 2, 3, -1],
  (data) => [data, 2, 3, 5n],
  (data) => [data, 0, 8, 7],
  (data) => [data, 0, 8, 100],
  (data) => [data, 0, 8, 1.5],
  (data) => [data, 0, 8, -0],
  (data) => [data, 0, 8, 2 ** 53],
  (data) => [lying(data, 4), 0, 4, 0],
  (data) => [lying(data, 12), 0, 12, 0],
  (data) => [data, 0, 0, 0],
  (data) => [data, { offset: 3 }],
  (data) => [data, { length: 2, position: 1 }],
  (data) => [data, {}],
  (data) => [data, null],
  (data) => [data, null, 4, 0],
  (data) => [new Uint16Array(data.buffer, data.byteOffset, 2), 1, 3, 0],
  (data) => [new DataView(data.buffer, data.byteOffset, 4)],
];

const WRITES: readonly ((data: Buffer) => unknown[])[] = [
  (data) => [data],
  (data) => [data, 2],
  (data) => [data, 2, 3],
  (data) => [data, 2, 3, 1],
  (data) => [data, 2, 3, null],
  (data) => [data, 2, 3, -1],
  (data) => [data, 0, 8, 1.5],
  (data) => [data, 0, 8, -0],
  (data) => [lying(data, 4), 0, 4, 0],
  (data) => [lying(data, 12), 0, 12, 0],
  (data) => [data, 0, 0],
  (data) => [data, null, 3, 4],
  (data) => [data, { offset: 6, position: 2 }],
  (data) => [data, {}],
  (data) => [data, undefined, undefined, 12],
  () => ['text'],
  () => ['grün', 3],
  () => ['grün', null, 'latin1'],
  () => ['6162', 0, 'hex'],
  () => ['text', 0, 'no-such-encoding'],
  () => ['', 0],
  (data) => [new Float64Array(data.buffer, data.byteOffset, 1)],
];

describe('N4 read and write', () => {
  it.each(READS.map((make, way) => ({ make, way })))('read, way $way', async ({ make }) => {
    await alike(async (fs) => {
      const fd = opened(fs);
      const results: unknown[] = [];
      for (let i = 0; i < 2; i++) {
        const [sync, later] = [bytes(), bytes()];
        results.push(
          told(() => (fs.readSync as Loose)(fd, ...make(sync))),
          String(sync),
        );
        results.push(
          await heard((callback) => (fs.read as unknown as Loose)(fd, ...make(later), callback)),
          String(later),
        );
      }
      fs.closeSync(fd);
      return results;
    });
  });

  it.each(WRITES.map((make, way) => ({ make, way })))('write, way $way', async ({ make }) => {
    await alike(async (fs) => {
      const results: unknown[] = [];
      for (const flags of ['r+', 'a', 'w', 'r']) {
        const fd = opened(fs, flags);
        const data = Buffer.from('abcdefgh');
        results.push(
          told(() => (fs.writeSync as Loose)(fd, ...make(data))),
          fs.readFileSync('file', 'latin1'),
        );
        results.push(await heard((callback) => (fs.write as unknown as Loose)(fd, ...make(data), callback)));
        results.push(fs.readFileSync('file', 'latin1'), String(data));
        fs.closeSync(fd);
      }
      return results;
    });
  });

  it('read without a buffer gives one', async () => {
    await alike(async (fs) => {
      const fd = opened(fs);
      const read = fs.read as unknown as Loose;
      const results = [
        await heard((callback) => read(fd, callback)),
        await heard((callback) => read(fd, { position: 3, length: 2 }, callback)),
        await heard((callback) => read(fd, { buffer: Buffer.alloc(3), position: 0 }, callback)),
        await heard((callback) => read(fd, null, callback)),
      ];
      fs.closeSync(fd);
      return results;
    });
  });

  it('readv and writev move several pieces', async () => {
    await alike(async (fs) => {
      const results: unknown[] = [];
      for (const position of [undefined, null, 0, 4, 9, 100]) {
        const fd = opened(fs);
        const pieces = (): Buffer[] => [Buffer.from('abc'), Buffer.alloc(0), Buffer.from('de')];
        for (const name of ['readv', 'writev'] as const) {
          const [now, later] = [pieces(), pieces()];
          results.push(
            told(() => (fs[`${name}Sync`] as Loose)(fd, now, position)),
            now.map(String),
          );
          results.push(
            await heard((callback) => (fs[name] as unknown as Loose)(fd, later, position, callback)),
            later.map(String),
          );
          results.push(
            told(() => fs[`${name}Sync`](fd, [])),
            await heard((callback) => fs[name](fd, [], callback)),
          );
        }
        results.push(fs.readFileSync('file', 'latin1'));
        fs.closeSync(fd);
      }
      return results;
    });
  });

  it('N1 no more than an int32 of bytes is moved at a time', async () => {
    const huge = new Uint8Array(2 ** 31);
    await alike(async (fs) => {
      const fd = opened(fs);
      const handle = await fs.promises.open('file', 'r+');
      const results: unknown[] = [];
      for (const rest of [[], [0, 2 ** 31, 0], [0, 2 ** 31]]) {
        results.push(
          told(() => (fs.readSync as Loose)(fd, huge, ...rest)),
          told(() => (fs.writeSync as Loose)(fd, huge, ...rest)),
          await heard((callback) => (fs.write as unknown as Loose)(fd, huge, ...rest, callback)),
          await toldLater((handle.write as unknown as (...args: unknown[]) => Promise<unknown>)(huge, ...rest)),
        );
      }
      fs.closeSync(fd);
      await handle.close();
      return [...results, fs.readFileSync('file', 'latin1')];
    });
  });

  it('N1 a descriptor is a number', async () => {
    await alike((fs) => {
      const fd = opened(fs);
      const results = [{ valueOf: () => fd }, String(fd), fd + 0.5, Number.NaN, -1].flatMap((wrong) => [
        told(() => fs.readSync(wrong as number, bytes(), 0, 8, 0)).replaceAll(`${fd}`, 'fd'),
        told(() => fs.writeSync(wrong as number, bytes(), 0, 8, 0)).replaceAll(`${fd}`, 'fd'),
      ]);
      fs.closeSync(fd);
      return results;
    });
  });

  it('promisify gives both values', async () => {
    await alike(async (fs) => {
      const fd = opened(fs);
      const results = [
        await toldLater(promisify(fs.read)(fd, Buffer.alloc(3), 0, 3, 1)),
        await toldLater(promisify(fs.readv)(fd, [Buffer.alloc(2)], 0)),
        await toldLater(promisify(fs.write)(fd, 'xy', 0)),
        await toldLater(promisify(fs.writev)(fd, [Buffer.from('z')], 0)),
        await toldLater(promisify(fs.read)(999_999, Buffer.alloc(3), 0, 3, 1)),
        await toldLater(promisify(fs.exists)('file')),
        await toldLater(promisify(fs.exists)('none')),
        await toldLater(promisify(fs.readFile)('file', 'utf8')),
        await toldLater(promisify(fs.stat)('none')),
      ];
      fs.closeSync(fd);
      return results;
    });
  });

  it('C12 O_APPEND writes at the end, wherever it is told to, and does not move where reading goes on', async () => {
    await alike((fs) => {
      const fd = opened(fs, 'a+');
      const target = Buffer.alloc(3);
      const results: unknown[] = [fs.readSync(fd, target), String(target)];
      fs.writeSync(fd, 'A', 0);
      fs.writeSync(fd, 'B');
      results.push(fs.readFileSync('file', 'latin1'), fs.readSync(fd, target, 0, 3, 0), String(target));
      fs.closeSync(fd);
      return results;
    });
  });

  it('what ends other Nodes is an answer here', () => {
    const { fs } = createOverlay({ lower: [] });
    fs.writeFileSync('/file', 'x');
    const symbol = Symbol('s') as unknown as number;
    for (const call of [fs.closeSync, fs.fsyncSync, fs.fstatSync, fs.ftruncateSync] as unknown as Loose[]) {
      expect(() => call(symbol)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    }
    fs.chmodSync('/file', -0);
    expect(fs.statSync('/file').mode & 0o7777).toBe(0);
    fs.chmodSync('/file', 2 ** 32 - 1);
    expect(fs.statSync('/file').mode & 0o7777).toBe(0o7777);
    fs.closeSync(fs.openSync('/new', constants.O_CREAT | constants.O_RDWR, 2 ** 31 + 0o600));
    expect(fs.statSync('/new').mode & 0o7777).toBe(0o600);
    // The dry run that words the error of one argument must live through the other.
    expect(() => fs.chmodSync({} as string, 2 ** 31)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
    expect(() => fs.mkdirSync('/a\0b', -0)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    expect(() => fs.writeFileSync('/file', {} as string, { mode: 2 ** 31 })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});
