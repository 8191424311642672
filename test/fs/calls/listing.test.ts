// N4: readdir with its options, in three forms.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { actAs } from '../../act-as.ts';
import type { FileSystem } from '../matrix.ts';
import { alike, toldLater } from './both.ts';

const FAILS_LATER = Number.parseInt(process.versions.node, 10) > 20;

function plant(fs: FileSystem): void {
  fs.mkdirSync('tree/a/deep', { recursive: true });
  fs.mkdirSync('tree/b');
  fs.mkdirSync('aside');
  for (const name of ['tree/one', 'tree/a/two', 'tree/a/deep/three', 'tree/b/four', 'aside/five'])
    fs.writeFileSync(name, '');
  fs.symlinkSync('../aside', 'tree/link');
  fs.symlinkSync('nowhere', 'tree/dangling');
  fs.symlinkSync('one', 'tree/file-link');
}

type Options = Readonly<Record<string, unknown>>;

/** The three forms of readdir. */
function forms(fs: FileSystem): readonly ((path: unknown, options: Options) => Promise<unknown[]>)[] {
  type Loose = (...args: unknown[]) => unknown;
  const { readdirSync, readdir, promises } = fs as unknown as {
    readdirSync: Loose;
    readdir: Loose;
    promises: { readdir: Loose };
  };
  return [
    async (path, options) => readdirSync(path, options) as unknown[],
    (path, options) => (promisify(readdir) as Loose)(path, options) as Promise<unknown[]>,
    async (path, options) => (await promises.readdir(path, options)) as unknown[],
  ];
}

function describeEntry(entry: unknown): string {
  if (typeof entry !== 'object' || entry === null || !('name' in entry)) return String(entry);
  const { name, parentPath, ...rest } = entry as nodeFs.Dirent;
  const type = ['isFile', 'isDirectory', 'isSymbolicLink'].filter((is) =>
    (entry as Record<string, () => boolean>)[is]?.(),
  );
  return `${parentPath} ${name} ${type} ${Object.keys(rest)}`;
}

const OPTIONS: readonly Options[] = [
  {},
  { withFileTypes: true },
  { recursive: true },
  { recursive: true, withFileTypes: true },
  { encoding: 'hex' },
  { encoding: 'hex', withFileTypes: true },
  { encoding: 'buffer' },
  { recursive: false, withFileTypes: false },
];

