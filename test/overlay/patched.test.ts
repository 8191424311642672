// Functions of node:fs are taken once, when overfs is loaded: an overlay goes on working when its `fs` is put in the
// place of node:fs.

import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transpileLibrary } from '../transpiled.ts';

/** Patches `node:fs` with an overlay of `lower`, runs the body, and tells on the last line what it returned. */
function program(library: string, body: string): string {
  return `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    import { createOverlay } from ${JSON.stringify(library)};
    const overlay = createOverlay({ lower: 'lower', upper: 'upper' });
    const upper = fs.realpathSync('upper');
    for (const [name, { writable }] of Object.entries(Object.getOwnPropertyDescriptors(fs))) {
      if (writable) fs[name] = overlay.fs[name];
    }
    Object.assign(fs.promises, overlay.fs.promises);
    syncBuiltinESMExports();
    const result = await (async () => { ${body} })();
    process.stdout.write(JSON.stringify(result), () => process.exit());
  `;
}

describe('an overlay put in the place of node:fs', () => {
  let directory = '';
  let library = '';

  beforeAll(() => {
    directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
    for (const name of ['library', 'lower']) nodeFs.mkdirSync(path.join(directory, name));
    nodeFs.writeFileSync(path.join(directory, 'lower/file'), 'below');
    library = transpileLibrary(path.join(directory, 'library'));
  });

  afterAll(() => nodeFs.rmSync(directory, { recursive: true }));

  /** What a program comes to in which `node:fs` is the overlay's; its upper is empty when it begins. */
  function resultOf(body: string): unknown {
    nodeFs.rmSync(path.join(directory, 'upper'), { recursive: true, force: true });
    nodeFs.mkdirSync(path.join(directory, 'upper'));
    const script = program(library, body);
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: directory,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  }

  it('reads and writes what the overlay has, and its branches as before', () => {
    const body = `
      fs.appendFileSync('/file', ' and above');
      await fs.promises.writeFile('/new', 'new');
      overlay.syncSync();
      return [fs.readFileSync('/file', 'utf8'), await fs.promises.readFile('/new', 'utf8')];
    `;
    expect(resultOf(body)).toEqual(['below and above', 'new']);
    const written = ['file', 'new'].map((name) => nodeFs.readFileSync(path.join(directory, 'upper', name), 'utf8'));
    expect(written).toEqual(['below and above', 'new']);
    expect(nodeFs.readFileSync(path.join(directory, 'lower/file'), 'utf8')).toBe('below');
  });

  it('learns from the first functions what it asks Node later', () => {
    const body = `
      const { size, constructor } = fs.statSync('/file', { bigint: true });
      const { bsize } = fs.statfsSync('/');
      const names = fs.globSync?.('*', { cwd: '/', followSymlinks: true, maxDepth: 1 }) ?? ['file'];
      const buffer = Buffer.alloc(8);
      fs.readFileSync('/file', { buffer });
      return [String(size), constructor.name, bsize > 0, names];
    `;
    expect(resultOf(body)).toEqual(['5', 'BigIntStats', true, ['file']]);
  });

  it('keeps its upper to itself', () => {
    const body = `
      overlay.fs.writeFileSync('/new', 'new');
      overlay.syncSync();
      try {
        createOverlay({ lower: [], upper });
        return 'not refused';
      } catch ({ code }) {
        return code;
      }
    `;
    expect(resultOf(body)).toBe('EBUSY');
  });

  it('is no model for the overlays that are made after it', () => {
    const body = `
      fs.readFileSync = function mine() {};
      const { fs: other } = createOverlay({ lower: [] });
      return [other.readFileSync.name, other.readFileSync.length];
    `;
    expect(resultOf(body)).toEqual(['readFileSync', 2]);
  });
});
