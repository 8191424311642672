/**
 * The library as a child process of any Node can load it: transpiled, without a look at types, into a directory of the test's.
 */

import nodeFs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const LIBRARY = path.join(import.meta.dirname, '../lib');

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

/** Transpiles `lib/` into a directory; gives the address of its entry. */
export function transpileLibrary(into: string): string {
  nodeFs.writeFileSync(path.join(into, 'package.json'), '{ "type": "module" }');
  nodeFs.symlinkSync(path.join(LIBRARY, '../node_modules'), path.join(into, 'node_modules'));
  for (const name of nodeFs.readdirSync(LIBRARY, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const target = path.join(into, name.replace(/ts$/, 'js'));
    const source = nodeFs.readFileSync(path.join(LIBRARY, name), 'utf8');
    nodeFs.mkdirSync(path.dirname(target), { recursive: true });
    nodeFs.writeFileSync(target, ts.transpileModule(source, { compilerOptions: OPTIONS, fileName: name }).outputText);
  }
  return pathToFileURL(path.join(into, 'index.js')).href;
}
