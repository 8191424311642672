/**
 * Preloading: asking a branch that has only promises everything that the synchronous API may ask (L13).
 *
 * It looks at everything below a path as any asynchronous call would, since each answer of such a branch is recorded
 * (`branch/decorators/recorded.ts`), and has the contents recorded too.
 */

import type { PathLike } from 'node:fs';
import { Errno, ESTALE, isErrno } from '../errno.ts';
import { type Io, runAsync } from '../fault.ts';
import { parsePath } from '../fs/call.ts';
import { shownPath, systemError } from '../fs/errors.ts';
import type { Session } from '../fs/session.ts';
import { prepareRead } from '../ops/data/prepare.ts';
import { list } from '../ops/list.ts';
import type { Caller } from '../tree/caller.ts';
import { File, type Inode, isDirectory, isSymlink, OWNED_CONTENT } from '../tree/inode.ts';
import { pathIn, UpperSource } from '../tree/sources/source.ts';
import type { Tree } from '../tree/tree.ts';
import { FOLLOW, type Following, NOFOLLOW, readTarget, walk } from '../tree/walk.ts';

/** How many paths are under way together. */
const TOGETHER = 16;
/** How often a file that changes while it is loaded is begun anew. */
const ATTEMPTS = 8;

/**
 * Loads what is at a path and below it. Links are loaded as links; only a link at the path itself is followed too.
 *
 * Throws the error (of `stat`) for the first thing that could not be loaded.
 */
export async function preload(session: Session, path: PathLike): Promise<void> {
  const absolute = parsePath(session, path);
  try {
    await loadTree(session.caller, absolute);
  } catch (thrown) {
    throw thrown instanceof Errno ? systemError(thrown, 'stat', shownPath(path), undefined, preload) : thrown;
  }
}

/** The same; throws bare errors. */
async function loadTree(caller: Caller, path: string): Promise<void> {
  await runAsync((io) => look(io, caller, path, NOFOLLOW));
  // The path found last comes first, so that the list of paths stays short in a broad tree.
  const waiting = await load(caller, path, FOLLOW);
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      waiting.push(...(await load(caller, next, NOFOLLOW)));
    }
  };
  while (waiting.length > 0) await Promise.all(Array.from({ length: TOGETHER }, work));
}

/** The inode at a path; loads the target of a link. */
function look(io: Io, caller: Caller, path: string, following: Following): Inode {
  const inode = walk(io, caller, path, following);
  if (isErrno(inode)) throw inode;
  if (isSymlink(inode)) readTarget(io, inode);
  return inode;
}

/** Loads what is at a path; returns the paths of its children. */
async function load(caller: Caller, path: string, following: Following): Promise<string[]> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const inode = await runAsync((io) => look(io, caller, path, following));
    if (isDirectory(inode)) return childrenOf(caller, path);
    if (!(inode instanceof File) || (await keepContent(caller.tree, inode))) return [];
  }
  throw ESTALE;
}

async function childrenOf(caller: Caller, path: string): Promise<string[]> {
  const names = await runAsync((io) => list(io, caller, path));
  if (isErrno(names)) throw names;
  return names.map((name) => (path.endsWith('/') ? path + name : `${path}/${name}`));
}

/** Records what is still with the origin; false where the origin is no longer the same. */
async function keepContent(tree: Tree, file: File): Promise<boolean> {
  const { origin, originName, supplied, extra } = file;
  if (origin === undefined || (supplied === 0 && (file.state & OWNED_CONTENT) !== 0)) return true;
  if (origin instanceof UpperSource && origin.branch.sync === undefined) return cacheContent(tree, file);
  const kept = await origin.branch.keep?.(pathIn(origin, originName), extra?.fingerprint ?? file);
  // The rest of an owned file is ESTALE then, for all three forms.
  return kept !== false || file.isOwned;
}

/** How many bytes of a file of the upper are read at once. */
const CHUNK = 1024 * 1024;

/** Brings what the upper has of a file into the cache. It cannot be recorded for good, since write-back changes it. */
async function cacheContent(tree: Tree, file: File): Promise<boolean> {
  for (let from = 0; from < file.size; from += CHUNK) {
    await runAsync((io) => prepareRead(io, tree, file, from, Math.min(from + CHUNK, file.size)));
  }
  return true;
}
