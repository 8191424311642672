/**
 * Declared trees: what a scenario finds before it runs, how such a tree is made on any filesystem, and how one is
 * read back to be compared.
 */

import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileSystem } from './face.ts';

/** Attributes an entry may ask for; `mtime` is LONG_AGO when not given. */
export interface Attributes {
  readonly mode?: number;
  readonly mtime?: Date;
  readonly owner?: Owner;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface FileEntry extends Attributes {
  readonly kind: 'file';
  readonly content: string | Uint8Array;
}

export interface DirectoryEntry extends Attributes {
  readonly kind: 'directory';
  readonly entries: Tree;
}

/** A symbolic link; an absolute target is made from the root that the scenario will see. */
export interface LinkEntry {
  readonly kind: 'link';
  readonly target: string | ((root: string) => string);
}

/** Another name of the file at `of`, a path from the top of the declared tree. */
export interface HardEntry {
  readonly kind: 'hard';
  readonly of: string;
}

export type Entry = FileEntry | DirectoryEntry | LinkEntry | HardEntry;

/** Names to entries; a plain string or buffer is a file with that content. */
export interface Tree {
  readonly [name: string]: Entry | string | Uint8Array;
}

/** One entry of a flattened tree, with its path from the top. */
export interface Item {
  readonly path: string;
  readonly entry: Entry;
}

/** The mtime of all that was declared, so that "now" and "unchanged" can be told apart. */
export const LONG_AGO = new Date('2001-02-03T04:05:06Z');

export function file(content: string | Uint8Array, attributes: Attributes = {}): FileEntry {
  return { kind: 'file', content, ...attributes };
}

export function dir(entries: Tree = {}, attributes: Attributes = {}): DirectoryEntry {
  return { kind: 'directory', entries, ...attributes };
}

export function link(target: LinkEntry['target']): LinkEntry {
  return { kind: 'link', target };
}

export function hard(of: string): HardEntry {
  return { kind: 'hard', of };
}

/** The entries of a tree with their paths, parents before children. */
export function flatten(tree: Tree, under = ''): Item[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const path = under === '' ? name : `${under}/${name}`;
    const entry = typeof value === 'string' || value instanceof Uint8Array ? file(value) : value;
    return entry.kind === 'directory' ? [{ path, entry }, ...flatten(entry.entries, path)] : [{ path, entry }];
  });
}

export function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

export interface Place {
  readonly fs: FileSystem;
  /** Where the tree is made. */
  readonly root: string;
  /** The root that absolute link targets start with; `root` when not given. */
  readonly seenAs?: string;
  /** Who owns what declares no owner; nothing is chowned when not given. */
  readonly owner?: Owner;
}

function create(place: Place, { path, entry }: Item): void {
  const { fs, root } = place;
  const where = `${root}/${path}`;
  if (entry.kind === 'directory') fs.mkdirSync(where, { recursive: true });
  else fs.mkdirSync(`${root}/${parentOf(path)}`, { recursive: true });
  if (entry.kind === 'file') fs.writeFileSync(where, entry.content);
  if (entry.kind === 'link') {
    fs.symlinkSync(typeof entry.target === 'string' ? entry.target : entry.target(place.seenAs ?? root), where);
  }
}

/** Sets what the entry declares; children come before parents, since making a child touches its parent. */
function adorn(place: Place, { path, entry }: Item): void {
  const { fs, root } = place;
  const where = `${root}/${path}`;
  const owner = 'owner' in entry ? (entry.owner ?? place.owner) : place.owner;
  if (owner && entry.kind !== 'hard') fs.lchownSync(where, owner.uid, owner.gid);
  if (entry.kind === 'link') fs.lutimesSync(where, LONG_AGO, LONG_AGO);
  if (entry.kind !== 'file' && entry.kind !== 'directory') return;
  if (entry.mode !== undefined) fs.chmodSync(where, entry.mode);
  const mtime = entry.mtime ?? LONG_AGO;
  fs.utimesSync(where, mtime, mtime);
}

/** Makes the items under `place.root`, which is made too when it is missing. */
export function makeTree(place: Place, items: readonly Item[]): void {
  place.fs.mkdirSync(place.root, { recursive: true });
  for (const item of items) create(place, item);
  for (const { path, entry } of items) {
    if (entry.kind === 'hard') place.fs.linkSync(`${place.root}/${entry.of}`, `${place.root}/${path}`);
  }
  for (const item of [...items].reverse()) adorn(place, item);
}

/** Removes whatever is at a path, if anything is, by the plainest calls. */
export function removeTree(fs: FileSystem, path: string): void {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    for (const name of fs.readdirSync(path)) removeTree(fs, `${path}/${name}`);
    fs.rmdirSync(path);
  } else if (stats) {
    fs.unlinkSync(path);
  }
}

/** How a snapshot tells the content of a file: short ones as they are, long ones by digest. */
function digest(content: Buffer): string {
  return content.length <= 64
    ? JSON.stringify(content.toString('latin1'))
    : createHash('sha1').update(content).digest('hex');
}

/** Which times a snapshot tells. */
export type Times = 'with ctime' | 'without ctime';

function timesOf(stats: BigIntStats, times: Times): string {
  return times === 'with ctime' ? `${stats.mtimeNs} ${stats.ctimeNs}` : String(stats.mtimeNs);
}

function describe(fs: FileSystem, path: string, stats: BigIntStats, times: Times): string {
  const head = `${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ${timesOf(stats, times)} ${stats.ino}`;
  if (stats.isDirectory()) return head;
  const body = stats.isSymbolicLink() ? fs.readlinkSync(path) : stats.isFile() ? contentOf(fs, path) : '';
  return `${head} ${stats.nlink} ${stats.size} ${body}`;
}

/**
 * What must be the same after a write-back, and when what was written back is mounted again: all but `ctime`, `birthtime` and `blocks`,
 * which are the upper's own, and the size and links of directories, which each filesystem counts in its way.
 */
export function remountable(fs: FileSystem, root: string): Map<string, string> {
  const seen = new Map<string, string>();
  const visit = (path: string): void => {
    const stats = lookAt(fs, path);
    if (stats === undefined) return;
    if (typeof stats === 'string') {
      seen.set(path, stats);
      return;
    }
    seen.set(path, describe(fs, path, stats, 'without ctime'));
    if (stats.isDirectory()) for (const name of namesIn(fs, path)) visit(`${path}/${name}`);
  };
  visit(root);
  return seen;
}

/** What is at a path; or why it cannot be told, where the mode of a directory lets its owner list it but not look into it. */
function lookAt(fs: FileSystem, path: string): BigIntStats | string | undefined {
  try {
    return fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    return String(error);
  }
}

/** What a filesystem refuses to tell (memfs refuses root too) is the same before and after. */
function contentOf(fs: FileSystem, path: string): string {
  try {
    return digest(fs.readFileSync(path));
  } catch (error) {
    return String(error);
  }
}

function namesIn(fs: FileSystem, path: string): string[] {
  try {
    return fs.readdirSync(path);
  } catch {
    return [];
  }
}

/**
 * Everything under `root` that must not change in a lower: type, mode, owner, times, number, links, size, content.
 * The times of a last access are left out, since reading may change them.
 */
export function snapshot(fs: FileSystem, root: string, times: Times): Map<string, string> {
  const seen = new Map<string, string>();
  const visit = (path: string): void => {
    const stats = fs.lstatSync(path, { bigint: true });
    seen.set(path, describe(fs, path, stats, times));
    if (stats.isDirectory()) for (const name of namesIn(fs, path)) visit(`${path}/${name}`);
  };
  visit(root);
  return seen;
}
