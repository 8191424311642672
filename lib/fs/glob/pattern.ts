/**
 * Glob patterns, parsed: braces are expanded, and each alternative is a list of segments, one for each name of a path.
 *
 *     src/{a,b}/**\/*.ts     ──►  src  a  **  *.ts
 *                                src  b  **  *.ts
 *
 * The running Node decides whether a name matches a segment (`path.matchesGlob`, which exists wherever `glob` does), so
 * that `*`, `[...]` and `+(...)` mean the same as there.
 */

import nodePath from 'node:path';

/** What one name must be. */
type Segment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'match'; readonly test: (name: string) => boolean }
  /** `**`: any directories, or none. */
  | { readonly kind: 'any' };

/**
 * One alternative of a pattern. An empty name as the first segment means that it is absolute; as the last one, that it
 * ends in a slash, so that only directories match.
 */
export interface Pattern {
  readonly segments: readonly Segment[];
  /** The text of the rest from each segment on; equal texts have equal matches. */
  readonly rests: readonly string[];
}

type MatchesGlob = (path: string, pattern: string) => boolean;

const { matchesGlob } = nodePath.posix as unknown as { readonly matchesGlob: MatchesGlob };

/** Whether a whole path matches a whole pattern. */
export function matchesPath(path: string, pattern: string): boolean {
  return matchesGlob(path, pattern);
}

/** Whether a name matches a segment; an undefined segment matches nothing. */
export function matchesName(segment: Segment | undefined, name: string): boolean {
  if (segment === undefined) return false;
  if (segment.kind === 'name') return segment.name === name;
  return segment.kind === 'any' || segment.test(name);
}

/** Parses a pattern into its alternatives. A backslash is a slash on every platform, and escapes nothing. */
export function parsePattern(pattern: string): Pattern[] {
  if (pattern === '') return [];
  const alternatives = new Set(expandBraces(pattern.replaceAll('\\', '/')));
  const parts = [...alternatives].flatMap((alternative) => squeeze(alternative.split(/\/+/)));
  return withoutCovered(parts).map((segments) => ({
    segments: segments.map(parseSegment),
    rests: segments.map((_, at) => segments.slice(at).join('/')),
  }));
}

/** Removes parts without effect: `.`, a name followed by `..`, and all but one of several `**`. */
function squeeze(parts: readonly string[]): string[][] {
  const left: string[] = [];
  const last = parts.length - 1;
  for (const [at, part] of parts.entries()) {
    const before = left.at(-1);
    if (at > 0 && at < last && (part === '.' || part === '')) continue;
    if (part === '**' && before === '**') continue;
    if (part === '..' && before !== undefined && !['', '.', '..', '**'].includes(before)) {
      left.pop();
      if (left.length === 0 && (parts[at + 1] === '**' || at === last)) left.push(at === last ? '' : '.');
    } else {
      left.push(part);
    }
  }
  if (left.length === 2 && left[0] === '.' && (left[1] === '.' || left[1] === '')) left.pop();
  return aboveAny(left);
}

/** `**` before `..` and two names also matches the directory above. */
function aboveAny(parts: string[]): string[][] {
  const names = (at: number) => !['', '.', '..', undefined].includes(parts[at]);
  const at = parts.findIndex((part, i) => part === '**' && parts[i + 1] === '..' && names(i + 2) && names(i + 3));
  return at < 0 ? [parts] : [parts.toSpliced(at, 1), parts];
}

/** Removes alternatives that another one covers: `a/b` beside `a/*`. The later of the two places is kept. */
function withoutCovered(alternatives: readonly (readonly string[])[]): (readonly string[])[] {
  const left = [...alternatives];
  for (let i = 0; i < left.length - 1; i++) {
    for (let j = i + 1; j < left.length; j++) {
      const one = left[i] as readonly string[];
      const other = left[j] as readonly string[];
      const wider = covers(one, other) ? one : other;
      if (wider === other && !covers(other, one)) continue;
      left[j] = wider;
      left.splice(i--, 1);
      break;
    }
  }
  return left;
}

/** Whether every path that matches `narrow` obviously matches `wide`. */
function covers(wide: readonly string[], narrow: readonly string[]): boolean {
  const covered = (part: string, by: string | undefined) =>
    part === by || (by === '*' && part !== '' && part !== '**' && !part.startsWith('.'));
  return wide.length === narrow.length && narrow.every((part, at) => covered(part, wide[at]));
}

const MAGIC = /[*?[\]!+@()]/;

function parseSegment(part: string): Segment {
  if (part === '**') return { kind: 'any' };
  if (!MAGIC.test(part)) return { kind: 'name', name: part };
  return { kind: 'match', test: (name) => matchesGlob(name, part) };
}

/** Expands the first valid braces in a pattern, and then the rest; a pattern without braces is its only alternative. */
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

/** The index of the next opening brace that is not part of `${`. */
function nextBrace(pattern: string, from: number): number {
  for (let at = from; at < pattern.length; at++) {
    if (pattern[at] === '{' && pattern[at - 1] !== '$') return at;
  }
  return -1;
}

/** The comma-separated parts of the braces that open at `open`, and where they end; undefined if they do not close. */
function readBraces(pattern: string, open: number): { parts: string[]; end: number } | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let at = open; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return { parts: [...parts, pattern.slice(start, at)], end: at + 1 };
    else if (char === ',' && depth === 1) {
      parts.push(pattern.slice(start, at));
      start = at + 1;
    }
  }
  return undefined;
}

/** The members of a sequence such as `1..5` or `a..e..2`; undefined if it is not one. */
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
