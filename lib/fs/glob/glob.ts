/**
 * `glob`: the paths that match patterns, as a sequence of calls. Directories are visited only as far as a pattern leads; `**` follows no
 * links, as Node's.
 */

import type { Dirent } from 'node:fs';
import path from 'node:path';
import { makeDirent } from '../results/dirent.ts';
import { type Sequence, step } from '../sequences/steps.ts';
import type { FileSystem } from '../session.ts';
import { matchesPath, type Pattern, parsePattern } from './pattern.ts';

/** What `glob` was asked. */
export interface GlobRequest {
  readonly patterns: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly withFileTypes: boolean;
  /** What is left out: patterns, or a function that is shown names (or Dirents). */
  readonly exclude: readonly string[] | ((entry: string | Dirent) => unknown) | undefined;
}

/** The paths (or Dirents) that match. Not to be seen is as good as not to be there. */
export function* glob(fs: FileSystem, request: GlobRequest): Sequence<(string | Dirent)[]> {
  const search = new Search(fs, request);
  for (const pattern of request.patterns.flatMap(parsePattern)) {
    yield* search.visit(pattern, pattern.root === '' ? '.' : pattern.root, 0);
  }
  return [...search.found].map(([at, entry]) => (request.withFileTypes ? entry : at));
}

class Search {
  /** What matches, by its path, in the order in which it was found. */
  readonly found = new Map<string, Dirent>();
  readonly #fs: FileSystem;
  readonly #request: GlobRequest;
  /** Where the search has been, and with what was left of a pattern. */
  readonly #seen = new Map<Pattern, Set<string>>();
  readonly #listings = new Map<string, readonly Dirent[]>();
  readonly #excluded: readonly string[];

  constructor(fs: FileSystem, request: GlobRequest) {
    this.#fs = fs;
    this.#request = request;
    const { exclude, cwd } = request;
    this.#excluded = Array.isArray(exclude) ? exclude.map((pattern) => path.posix.resolve(cwd, pattern)) : [];
  }

  /** Looks for what matches a pattern from its segment `at` on, in the directory `where`. */
  *visit(pattern: Pattern, where: string, at: number): Sequence<void> {
    const seen = this.#seen.get(pattern) ?? new Set<string>();
    this.#seen.set(pattern, seen);
    if (seen.has(`${at} ${where}`)) return;
    seen.add(`${at} ${where}`);
    const { segments } = pattern;
    const segment = segments[at];
    const isLast = at === segments.length - 1;
    if (segment === undefined) return;
    if (segment.kind === 'name') {
      yield* this.#visitName(pattern, where, at, segment.name);
      return;
    }
    if (segment.kind === 'any') {
      if (!isLast) yield* this.visit(pattern, where, at + 1);
      else if (where !== '.' || at === 0) yield* this.#addDirectory(where);
    }
    for (const entry of yield* this.#list(where)) {
      if (segment.kind === 'any') yield* this.#goOn(pattern, where, at, entry);
      else if (segment.test(entry.name)) yield* this.#reach(pattern, join(where, entry.name), at, entry);
    }
  }

  *#visitName(pattern: Pattern, where: string, at: number, name: string): Sequence<void> {
    const child = join(where, name);
    if (name === '.' || name === '..') {
      if (at < pattern.segments.length - 1) yield* this.visit(pattern, child, at + 1);
      else yield* this.#addDirectory(child);
      return;
    }
    const entry = yield* this.#look(child);
    if (entry === undefined) return;
    if (at === pattern.segments.length - 1) yield* this.#reach(pattern, child, at, entry);
    // A link that is named is followed, unlike one that is found.
    else if (entry.isDirectory() || entry.isSymbolicLink()) yield* this.#enter(pattern, child, at + 1, entry);
  }

  /** Below `**`: into directories with the same segment; hidden ones only where they are named. */
  *#goOn(pattern: Pattern, where: string, at: number, entry: Dirent): Sequence<void> {
    if (entry.name.startsWith('.') || this.#isRefused(entry, entry.name)) return;
    const child = join(where, entry.name);
    if (entry.isDirectory()) yield* this.#enter(pattern, child, at, entry);
    else if (at === pattern.segments.length - 1 && !pattern.wantsDirectory) this.#add(child, entry);
  }

  /** An entry that matches the segment `at`. */
  *#reach(pattern: Pattern, child: string, at: number, entry: Dirent): Sequence<void> {
    if (at < pattern.segments.length - 1) {
      if (entry.isDirectory()) yield* this.#enter(pattern, child, at + 1, entry);
    } else if (!pattern.wantsDirectory || entry.isDirectory()) {
      this.#add(child, entry);
    }
  }

  *#enter(pattern: Pattern, child: string, at: number, entry: Dirent): Sequence<void> {
    if (this.#isRefused(entry, child) || this.#isExcluded(child, `${this.#whole(child)}/`)) return;
    yield* this.visit(pattern, child, at);
  }

  *#addDirectory(where: string): Sequence<void> {
    const entry = yield* this.#look(where);
    if (entry !== undefined) this.#add(where, entry);
  }

  #add(at: string, entry: Dirent): void {
    if (!this.found.has(at) && !this.#isExcluded(at)) this.found.set(at, entry);
  }

  #whole(at: string): string {
    return path.posix.resolve(this.#request.cwd, at);
  }

  #isExcluded(at: string, ...also: string[]): boolean {
    if (this.#excluded.length === 0) return false;
    return [this.#whole(at), ...also].some((whole) => this.#excluded.some((pattern) => matchesPath(whole, pattern)));
  }

  /** Whether the function that excludes says so of an entry, which it is shown by `name` or as a Dirent. */
  #isRefused(entry: Dirent, name: string): boolean {
    const { exclude, withFileTypes } = this.#request;
    return typeof exclude === 'function' && Boolean(exclude(withFileTypes ? entry : name));
  }

  /** What is at a path; undefined for nothing. */
  *#look(at: string): Sequence<Dirent | undefined> {
    const whole = this.#whole(at);
    try {
      const { mode } = yield* step(
        () => this.#fs.lstatSync(whole),
        () => this.#fs.promises.lstat(whole),
      );
      return makeDirent(path.posix.basename(whole), mode, path.posix.dirname(whole));
    } catch {
      return undefined;
    }
  }

  /** The entries of a directory; none where it is no directory, or cannot be read. */
  *#list(where: string): Sequence<readonly Dirent[]> {
    const whole = this.#whole(where);
    let entries = this.#listings.get(whole);
    if (entries === undefined) {
      try {
        entries = yield* step(
          () => this.#fs.readdirSync(whole, { withFileTypes: true }),
          () => this.#fs.promises.readdir(whole, { withFileTypes: true }),
        );
      } catch {
        entries = [];
      }
      this.#listings.set(whole, entries);
    }
    return entries;
  }
}

function join(where: string, name: string): string {
  return path.posix.join(where, name);
}
