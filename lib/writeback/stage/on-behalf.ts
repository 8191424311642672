/**
 * Writing on behalf of others (W13): each author's bytes go through the fs that acts for that author.
 *
 *     the overlay itself ── makes the staged file, with the bytes that have no author
 *         ──► chown A ──► as A: open, write, close ──► chown B ──► ...
 *
 * Only bytes have authors. Names, attributes, the journal, and placing what is staged are the overlay's own business,
 * as they are the mounter's in overlayfs. So an author can only be refused before the batch is decided.
 */

import { constants } from 'node:fs';
import type { Author } from '../../branch/upper/acting.ts';
import { EACCES, ENOENT, Errno } from '../../errno.ts';
import { type Procedure, tell } from '../commands.ts';
import type { Content } from '../plan/content.ts';
import { authorsOf, runsOf } from './parts.ts';
import { allowed, type Writer, writeAll } from './writer.ts';

const { R_OK, W_OK, X_OK } = constants;

/**
 * A staged file belongs to its author alone. Where it cannot be given away, only its name, which cannot be listed,
 * guards it.
 */
const PRIVATE = 0o600;
const OPEN = 0o666;

/** Asks for each author whether he may write the file that the upper has already; notes who may not. */
export function* askForAuthors(content: Content, writer: Writer): Procedure<void> {
  const { heldAt, refused } = content;
  // Where files are written as a whole, opening and closing one would write it.
  if (heldAt === undefined || !writer.can.writePieces) return;
  for (const author of authorsOf(content)) {
    try {
      yield* mustBeAllowed(heldAt, author, writer);
    } catch (thrown) {
      if (!(thrown instanceof Errno)) throw thrown;
      refused.set(author, thrown);
    }
  }
}

/**
 * Opens a file as an author; throws where he is refused. A refusal by the permission bits alone does not count: the
 * overlay has checked them when the author opened the file.
 */
function* mustBeAllowed(path: string, author: Author, writer: Writer): Procedure<void> {
  let handle: unknown;
  try {
    handle = yield* tell({ kind: 'open', path, as: author });
  } catch (thrown) {
    if (thrown === ENOENT || (thrown === EACCES && !(yield* isOpenTo(path, author, writer)))) return;
    throw thrown;
  }
  yield* tell({ kind: 'close', path, handle, as: author });
}

/** Whether the permission bits in the upper let an author read and write a file. */
function* isOpenTo(path: string, { uid, gid, groups }: Author, { root }: Writer): Procedure<boolean> {
  if (uid === 0) return true;
  const base = root === '/' ? '' : root;
  const names = path.slice(base.length + 1).split('/');
  for (let i = 0; i <= names.length; i++) {
    const at = i === 0 ? root : `${base}/${names.slice(0, i).join('/')}`;
    const found = yield* tell({ kind: 'lstat', path: at });
    if (found === undefined) return false;
    const shift = uid === found.uid ? 6 : gid === found.gid || groups.includes(found.gid) ? 3 : 0;
    const wanted = i < names.length ? X_OK : R_OK | W_OK;
    if (((found.mode >> shift) & wanted) !== wanted) return false;
  }
  return true;
}

/**
 * Has each author's bytes written to a staged file. Notes an author who is refused; then the file must be staged anew.
 */
export function* writeForAuthors(content: Content, path: string, writer: Writer): Procedure<'done' | 'refused'> {
  for (const author of authorsOf(content)) {
    if (content.refused.has(author)) continue;
    try {
      yield* handTo(author, path, writer);
      yield* writeAs(author, content, path);
    } catch (thrown) {
      if (!(thrown instanceof Errno)) throw thrown;
      content.refused.set(author, thrown);
      return 'refused';
    }
  }
  return 'done';
}

/** Gives a staged file to an owner; answers whether that was possible. */
function* giveTo({ uid, gid }: Pick<Author, 'uid' | 'gid'>, path: string, { can }: Writer): Procedure<boolean> {
  return can.chown && (yield* allowed({ kind: 'chown', path, uid, gid })) === 'done';
}

/** Lets an author write a staged file. */
function* handTo(author: Author, path: string, writer: Writer): Procedure<void> {
  const isGiven = yield* giveTo(author, path, writer);
  if (writer.can.chmod) yield* tell({ kind: 'chmod', path, mode: isGiven ? PRIVATE : OPEN });
}

function* writeAs(author: Author, content: Content, path: string): Procedure<void> {
  const handle = yield* tell({ kind: 'open', path, as: author });
  try {
    for (const run of runsOf(content)) {
      if (run.author === author) yield* writeAll(path, handle, run.bytes, run.at, 'none', author);
    }
  } finally {
    yield* tell({ kind: 'close', path, handle, as: author });
  }
}

/** Takes a staged file back from its last author. */
export function* takeBack(path: string, writer: Writer): Procedure<void> {
  yield* giveTo(writer, path, writer);
  if (writer.can.chmod) yield* tell({ kind: 'chmod', path, mode: PRIVATE });
}
