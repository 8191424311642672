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
