// webpack 5 reading and writing through overlay.fs: the bundle of a real package, byte for byte that of a run on the
// disk.

import nodeFs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import webpack from 'webpack';
import { type FileSystem, inBothPlaces } from './two-places.ts';

const PROJECT = path.resolve(import.meta.dirname, '../..');

/** A project that uses a package with many modules, a JSON file, and modules loaded later. */
function prepare(root: string): void {
  nodeFs.symlinkSync(path.join(PROJECT, 'node_modules'), path.join(root, 'node_modules'));
  nodeFs.mkdirSync(path.join(root, 'source'));
  const files = {
    'package.json': JSON.stringify({ name: 'bundled', version: '1.2.3', type: 'module' }),
    'source/index.js': `
      import { copy, outputJson } from 'fs-extra';
      import description from '../package.json';
      import { greet } from './greet.js';
      const later = await import('./later.js');
      outputJson('out.json', { copy, version: description.version, text: greet('webpack'), later });`,
    'source/greet.js': "export const greet = (name) => 'Hello, ' + name;\nexport const unused = 1;",
    'source/later.js': 'export default { loaded: "later" };',
  };
  for (const [name, text] of Object.entries(files)) nodeFs.writeFileSync(path.join(root, name), text);
}

/** Bundles what is in `root` and returns the names of what came out, and what went wrong. */
async function bundle(fs: FileSystem, root: string) {
  const compiler = webpack({
    mode: 'development',
    devtool: 'source-map',
    target: 'node20',
    context: root,
    entry: './source/index.js',
    output: { path: path.join(root, 'bundle'), module: true, clean: true },
    experiments: { outputModule: true },
    optimization: { minimize: false },
  });
  if (compiler === null) throw new Error('webpack made no compiler');
  // Both of webpack's own filesystems are Node's with a cache; here it gets ours, or the disk's, as it is.
  compiler.inputFileSystem = fs as unknown as typeof compiler.inputFileSystem;
  compiler.outputFileSystem = fs as unknown as typeof compiler.outputFileSystem;
  compiler.intermediateFileSystem = fs as unknown as typeof compiler.intermediateFileSystem;
  const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
    compiler.run((error, done) => (error ? reject(error) : resolve(done)));
  });
  await new Promise<void>((resolve, reject) => compiler.close((error) => (error ? reject(error) : resolve())));
  const { errors, warnings, assets, modules } =
    stats?.toJson({ all: false, errors: true, warnings: true, assets: true, modules: true }) ?? {};
  return {
    main: fs.readFileSync(path.join(root, 'bundle/main.mjs'), 'utf8'),
    errors: errors?.map(({ message }) => message),
    warnings: warnings?.map(({ message }) => message),
    assets: assets?.map(({ name, size }) => `${name} ${size}`).sort(),
    modules: modules?.length,
  };
}

describe('webpack', () => {
  it('makes through an overlay what it makes on the disk, byte for byte', { timeout: 60_000 }, async () => {
    const { inOverlay, onDisk } = await inBothPlaces(prepare, bundle);
    expect(inOverlay.result.errors).toEqual([]);
    expect(inOverlay.result.main).toContain('function copySync');
    expect(inOverlay).toEqual(onDisk);
  });

  it('bundles what was changed in the overlay only, and empties the old bundle there', {
    timeout: 60_000,
  }, async () => {
    const { inOverlay, onDisk } = await inBothPlaces(
      (root) => {
        prepare(root);
        nodeFs.mkdirSync(path.join(root, 'bundle'));
        nodeFs.writeFileSync(path.join(root, 'bundle/stale.mjs'), 'old');
      },
      async (fs, root) => {
        const source = path.join(root, 'source');
        fs.renameSync(source, path.join(root, 'moved'));
        fs.symlinkSync('moved', source);
        fs.writeFileSync(path.join(source, 'greet.js'), 'export const greet = () => "changed in memory";');
        fs.writeFileSync(path.join(source, 'later.js'), 'import missing from "./missing.js"; export default missing;');
        return bundle(fs, root);
      },
      { lower: { root: '/', immutable: true } },
    );
    expect(inOverlay.result.errors).toEqual([expect.stringContaining("Can't resolve './missing.js'")]);
    expect(inOverlay.result.main).toContain('changed in memory');
    expect([...inOverlay.left.keys()]).not.toContain('bundle/stale.mjs');
    expect(inOverlay).toEqual(onDisk);
  });
});
