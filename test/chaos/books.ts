/**
 * Whether the overlay's books are right after any sequence of calls: the quota against a recount over the whole tree, `nlink` against
 * the names that show, `changes()` against a comparison of everything with everything, and what may be forgotten against what is there.
 */

import { Volume } from 'memfs';
import { expect } from 'vitest';
import { UPPER } from '../../lib/branch/branch.ts';
import { makeBranch } from '../../lib/branch/make-branch.ts';
import { syncIo } from '../../lib/fault.ts';
import { Descriptors } from '../../lib/fs/descriptors.ts';
import { createFront } from '../../lib/fs/front.ts';
import { listChanges, type PathChange } from '../../lib/image/changes.ts';
import { chargedBytes } from '../../lib/pages/contents.ts';
import { Memory } from '../../lib/pages/memory.ts';
import { Caller } from '../../lib/tree/caller.ts';
import { CHARGED, Directory, File, Inode, isDirectory, SPARE } from '../../lib/tree/inode.ts';
import { setRoots } from '../../lib/tree/sources/root.ts';
import { Tree } from '../../lib/tree/tree.ts';
import { PROCESS_TIMERS } from '../../lib/waiting/timers.ts';
import type { FileSystem } from '../grounds/face.ts';
import { squeezed } from './survey.ts';

const PAGE = 4096;
const NOON = Date.UTC(2020, 5, 1, 12);
const LONG_AGO = Date.UTC(2010, 0);
const LIMITS = { bytes: 60_000, inodes: 40 };

/** What is in a lower: files by path, links, names for the same file, empty directories. */
interface Contents {
  readonly files: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly twins?: Readonly<Record<string, string>>;
  readonly directories?: readonly string[];
}

export interface Arrangement {
  readonly name: string;
  /** The topmost first. */
  readonly lowers: readonly (Contents & { readonly layered?: true })[];
  /** What the upper held before, in the spelling of layers. */
  readonly upper?: Contents;
  readonly immutable: boolean;
  /** How much that was not changed is remembered. Default: all. */
  readonly maxEntries?: number;
}

function volumeOf({ files, links = {}, twins = {}, directories = [] }: Contents): Volume {
  const volume = Volume.fromJSON({ ...files });
  for (const directory of directories) volume.mkdirSync(directory, { recursive: true });
  for (const [path, target] of Object.entries(links)) volume.symlinkSync(target, path);
  for (const [path, of] of Object.entries(twins)) volume.linkSync(of, path);
  // Two volumes made alike are alike.
  const old = LONG_AGO / 1000;
  for (const path of [...Object.keys(files), ...Object.keys(links)]) volume.lutimesSync(path, old, old);
  return volume;
}

/** An overlay whose tree can be looked into. */
export class OpenOverlay {
  readonly tree: Tree;
  readonly fs: FileSystem;
  readonly #arrangement: Arrangement;
  readonly #descriptors: Descriptors;
  /** How the lowers are seen with nothing done. */
  readonly #pristine: Picture;

  constructor(arrangement: Arrangement, limits: typeof LIMITS | object = LIMITS) {
    this.#arrangement = arrangement;
    const memory = new Memory(PAGE, limits, Number.POSITIVE_INFINITY);
    const { maxEntries = Number.POSITIVE_INFINITY } = arrangement;
    this.tree = new Tree({ memory, clock: () => NOON, readonly: false, dev: 1, owner: { uid: 0, gid: 0 }, maxEntries });
    const branches = arrangement.lowers.map((lower, i) => {
      const { immutable } = arrangement;
      const origin = { id: i + 1, name: `lower${i + 1}`, immutable, layered: lower.layered === true };
      return { branch: makeBranch({ ...origin, fs: volumeOf(lower) }), root: '/' };
    });
    const { upper } = arrangement;
    if (upper !== undefined) {
      const origin = { id: UPPER, name: 'upper', immutable: true, layered: true };
      branches.unshift({ branch: makeBranch({ ...origin, fs: volumeOf(upper) }), root: '/' });
    }
    setRoots(this.tree, branches);
    this.#descriptors = new Descriptors(0);
    const caller = new Caller(this.tree, { uid: 0, gid: 0 }, () => 0o022);
    this.fs = createFront({
      caller,
      descriptors: this.#descriptors,
      handles: new WeakSet(),
      cwd: () => '/',
      timers: PROCESS_TIMERS,
    });
    const { upper: _, ...lowersAlone } = arrangement;
    this.#pristine = upper === undefined ? pictureOf(this.fs) : new OpenOverlay(lowersAlone).#pristine;
  }

  /** Compares the books with what is there. */
  audit(): void {
    this.#auditQuota();
    this.#auditEntries();
    const now = pictureOf(this.fs);
    this.#auditQuota();
    // Of names that a layer above hides nobody knows without looking at all of the layers below.
    const { lowers, upper } = this.#arrangement;
    if (lowers.length === 1 && upper === undefined) auditLinks(now);
    const changes = [...listChanges(syncIo, this.tree, new Map())];
    auditChanges(this.#pristine, now, changes);
  }

  /** Counts what may be forgotten. */
  #auditEntries(): void {
    const { entries, root, dropped } = this.tree;
    const inodes = new Set<Inode>([root]);
    for (const inode of inodes) {
      if (!(inode instanceof Directory)) continue;
      for (const entry of inode.names.values()) if (entry instanceof Inode) inodes.add(entry);
    }
    let count = 0;
    for (const inode of inodes) {
      if ((inode.state & SPARE) !== 0) count++;
      if (inode instanceof Directory) count += inode.listed;
    }
    for (const { directory } of dropped) count += directory.listed;
    expect(entries.count).toBe(count);
  }