describe('N4 readdir', () => {
  it.each(OPTIONS)('with %o', async (options) => {
    await alike(async (fs) => {
      plant(fs);
      const results: unknown[] = [];
      for (const list of forms(fs)) {
        // The disk has an order of its own.
        for (const given of ['tree', './tree/', 'tree/link'])
          results.push((await list(given, options)).map(describeEntry).sort());
        results.push(await toldLater(list('tree/one', options)), await toldLater(list('tree/none', options)));
      }
      return results;
    });
  });

  it('lists a Buffer, recursively too', () => {
    const { fs } = createOverlay({ lower: [] });
    fs.mkdirSync('/a/b', { recursive: true });
    fs.writeFileSync('/a/b/c', '');
    expect(fs.readdirSync(Buffer.from('/a'), { recursive: true })).toEqual(['b', 'b/c']);
    const entries = fs.readdirSync(Buffer.from('/a'), { recursive: true, withFileTypes: true });
    expect(entries.map(({ name, parentPath }) => [name, String(parentPath)])).toEqual([
      ['b', '/a'],
      ['c', '/a/b'],
    ]);
    expect(fs.readdirSync('/a', { recursive: true, encoding: 'buffer' })).toEqual([
      Buffer.from('b'),
      Buffer.from('b/c'),
    ]);
  });

  it.each(['d', './d/', '.', 'd/in', 'd/in/closed'])(
    'names the directory that may not be listed, in %s',
    async (given) => {
      const root = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
      const before = process.cwd();
      nodeFs.chmodSync(root, 0o755);
      nodeFs.mkdirSync(`${root}/d/in/closed`, { recursive: true });
      nodeFs.chmodSync(`${root}/d/in/closed`, 0);
      process.chdir(root);
      try {
        const user = process.geteuid?.() === 0 ? { uid: 12_345, gid: 12_345 } : undefined;
        using overlay = createOverlay(user && { credentials: user });
        const tell = async (fs: FileSystem) => {
          const said: string[] = [];
          for (const options of [{ recursive: true }, { recursive: true, withFileTypes: true }]) {
            for (const [i, list] of forms(fs).entries()) {
              // In Node 20 the callback form throws instead of telling its callback.
              if (i !== 1 || FAILS_LATER) said.push(await toldLater(list(given, options)));
            }
          }
          return said;
        };
        const ours = await tell(overlay.fs);
        expect(ours).toEqual(user === undefined ? await tell(nodeFs) : await actAs(user, () => tell(nodeFs)));
        expect(ours[0]).toContain('closed');
      } finally {
        process.chdir(before);
        nodeFs.chmodSync(`${root}/d/in/closed`, 0o700);
        nodeFs.rmSync(root, { recursive: true });
      }
    },
  );

  it.each([
    ['names', {}],
    ['types', { withFileTypes: true }],
  ])(
    'N5 goes down into what may be looked at only, where it lists %s of a directory that may not be searched',
    async (_, options) => {
      const root = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
      const user = process.getuid?.() === 0 ? { uid: 1000, gid: 1000 } : undefined;
      try {
        nodeFs.mkdirSync(`${root}/d/inner`, { recursive: true });
        nodeFs.writeFileSync(`${root}/d/inner/file`, '');
        if (user !== undefined) for (const each of ['', '/d']) nodeFs.chownSync(root + each, user.uid, user.gid);
        const overlay = createOverlay({ lower: root });
        for (const fs of [overlay.fs, nodeFs]) fs.chmodSync(fs === nodeFs ? `${root}/d` : '/d', 0o600);
        const ours = user === undefined ? overlay.fs : overlay.as(user);
        const told = async (fs: FileSystem, directory: string) => {
          const found: string[] = [];
          for (const form of forms(fs)) {
            const names = form(directory, { ...options, recursive: true });
            found.push(await names.then(shown, ({ code }: NodeJS.ErrnoException) => `${code}`));
          }
          return found;
        };
        const shown = (names: unknown[]) => names.map((each) => String((each as nodeFs.Dirent).name ?? each)).join();
        const theirs = await (user === undefined
          ? told(nodeFs, `${root}/d`)
          : actAs(user, () => told(nodeFs, `${root}/d`)));
        expect(await told(ours, '/d')).toEqual(theirs);
        overlay.close();
      } finally {
        nodeFs.chmodSync(`${root}/d`, 0o700);
        nodeFs.rmSync(root, { recursive: true });
      }
    },
  );

  it('N1 sorts names by their bytes, as the disk does', () =>
    alike(async (fs) => {
      fs.mkdirSync('d');
      for (const name of ['a', '\uFF21', '\u{1F600}', '\uE000', 'z\u{1F600}', 'z\uFF21'])
        fs.writeFileSync(`d/${name}`, '');
      fs.writeFileSync(Buffer.from('d/\xFF', 'latin1'), '');
      fs.writeFileSync(Buffer.from('d/\xE2\x82', 'latin1'), '');
      const results: unknown[] = [];
      for (const list of forms(fs)) {
        results.push(await list('d', {}), await list('d', { encoding: 'buffer' }));
        results.push((await list('d', { withFileTypes: true })).map(describeEntry));
      }
      return results;
    }));

  it('N1 lists directory after directory in the order that each form has', () =>
    alike(async (fs) => {
      plant(fs);
      const results: unknown[] = [];
      for (const list of forms(fs)) {
        results.push(await list('tree', { recursive: true }));
        results.push((await list('tree', { recursive: true, withFileTypes: true })).map(describeEntry));
      }
      return results;
    }));

  it('gives everybody an array of their own', () => {
    const { fs } = createOverlay({ lower: [] });
    fs.writeFileSync('/a', '');
    fs.readdirSync('/').push('b');
    expect(fs.readdirSync('/')).toEqual(['a']);
    fs.readdirSync('/', { withFileTypes: true }).pop();
    expect(fs.readdirSync('/', { withFileTypes: true })).toHaveLength(1);
  });

  it('follows links to directories, but not for ever', () => {
    const { fs } = createOverlay({ lower: [] });
    fs.mkdirSync('/a');
    fs.symlinkSync('.', '/a/self');
    const names = fs.readdirSync('/a', { recursive: true }) as string[];
    // As deep as a kernel follows links.
    expect(names).toHaveLength(41);
    expect(names.at(-1)).toBe(Array.from({ length: 41 }, () => 'self').join('/'));
  });
});
