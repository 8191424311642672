// Links of `/proc` to what has no name: the pipes and sockets behind `/dev/stdout` and `/proc/self/fd`.

import nodeFs from 'node:fs';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';

const server = net.createServer();
let link = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fds = nodeFs.readdirSync('/proc/self/fd').map((fd) => `/proc/self/fd/${fd}`);
  link = fds.find((each) => nodeFs.lstatSync(each, { throwIfNoEntry: false }) && isSocket(each)) ?? '';
});

afterAll(() => void server.close());

function isSocket(path: string): boolean {
  return nodeFs.readlinkSync(path).startsWith('socket:[');
}

describe('L11 a link of the kernel to what has no name', () => {
  it.runIf(process.platform === 'linux')('makes no file by that name where it is written to', async () => {
    const overlay = createOverlay();
    const { fs } = overlay;
    expect(fs.readlinkSync(link)).toBe(nodeFs.readlinkSync(link));
    const message = `ENXIO: no such device or address, open '${link}'`;
    for (const { writeFileSync } of [nodeFs, fs]) expect(() => writeFileSync(link, 'x')).toThrow(message);
    expect(() => fs.appendFileSync(link, 'x')).toThrow(message);
    await expect(fs.promises.writeFile(link, 'x')).rejects.toThrow(message);
    expect([...overlay.changes()]).toEqual([]);
  });

  it.runIf(process.platform === 'linux')('makes none through an overlay over another either', () => {
    const below = createOverlay();
    const overlay = createOverlay({ lower: below });
    expect(() => overlay.fs.writeFileSync(link, 'x')).toThrow(expect.objectContaining({ code: 'ENXIO' }));
    expect([...overlay.changes(), ...below.changes()]).toEqual([]);
  });

  it('is a link like any other where it was made here', () => {
    const { fs } = createOverlay({ lower: [] });
    fs.symlinkSync('pipe:[1]', '/link');
    fs.writeFileSync('/link', 'x');
    expect(fs.readFileSync('/pipe:[1]', 'utf8')).toBe('x');
  });
});
