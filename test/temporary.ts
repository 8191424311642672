/**
 * Where tests write. Thousands of small trees are made and removed, which on a disk is half of the whole time, so
 * `npm test` writes to memory where there is room; the soaks write to the disk, so that both are seen.
 */

import nodeFs from 'node:fs';
import os from 'node:os';
import { hasRoomyTmpfs, SHARED_MEMORY } from '../benchmarks/tmpfs.js';

/** Bytes: a run has less than 100 MiB in files at one time. In a container the place is often of 64 MiB. */
const ROOM = 2 ** 30;

/** The temporary directory of the system, which `TMPDIR` names; under its own name, since tests compare paths. */
export function onDisk(): string {
  return nodeFs.realpathSync(os.tmpdir());
}

/** A directory on tmpfs, unless `TMPDIR` says otherwise or the machine has none with room. */
export function inMemory(): string {
  return process.env.TMPDIR === undefined && hasRoomyTmpfs(ROOM) ? nodeFs.realpathSync(SHARED_MEMORY) : onDisk();
}
