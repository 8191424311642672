// The declarations that users get: they are right by the settings of whoever compiles with them, and not by ours only.

import path from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');

const USE = `
import { createOverlay, type OverlayOptions } from './lib/index.js';
const options: OverlayOptions = { lower: '.' };
const overlay = createOverlay(options);
overlay.fs.readdir('/', (error, names) => console.log(error, names.length));
export const read: Promise<string> = overlay.fs.promises.readFile('/a', 'utf8');
export const fs: typeof import('fs') = overlay.fs;
overlay.on('writeback-error', ({ path, code }) => console.log(path.length, code.length));
`;

/** What `npm run build` makes of lib/, but for the code. */
function declarations(): Map<string, string> {
  const { config } = ts.readConfigFile(path.join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, ROOT);
  const made = { noEmit: false, declaration: true, emitDeclarationOnly: true, noCheck: true };
  const program = ts.createProgram([path.join(ROOT, 'lib/index.ts')], { ...options, ...made });
  const texts = new Map<string, string>();
  program.emit(undefined, (name, text) => void texts.set(path.resolve(name), text));
  return texts;
}

const emitted = declarations();

it.each<[string, ts.CompilerOptions]>([
  ['ES modules, resolved as Node does', { module: ts.ModuleKind.NodeNext }],
  ['a bundler', { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }],
  [
    'CommonJS without esModuleInterop',
    { module: ts.ModuleKind.CommonJS, esModuleInterop: false, allowSyntheticDefaultImports: false },
  ],
  ['an old library of types', { module: ts.ModuleKind.ESNext, lib: ['lib.es2020.d.ts'] }],
])('are right for %s', (_, settings) => {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    strict: true,
    types: ['node'],
    noEmit: true,
    ignoreDeprecations: '6.0',
    ...settings,
  };
  const use = path.join(ROOT, 'use.ts');
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  const text = (name: string) => (name === use ? USE : emitted.get(name));
  host.getCurrentDirectory = () => ROOT;
  host.fileExists = (name) => text(name) !== undefined || (!isSource(name) && fileExists(name));
  host.getSourceFile = (name, version, ...rest) => {
    const own = text(name);
    return own === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, own, version);
  };
  const program = ts.createProgram({ rootNames: [use], options, host });
  const ours = program.getSourceFiles().filter(({ fileName }) => text(fileName) !== undefined);
  expect(ours.length).toBeGreaterThan(20);
  const complaints = ours.flatMap((file) => program.getSemanticDiagnostics(file));
  const told = complaints.map(
    ({ file, messageText }) =>
      `${file?.fileName.slice(ROOT.length)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
  );
  expect(told).toEqual([]);
});

/** Whether it is a source of ours, which users of the declarations do not see. */
function isSource(name: string): boolean {
  return name.startsWith(path.join(ROOT, 'lib')) && name.endsWith('.ts') && !name.endsWith('.d.ts');
}
