/** Runs a program in the same directory twice: through an overlay of the disk, then on the disk. */

import { createHash } from 'node:crypto';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { fingerprint } from '../../demo/fingerprint.js';
import { createOverlay, type OverlayOptions } from '../../lib/index.ts';

export type FileSystem = typeof nodeFs;

/** The longest text that is compared as it is. */
const SHORT = 200;

/** What a program did to a directory: what it returned, and all it left there. */
export interface Run<R> {
  readonly result: R;
  /** Type, permissions and content (of long ones the hash) (or target) by path. */
  readonly left: ReadonlyMap<string, string>;
}

/** A text as it is, or its hash when nobody would want to read it. */
function shown(text: string): string {
  return text.length <= SHORT
    ? text
    : `${text.length} bytes, sha256 ${createHash('sha256').update(text, 'latin1').digest('hex')}`;
}

/** Everything below a directory but the times and numbers, which two runs cannot share. */
function contents(fs: FileSystem, root: string): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (at: string): void => {
    const stats = fs.lstatSync(at);
    const mode = stats.mode.toString(8);
    const name = path.relative(root, at);
    if (stats.isDirectory()) {
      found.set(name, mode);
      for (const child of fs.readdirSync(at)) visit(path.join(at, child));
    } else if (stats.isSymbolicLink()) {
      found.set(name, `${mode} ${fs.readlinkSync(at)}`);
    } else {
      found.set(name, `${mode} ${stats.nlink} ${shown(fs.readFileSync(at, 'latin1'))}`);
    }
  };
  visit(root);
  return found;
}

/**
 * Runs `program` in a directory of its own that `prepare` has filled: first through an overlay, of which nothing may reach the
 * disk, then on the disk.
 */
export async function inBothPlaces<R>(
  prepare: (root: string) => void,
  program: (fs: FileSystem, root: string) => R | Promise<R>,
  options: OverlayOptions = {},
): Promise<{ readonly inOverlay: Run<R>; readonly onDisk: Run<R> }> {
  const root = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-tools-')));
  try {
    prepare(root);
    const before = fingerprint(root);
    using overlay = createOverlay(options);
    const result = await program(overlay.fs, root);
    const inOverlay = { result, left: contents(overlay.fs, root) };
    expect(fingerprint(root)).toEqual(before);
    const onDisk = { result: await program(nodeFs, root), left: contents(nodeFs, root) };
    expect(fingerprint(root)).not.toEqual(before);
    return { inOverlay, onDisk };
  } finally {
    nodeFs.rmSync(root, { recursive: true });
  }
}
