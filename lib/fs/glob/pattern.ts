/**
 * Glob patterns, taken apart: braces are expanded, then each alternative is a list of segments, one for each name of a path.
 *
 *     src/{a,b}/**\/*.ts     ──►  src  a  **  *.ts
 *                                src  b  **  *.ts
 *
 * Whether one name matches one segment is asked of the running Node (`path.matchesGlob`, there wherever `glob` is), so that what `*`,
 * `[...]` and `+(...)` mean is the same here as there.
 */

import nodePath from 'node:path';

/** What one name must be. */
type Segment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'match'; readonly test: (name: string) => boolean }
  /** `**`: any directories, or none. */
  | { readonly kind: 'any' };

/** One alternative of a pattern. */
export interface Pattern {
  /** Where it starts: `/` for an absolute one, else empty. */
  readonly root: string;
  readonly segments: readonly Segment[];
  /** It ends in a slash: only directories match. */
  readonly wantsDirectory: boolean;
}

type MatchesGlob = (path: string, pattern: string) => boolean;

const { matchesGlob } = nodePath.posix as unknown as { readonly matchesGlob: MatchesGlob };

/** Whether a whole path matches a whole pattern. */
export function matchesPath(path: string, pattern: string): boolean {
  return matchesGlob(path, pattern);
}

/** Takes a pattern apart into its alternatives. */
export function parsePattern(pattern: string): Pattern[] {
  return expandBraces(pattern).map(parseAlternative);
}

function parseAlternative(pattern: string): Pattern {
  const parts = pattern.split('/');
  const isAbsolute = parts[0] === '' && parts.length > 1;
  const wantsDirectory = parts.length > 1 && parts.at(-1) === '';
  const segments = parts.filter((part) => part !== '').map(parseSegment);
  // Several `**` in a row mean no more than one.
  const distinct = segments.filter(({ kind }, i) => kind !== 'any' || segments[i - 1]?.kind !== 'any');
  return { root: isAbsolute ? '/' : '', segments: distinct, wantsDirectory };
}

const MAGIC = /[*?[\]!+@()\\]/;

function parseSegment(part: string): Segment {
  if (part === '**') return { kind: 'any' };
  if (!MAGIC.test(part)) return { kind: 'name', name: part };
  return { kind: 'match', test: (name) => matchesGlob(name, part) };
}

/** The alternatives of the first braces in a pattern that mean something, each with those of the rest; the pattern itself without such. */
export function expandBraces(pattern: string): string[] {
  for (let open = nextBrace(pattern, 0); open >= 0; open = nextBrace(pattern, open + 1)) {
    const found = readBraces(pattern, open);
    const choices =
      found && (found.parts.length > 1 ? found.parts.flatMap(expandBraces) : sequence(found.parts[0] ?? ''));
    if (found === undefined || choices === undefined) continue;
    const before = pattern.slice(0, open);
    const after = expandBraces(pattern.slice(found.end));
    return choices.flatMap((choice) => after.map((rest) => before + choice + rest));
  }
  return [pattern];
}

/** Where the next brace opens that is neither escaped nor part of `${`. */
function nextBrace(pattern: string, from: number): number {
  for (let at = from; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++;
    else if (pattern[at] === '{' && pattern[at - 1] !== '$') return at;
  }
  return -1;
}

/** The parts between commas of the braces that open at `open`, and where they end; undefined when they do not close. */
function readBraces(pattern: string, open: number): { parts: string[]; end: number } | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let at = open; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '\\') at++;
    else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return { parts: [...parts, pattern.slice(start, at)], end: at + 1 };
    else if (char === ',' && depth === 1) {
      parts.push(pattern.slice(start, at));
      start = at + 1;
    }
  }
  return undefined;
}

/** The members of a sequence such as `1..5` or `a..e..2`; undefined where it is none. */
function sequence(text: string): string[] | undefined {
  const [, first, last, , stepText] = /^(-?\d+|[a-z])\.\.(-?\d+|[a-z])(\.\.(-?\d+))?$/i.exec(text) ?? [];
  if (first === undefined || last === undefined) return undefined;
  const isNumeric = /\d/.test(first) && /\d/.test(last);
  if (!isNumeric && (/\d/.test(first) || /\d/.test(last))) return undefined;
  const [from, to] = isNumeric ? [Number(first), Number(last)] : [first.charCodeAt(0), last.charCodeAt(0)];
  const width = isNumeric && [first, last].some((end) => /^-?0\d/.test(end)) ? Math.max(first.length, last.length) : 0;
  const step = Math.max(1, Math.abs(Number(stepText ?? 1))) * (from <= to ? 1 : -1);
  const members: string[] = [];
  for (let at = from; step > 0 ? at <= to : at >= to; at += step) {
    members.push(isNumeric ? String(at).padStart(width, '0') : String.fromCharCode(at));
  }
  return members;
}
