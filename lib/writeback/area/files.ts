/** Small procedures over the files of an upper. */

import { constants } from 'node:fs';
import type { Attributes } from '../../branch/branch.ts';
import { EEXIST, ENOENT, Errno, ESTALE } from '../../errno.ts';
import { type Procedure, tell, type Urgency } from '../commands.ts';
import type { Reach } from '../report.ts';
import { isSparse, writeSparsely } from '../stage/holes.ts';
import { writeAll } from '../stage/writer.ts';

const { S_IFDIR } = constants;

/**
 * Removes a file, or a directory with everything in it. `type` is its S_IFMT, 0 where that is not known. Requires:
 * `urgency` is `none` only in the staging directory.
 */
export function* removeTree(path: string, type: number, urgency: Urgency = 'none'): Procedure<void> {
  const names = type === 0 || type === S_IFDIR ? yield* tell({ kind: 'list', path }) : undefined;
  for (const { name, type: inner } of names ?? []) yield* removeTree(`${path}/${name}`, inner, urgency);
  if (names === undefined) yield* removeFile(path, urgency);
  else yield* quietly(ENOENT, tell({ kind: 'rmdir', path, urgency }));
}

/** Makes a directory that may be there already. */
export function* makeDirectory(path: string, mode: number): Procedure<void> {
  yield* quietly(EEXIST, tell({ kind: 'mkdir', path, mode, urgency: 'in place' }));
}

/** Removes a file that may be gone already. Requires: `urgency` is `none` only for a file of the staging directory. */
export function* removeFile(path: string, urgency: Urgency = 'in place'): Procedure<void> {
  yield* quietly(ENOENT, tell({ kind: 'unlink', path, urgency }));
}

/** Removes a file, and ignores a failure. */
export function* removeIfPossible(path: string): Procedure<void> {
  try {
    yield* removeFile(path);
  } catch (thrown) {
    if (!(thrown instanceof Errno)) throw thrown;
  }
}

/** Does something for which one error is as good as success. */
export function* quietly(harmless: Errno, procedure: Procedure<unknown>): Procedure<void> {
  try {
    yield* procedure;
  } catch (thrown) {
    if (thrown !== harmless) throw thrown;
  }
}

/**
 * Writes a small file that must not be there yet. Requires: `urgency` is `none` only for a file of the staging
 * directory.
 */
export function* writeNew(
  path: string,
  text: string,
  reach: Reach = 'upper',
  urgency: Urgency = 'in place',
): Procedure<void> {
  const handle = yield* tell({ kind: 'create', path, mode: 0o600, urgency });
  try {
    if (text !== '') yield* writeAll(path, handle, Buffer.from(text), 0, urgency);
    if (reach === 'storage') yield* tell({ kind: 'flush', path, handle, urgency });
  } finally {
    yield* tell({ kind: 'close', path, handle, urgency });
  }
}

/** How many bytes are copied at once. */
export const CHUNK = 1024 * 1024;

/** Copies the bytes of a file, but not its holes, to a name that must not be there yet. */
export function* copyBytes(from: string, to: string): Procedure<void> {
  const found: Attributes | undefined = yield* tell({ kind: 'lstat', path: from });
  if (found === undefined) throw ENOENT;
  const hasHoles = isSparse(found);
  let end = 0;
  const handle = yield* tell({ kind: 'create', path: to, mode: 0o600, urgency: 'in place' });
  try {
    for (let at = 0; at < found.size; at += CHUNK) {
      const length = Math.min(CHUNK, found.size - at);
      const bytes = yield* tell({ kind: 'read', path: from, fingerprint: found, offset: at, length });
      if (bytes === undefined) throw ESTALE;
      if (hasHoles) end = Math.max(end, yield* writeSparsely(to, handle, bytes, at, 'in place'));
      else yield* writeAll(to, handle, bytes, at, 'in place');
    }
    if (hasHoles && end < found.size) {
      yield* tell({ kind: 'truncate', path: to, handle, size: found.size, urgency: 'in place' });
    }
  } finally {
    yield* tell({ kind: 'close', path: to, handle, urgency: 'in place' });
  }
}

/** The text of a file of the upper; undefined when there is none. */
export function* readText(path: string): Procedure<string | undefined> {
  const found: Attributes | undefined = yield* tell({ kind: 'lstat', path });
  if (found === undefined) return undefined;
  const bytes = yield* tell({ kind: 'read', path, fingerprint: found, offset: 0, length: found.size });
  return bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
