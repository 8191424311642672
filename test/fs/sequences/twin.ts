// The same call on overlays and on the real fs, in the same directory under the same name, one after the other: what it
// gives, how it fails and what it leaves behind must be the same, and the lower must be as it was (L1).

import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { createOverlay, type OverlayOptions } from '../../../lib/index.ts';
import { actAs } from '../../act-as.ts';
import type { FileSystem } from '../matrix.ts';

export type Form = 'sync' | 'callback' | 'promise';
export const FORMS: readonly Form[] = ['sync', 'callback', 'promise'];

export interface Twin {
  /** Makes what the call finds, with any fs; the working directory is the root. Special files are made with `fifo`. */
  /** Which of several that a test tries. */
  readonly title?: string;
  readonly given: (fs: FileSystem, root: string) => void;
  /** The call; what it gives is compared. */
  readonly act: (fs: FileSystem, root: string) => unknown;
  /** Whether what it leaves behind is compared when it fails half way: not where Node goes by the order of the disk. */
  readonly remains?: 'compared' | 'compared unless it fails';
  /** Whether it can also be tried on what is made in memory: special files cannot be made there. */
  readonly grounds?: 'all' | 'disk';
  /** Whose rights it has: a plain user's where this process can take them on. */
  readonly as?: 'itself' | 'somebody';
}

const SOMEBODY = 12_345;

/** Makes a FIFO, on the real fs only. */
export function fifo(fs: FileSystem, name: string): void {
  if (fs === nodeFs) execFileSync('mkfifo', [name]);
}

function attempt<R>(look: () => R): R | string {
  try {
    return look();
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

function describeName(fs: FileSystem, whole: string, relative: string): string {
  const stats = attempt(() => fs.lstatSync(whole));
  if (typeof stats === 'string') return `${relative} ${stats}`;
  const link = stats.isSymbolicLink() ? ` -> ${fs.readlinkSync(whole)}` : '';
  const content = stats.isFile() ? ` ${attempt(() => fs.readFileSync(whole, 'latin1'))} x${stats.nlink}` : '';
  // Only times that were set on purpose are the same everywhere.
  const time = stats.mtimeMs < 1e10 ? ` at ${stats.mtimeMs}` : '';
  return `${relative} ${stats.mode.toString(8)}${link}${content}${time}`;
}

/** Every name below a directory with all there is to say about it. */
export function treeOf(fs: FileSystem, root: string, below = ''): string[] {
  const lines: string[] = [];
  const names = attempt(() => fs.readdirSync(path.join(root, below), { withFileTypes: true }));
  if (typeof names === 'string') return [`${below}/ ${names}`];
  for (const entry of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const relative = path.join(below, entry.name);
    lines.push(describeName(fs, path.join(root, relative), relative));
    if (entry.isDirectory()) lines.push(...treeOf(fs, root, relative));
  }
  return lines;
}

/** For JSON: the order of fields is nobody's business. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return `not an error: ${String(error)}`;
  const { stack: _stack, ...fields } = { ...error } as Record<string, unknown>;
  return `${error.name}: ${error.message} ${JSON.stringify(fields, sorted)}`;
}

/** Runs what happens on the real fs, as who is to do it. */
function played<R>({ as }: Twin, run: () => R): R {
  return as === 'somebody' ? actAs({ uid: SOMEBODY, gid: SOMEBODY }, run) : run();
}

async function outcome(fs: FileSystem, root: string, twin: Twin): Promise<string> {
  let result: string;
  try {
    result = `gives ${JSON.stringify(await twin.act(fs, root))}`;
  } catch (error) {
    result = `fails ${describeFailure(error)}`;
  }
  const isSilent = twin.remains === 'compared unless it fails' && result.startsWith('fails');
  return [result, ...(isSilent ? [] : treeOf(fs, root))].join('\n');
}

function options(twin: Twin, root: string): OverlayOptions {
  const isOther = twin.as === 'somebody' && process.geteuid?.() === 0;
  return { cwd: root, ...(isOther && { credentials: { uid: SOMEBODY, gid: SOMEBODY } }) };
}

/** Lets a directory be removed, whoever made it. */
function open(directory: string): void {
  nodeFs.chmodSync(directory, 0o700);
  for (const entry of nodeFs.readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) open(path.join(directory, entry.name));
  }
}

/** The lines that only one of two texts has. */
function differences(ours: string, nodes: string): string {
  const lines = (text: string, other: string): string[] => {
    const others = new Set(other.split('\n'));
    return text.split('\n').filter((line) => !others.has(line));
  };
  const [extra, missing] = [lines(ours, nodes), lines(nodes, ours)];
  return [...extra.map((line) => `\nours:   ${line}`), ...missing.map((line) => `\nNode's: ${line}`)].join('');
}

/** Runs it everywhere and expects the same of it. */
export async function expectTwins(twin: Twin): Promise<void> {
  const above = nodeFs.realpathSync(os.tmpdir());
  const root = nodeFs.mkdtempSync(path.join(above, 'overfs-twin-'));
  const cwd = process.cwd();
  try {
    if (twin.as === 'somebody' && process.geteuid?.() === 0) nodeFs.chownSync(root, SOMEBODY, SOMEBODY);
    process.chdir(root);
    played(twin, () => twin.given(nodeFs, root));
    const before = treeOf(nodeFs, root);
    const results = new Map<string, string>();
    for (const immutable of [false, true]) {
      using overlay = createOverlay({ ...options(twin, root), lower: { fs: nodeFs, immutable } });
      results.set(immutable ? 'over an immutable disk' : 'over the disk', await outcome(overlay.fs, root, twin));
    }
    expect(treeOf(nodeFs, root), 'L1').toEqual(before);
    if (twin.grounds !== 'disk') {
      using overlay = createOverlay({ ...options(twin, root), lower: [] });
      overlay.fs.mkdirSync(root, { recursive: true });
      twin.given(overlay.fs, root);
      results.set('in memory', await outcome(overlay.fs, root, twin));
    }
    const real = await played(twin, () => outcome(nodeFs, root, twin));
    for (const [ground, result] of results) {
      if (result !== real) expect.fail(`${twin.title ?? ''} ${ground}${differences(result, real)}`);
    }
  } finally {
    process.chdir(cwd);
    open(root);
    nodeFs.rmSync(root, { recursive: true });
  }
}

/** Calls a function in a form; a promise in any case but the synchronous one. */
export function call(fs: FileSystem, form: Form, name: string, args: readonly unknown[]): unknown {
  type Functions = Readonly<Record<string, (...args: unknown[]) => unknown>>;
  if (form === 'sync') return (fs as unknown as Functions)[`${name}Sync`]?.(...args);
  if (form === 'promise') return (fs.promises as unknown as Functions)[name]?.(...args);
  return new Promise((resolve, reject) => {
    const given = args.at(-1) === undefined ? args.slice(0, -1) : args;
    const done = (error: unknown, value: unknown): void => (error ? reject(error) : resolve(value));
    (fs as unknown as Functions)[name]?.(...given, done);
  });
}
