// What the documents say of the project is so: files, commands, options, dependencies.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');
const DOCUMENTS = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];

const textOf = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');
const { scripts, dependencies, devDependencies, files } = JSON.parse(textOf('package.json')) as Record<
  'scripts' | 'dependencies' | 'devDependencies',
  Record<string, string>
> & { files: string[] };

/** What a pattern finds in a text, each once. */
function found(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, group]) => group ?? ''))];
}

/** The part of a document from one heading to the next. */
function chapter(document: string, heading: string): string {
  const [, rest = ''] = textOf(document).split(`## ${heading}\n`);
  return rest.split(/^## /m)[0] ?? '';
}

/** The members of an interface in a source. */
function membersOf(source: string, name: string): string[] {
  const file = ts.createSourceFile(source, textOf(source), ts.ScriptTarget.ESNext);
  const declaration = file.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === name);
  if (declaration === undefined || !ts.isInterfaceDeclaration(declaration)) throw new Error(`${source} has no ${name}`);
  return declaration.members.map((member) => member.name?.getText(file) ?? '');
}

describe('the documents', () => {
  it.each(DOCUMENTS)('%s: the files and folders it names are there', (document) => {
    const text = textOf(document);
    const linked = found(text, /\]\(([^):#]+)\)/g);
    const named = found(text, /`((?:lib|test|benchmarks|demo|\.ci)\/[\w./-]*)`/g);
    expect([...linked, ...named].filter((name) => !existsSync(path.join(ROOT, name)))).toEqual([]);
  });

  it('README: what it links to and shows as an example is in the package too', () => {
    const linked = found(textOf('README.md'), /\]\(([^):#]+)\)/g);
    const shown = found(textOf('README.md'), /`((?:demo|examples)\/[\w./-]+)`/g);
    expect(shown).not.toEqual([]);
    const isPacked = (name: string) => files.some((each) => name === each || name.startsWith(`${each}/`));
    expect([...linked, ...shown].filter((name) => !isPacked(name))).toEqual([]);
  });

  it.each(DOCUMENTS)('%s: the commands it names are there', (document) => {
    expect(found(textOf(document), /npm run ([\w:]+)/g).filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it('CONTRIBUTING names every command', () => {
    const named = textOf('CONTRIBUTING.md');
    const forPeople = Object.keys(scripts).filter((name) => !['test', 'prepack'].includes(name));
    expect(forPeople.filter((name) => !named.includes(`npm run ${name}\``))).toEqual([]);
  });

  it('ARCHITECTURE lists every file of lib/, or its folder as a whole, and no other', () => {
    const list = /```\n(.*)```/s.exec(chapter('ARCHITECTURE.md', 'The files'))?.[1] ?? '';
    const words = new Set(found(list, /([\w-]+)(?:\.ts)?/g));
    const folders = new Set(found(list, /([\w-]+)\/ /g));
    const files = readdirSync(path.join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const names = files.map((name) => path.basename(name, '.ts'));
    const isTold = (name: string) =>
      words.has(path.basename(name, '.ts')) || (name.split('/').length > 2 && folders.has(name.split('/')[1] ?? ''));
    expect(files.filter((name) => !isTold(name))).toEqual([]);
    expect(found(list, /([\w-]+)\.ts/g).filter((name) => !names.includes(name))).toEqual([]);
  });

  it('ARCHITECTURE gives a reason for every dependency', () => {
    const reasons = chapter('ARCHITECTURE.md', 'Dependencies');
    const packages = Object.keys({ ...dependencies, ...devDependencies }).filter(
      (name) => !name.startsWith('@types/fs'),
    );
    expect(packages.filter((name) => !reasons.includes(`\`${name}\``))).toEqual([]);
  });

  it('README tells of every option, and of no other', () => {
    const rows = found(chapter('README.md', 'Options'), /^\| `(\w+)`/gm);
    const options = ['OverlayOptions', 'LowerOptions'].flatMap((name) => membersOf('lib/overlay/options.ts', name));
    expect(rows.sort()).toEqual([...new Set(options)].sort());
  });
});
