// node:fs waits for no timer, so a test that has replaced those of the process reads its files all the same: with ours
// too.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as realTurn } from 'node:timers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createOverlay } from '../../lib/index.ts';

/** More than what is answered from memory before a turn of the event loop is waited for. */
const MANY = 600;
const turn = realTurn;

let directory: string;
beforeEach(() => {
  directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-timers-'));
  for (const each of ['lower', 'upper']) nodeFs.mkdirSync(path.join(directory, each));
  nodeFs.writeFileSync(path.join(directory, 'lower', 'lower.txt'), 'lower');
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  nodeFs.rmSync(directory, { recursive: true });
});

it('N6: reads and writes in all forms while the timers of the process stand still', async () => {
  const overlay = createOverlay({ lower: path.join(directory, 'lower'), upper: path.join(directory, 'upper') });
  const { fs } = overlay;
  const seen: string[] = [];
  for (let each = 0; each < MANY; each++) seen.push(await fs.promises.readFile('/lower.txt', 'utf8'));
  expect(new Set(seen)).toEqual(new Set(['lower']));
  await Promise.all(Array.from({ length: 40 }, (_, each) => fs.promises.writeFile(`/new${each}`, `${each}`)));
  const text = await new Promise((resolve, reject) => {
    fs.readFile('/new7', 'utf8', (error, value) => (error ? reject(error) : resolve(value)));
  });
  expect(text).toBe('7');
  const pieces: string[] = [];
  for await (const piece of fs.createReadStream('/new8', 'utf8')) pieces.push(piece);
  expect(pieces).toEqual(['8']);
  const handle = await fs.promises.open('/new9');
  expect(await handle.readFile('utf8')).toBe('9');
  await handle.close();
  expect(await (await fs.openAsBlob('/lower.txt')).text()).toBe('lower');
  await overlay.sync();
  await overlay.close();
  expect(nodeFs.readFileSync(path.join(directory, 'upper', 'new7'), 'utf8')).toBe('7');
});

it('N6: calls back in a later turn all the same', async () => {
  const { fs } = createOverlay({ lower: path.join(directory, 'lower') });
  const order: string[] = [];
  fs.stat('/lower.txt', () => order.push('callback'));
  order.push('behind the call');
  while (order.length < 2) await new Promise((resolve) => turn(resolve));
  expect(order).toEqual(['behind the call', 'callback']);
});

it('N8: tells who watches of each change', async () => {
  const { fs } = createOverlay({ lower: path.join(directory, 'lower') });
  const heard: string[] = [];
  const watcher = fs.watch('/', (event, name) => heard.push(`${event} ${name}`));
  for (const _ of [1, 2]) {
    fs.chmodSync('/lower.txt', 0o600);
    await new Promise((resolve) => turn(resolve));
  }
  watcher.close();
  expect(heard).toEqual(['change lower.txt', 'change lower.txt']);
});
