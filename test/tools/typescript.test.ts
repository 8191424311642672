// The TypeScript compiler on the sources of overfs: through an overlay it writes byte for byte what it writes on the
// disk.

import nodeFs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, systemOver } from '../../demo/system.js';
import { type FileSystem, inBothPlaces } from './two-places.ts';

const PROJECT = path.resolve(import.meta.dirname, '../..');

/** A project of some of our sources, with the declarations of Node beside it. */
function copySources(root: string): void {
  nodeFs.cpSync(path.join(PROJECT, 'lib'), path.join(root, 'lib'), { recursive: true });
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.build.json']) {
    nodeFs.copyFileSync(path.join(PROJECT, name), path.join(root, name));
  }
  nodeFs.symlinkSync(path.join(PROJECT, 'node_modules'), path.join(root, 'node_modules'));
  const some = {
    extends: './tsconfig.build.json',
    compilerOptions: { incremental: true },
    include: ['lib/pages', 'lib/tree'],
  };
  nodeFs.writeFileSync(path.join(root, 'tsconfig.some.json'), JSON.stringify(some));
}

function build(fs: FileSystem, root: string) {
  return compile(systemOver(fs, root), path.join(root, 'tsconfig.some.json'));
}

describe('the TypeScript compiler', () => {
  it('writes through an overlay what it writes on the disk, byte for byte', { timeout: 60_000 }, async () => {
    const { inOverlay, onDisk } = await inBothPlaces(copySources, build);
    expect(inOverlay.result.errors).toEqual([]);
    expect([...inOverlay.left.keys()]).toContain('dist/tree/walk.d.ts.map');
    expect(inOverlay).toEqual(onDisk);
  });

  it('sees what was changed in the overlay only, and complains as it does on the disk', {
    timeout: 60_000,
  }, async () => {
    const { inOverlay, onDisk } = await inBothPlaces(
      copySources,
      (fs, root) => {
        const source = path.join(root, 'lib/tree/walk.ts');
        fs.renameSync(path.join(root, 'lib/tree/lookup.ts'), path.join(root, 'lib/tree/moved.ts'));
        fs.writeFileSync(source, fs.readFileSync(source, 'utf8').replace('./lookup.ts', './moved.ts'));
        fs.appendFileSync(source, "\nexport const wrong: number = 'text';\n");
        return build(fs, root);
      },
      { lower: { root: '/', immutable: true } },
    );
    expect(inOverlay.result.errors).toEqual(
      expect.arrayContaining([expect.stringContaining("Type 'string' is not assignable")]),
    );
    expect([...inOverlay.left.keys()]).toContain('dist/tree/moved.js');
    expect(inOverlay).toEqual(onDisk);
  });
});
