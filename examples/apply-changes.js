// Applies the changes of an overlay to the directory below it: look at the changes first, then decide.
//
//     const overlay = createOverlay({ lower: 'project' });
//     await tool(overlay.fs);
//     for (const { kind, path } of overlay.changes()) console.log(kind, path);
//     if (await userSaysYes()) applyChanges(overlay, 'project'); // else do nothing: the changes go with the overlay
//
// Everything is read before anything is written, since the overlay reads unchanged bytes from the directory. So everything that changed is in
// memory for a while, including whole directories that were renamed. Afterwards the overlay is of no use any more: make a new one. A crash in
// between leaves only some of the changes applied. (An upper gets all or nothing: see "Where your writes are" in the README.)

import fs from 'node:fs';
import { join } from 'node:path';

/**
 * @param {import('overfs').Overlay} overlay
 * @param {string} directory what the overlay shows as `/`, or a copy of that
 */
export function applyChanges(overlay, directory) {
  const changes = [...overlay.changes()];
  const gone = changes.flatMap(({ kind, path, from = path }) => {
    // A modified file is removed too, since it may have been of another type, or have other names elsewhere.
    return kind === 'attributes' || (kind === 'modified' && isDirectory(overlay, path)) ? [] : [path, from];
  });
  const come = changes.filter(({ kind }) => kind !== 'removed').flatMap((change) => [...taken(overlay, change)]);

  for (const path of gone) fs.rmSync(join(directory, path), { recursive: true, force: true });
  for (const one of come) make(join(directory, one.path), one);
  // Directories last and the deepest first, since making something in them changes their times.
  for (const one of come.reverse()) setAttributes(join(directory, one.path), one);
}

/**
 * Something that the directory gets. Without `content` it is a directory, or a file of which only the attributes change.
 *
 * @typedef {{ path: string, stats: import('node:fs').Stats, content?: Buffer | string }} Taken
 */

/** @param {import('overfs').Overlay} overlay @param {string} path */
function isDirectory({ fs }, path) {
  return fs.lstatSync(path).isDirectory();
}

/**
 * What the overlay has at a changed path; for a directory that was moved, with everything in it.
 *
 * @param {import('overfs').Overlay} overlay
 * @param {{ path: string, kind: string }} change
 * @returns {Iterable<Taken>}
 */
function* taken(overlay, { path, kind }) {
  const { fs } = overlay;
  const stats = fs.lstatSync(path);
  if (stats.isDirectory() || kind === 'attributes') yield { path, stats };
  else if (stats.isSymbolicLink()) yield { path, stats, content: fs.readlinkSync(path) };
  else if (stats.isFile()) yield { path, stats, content: fs.readFileSync(path) };
  else throw new Error(`${path} is no file, directory or link: move it by hand`);
  if (kind !== 'renamed' || !stats.isDirectory()) return;
  for (const name of fs.readdirSync(path)) yield* taken(overlay, { path: join(path, name), kind });
}

/** @param {string} path @param {Taken} one */
function make(path, { stats, content }) {
  if (stats.isDirectory()) fs.mkdirSync(path, { recursive: true });
  else if (content !== undefined) {
    // It may be there already, with a directory that was renamed.
    fs.rmSync(path, { force: true });
    if (stats.isSymbolicLink()) fs.symlinkSync(content, path);
    else fs.writeFileSync(path, content);
  }
}

/** @param {string} path @param {Taken} one */
function setAttributes(path, { stats }) {
  if (process.geteuid?.() === 0) fs.lchownSync(path, stats.uid, stats.gid);
  if (!stats.isSymbolicLink()) fs.chmodSync(path, stats.mode & 0o7777);
  fs.lutimesSync(path, stats.atimeMs / 1000, stats.mtimeMs / 1000);
}
