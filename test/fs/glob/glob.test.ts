// glob, where the running Node has it: the same trees and patterns on the real filesystem and on an overlay.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expandBraces } from '../../../lib/fs/glob/pattern.ts';
import { createOverlay } from '../../../lib/index.ts';

interface GlobOptions {
  readonly cwd?: string;
  readonly exclude?: readonly string[] | ((entry: string) => boolean);
  readonly withFileTypes?: boolean;
}
/** `node:fs` of Node 22 and later. */
interface WithGlob {
  globSync(pattern: unknown, options?: GlobOptions): string[];
  glob(pattern: unknown, options: GlobOptions, callback: (error: unknown, found: string[]) => void): void;
  readonly promises: { glob(pattern: unknown, options?: GlobOptions): AsyncIterable<string> };
}

const FILES = [
  'a.js',
  'b.ts',
  '.hidden',
  'src/a.ts',
  'src/b.js',
  'src/deep/c.ts',
  'src/deep/er/d.ts',
  '.git/config',
  'x/1.txt',
  'x/2.txt',
  'x/10.txt',
];

const PATTERNS = [
  '*',
  '*.js',
  '**',
  '**/*.ts',
  'src/**',
  'src/**/*.ts',
  'src/*',
  './*.js',
  'src/../*.ts',
  '{a,b}.*',
  'src/{deep,none}/**/*.{ts,js}',
  'x/{1..2}.txt',
  '.*',
  '.git/*',
  '**/.git/**',
  '?.js',
  '[ab].*',
  '!(a).js',
  'none/**',
  'src/deep/',
  '*/',
  'link/*',
  '**/d.ts',
  'src/a.ts',
  '',
  'src\\*.ts',
  'src\\deep\\**',
  'src\\{a,deep}*',
  'none/../src/*',
  'src/**/../*.ts',
  'src/deep/./*/..',
];

describe('braces', () => {
  it.each([
    ['a{b,c}d', ['abd', 'acd']],
    ['{a,b{c,d}}', ['a', 'bc', 'bd']],
    ['{1..3}', ['1', '2', '3']],
    ['{01..10..3}', ['01', '04', '07', '10']],
    ['{c..a}', ['c', 'b', 'a']],
    ['{a}', ['{a}']],
    ['{a', ['{a']],
    ['x{}{y,z}', ['x{}y', 'x{}z']],
    ['$'.concat('{a,b}'), ['$'.concat('{a,b}')]],
  ])('%s is %j', (pattern, expected) => {
    expect(expandBraces(pattern)).toEqual(expected);
  });
});

describe.runIf('globSync' in nodeFs)('glob', () => {
  let scratch: string;
  let real: WithGlob;
  let ours: WithGlob;
  beforeAll(() => {
    scratch = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
    for (const file of FILES) {
      nodeFs.mkdirSync(path.dirname(path.join(scratch, file)), { recursive: true });
      nodeFs.writeFileSync(path.join(scratch, file), file);
    }
    nodeFs.symlinkSync('src', path.join(scratch, 'link'));
    real = nodeFs as unknown as WithGlob;
    ours = createOverlay({ lower: { root: scratch, at: scratch } }).fs as unknown as WithGlob;
  });
  afterAll(() => {
    nodeFs.rmSync(scratch, { recursive: true, force: true });
  });

  it.each(PATTERNS)('N1 %j gives what it gives on the disk, in all forms', async (pattern) => {
    const expected = real.globSync(pattern, { cwd: scratch });
    expect(ours.globSync(pattern, { cwd: scratch })).toEqual(expected);
    const byCallback = await new Promise((resolve, reject) => {
      ours.glob(pattern, { cwd: scratch }, (error, found) => (error ? reject(error) : resolve(found)));
    });
    expect(byCallback).toEqual(expected);
    const byPromise: string[] = [];
    for await (const found of ours.promises.glob(pattern, { cwd: scratch })) byPromise.push(found);
    expect(byPromise).toEqual(expected);
  });

  it('N1 absolute patterns and lists of patterns', () => {
    const patterns = [`${scratch}/src/*.ts`, 'x/*'];
    expect(ours.globSync(patterns, { cwd: scratch })).toEqual(real.globSync(patterns, { cwd: scratch }));
  });

  it('N1 `exclude` as a function, and `withFileTypes`', () => {
    const exclude = (name: string) => name === 'deep' || name === 'src/deep';
    const options = { cwd: scratch, exclude };
    expect(ours.globSync('**/*.ts', options)).toEqual(real.globSync('**/*.ts', options));
    const entries = (fs: WithGlob) =>
      (fs.globSync('src/**', { cwd: scratch, withFileTypes: true }) as unknown as nodeFs.Dirent[]).map((entry) => [
        entry.name,
        entry.parentPath,
        entry.isDirectory(),
      ]);
    expect(entries(ours)).toEqual(entries(real));
  });

  it('N1 gives each path when it is found: nothing more is looked at once the iteration ends', async () => {
    const { fs } = createOverlay({ lower: [] });
    for (let i = 0; i < 50; i++) fs.mkdirSync(`/many/${i}/below`, { recursive: true });
    let listings = 0;
    const { readdir } = fs.promises;
    fs.promises.readdir = ((...args: Parameters<typeof readdir>) => {
      listings++;
      return readdir(...args);
    }) as typeof readdir;
    for await (const found of (fs as unknown as WithGlob).promises.glob('many/*/*', { cwd: '/' })) {
      expect(found).toBe('many/9/below');
      break;
    }
    expect(listings).toBeLessThan(5);
  });

  it('N1 refuses what Node refuses', async () => {
    const refusal = (fs: WithGlob, args: readonly unknown[], name: 'globSync' | 'glob' = 'globSync') => {
      try {
        (fs[name] as (...args: readonly unknown[]) => unknown)(...args);
      } catch (error) {
        return `${error}`;
      }
      return 'taken';
    };
    for (const args of [[5], [['a', 5]], ['a', 5], ['a', { exclude: 5 }]]) {
      expect(refusal(ours, args)).toBe(refusal(real, args));
      expect(refusal(ours, args)).not.toBe('taken');
    }
    for (const args of [['a'], ['a', {}], ['a', {}, 5]]) {
      expect(refusal(ours, args, 'glob')).toBe(refusal(real, args, 'glob'));
      expect(refusal(ours, args, 'glob')).not.toBe('taken');
    }
    const heard = async (fs: WithGlob) => {
      const calls: unknown[] = [];
      const thrown = refusal(fs, ['a', 5, (error: unknown) => calls.push(String(error))], 'glob');
      await new Promise((resolve) => setTimeout(resolve, 20));
      return [thrown, ...calls];
    };
    expect(await heard(ours)).toEqual(await heard(real));
    // A Node that does not know an option takes whatever it is.
    const later = [{ followSymlinks: 1 }, { maxDepth: -1 }, { maxDepth: 1.5 }, { maxDepth: '1' }, { maxDepth: null }];
    for (const options of later) expect(refusal(ours, ['a', options])).toBe(refusal(real, ['a', options]));
  });
});
