// Whose memory `readFile` gives: where Node gives a buffer memory of its own, which may be transferred to a worker, so
// does an overlay.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOverlay, type FileSystem } from '../../../lib/index.ts';

let directory = '';

beforeAll(() => {
  directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
  nodeFs.writeFileSync(path.join(directory, 'small'), 'small');
  nodeFs.writeFileSync(path.join(directory, 'large'), Buffer.alloc(100_000));
});

afterAll(() => nodeFs.rmSync(directory, { recursive: true }));

type Fs = Pick<FileSystem, 'openSync' | 'closeSync' | 'readFile' | 'readFileSync' | 'promises'>;

const called = (fs: Fs, file: string | number) =>
  new Promise<Buffer>((resolve, reject) => fs.readFile(file, (error, data) => (error ? reject(error) : resolve(data))));

const FORMS: Record<string, (fs: Fs, file: string) => Promise<Buffer>> = {
  synchronous: async (fs, file) => fs.readFileSync(file),
  callback: called,
  promise: (fs, file) => fs.promises.readFile(file),
  'a FileHandle': async (fs, file) => {
    const handle = await fs.promises.open(file);
    return handle.readFile().finally(() => handle.close());
  },
  'a descriptor': async (fs, file) => {
    const fd = fs.openSync(file, 'r');
    return called(fs, fd).finally(() => fs.closeSync(fd));
  },
};

describe.each(Object.entries(FORMS))('N1 readFile, %s', (_, readFile) => {
  // Between 4 and 8 KiB it is as in Node 24 on all versions, which the changelog tells.
  it.each(['small', 'large'])('of a %s file gives memory of its own where Node does', async (name) => {
    const file = path.join(directory, name);
    const { fs } = createOverlay();
    const written = createOverlay({ lower: [] }).fs;
    written.mkdirSync(directory, { recursive: true });
    written.writeFileSync(file, nodeFs.readFileSync(file));
    const isOwn = async (each: Fs) => {
      const { buffer, length } = await readFile(each, file);
      return buffer.byteLength === length;
    };
    const expected = await isOwn(nodeFs);
    for (const each of [fs, fs, written]) expect(await isOwn(each)).toBe(expected);
  });
});

describe('what synchronous reads of small files give', () => {
  const sizes = [1, 100, 4095, 4096, 5000, 8192, 8193, 20_000];
  const letterOf = (index: number) => String.fromCharCode(97 + (index % 26));
  /** 200 files of these sizes in turn, read one after the other, and what each holds. */
  const read = () => {
    const { fs } = createOverlay({ lower: [] });
    return Array.from({ length: 200 }, (_, index) => {
      const content = letterOf(index).repeat(sizes[index % sizes.length] ?? 0);
      fs.writeFileSync('/file', content);
      return { content, bytes: fs.readFileSync('/file') };
    });
  };

  it('never shares a byte with another result', () => {
    const results = read();
    for (const { content, bytes } of results) {
      expect(bytes.toString()).toBe(content);
      bytes.fill('Z');
    }
    for (const { content, bytes } of results) expect(bytes.toString()).toBe('Z'.repeat(content.length));
  });

  it('is Buffers that can be viewed as numbers of eight bytes', () => {
    for (const { bytes } of read()) expect(bytes.byteOffset % 8).toBe(0);
  });

  it('is not shared where Buffer has no pool', () => {
    const { poolSize } = Buffer;
    Buffer.poolSize = 0;
    try {
      for (const { bytes } of read()) expect(bytes.buffer.byteLength).toBe(bytes.length);
    } finally {
      Buffer.poolSize = poolSize;
    }
  });

  it('keeps what it holds when another result is transferred', () => {
    const [first, ...others] = read().filter(({ bytes }) => bytes.length >= 4096 && bytes.length <= 8192);
    if (first === undefined) throw new Error('no result');
    try {
      const clone = structuredClone(first.bytes, { transfer: [first.bytes.buffer as ArrayBuffer] });
      expect(Buffer.from(clone).toString()).toBe(first.content);
    } catch (error) {
      expect(error).toHaveProperty('name', 'DataCloneError');
    }
    for (const { content, bytes } of others) expect(bytes.toString()).toBe(content);
  });
});

describe('N1 a view that says another length than it has', () => {
  /** Node's own functions end the process of some of these, so they are not asked. */
  const lying = (...names: string[]) =>
    Object.defineProperties(Buffer.from('hello'), Object.fromEntries(names.map((name) => [name, { value: 500 }])));

  it.each([[['length']], [['length', 'byteLength']]])(
    'is written as it is, with nothing that lies behind it: %j',
    (names) => {
      const { fs } = createOverlay({ lower: [] });
      fs.writeFileSync('/whole', lying(...names));
      const fd = fs.openSync('/pieces', 'w');
      fs.writeSync(fd, lying(...names));
      fs.writevSync(fd, [lying(...names)]);
      fs.closeSync(fd);
      expect(fs.readFileSync('/whole', 'utf8')).toBe('hello');
      expect(fs.readFileSync('/pieces', 'utf8')).toBe('hellohello');
    },
  );

  it('is read into as far as it goes', () => {
    const { fs } = createOverlay({ lower: [] });
    fs.writeFileSync('/file', 'x'.repeat(1000));
    const fd = fs.openSync('/file', 'r');
    const view = lying('length', 'byteLength');
    expect(fs.readSync(fd, view)).toBe(5);
    expect(String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset, 5))).toBe('xxxxx');
    fs.closeSync(fd);
  });
});
