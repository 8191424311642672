// C4, C6: files of the disk that are huge and nearly empty cost what of them is used, and show what room they take.

import nodeFs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';

const SIZE = 2 ** 42;
const MIDDLE = SIZE / 2;

type Fs = Pick<typeof nodeFs, 'openSync' | 'readSync' | 'writeSync' | 'closeSync' | 'statSync'>;

let base = '';
let overlay: Overlay;

beforeEach(() => {
  base = nodeFs.mkdtempSync(join(os.tmpdir(), 'overfs-'));
  for (const name of ['lower', 'upper']) nodeFs.mkdirSync(join(base, name));
  const fd = nodeFs.openSync(join(base, 'lower/huge'), 'w');
  nodeFs.ftruncateSync(fd, SIZE);
  nodeFs.writeSync(fd, 'head', 0);
  nodeFs.writeSync(fd, 'middle', MIDDLE);
  nodeFs.writeSync(fd, 'tail', SIZE - 4);
  nodeFs.closeSync(fd);
  const upper = join(base, 'upper');
  overlay = createOverlay({ lower: join(base, 'lower'), upper, cwd: '/', writeback: 'manual' });
});

afterEach(() => nodeFs.rmSync(base, { recursive: true }));

function read(fs: Fs, path: string, position: number): string {
  const fd = fs.openSync(path, 'r');
  const bytes = Buffer.alloc(6);
  const length = fs.readSync(fd, bytes, 0, bytes.length, position);
  fs.closeSync(fd);
  return bytes.toString('latin1', 0, length);
}

function write(fs: Fs, path: string, text: string, position: number): void {
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, text, position);
  fs.closeSync(fd);
}

/** The room that a file takes, in bytes. */
function room(fs: Fs, path: string): number {
  return fs.statSync(path).blocks * 512;
}

const LITTLE = 2 ** 20;

describe('C4 C6 a lower file of terabytes', () => {
  it('is read, changed, cut, grown, copied and renamed for what of it is used', async () => {
    const { fs } = overlay;
    expect(fs.statSync('/huge').size).toBe(SIZE);
    expect(() => fs.readFileSync('/huge')).toThrow(expect.objectContaining({ code: 'ERR_FS_FILE_TOO_LARGE' }));
    await expect(fs.promises.readFile('/huge')).rejects.toMatchObject({ code: 'ERR_FS_FILE_TOO_LARGE' });
    let end = '';
    for await (const chunk of fs.createReadStream('/huge', { start: SIZE - 4, encoding: 'latin1' })) end += chunk;
    expect(end).toBe('tail');
    fs.copyFileSync('/huge', '/copy');
    await fs.promises.cp('/copy', '/further');
    write(fs, '/copy', 'M', MIDDLE);
    fs.appendFileSync('/copy', 's');
    fs.truncateSync('/huge', MIDDLE + 3);
    fs.truncateSync('/huge', SIZE);
    fs.renameSync('/further', '/moved');
    const seen = ['/huge', '/copy', '/moved'].map((path) => [0, MIDDLE, SIZE - 4].map((at) => read(fs, path, at)));
    expect(seen).toEqual([
      ['head\0\0', 'mid\0\0\0', '\0\0\0\0'],
      ['head\0\0', 'Middle', 'tails'],
      ['head\0\0', 'middle', 'tail'],
    ]);
    for (const path of ['/huge', '/copy', '/moved']) expect(room(fs, path), path).toBeLessThan(LITTLE);
    expect(overlay.statistics().dirtyBytes).toBeLessThan(LITTLE);
  });
});

it('C6 a file that was born huge takes the same little room once the upper has it, and so do copies of it', async () => {
  const { fs } = overlay;
  fs.writeFileSync('/born', 'head');
  fs.truncateSync('/born', SIZE);
  fs.copyFileSync('/born', '/copy');
  await overlay.sync();
  write(fs, '/born', 'tail', SIZE - 4);
  for (const sync of [() => {}, () => overlay.syncSync()]) {
    sync();
    for (const name of ['born', 'copy']) {
      expect(fs.statSync(`/${name}`).size).toBe(SIZE);
      expect(room(fs, `/${name}`), name).toBeLessThan(LITTLE);
      expect(room(nodeFs, join(base, 'upper', name)), name).toBeLessThan(LITTLE);
    }
  }
  expect(read(nodeFs, join(base, 'upper/born'), SIZE - 4)).toBe('tail');
  overlay.close();
});

it('a write-back that has to read all of it ends with its signal', async () => {
  overlay.fs.chmodSync('/huge', 0o600);
  const stop = new AbortController();
  overlay.on('command', ({ kind }) => {
    if (kind === 'copy' || kind === 'read') stop.abort();
  });
  await expect(overlay.sync({ signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
  expect(read(overlay.fs, '/huge', MIDDLE)).toBe('middle');
});
