// The same questions put to every kind of fs-like thing (L12, L13), at once and later.

import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { fs as zenFs } from '@zenfs/core';
import { createFsFromVolume, Volume } from 'memfs';
import { Union } from 'unionfs';
import { describe, expect, it } from 'vitest';
import { type AsyncRequests, type Attributes, type Requests, SAME } from '../../lib/branch/branch.ts';
import { createOverlay } from '../../lib/index.ts';
import { branchOf, interposedCallbacks, present, scratch, text } from './rig.ts';

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK } = nodeFs.constants;

/** What it takes to make the tree that is asked about. */
type Maker = Pick<typeof nodeFs, 'mkdirSync' | 'writeFileSync' | 'symlinkSync' | 'unlinkSync' | 'utimesSync'>;

interface Lower {
  readonly name: string;
  /** A fresh one: what the branch is made of, where the tree goes, and what changes it. */
  readonly make: () => { fs: unknown; base: string; change: Maker };
  readonly forms: readonly ('sync' | 'async')[];
  /** It knows symbolic links. */
  readonly links: boolean;
}

const BIG = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff));

function buildIn(base: string, change: Maker, links: boolean): void {
  change.mkdirSync(`${base}/d/sub`, { recursive: true });
  change.writeFileSync(`${base}/d/file`, 'hello world');
  change.writeFileSync(`${base}/d/empty`, '');
  change.writeFileSync(`${base}/d/big`, BIG);
  change.writeFileSync(`${base}/d/sub/nästed`, 'x');
  if (links) change.symlinkSync('file', `${base}/d/link`);
}

const memory = () => new Volume() as unknown as Maker & Volume;
let zenCount = 0;

const LOWERS: readonly Lower[] = [
  {
    name: 'node:fs',
    make: () => ({ fs: nodeFs, base: scratch(), change: nodeFs }),
    forms: ['sync', 'async'],
    links: true,
  },
  {
    name: 'a copy of node:fs',
    make: () => ({ fs: { ...nodeFs }, base: scratch(), change: nodeFs }),
    forms: ['sync', 'async'],
    links: true,
  },
  {
    name: 'an object that has an fs',
    make: () => ({ fs: { fs: { ...nodeFs }, close: () => {} }, base: scratch(), change: nodeFs }),
    forms: ['sync', 'async'],
    links: true,
  },
  {
    name: 'a memfs Volume',
    make: () => {
      const volume = memory();
      return { fs: volume, base: '', change: volume };
    },
    forms: ['sync'],
    links: true,
  },
  {
    name: 'the fs of a memfs Volume',
    make: () => {
      const volume = memory();
      return { fs: createFsFromVolume(volume), base: '', change: volume };
    },
    forms: ['sync'],
    links: true,
  },
  {
    name: 'a Union, the tree in its lower member',
    make: () => {
      const upper = Volume.fromJSON({ '/other': 'x' });
      const union = new Union().use(nodeFs).use(upper as unknown as typeof nodeFs);
      return { fs: union, base: scratch(), change: nodeFs };
    },
    forms: ['sync', 'async'],
    links: true,
  },
  {
    name: 'a Union of two memfs Volumes',
    make: () => {
      const [upper, lower] = [Volume.fromJSON({ '/other': 'x' }), memory()];
      const union = new Union().use(lower as unknown as typeof nodeFs).use(upper as unknown as typeof nodeFs);
      return { fs: union, base: '', change: lower };
    },
    forms: ['sync', 'async'],
    links: true,
  },
  {
    name: 'an object with readFileSync, statSync and readdirSync',
    make: () => {
      const { readFileSync, statSync, readdirSync } = nodeFs;
      return { fs: { readFileSync, statSync, readdirSync }, base: scratch(), change: nodeFs };
    },
    forms: ['sync'],
    links: false,
  },
  {
    name: 'an object with such functions that know no options',
    make: () => {
      const fs = {
        readFileSync: (path: string) => nodeFs.readFileSync(path, 'utf8'),
        statSync: (path: string) => {
          const { mtime, size, mode } = nodeFs.statSync(path);
          return {
            mtime,
            size,
            isFile: () => (mode & S_IFMT) === S_IFREG,
            isDirectory: () => (mode & S_IFMT) === S_IFDIR,
          };
        },
        readdirSync: (path: string) => nodeFs.readdirSync(path),
      };
      const base = scratch();
      const change = { ...nodeFs, writeFileSync: withoutBytes };
      return { fs, base, change: change as Maker };
    },
    forms: ['sync'],
    links: false,
  },
  {
    name: 'an object with promises only',
    make: () => ({ fs: { promises: nodePromises }, base: scratch(), change: nodeFs }),
    forms: ['async'],
    links: true,
  },
  {
    name: 'promises without open',
    make: () => {
      const { lstat, readdir, readlink, readFile } = nodePromises;
      return { fs: { promises: { lstat, readdir, readlink, readFile } }, base: scratch(), change: nodeFs };
    },
    forms: ['async'],
    links: true,
  },
  {
    name: 'functions that return promises',
    make: () => ({ fs: { ...nodePromises }, base: scratch(), change: nodeFs }),
    forms: ['async'],
    links: true,
  },
  {
    name: 'callback functions only',
    make: () => ({ fs: interposedCallbacks((_, given, goOn) => goOn(...given)), base: scratch(), change: nodeFs }),
    forms: ['async'],
    links: true,
  },
  {
    name: 'another overlay',
    make: () => {
      const base = scratch();
      const overlay = createOverlay({ lower: nodeFs });
      return { fs: overlay, base, change: overlay.fs };
    },
    forms: ['sync', 'async'],
    links: true,
  },
  {
    name: 'ZenFS',
    make: () => {
      zenCount += 1;
      const base = `/zen${zenCount}`;
      zenFs.mkdirSync(base);
      return { fs: zenFs, base, change: zenFs as unknown as Maker };
    },
    forms: ['sync', 'async'],
    links: true,
  },
];

