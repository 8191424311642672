/**
 * `glob`: the paths that match patterns, as a sequence of calls. Directories are visited only as far as a pattern
 * leads.
 *
 * At a place (a path) a pattern may continue at some of its segments; the entries of the place tell where it may
 * continue below each:
 *
 *     a/**\/c, begun at '.'     '.' {a} ──► 'a' {**, c} ──► 'a/x' {**, c} ──► ...
 *                                                     └──► 'a/c': found
 *
 * The place found last is visited first, so that results come in Node's order.
 */

import type { Dirent } from 'node:fs';
import path from 'node:path';
import { LINKS_BELOW_ANY_GO_ON } from '../quirks.ts';
import { runLater, runTelling, type Sequence } from '../sequences/steps.ts';
import type { FileSystem } from '../session.ts';
import { matchesName, matchesPath, type Pattern, parsePattern } from './pattern.ts';
import { Sight } from './sight.ts';

/** The arguments of `glob`. */
export interface GlobRequest {
  readonly patterns: readonly string[];
  /** Where relative paths start, as given; it may itself be relative to `processCwd`. */
  readonly cwd: string;
  /** Absolute. */
  readonly processCwd: string;
  readonly withFileTypes: boolean;
  /** What to leave out: patterns, or a function that gets names (or Dirents). */
  readonly exclude: readonly string[] | ((entry: string | Dirent) => unknown) | undefined;
  /** What `**` does at a link to a directory. */
  readonly links: 'followed' | 'left';
  /** How many names below `cwd` a result may have. */
  readonly maxDepth: number;
}

/** Where a pattern may continue at a place. */
interface Mark {
  readonly pattern: Pattern;
  /** The segments. */
  readonly at: ReadonlySet<number>;
  /** The segments of these at which `**` has led through a link that is not followed. */
  readonly throughLink: ReadonlySet<number>;
  /** The real paths of the directories above, where links are followed, to detect loops. */
  readonly above: ReadonlySet<string>;
}

/** A place that is searched with a mark. */
interface Visit {
  readonly place: string;
  /** The same, absolute. */
  readonly whole: string;
  readonly mark: Mark;
  /** What is there; undefined for nothing. */
  readonly entry: Dirent | undefined;
  /** It is a directory, or a link to one that the pattern may go on through. */
  readonly isDirectory: boolean;
}

/** An entry of the place that is visited. */
interface Child {
  readonly entry: Dirent;
  readonly at: string;
  /** It is a directory, or a link to one where these are followed. */
  readonly isDirectory: boolean;
}

const NONE: ReadonlySet<never> = new Set<never>();

