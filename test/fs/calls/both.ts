/**
 * Does the same on an overlay over the real disk and on the real disk itself, in a fresh directory, the overlay first since it
 * leaves no trace; what comes of it must be the same.
 */

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { expect } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import type { FileSystem } from '../matrix.ts';

/** What a call gave or threw, in words. */
export function told(call: () => unknown): string {
  try {
    return shown(call());
  } catch (error) {
    return shown(error);
  }
}

/** The same of a promise. */
export async function toldLater(promise: Promise<unknown>): Promise<string> {
  return await promise.then(shown, shown);
}

function shown(value: unknown): string {
  if (!(value instanceof Error)) return inspect(value, { depth: 5, maxArrayLength: 20 });
  const fields = inspect({ ...value }, { breakLength: Number.POSITIVE_INFINITY, sorted: true });
  return `${value.name}: ${value.message} ${fields}`;
}

/** Runs on both and compares. `run` works in the current directory, which is empty. */
export async function alike(run: (fs: FileSystem) => unknown): Promise<void> {
  const root = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
  const before = process.cwd();
  const umask = process.umask(0o022);
  process.chdir(root);
  const overlay = createOverlay();
  try {
    const ours = await run(overlay.fs);
    expect(nodeFs.readdirSync(root)).toEqual([]);
    const theirs = await run(nodeFs);
    expect(ours).toEqual(theirs);
  } finally {
    overlay.close();
    process.chdir(before);
    process.umask(umask);
    nodeFs.rmSync(root, { recursive: true });
  }
}
