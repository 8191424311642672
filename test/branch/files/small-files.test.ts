// Small files that are read as a whole without waiting: how few requests that takes, and what becomes of failures.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';

const inOneRequest = Number.parseInt(process.versions.node, 10) >= 26;
const ASKED = ['lstat', 'open', 'read', 'fstat', 'close', 'readFile'] as const;
type Asked = (typeof ASKED)[number];
type AnyFunction = (...args: unknown[]) => unknown;

/** node:fs that counts what it is asked; `before` may change something before a request, or call back in its place. */
function counting(before: (name: Asked, args: unknown[]) => 'done' | undefined = () => undefined) {
  const counts: Partial<Record<Asked, number>> = {};
  const functions = ASKED.map((name) => {
    const real = nodeFs[name] as unknown as AnyFunction;
    const counted = (...args: unknown[]) => {
      counts[name] = (counts[name] ?? 0) + 1;
      if (before(name, args) === undefined) real(...args);
    };
    return [name, counted];
  });
  return { counts, fs: { ...nodeFs, ...Object.fromEntries(functions) } };
}

describe('small files', () => {
  let scratch: string;
  beforeEach(() => {
    scratch = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
    nodeFs.writeFileSync(path.join(scratch, 'f'), 'content');
  });
  afterEach(() => {
    nodeFs.rmSync(scratch, { recursive: true, force: true });
  });

  it('takes as few requests as there can be', async () => {
    const { counts, fs } = counting();
    const overlay = createOverlay({ lower: { fs, root: scratch, immutable: true } });
    expect(await overlay.fs.promises.readFile('/f', 'utf8')).toBe('content');
    // One `lstat` is of the root.
    expect(counts).toEqual(inOneRequest ? { lstat: 2, readFile: 1 } : { lstat: 2, open: 1, read: 1, close: 1 });
    expect(await overlay.fs.promises.readFile('/f', 'utf8')).toBe('content');
    expect(counts.lstat).toBe(2);
  });

  it('C7 looks once more at what others may change, and reads what replaced it meanwhile', async () => {
    let rounds = 0;
    const { counts, fs } = counting((name) => {
      if (name === 'open' && rounds++ === 0) {
        nodeFs.writeFileSync(path.join(scratch, 'other'), 'CONTENT');
        nodeFs.renameSync(path.join(scratch, 'other'), path.join(scratch, 'f'));
      }
      return undefined;
    });
    const overlay = createOverlay({ lower: { fs, root: scratch } });
    expect(await overlay.fs.promises.readFile('/f', 'utf8')).toBe('CONTENT');
    expect(counts).toMatchObject({ open: 2, read: 2, fstat: 2, close: 2 });
  });

  it('closes what it cannot read, and says why', async () => {
    const { counts, fs } = counting((name, args) => {
      if (name !== 'read') return undefined;
      const done = args.at(-1) as (error: Error) => void;
      setImmediate(done, Object.assign(new Error('broken'), { code: 'EIO', errno: -5 }));
      return 'done';
    });
    const overlay = createOverlay({ lower: { fs, root: scratch } });
    await expect(overlay.fs.promises.readFile('/f')).rejects.toMatchObject({ code: 'EIO' });
    expect(counts.close).toBe(1);
  });

  it('reads a file that is larger than it was told no further than that', async () => {
    const { fs } = counting((name) => {
      if (name === 'open' || name === 'readFile') nodeFs.appendFileSync(path.join(scratch, 'f'), ', and more of it');
      return undefined;
    });
    const overlay = createOverlay({ lower: { fs, root: scratch, immutable: true } });
    expect(await overlay.fs.promises.readFile('/f', 'utf8')).toBe('content');
  });
});
