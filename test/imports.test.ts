// The shape of the sources: which file may import which, how long a file may be, how many lie in a folder, and which
// names say nothing. The order of the stages is the one in ARCHITECTURE.md.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');

/**
 * What the parts of lib/ are called, lowest first: a file imports only from its own stage and from those before it.
 * A stage is a folder, or the files of lib/ itself that match.
 */
const STAGES: readonly { readonly name: string; readonly holds: RegExp }[] = [
  { name: 'errno, node, waiting', holds: /^(errno\.ts$|node\/|waiting\/)/ },
  { name: 'branch', holds: /^branch\// },
  { name: 'fault', holds: /^(fault\.ts$|asking\/)/ },
  { name: 'pages', holds: /^pages\// },
  { name: 'tree', holds: /^tree\// },
  { name: 'writeback', holds: /^writeback\// },
  { name: 'ops', holds: /^ops\// },
  { name: 'fs', holds: /^fs\// },
  { name: 'image', holds: /^image\// },
  { name: 'overlay, index', holds: /^(overlay\/|index\.ts$)/ },
  { name: 'install', holds: /^install\// },
  { name: 'vitest, cli', holds: /^(vitest|cli)\.ts$/ },
];

const FORBIDDEN_NAME = /^(utils?|common|helpers?|types?|misc)$/;
const MOST_LINES = 400;
const MOST_FILES = 12;

/** The source files below a folder of the project, as paths relative to the project with `/` between the parts. */
function sourcesBelow(folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(path.join(ROOT, folder), { withFileTypes: true })) {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...sourcesBelow(name));
    else if (/\.[cm]?[jt]s$/.test(entry.name)) found.push(name);
  }
  return found;
}

/** The top folders that hold code of ours; read from the disk, so a new one cannot escape. */
function codeFolders(): string[] {
  const notOurs = new Set(['node_modules', 'dist', 'docs', 'coverage']);
  return readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !notOurs.has(entry.name))
    .map((entry) => entry.name);
}

/** The stage a file belongs to; the file is given relative to lib/. */
function stageOf(file: string): number {
  return STAGES.findIndex((stage) => stage.holds.test(file));
}

/** What is wrong with one import, or undefined; the file is given relative to lib/, the specifier as written. */
function complaintAbout(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  if (!specifier.endsWith('.ts')) return `${file} imports ${specifier}: relative imports end in .ts`;
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
  if (target.startsWith('../')) return `${file} imports ${specifier}, which lies outside lib/`;
  const [own, other] = [stageOf(file), stageOf(target)];
  if (own < 0) return `lib/${file} belongs to no stage`;
  if (other < 0) return `${file} imports ${specifier}, which belongs to no stage`;
  if (other <= own) return undefined;
  return `${file} (${STAGES[own]?.name}) imports ${specifier} (${STAGES[other]?.name}), which stands above it`;
}

/** Every module a source names: static and dynamic imports, re-exports, type imports. */
function specifiersIn(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((imported) => imported.fileName);
}

/** The files of which a source uses more than types; as Biome formats it. */
function valuesWantedBy(file: string, text: string): string[] {
  const found = text.matchAll(/^(?:import|export) (?!type )[^;]*? from '(\.[^']+)';$/gm);
  return [...found].map(([, specifier = '']) => path.posix.join(path.posix.dirname(file), specifier));
}

/** A way from something back to itself; empty where there is none. */
function circleIn(wanted: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const follow = (at: string, way: readonly string[]): string[] => {
    if (way.includes(at)) return [...way.slice(way.indexOf(at)), at];
    if (done.has(at)) return [];
    done.add(at);
    for (const next of wanted.get(at) ?? []) {
      const circle = follow(next, [...way, at]);
      if (circle.length > 0) return circle;
    }
    return [];
  };
  for (const start of wanted.keys()) {
    const circle = follow(start, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

/** The number of lines of a text, a last line feed not counted. */
function linesOf(text: string): number {
  return text.replace(/\n$/, '').split('\n').length;
}

describe('the direction of imports', () => {
  it('is kept by every file of lib/', () => {
    const files = sourcesBelow('lib').map((file) => file.slice('lib/'.length));
    expect(files).toContain('index.ts');
    const complaints: string[] = [];
    for (const file of files) {
      if (stageOf(file) < 0) complaints.push(`lib/${file} belongs to no stage`);
      for (const specifier of specifiersIn(readFileSync(path.join(ROOT, 'lib', file), 'utf8'))) {
        const complaint = complaintAbout(file, specifier);
        if (complaint !== undefined) complaints.push(complaint);
      }
    }
    expect(complaints).toEqual([]);
  });

  it('goes round in no circle', () => {
    const files = sourcesBelow('lib');
    const wanted = new Map(
      files.map((file) => [file, valuesWantedBy(file, readFileSync(path.join(ROOT, file), 'utf8'))]),
    );
    expect(circleIn(wanted)).toEqual([]);
    expect(valuesWantedBy('lib/a.ts', "import { b } from './c/b.ts';\nimport type { D } from './d.ts';")).toEqual([
      'lib/c/b.ts',
    ]);
    expect(circleIn(new Map(Object.entries({ a: ['b'], b: ['c'], c: ['b'] })))).toEqual(['b', 'c', 'b']);
  });

  it('allows the own stage, what stands below, and packages', () => {
    expect(complaintAbout('tree/walk.ts', './inode.ts')).toBeUndefined();
    expect(complaintAbout('tree/walk.ts', '../pages/file.ts')).toBeUndefined();
    expect(complaintAbout('tree/walk.ts', '../errno.ts')).toBeUndefined();
    expect(complaintAbout('fault.ts', './asking/async-io.ts')).toBeUndefined();
    expect(complaintAbout('branch/make-branch.ts', '../errno.ts')).toBeUndefined();
    expect(complaintAbout('index.ts', './overlay/options.ts')).toBeUndefined();
    expect(complaintAbout('tree/walk.ts', 'node:path')).toBeUndefined();
  });

  it.each([
    ['tree/walk.ts', '../ops/open.ts', 'which stands above it'],
    ['branch/adapter.ts', '../fault.ts', 'which stands above it'],
    ['fs/calls.ts', '../index.ts', 'which stands above it'],
    ['image/tar.ts', '../install/patch.ts', 'which stands above it'],
    ['tree/walk.ts', './inode.js', 'end in .ts'],
    ['tree/walk.ts', '../../test/grounds/map.ts', 'outside lib/'],
    ['stray.ts', './fault.ts', 'belongs to no stage'],
    ['index.ts', './stray.ts', 'belongs to no stage'],
  ])('refuses %s importing %s', (file, specifier, reason) => {
    expect(complaintAbout(file, specifier)).toContain(reason);
  });

  it.each([
    ["import { a } from './a.ts';"],
    ["import type { A } from './a.ts';"],
    ["export { a } from './a.ts';"],
    ["export * from './a.ts';"],
    ["const a = await import('./a.ts');"],
    ["let a: import('./a.ts').A;"],
  ])('is seen in %s', (text) => {
    expect(specifiersIn(text)).toEqual(['./a.ts']);
  });
});

describe('the size of files and folders', () => {
  const files = codeFolders().flatMap(sourcesBelow);

  it(`is at most ${MOST_LINES} lines a file`, () => {
    const lengths = files.map((file) => ({ file, lines: linesOf(readFileSync(path.join(ROOT, file), 'utf8')) }));
    expect(lengths.length).toBeGreaterThan(0);
    expect(lengths.filter(({ lines }) => lines > MOST_LINES)).toEqual([]);
    expect(linesOf('a\nb\n')).toBe(2);
  });

  it(`is at most ${MOST_FILES} files a folder`, () => {
    const counts = new Map<string, number>();
    for (const file of files) {
      const folder = path.posix.dirname(file);
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    expect([...counts].filter(([, count]) => count > MOST_FILES)).toEqual([]);
  });

  it('leaves no file or folder with a name that says nothing', () => {
    const namesNothing = (file: string) =>
      file.split('/').some((part) => FORBIDDEN_NAME.test(part.split('.')[0] ?? ''));
    expect(files.filter(namesNothing)).toEqual([]);
    expect(namesNothing('lib/tree/utils.ts')).toBe(true);
    expect(namesNothing('lib/helpers/walk.ts')).toBe(true);
    expect(namesNothing('test/types.test.ts')).toBe(true);
    expect(namesNothing('lib/tree/walk.ts')).toBe(false);
  });
});
