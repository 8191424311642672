/**
 * The same program on the real fs and on overlays: what it writes down must be the same everywhere.
 */

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { Volume } from 'memfs';
import { expect } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import type { FileSystem } from './matrix.ts';

/** A place where a program runs. */
export interface Stage {
  readonly fs: FileSystem;
  /** An existing directory that holds `files`. */
  readonly root: string;
  /** Whether it is the real fs, for what only that can be asked. */
  readonly isReal: boolean;
  /** Writes down something. */
  log(...values: unknown[]): void;
  /** Writes down how a promise ends. */
  ending(label: string, promise: Promise<unknown> | (() => Promise<unknown>)): Promise<void>;
}

/** A program: it may touch nothing outside the root. */
export type Program = (stage: Stage) => Promise<void> | void;

/** What a program finds in its root, by name. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

const FIELDS = ['errno', 'code', 'syscall', 'path', 'dest'] as const;

/** An error in words. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `not an error: ${inspect(error)}`;
  const fields = error as unknown as Readonly<Record<string, unknown>>;
  const shown = FIELDS.filter((field) => field in fields).map((field) => `${field}=${String(fields[field])}`);
  const cause = error.cause === undefined ? '' : ` cause ${describeError(error.cause)}`;
  return `${error.name}: ${error.message} (${shown.join(' ')})${cause}`;
}

function describe(value: unknown): string {
  if (value instanceof Error) return describeError(value);
  return typeof value === 'string' ? value : inspect(value, { depth: 4, breakLength: Number.POSITIVE_INFINITY });
}

function fill(fs: FileSystem, root: string, files: Files): void {
  fs.mkdirSync(root, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(`${root}/${name}`), { recursive: true });
    fs.writeFileSync(`${root}/${name}`, content);
    fs.chmodSync(`${root}/${name}`, 0o644);
    fs.utimesSync(`${root}/${name}`, 1_000, 2_000);
  }
}

/** What an aborted call has begun may still come about while the directory is removed. */
const REMOVAL = { recursive: true, maxRetries: 5 } as const;

function realDirectory(): string {
  return nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
}

interface Ground {
  readonly name: string;
  /** Makes the place; gives the end of it as well. */
  open(files: Files): { readonly fs: FileSystem; readonly root: string; readonly close: () => void };
}

function underDisk(options: { readonly immutable: boolean }): Ground['open'] {
  return (files) => {
    const root = realDirectory();
    fill(nodeFs, root, files);
    const overlay = createOverlay({ lower: { fs: nodeFs, root: '/', ...options } });
    return {
      fs: overlay.fs,
      root,
      close() {
        overlay.close();
        nodeFs.rmSync(root, REMOVAL);
      },
    };
  };
}

const REAL: Ground = {
  name: 'the real fs',
  open(files) {
    const root = realDirectory();
    fill(nodeFs, root, files);
    return { fs: nodeFs, root, close: () => nodeFs.rmSync(root, REMOVAL) };
  },
};

/** Where a program must write down the same as on the real fs. */
export const OVERLAYS: readonly Ground[] = [
  { name: 'an overlay over the disk', open: underDisk({ immutable: false }) },
  { name: 'an overlay over an immutable disk', open: underDisk({ immutable: true }) },
  {
    name: 'an overlay with everything in memory',
    open(files) {
      const overlay = createOverlay({ lower: [] });
      fill(overlay.fs, '/root', files);
      return { fs: overlay.fs, root: '/root', close: () => overlay.close() };
    },
  },
  {
    name: 'an overlay over memfs',
    open(files) {
      const volume = new Volume();
      fill(volume as unknown as FileSystem, '/root', files);
      const overlay = createOverlay({ lower: { fs: volume } });
      return { fs: overlay.fs, root: '/root', close: () => overlay.close() };
    },
  },
];

export async function runOn(ground: Ground, program: Program, files: Files): Promise<string[]> {
  const { fs, root, close } = ground.open(files);
  const lines: string[] = [];
  const clean = (text: string): string => text.replaceAll(root, '$').replaceAll(/\b(fd:? |fd=)\d+/g, '$1#');
  const log = (...values: unknown[]): void => {
    lines.push(clean(values.map(describe).join(' ')));
  };
  const ending = async (label: string, promise: Promise<unknown> | (() => Promise<unknown>)): Promise<void> => {
    try {
      log(label, 'gives', await (typeof promise === 'function' ? promise() : promise));
    } catch (error) {
      log(label, 'fails', error);
    }
  };
  try {
    await program({ fs, root, isReal: ground === REAL, log, ending });
  } finally {
    close();
  }
  return lines;
}

/** Runs a program everywhere and expects the same of it. */
export async function expectSame(program: Program, files: Files = {}): Promise<void> {
  const real = await runOn(REAL, program, files);
  expect(real.length, 'the program writes something down').toBeGreaterThan(0);
  for (const ground of OVERLAYS) {
    expect(await runOn(ground, program, files), ground.name).toEqual(real);
  }
}