/** Only text survives a branch that reads with `utf8`. */
function withoutBytes(path: string, content: string | Uint8Array): void {
  nodeFs.writeFileSync(path, typeof content === 'string' ? content : Buffer.from(content).toString('latin1'), 'latin1');
}

/** The two forms of asking made one; what is missing of the form asked for is an error. */
function asking(lower: Lower, form: 'sync' | 'async') {
  const { fs, base, change } = lower.make();
  buildIn(base, change, lower.links);
  const branch = branchOf(fs);
  const requests: Requests | AsyncRequests | undefined = form === 'sync' ? branch.sync : branch.async;
  if (requests === undefined) throw new Error(`${lower.name} cannot be asked ${form}`);
  // Those that answer later are asked for the attributes as they are.
  const lookAgain = async (path: string, remembered: Attributes) => {
    if ('revalidate' in requests) return requests.revalidate(path, remembered);
    const now = await requests.lstat(path);
    return isDeepStrictEqual(now, remembered) ? SAME : now;
  };
  return { ask: requests, base, change, branch, lookAgain };
}

for (const lower of LOWERS) {
  describe(`L12 L13 a lower that is ${lower.name}`, () => {
    it(`can be asked ${lower.forms.join(' and ')}`, () => {
      const { fs } = lower.make();
      const branch = branchOf(fs);
      expect(branch.sync !== undefined).toBe(lower.forms.includes('sync'));
      expect(branch.async !== undefined).toBe(lower.forms.includes('async'));
    });

    for (const form of lower.forms) {
      it(`tells what is there (${form})`, async () => {
        const { ask, base } = asking(lower, form);
        const file = present(await ask.lstat(`${base}/d/file`));
        expect(file.mode & S_IFMT).toBe(S_IFREG);
        expect(file.size).toBe(11);
        expect(file.mtimeSec).toBeGreaterThan(1_600_000_000);
        expect(present(await ask.lstat(`${base}/d`)).mode & S_IFMT).toBe(S_IFDIR);
        const other = present(await ask.lstat(`${base}/d/empty`));
        expect(other.ino === 0 || other.ino !== file.ino).toBe(true);
        if (lower.links) expect(present(await ask.lstat(`${base}/d/link`)).mode & S_IFMT).toBe(S_IFLNK);
      });

      it(`tells what is not there (${form})`, async () => {
        const { ask, base } = asking(lower, form);
        for (const path of [`${base}/d/none`, `${base}/none/none`, `${base}/d/file/none`, `${base}/\uDCFF`]) {
          expect([path, await ask.lstat(path)]).toEqual([path, undefined]);
          expect([path, await ask.list(path)]).toEqual([path, undefined]);
        }
        expect(await ask.list(`${base}/d/file`)).toBeUndefined();
        if (!lower.links) return;
        expect(await ask.readlink(`${base}/d/none`)).toBeUndefined();
        expect(await ask.readlink(`${base}/d/file`)).toBeUndefined();
      });

      it(`lists (${form})`, async () => {
        const { ask, base } = asking(lower, form);
        const entries = [...((await ask.list(`${base}/d`)) ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
        const names = ['big', 'empty', 'file', ...(lower.links ? ['link'] : []), 'sub'];
        expect(entries.map(({ name }) => name)).toEqual(names);
        for (const { name, type } of entries) {
          const expected = name === 'sub' ? S_IFDIR : name === 'link' ? S_IFLNK : S_IFREG;
          expect([0, expected]).toContain(type);
        }
        expect((await ask.list(`${base}/d/sub`))?.map(({ name }) => name)).toEqual(['nästed']);
        if (lower.links) expect(await ask.readlink(`${base}/d/link`)).toBe('file');
      });

      it(`reads ranges, whole files and none (${form})`, async () => {
        const { ask, base } = asking(lower, form);
        const [file, empty, big] = ['file', 'empty', 'big'].map((name) => `${base}/d/${name}`) as [
          string,
          string,
          string,
        ];
        const print = present(await ask.lstat(file));
        expect(text(await ask.read(file, print, 0, 11))).toBe('hello world');
        expect(text(await ask.read(file, print, 6, 3))).toBe('wor');
        expect(text(await ask.read(file, print, 6, 4096))).toBe('world');
        expect(text(await ask.read(file, print, 11, 10))).toBe('');
        expect(text(await ask.read(file, print, 4096, 10))).toBe('');
        expect(text(await ask.read(empty, present(await ask.lstat(empty)), 0, 100))).toBe('');
        if (lower.name.includes('know no options')) return;
        const bigPrint = present(await ask.lstat(big));
        for (const offset of [262_144, 0, 131_072, 65_536, 196_608]) {
          const bytes = await ask.read(big, bigPrint, offset, 65_536);
          expect(Buffer.compare(bytes ?? Buffer.alloc(0), BIG.subarray(offset, offset + 65_536))).toBe(0);
        }
        const parts = await Promise.all([0, 1, 2, 3].map((part) => ask.read(big, bigPrint, part * 75_000, 75_000)));
        expect(Buffer.concat(parts.map((part) => part ?? Buffer.alloc(0))).equals(BIG)).toBe(true);
      });

      it(`gives bytes that nobody else has (${form})`, async () => {
        const { ask, base } = asking(lower, form);
        const file = `${base}/d/file`;
        const print = present(await ask.lstat(file));
        for (const length of [11, 5]) {
          const bytes = await ask.read(file, print, 0, length);
          expect(bytes?.buffer.byteLength).toBe(length);
          bytes?.fill(0);
        }
        expect(text(await ask.read(file, print, 0, 11))).toBe('hello world');
      });

      it(`notices what changes, and nothing else (${form})`, async () => {
        const { ask, base, change, lookAgain } = asking(lower, form);
        const file = `${base}/d/file`;
        const before = present(await ask.lstat(file));
        for (let time = 0; time < 3; time++) expect(await lookAgain(file, before)).toBe(SAME);
        expect(await ask.lstat(file)).toEqual(before);

        change.writeFileSync(file, 'changed');
        change.utimesSync(file, 1_700_000_000, 1_700_000_000);
        const after = await lookAgain(file, before);
        expect(after).toMatchObject({ size: 7, mtimeSec: 1_700_000_000, mtimeNsec: 0 });
        expect(await lookAgain(file, after as typeof before)).toBe(SAME);
        expect(await ask.read(file, before, 0, 11)).toBeUndefined();
        expect(text(await ask.read(file, after as typeof before, 0, 11))).toBe('changed');

        change.unlinkSync(file);
        expect(await lookAgain(file, before)).toBeUndefined();
        expect(await ask.lstat(file)).toBeUndefined();
      });
    }
  });
}
