/** Loads a package, and what it requires, with another filesystem in the place of `node:fs`. */

import nodeFs from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import type { FileSystem } from './two-places.ts';

type Require = (name: string) => unknown;

/**
 * Evaluates the package's own files as Node would, each once, except that `fs` is what is given. The files themselves are read from
 * the disk.
 */
export function requireOver(fs: FileSystem, name: string): unknown {
  const loaded = new Map<string, { exports: unknown }>();
  const requireFrom =
    (from: string): Require =>
    (specifier) => {
      if (specifier === 'fs' || specifier === 'node:fs') return fs;
      if (specifier === 'fs/promises' || specifier === 'node:fs/promises') return fs.promises;
      const real = createRequire(from);
      if (isBuiltin(specifier)) return real(specifier);
      return load(real.resolve(specifier));
    };
  const load = (file: string): unknown => {
    const known = loaded.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} as unknown };
    loaded.set(file, module);
    const source = asCommonJs(nodeFs.readFileSync(file, 'utf8'));
    const evaluate = new Function('exports', 'require', 'module', '__filename', '__dirname', source);
    evaluate(module.exports, requireFrom(file), module, file, path.dirname(file));
    return module.exports;
  };
  return requireFrom(import.meta.filename)(name);
}

/** ES modules as CommonJS, so that they can be evaluated here; others as they are. */
function asCommonJs(source: string): string {
  if (!/^(import|export)\s/m.test(source)) return source;
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023 };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
