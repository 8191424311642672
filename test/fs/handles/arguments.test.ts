// N1, N7: every method of FileHandle with every argument replaced by values of every kind: the same error, or the same
// result and the same file afterwards, as Node's own.

import nodeFs from 'node:fs';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { enterScene, type FileSystem, VALUES } from '../matrix.ts';
import { describeError } from '../transcript.ts';
import { openHandle } from './handle.ts';

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;
const buffer = (): Buffer => Buffer.alloc(8, 'b');

/** Right arguments of each method, and of several ways to call one where there are such. */
const METHODS: Readonly<Record<string, readonly (() => unknown[])[]>> = {
  appendFile: [() => ['more', {}], () => [['in', 'pieces'], 'utf8']],
  chmod: [() => [0o640]],
  chown: [() => [uid, gid]],
  datasync: [() => []],
  read: [
    () => [buffer(), 1, 3, 2],
    () => [buffer(), { offset: 1, length: 3, position: 2 }],
    () => [{ buffer: buffer(), position: 2 }],
    () => [],
  ],
  readFile: [() => [{ encoding: 'utf8' }], () => ['latin1']],
  readv: [() => [[buffer(), buffer()], 2]],
  stat: [() => [{}]],
  sync: [() => []],
  truncate: [() => [3]],
  utimes: [() => [11, 22]],
  write: [
    () => [buffer(), 1, 3, 2],
    () => [buffer(), { offset: 1, length: 3, position: 2 }],
    () => ['text', 2, 'latin1'],
    () => [buffer()],
  ],
  writeFile: [() => ['data', { encoding: 'utf8' }], () => [buffer(), 'utf8']],
  writev: [() => [[buffer(), buffer()], 2]],
};

let scene: ReturnType<typeof enterScene>;
beforeAll(() => {
  scene = enterScene();
});
afterAll(() => scene.leave());

/** What Node answers with the end of the process (src/node_file.cc asserts what it is given). */
function endsNode(method: string, position: number, label: string): boolean {
  const isMinusZero = label === '-0';
  if (method === 'chmod') return isMinusZero || /^2\*\*31$|^2\*\*32-1$/.test(label);
  if (method === 'chown') return isMinusZero;
  if (method === 'truncate') return false;
  if (method !== 'read' && method !== 'write') return false;
  if (isMinusZero) return true;
  // A length that is no integer.
  if (method === 'read' && position === 2) return true;
  return method === 'read' && label === '{ length: 1.5 }';
}

/** How a call ends, what is in the file afterwards, and where the handle stands then. */
async function attempt(fs: FileSystem, method: string, args: unknown[]): Promise<string> {
  // The mode first: what was called before may have left one that forbids its owner to write.
  fs.chmodSync('file', 0o644);
  fs.writeFileSync('file', 'content of the file');
  const handle = await openHandle(fs, 'file', 'r+');
  const call = (handle as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>)[method];
  const ending = await call?.apply(handle, args).then(
    (value) => `gives ${describeAnswer(value)}`,
    (error) => `fails ${describeError(error)}`,
  );
  // The file may be very long by now.
  const there = await handle.read(Buffer.alloc(40));
  const begin = await handle.read(Buffer.alloc(40), 0, 40, 0);
  const { mode, size } = await handle.stat();
  await handle.close();
  const text = [begin, there].map(({ bytesRead, buffer: bytes }) => bytes.toString('latin1', 0, bytesRead)).join('; ');
  return `${ending}; ${mode.toString(8)} ${size} ${text}`;
}

function describeAnswer(value: unknown): string {
  return typeof value === 'object' && value !== null && 'mtimeMs' in value ? value.constructor.name : inspect(value);
}

function variants(method: string, right: () => unknown[]) {
  const count = right().length;
  const made: { title: string; args: unknown[] }[] = [{ title: 'as it is', args: right() }];
  for (let length = 0; length < count; length++)
    made.push({ title: `${length} arguments`, args: right().slice(0, length) });
  // One position more than there are: what stands there is looked at by some.
  for (let position = 0; position <= Math.min(count, 3); position++) {
    for (const [label, value] of Object.entries(VALUES)) {
      const args = right();
      args[position] = value();
      if (!endsNode(method, position, label)) made.push({ title: `${position} = ${label}`, args });
    }
  }
  return made;
}

describe('N1 arguments of FileHandle', () => {
  for (const [method, ways] of Object.entries(METHODS)) {
    it.each(ways.map((right, index) => ({ right, index })))(`${method}, way $index`, async ({ right }) => {
      const overlay = createOverlay();
      const differences: string[] = [];
      const [ours, theirs] = [variants(method, right), variants(method, right)];
      for (const [index, { title, args }] of ours.entries()) {
        const own = await attempt(overlay.fs, method, args);
        const real = await attempt(nodeFs, method, theirs[index]?.args ?? []);
        if (own !== real) differences.push(`${title}\n  ours:   ${own}\n  theirs: ${real}`);
      }
      overlay.close();
      expect(differences.join('\n')).toBe('');
    });
  }
});
