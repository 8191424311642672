// Whose memory `readFile` gives: where Node gives a buffer memory of its own, which may be transferred to a worker, so does an overlay.

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
