/** How an overlay looks from outside, in one string: what two runs that must come to the same are compared by. */

import type { FileSystem } from '../grounds/face.ts';

/** Looks only at what was there before the time that the overlay's clock shows, so that a clock that stands still is needed. */
export interface Surveyed {
  as(rights: { readonly uid: number; readonly gid: number }): FileSystem;
  changes(): Iterable<{ readonly kind: string; readonly path: string; readonly from?: string }>;
}

/**
 * Every name with its type, mode, owner, links, size, times and content; which names are one file; the changes; the space left.
 *
 * @param twins names in the lower that are one file: which of them another name came from is up to who looked first
 */
export function survey(overlay: Surveyed, twins: readonly string[] = []): string {
  // Whatever the rights of who made it, everything is looked at.
  const fs = overlay.as({ uid: 0, gid: 0 });
  const lines: string[] = [];
  const first = new Map<bigint, string>();
  const visit = (path: string): void => {
    const stats = fs.lstatSync(path, { bigint: true });
    const { mode, uid, gid, nlink, size, mtimeNs, ino } = stats;
    const twin = first.get(ino) ?? path;
    first.set(ino, twin);
    const shape = stats.isDirectory() ? '' : `nlink ${nlink} size ${size} as ${twin} ${body(fs, path, stats)}`;
    lines.push(`${path} ${mode.toString(8)} ${uid}:${gid} ${mtimeNs} ${shape}`);
    if (!stats.isDirectory()) return;
    for (const name of fs.readdirSync(path)) visit(path === '/' ? `/${name}` : `${path}/${name}`);
  };
  visit('/');
  const gone: string[] = [];
  for (const { kind, path, from = '' } of overlay.changes()) {
    const vanished = kind === 'removed' ? path : from;
    const isTwin = twins.includes(vanished);
    if (isTwin) gone.push(vanished);
    if (!isTwin || kind !== 'removed') lines.push(`${kind} ${path} ${isTwin ? 'a twin' : from}`);
  }
  lines.push(`gone ${gone.sort()}`);
  const { bfree, ffree } = fs.statfsSync('/');
  lines.push(`free ${bfree} ${ffree}`);
  return lines.join('\n');
}

function body(fs: FileSystem, path: string, stats: { isFile(): boolean; isSymbolicLink(): boolean }): string {
  if (stats.isSymbolicLink()) return fs.readlinkSync(path);
  if (!stats.isFile()) return '';
  try {
    return squeezed(fs.readFileSync(path, 'latin1'));
  } catch (error) {
    return String(error);
  }
}

/** Runs of one character as its count. */
export function squeezed(text: string): string {
  return text.replace(/(.)\1{8,}/gs, (run, character: string) => `(${run.length}${character})`);
}
