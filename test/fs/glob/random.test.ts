// Random trees and patterns: glob finds the same on the real filesystem and on an overlay, in the same order.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';

type Found = readonly (string | nodeFs.Dirent)[];
/** `node:fs` of Node 22 and later. */
interface WithGlob {
  globSync(pattern: unknown, options?: object): Found;
  readonly promises: { glob(pattern: unknown, options?: object): AsyncIterable<string | nodeFs.Dirent> };
}

/** Numbers that look random and are the same each time. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}

const NAMES = ['a', 'b', 'ab', '.h', 'c.js', 'd.ts'];
// No `..`: behind a `**` Node finds now this, now that, depending on where it has been before.
const SEGMENTS = '* ** ** * a b *.js .* . [ab] {a,b} !(a) ?(a)b a? .h {a,*} ** l {1..2} @(a|b)*'.split(' ');
const EXCLUDED = [['a/**'], ['**/b'], ['*.js'], (entry: string | { name: string }) => nameOf(entry) === 'a'];

function nameOf(entry: string | { readonly name: string }): string {
  return typeof entry === 'string' ? entry : entry.name;
}

const shown = (found: Found) =>
  found.map((entry) =>
    typeof entry === 'string' ? entry : [entry.parentPath, entry.name, entry.isDirectory(), entry.isSymbolicLink()],
  );

async function outcome(fs: WithGlob, pattern: unknown, options: object): Promise<unknown[]> {
  const later: (string | nodeFs.Dirent)[] = [];
  for await (const entry of fs.promises.glob(pattern, options)) later.push(entry);
  return [shown(fs.globSync(pattern, options)), shown(later)];
}

describe.runIf('globSync' in nodeFs)('glob of random trees', () => {
  const real = nodeFs as unknown as WithGlob;
  const ours = createOverlay().fs as unknown as WithGlob;
  let scratch: string;
  beforeAll(() => {
    scratch = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
  });
  afterAll(() => {
    nodeFs.rmSync(scratch, { recursive: true, force: true });
  });

  function plant(root: string, random: (below: number) => number): void {
    const directories = [root];
    const pick = () => directories[random(directories.length)] as string;
    for (let left = 3 + random(12); left > 0; left--) {
      const at = path.join(pick(), NAMES[random(NAMES.length)] as string);
      if (nodeFs.existsSync(at)) continue;
      if (path.extname(at) !== '' || random(5) > 2) {
        nodeFs.writeFileSync(at, '');
      } else {
        nodeFs.mkdirSync(at);
        directories.push(at);
      }
    }
    for (let left = random(4); left > 0; left--) {
      const at = path.join(pick(), 'l');
      const target = [pick(), '.', '..', 'a', 'none'][random(5)] as string;
      if (nodeFs.lstatSync(at, { throwIfNoEntry: false }) === undefined) nodeFs.symlinkSync(target, at);
    }
  }

  it.each(Array.from({ length: 40 }, (_, i) => 100 + i))('N1 of the seed %i', async (seed) => {
    const random = randomFrom(seed);
    const root = path.join(scratch, String(seed));
    nodeFs.mkdirSync(root);
    plant(root, random);
    const onceIn = (times: number) => random(times) === 0;
    for (let round = 0; round < 12; round++) {
      const segments = Array.from({ length: 1 + random(4) }, () => SEGMENTS[random(SEGMENTS.length)]);
      const pattern = (onceIn(12) ? `${root}/` : '') + segments.join(onceIn(6) ? '\\' : '/') + (onceIn(8) ? '/' : '');
      const options = {
        cwd: root,
        withFileTypes: onceIn(5),
        ...(onceIn(4) ? { followSymlinks: true } : {}),
        ...(onceIn(4) ? { maxDepth: random(4) } : {}),
        ...(onceIn(6) ? { exclude: EXCLUDED[random(EXCLUDED.length)] } : {}),
      };
      const asked = `${JSON.stringify(pattern)} ${JSON.stringify({ ...options, exclude: String(options.exclude) })}`;
      expect([asked, ...(await outcome(ours, pattern, options))]).toEqual([
        asked,
        ...(await outcome(real, pattern, options)),
      ]);
    }
  });
});