/** The paths (or Dirents) that match. What cannot be read counts as absent. */
export function* glob(fs: FileSystem, request: GlobRequest): Sequence<(string | Dirent)[]> {
  const search = new Search(fs, request);
  yield* search.run();
  const found = [...search.found];
  if (!request.withFileTypes) return found;
  const entries: Dirent[] = [];
  for (const at of found) {
    const entry = yield* search.lookAsNamed(at);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** The same, each one as soon as it is found. */
export async function* globOneByOne(fs: FileSystem, request: GlobRequest): AsyncGenerator<string | Dirent, void> {
  const search = new Search(fs, request);
  for await (const at of runTelling(search.run(), () => search.news())) {
    const entry = request.withFileTypes ? await runLater(search.lookAsNamed(at)) : at;
    if (entry !== undefined) yield entry;
  }
}

class Search {
  /** The matches, in the order in which they were found. */
  readonly found = new Set<string>();
  /** Matches that were not returned yet. Changed by `#add` and `news`. */
  #untold: string[] = [];
  readonly #sight: Sight;
  readonly #request: GlobRequest;
  /** Absolute. */
  readonly #root: string;
  readonly #excluded: readonly string[];
  /** The rests of patterns with which each place was searched. */
  readonly #seen = new Map<string, Set<string>>();
  /** The places found below the present one, in order. Emptied by `run`. */
  readonly #next = new Map<string, Mark[]>();

  constructor(fs: FileSystem, request: GlobRequest) {
    this.#request = request;
    const { exclude, cwd, processCwd } = request;
    this.#sight = new Sight(fs, processCwd);
    this.#root = path.posix.resolve(processCwd, cwd);
    this.#excluded = Array.isArray(exclude) ? exclude.map((pattern) => path.posix.resolve(this.#root, pattern)) : [];
  }

  *run(): Sequence<void> {
    const patterns = this.#request.patterns.flatMap(parsePattern);
    const begin = (pattern: Pattern): Mark => ({ pattern, at: new Set([0]), throughLink: NONE, above: NONE });
    const waiting: [string, Mark[]][] = [['.', patterns.map(begin)]];
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      for (const mark of place[1]) yield* this.#visit(place[0], mark);
      waiting.push(...this.#next);
      this.#next.clear();
    }
  }

  /** The matches since the last call. */
  news(): string[] {
    const news = this.#untold;
    if (news.length > 0) this.#untold = [];
    return news;
  }

  *#visit(place: string, mark: Mark): Sequence<void> {
    if (!this.#isNews(place, mark)) return;
    const whole = path.posix.resolve(this.#root, place);
    if (this.#isExcluded(whole)) return;
    const { pattern, at } = mark;
    const [first] = pattern.segments;
    if (at.has(0) && first?.kind === 'name' && ['', '.', '..'].includes(first.name)) {
      const start = { '': '/', '.': '.', '..': '../' }[first.name] as string;
      yield* this.#goOn(start, { ...mark, throughLink: NONE }, new Set([1]));
      return;
    }
    const entry = yield* this.#sight.look(whole);
    const isDirectory = yield* this.#isDirectory(whole, entry, mark);
    const visit = { place, whole, mark, entry, isDirectory };
    if (mayEnd(visit) && (yield* this.#end(visit)) === 'nothing more') return;
    if (!isDirectory || !this.#mayEnter(place, pattern)) return;
    let above = mark.above;
    if (this.#request.links === 'followed') {
      const real = yield* this.#sight.realPath(whole);
      if (real !== undefined && above.has(real)) return;
      if (real !== undefined) above = new Set(above).add(real);
    }
    for (const child of yield* this.#children(visit)) yield* this.#tryChild(visit, child, above);
  }

  /** Notes a search of a place with a mark; false if it was done before. */
  #isNews(place: string, { pattern, at }: Mark): boolean {
    let seen = this.#seen.get(place);
    if (seen === undefined) {
      seen = new Set();
      this.#seen.set(place, seen);
    }
    const before = seen.size;
    for (const index of at) seen.add(pattern.rests[index] ?? '');
    return seen.size > before;
  }

  /** Adds a match at a place where the pattern may end; answers whether it may also continue. */
  *#end({ place, whole, mark, entry, isDirectory }: Visit): Sequence<'nothing more' | 'it may go on'> {
    const { pattern, at } = mark;
    const last = pattern.segments.length - 1;
    const segment = pattern.segments[last];
    if (segment?.kind === 'name') {
      const { name } = segment;
      const isThere = (yield* this.#sight.look(path.posix.join(whole, name))) !== undefined;
      if (isThere && (name !== '' || isDirectory)) this.#add(path.posix.join(place, name));
      return at.size === 1 && at.has(last) ? 'nothing more' : 'it may go on';
    }
    if (segment?.kind !== 'any') return 'it may go on';
    const isNamed = matchesName(pattern.segments[0], '.') && pattern.segments[0]?.kind === 'name';
    if (place !== '.' || isNamed || (last === 0 && entry !== undefined)) this.#add(place);
    return 'it may go on';
  }

  /** The entries of a place that may match. A single name is looked up without a listing. */
  *#children({ place, whole, mark }: Visit): Sequence<Child[]> {
    const { pattern, at } = mark;
    const [only] = at;
    const segment = at.size === 1 ? pattern.segments[only as number] : undefined;
    let entries: readonly Dirent[];
    if (segment?.kind === 'name') {
      const entry = yield* this.#sight.look(path.posix.join(whole, segment.name));
      if (entry === undefined) return [];
      // A look at `..` gives an entry with another name.
      entry.name = segment.name;
      entries = [entry];
    } else {
      entries = yield* this.#sight.list(whole);
    }
    const children: Child[] = [];
    for (const entry of entries) {
      const below = path.posix.join(whole, entry.name);
      this.#sight.remember(below, entry);
      const isDirectory = entry.isDirectory() || (yield* this.#leads(below, entry));
      children.push({ entry, at: path.posix.join(place, entry.name), isDirectory });
    }
    return children;
  }

  /** Finds where the pattern may continue below an entry, and whether it ends there. */
  *#tryChild(visit: Visit, child: Child, above: Mark['above']): Sequence<void> {
    const { mark } = visit;
    const { pattern, at } = mark;
    const last = pattern.segments.length - 1;
    const onward = new Set<number>();
    const throughLink = new Set<number>();
    for (const index of at) {
      const segment = pattern.segments[index];
      if (segment?.kind === 'any') {
        if (this.#isPassedOver(child, pattern, index)) continue;
        this.#goThrough(visit, child, index, onward);
        if (this.#request.links === 'left' && child.entry.isSymbolicLink()) throughLink.add(index);
      } else if (segment?.kind === 'match') {
        if (!segment.test(child.entry.name)) continue;
        if (index === last) this.#add(child.at);
        else if (child.isDirectory) onward.add(index + 1);
      } else if (matchesName(segment, child.entry.name) && index !== last) {
        onward.add(index + 1);
      }
    }
    if (onward.size > 0) yield* this.#goOn(child.at, { ...mark, throughLink, above }, onward);
  }

  /**
   * Whether `**` skips an entry: a hidden one, unless the next segment names it, or one that the user's function
   * refuses.
   */
  #isPassedOver({ entry }: Child, { segments }: Pattern, index: number): boolean {
    if (entry.name.startsWith('.') && !matchesName(segments[index + 1], entry.name)) return true;
    const { exclude, withFileTypes } = this.#request;
    return typeof exclude === 'function' && Boolean(exclude(withFileTypes ? entry : entry.name));
  }

  /** Tries an entry at a `**`, which stays valid below a directory; the next segment may also match at once. */
  #goThrough(visit: Visit, child: Child, index: number, onward: Set<number>): void {
    const { place, mark } = visit;
    const { segments, rests } = mark.pattern;
    const last = segments.length - 1;
    const next = segments[index + 1];
    const isOpen = !mark.throughLink.has(index);
    const isNext = matchesName(next, child.entry.name);
    if (isOpen && child.isDirectory) onward.add(index);
    else if (isOpen && index === last) this.#add(child.at);
    if (isNext && index + 1 === last && !mayEnd(visit)) this.#add(child.at);
    else if (isNext && child.isDirectory) onward.add(index + 2);
    const goesOn = child.isDirectory || (LINKS_BELOW_ANY_GO_ON && child.entry.isSymbolicLink());
    const [first] = segments;
    if ((isNext || (first?.kind === 'name' && first.name === '.')) && goesOn && isOpen) onward.add(index + 1);
    if (next?.kind !== 'name' || next.name !== '..' || !child.isDirectory) return;
    // `..` below an entry is this place; and so on upwards.
    const here = [place, path.posix.join(place, '..')];
    for (const above of here) {
      if (index + 1 === last) {
        if (this.#isNews(above, { ...mark, at: new Set([last]) })) this.#add(above);
      } else if (!this.#next.has(above) && this.#seen.get(above)?.has(rests[index + 2] ?? '') !== true) {
        this.#next.set(above, [{ ...mark, at: new Set([index + 2]), throughLink: NONE }]);
      }
    }
  }

  *#goOn(at: string, mark: Mark, onward: ReadonlySet<number>): Sequence<void> {
    const whole = path.posix.resolve(this.#root, at);
    if (this.#isExcluded(at)) return;
    if (this.#isExcluded(`${whole}/`) && (yield* this.#sight.look(whole))?.isDirectory()) return;
    if (yield* this.#isRefused(at)) return;
    const marks = this.#next.get(at);
    const next = { ...mark, at: onward };
    if (marks === undefined) this.#next.set(at, [next]);
    else marks.push(next);
  }

  #add(at: string): void {
    if (depthOf(this.#below(at)) > this.#request.maxDepth) return;
    if (this.found.has(at) || this.#isExcluded(path.posix.resolve(this.#root, at))) return;
    this.found.add(at);
    this.#untold.push(at);
  }

  #below(at: string): string {
    return path.posix.relative(this.#root, path.posix.resolve(this.#root, at));
  }

  /**
   * Whether the depth allows results in a directory. An absolute pattern may enter every directory on the way to `cwd`.
   */
  #mayEnter(place: string, { segments }: Pattern): boolean {
    const { maxDepth } = this.#request;
    if (maxDepth === Number.POSITIVE_INFINITY) return true;
    const [first] = segments;
    const isAbsolute = first?.kind === 'name' && first.name === '';
    const whole = path.posix.resolve(this.#root, place);
    const isAbove = this.#root !== whole && this.#root.startsWith(whole === '/' ? '/' : `${whole}/`);
    return (isAbsolute && isAbove) || depthOf(this.#below(place)) < maxDepth;
  }

  #isExcluded(whole: string): boolean {
    return this.#excluded.some((pattern) => matchesPath(whole, pattern));
  }

  /**
   * Whether the user's function refuses a place. As in Node, it gets the Dirent of that path in the current directory,
   * if there is one.
   */
  *#isRefused(at: string): Sequence<boolean> {
    const { exclude, withFileTypes } = this.#request;
    if (typeof exclude !== 'function') return false;
    if (!withFileTypes) return Boolean(exclude(at));
    const entry = yield* this.#sight.look(at);
    return entry !== undefined && Boolean(exclude(entry));
  }

  *#isDirectory(whole: string, entry: Dirent | undefined, { at, throughLink }: Mark): Sequence<boolean> {
    if (entry?.isDirectory()) return true;
    if (!entry?.isSymbolicLink()) return false;
    if (this.#request.links === 'followed') return yield* this.#leads(whole, entry);
    // A link is followed if the pattern names it, and not if `**` has found it.
    return [...at].some((index) => !throughLink.has(index));
  }

  /** Whether an entry is a link that is followed to a directory. */
  *#leads(whole: string, entry: Dirent): Sequence<boolean> {
    if (this.#request.links === 'left' || !entry.isSymbolicLink()) return false;
    return yield* this.#sight.isDirectory(whole);
  }

  /** The Dirent of a result, with its directory relative to `cwd` as that was given. */
  lookAsNamed(at: string): Sequence<Dirent | undefined> {
    return this.#sight.look(path.posix.isAbsolute(at) ? at : path.posix.join(this.#request.cwd, at));
  }
}

/** Whether the pattern may end at a place: with its last segment, or with the slash after a `**`. */
function mayEnd({ mark: { pattern, at }, isDirectory }: Visit): boolean {
  const { segments } = pattern;
  const last = segments.length - 1;
  if (at.has(last)) return true;
  const end = segments[last];
  return (
    isDirectory && end?.kind === 'name' && end.name === '' && at.has(last - 1) && segments[last - 1]?.kind === 'any'
  );
}

function depthOf(relative: string): number {
  return relative === '' ? 0 : relative.split('/').length;
}