  #auditQuota(): void {
    const inodes = this.#inodes();
    let bytes = 0;
    let charged = 0;
    for (const inode of inodes) {
      if (inode instanceof File) bytes += chargedBytes(inode);
      if ((inode.state & CHARGED) !== 0) charged++;
    }
    const { quota } = this.tree.memory;
    expect({ bytes: quota.bytes, inodes: quota.inodes }).toEqual({ bytes, inodes: charged });
    expect(quota.bytes).toBeLessThanOrEqual(quota.byteLimit);
    expect(quota.inodes).toBeLessThanOrEqual(quota.inodeLimit);
  }

  /** Every inode that a name or a descriptor holds, or that has names which nobody has looked at. */
  #inodes(): Set<Inode> {
    const found = new Set<Inode>([this.tree.root, ...this.tree.linked.values()]);
    for (const { inode } of this.#descriptors) found.add(inode);
    for (const inode of found) {
      if (!isDirectory(inode)) continue;
      for (const entry of inode.names.values()) if (entry instanceof Inode) found.add(entry);
    }
    return found;
  }
}

interface Node {
  readonly kind: 'directory' | 'file' | 'link';
  readonly mode: number;
  readonly owner: string;
  readonly body: string;
  /** In milliseconds; not compared for directories. */
  readonly modified: number;
  readonly number: number;
  readonly nlink: number;
}

/** Every path and what is there. */
type Picture = Map<string, Node>;

export function pictureOf(fs: FileSystem): Picture {
  const picture: Picture = new Map();
  const visit = (path: string): void => {
    const stats = fs.lstatSync(path);
    const kind = stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'file';
    const body = kind === 'link' ? fs.readlinkSync(path) : kind === 'file' ? fs.readFileSync(path, 'latin1') : '';
    const { mode, uid, gid, mtimeMs, ino, nlink } = stats;
    picture.set(path, { kind, mode, owner: `${uid}:${gid}`, body, modified: mtimeMs, number: ino, nlink });
    if (kind === 'directory')
      for (const name of fs.readdirSync(path)) visit(path === '/' ? `/${name}` : `${path}/${name}`);
  };
  visit('/');
  return picture;
}

/** `nlink` is how many names show. */
function auditLinks(picture: Picture): void {
  const names = new Map<number, string[]>();
  for (const [path, { kind, number }] of picture) {
    if (kind !== 'directory') names.set(number, [...(names.get(number) ?? []), path]);
  }
  for (const paths of names.values()) {
    for (const path of paths) expect(picture.get(path)?.nlink, paths.join()).toBe(paths.length);
  }
}

/** Compares what `changes()` tells with what there is now, `pristine` being what the lowers show. */
export function auditChanges(pristine: Picture, now: Picture, changes: readonly PathChange[]): void {
  expect(withoutDates(applied(pristine, now, changes)), told(changes)).toEqual(withoutDates(now));
  for (const { kind, path } of changes) if (kind !== 'removed') expect(now.has(path), `${kind} ${path}`).toBe(true);
}

/** What comes of the lowers when the changes are made to them: contents and attributes are taken from `now`. */
function applied(pristine: Picture, now: Picture, changes: readonly PathChange[]): Picture {
  const result: Picture = new Map(pristine);
  for (const { from } of changes) if (from !== undefined) removeTree(result, from);
  for (const { kind, path, from } of changes) {
    if (kind === 'removed') {
      expect(result.has(path) || pristine.has(path), `removed ${path}`).toBe(true);
      removeTree(result, path);
      continue;
    }
    if (kind === 'added') expect(result.has(path), `added ${path}`).toBe(false);
    if (from !== undefined) {
      for (const [below, node] of pristine)
        if (isAtOrBelow(below, from)) result.set(path + below.slice(from.length), node);
    }
    const node = now.get(path);
    // A renamed file is what it was, unless a change of its own says more.
    if (node !== undefined && kind !== 'renamed') result.set(path, node);
  }
  return result;
}

function isAtOrBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`);
}

function removeTree(picture: Picture, top: string): void {
  for (const path of [...picture.keys()]) if (isAtOrBelow(path, top)) picture.delete(path);
}

/** In order of paths, without numbers, and without what is a directory's own affair: its dates. */
function withoutDates(picture: Picture): string[] {
  const paths = [...picture.keys()].sort();
  return paths.map((path) => {
    const { kind, mode, owner, body, modified } = picture.get(path) as Node;
    const date = kind === 'directory' ? '' : modified;
    return `${path} ${kind} ${mode.toString(8)} ${owner} ${date} ${squeezed(body)}`;
  });
}

function told(changes: readonly PathChange[]): string {
  return changes.map(({ kind, path, from }) => `${kind} ${path} ${from ?? ''}`).join('\n');
}
