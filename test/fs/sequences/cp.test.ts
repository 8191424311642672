import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { NATIVE_CP_CHECKS } from '../../../lib/fs/sequences/quirks.ts';
import { createOverlay } from '../../../lib/index.ts';
import type { FileSystem } from '../matrix.ts';
import { call, expectTwins, FORMS, type Form, fifo } from './twin.ts';

function given(fs: FileSystem, root: string): void {
  fs.writeFileSync('file', 'content', { mode: 0o640 });
  fs.linkSync('file', 'hard');
  fs.writeFileSync('other', 'other', { mode: 0o600 });
  fs.mkdirSync('empty', { mode: 0o755 });
  fs.mkdirSync('dir/sub', { recursive: true });
  fs.writeFileSync('dir/a', 'A');
  fs.writeFileSync('dir/sub/b', 'B', { mode: 0o400 });
  fs.symlinkSync('a', 'dir/relative');
  fs.symlinkSync(`${root}/file`, 'dir/absolute');
  fs.symlinkSync('sub', 'dir/to-sub');
  fs.symlinkSync('file', 'link');
  fs.symlinkSync('dir', 'dir-link');
  fs.symlinkSync('dir/sub', 'sub-link');
  fs.symlinkSync('nowhere', 'dangling');
  fs.mkdirSync('full/sub', { recursive: true });
  fs.writeFileSync('full/a', 'old');
  fs.writeFileSync('full/sub/c', 'C');
  fs.mkdirSync('linked');
  fs.symlinkSync('../dir/sub', 'linked/to-sub');
  fs.mkdirSync('linked-too');
  fs.symlinkSync('../dir/a', 'linked-too/relative');
  for (const name of ['file', 'dir', 'dir/a', 'dir/sub', 'dir/sub/b', 'link']) fs.lutimesSync(name, 1000, 2000);
}

const FROM = [
  'file',
  'empty',
  'dir',
  'dir/',
  'link',
  'dir-link',
  'dir-link/',
  'sub-link',
  'dangling',
  'missing',
  'file/x',
];
const TO = [
  'new',
  'new/deep',
  'file',
  'other',
  'hard',
  'empty',
  'full',
  'linked',
  'linked-too',
  'link',
  'dir-link',
  'sub-link',
  'dangling',
  'dir',
  'dir/sub/new',
  'file/y',
  '',
];

interface Options {
  readonly recursive?: boolean;
  readonly force?: boolean;
  readonly errorOnExist?: boolean;
  readonly dereference?: boolean;
  readonly verbatimSymlinks?: boolean;
  readonly preserveTimestamps?: boolean;
  readonly mode?: number;
}

const OPTIONS: readonly (Options | undefined)[] = [
  undefined,
  { recursive: true },
  { recursive: true, force: false },
  { recursive: true, force: false, errorOnExist: true },
  { recursive: true, dereference: true },
  { recursive: true, verbatimSymlinks: true },
  { recursive: true, preserveTimestamps: true },
  { recursive: true, mode: 1 },
];

/** Copies of links with what they hold, into what they hold, would go on until no name is short enough. */
function endsSometime(from: string, to: string, options: Options | undefined): boolean {
  if (options?.dereference !== true || !from.startsWith('dir')) return true;
  return !['dir-link', 'sub-link', 'dir/sub/new'].includes(to);
}

/** Where both ends cannot be looked at, Node may tell of either. */
function isClear(from: string, to: string): boolean {
  return to !== 'file/y' || !['dangling', 'missing', 'file/x'].includes(from);
}

const LINKS: ReadonlySet<string> = new Set([
  'link',
  'dir-link',
  'dir-link/',
  'sub-link',
  'dangling',
  'linked',
  'linked-too',
]);

/**
 * Where Node does what its own documentation and its other forms do not: `cpSync` since it is in C++ takes links for what they
 * point to and the other way round, and goes by rules of its own in existing directories and with `dereference`.
 */
function isSane(form: Form, from: string, to: string, options: Options | undefined): boolean {
  if (form !== 'sync' || !NATIVE_CP_CHECKS) return true;
  if (LINKS.has(from) || LINKS.has(to) || to === '' || to === 'file/y') return false;
  return !(from.startsWith('dir') && (options?.dereference || to === 'full'));
}

/** Since Node 26 new directories are filled in C++, whose errors name the directory but not the call that failed. */
const COPIES_DIRECTORIES_NATIVELY = Number.parseInt(process.versions.node, 10) >= 26;

/**
 * One in so many pairs is tried with these options: every pair in one of the two forms that have code of their own at least. The
 * callback form is the promise's with another end.
 */
function oneIn(form: Form, options: Options | undefined): number {
  if (form === 'callback') return 4;
  return OPTIONS.indexOf(options) < 2 ? 1 : 2;
}

/** The pairs to be tried. */
function targets(form: Form, from: string, options: Options | undefined): string[] {
  const step = oneIn(form, options);
  const turn = FROM.indexOf(from) + OPTIONS.indexOf(options) + (form === 'promise' ? 1 : 0);
  return TO.filter((_, index) => (index + turn) % step === 0).filter(
    (to) => endsSometime(from, to, options) && isClear(from, to) && isSane(form, from, to, options),
  );
}

describe('cp', () => {
  for (const form of FORMS) {
    for (const options of OPTIONS) {
      for (const from of FROM.filter((each) => targets(form, each, options).length > 0)) {
        it(`${form} ${from} ${JSON.stringify(options)}`, async () => {
          for (const to of targets(form, from, options)) {
            await expectTwins({
              title: to,
              remains: 'compared unless it fails',
              given,
              act: (fs) => call(fs, form, 'cp', [from, to, options]),
            });
          }
        });
      }
    }
  }

  for (const form of FORMS) {
    it(`${form} asks the filter for every name, and for none below one that is left out`, async () => {
      await expectTwins({
        given,
        async act(fs) {
          const asked: string[] = [];
          const filter = (from: string, to: string): boolean => {
            asked.push(`${from} ${to}`);
            return !from.endsWith('sub');
          };
          await call(fs, form, 'cp', ['dir', 'new', { recursive: true, filter }]);
          await call(fs, form, 'cp', ['dir/sub', 'new2', { recursive: true, filter }]);
          return asked.sort();
        },
      });
    });

    it(`${form} keeps times as exactly as Node does: of a file and of what is in a directory, with a filter and without`, async () => {
      await expectTwins({
        given,
        async act(fs) {
          fs.mkdirSync('timed/sub', { recursive: true });
          fs.writeFileSync('timed/sub/f', '');
          for (const name of ['timed/sub/f', 'timed/sub', 'timed']) fs.utimesSync(name, 1e9, 1614834367.123456);
          const options = { recursive: true, preserveTimestamps: true };
          await call(fs, form, 'cp', ['timed', 'all', options]);
          await call(fs, form, 'cp', ['timed', 'filtered', { ...options, filter: () => true }]);
          await call(fs, form, 'cp', ['timed/sub/f', 'one', options]);
          fs.mkdirSync('there');
          await call(fs, form, 'cp', ['timed', 'there', options]);
          fs.mkdirSync('there too/sub', { recursive: true });
          await call(fs, form, 'cp', ['timed', 'there too', options]);
          await call(fs, form, 'cp', ['timed', 'followed', { ...options, dereference: true }]);
          const mtimeOf = (name: string) => fs.statSync(name, { bigint: true }).mtimeNs;
          // The times of directories are those of the copying, but since Node 26.
          const copies = ['all', 'filtered', 'there', 'there too', 'followed'];
          return [...copies.flatMap((name) => [`${name}/sub/f`, `${name}/sub`, name]), 'one']
            .map((name) => `${name} ${mtimeOf(name)}`)
            .filter((told) => told.includes(' 16148'));
        },
      });
    });

    it(`${form} refuses to copy FIFOs`, async () => {
      const make = (fs: FileSystem): void => {
        fs.mkdirSync('special');
        fifo(fs, 'special/fifo');
      };
      for (const to of ['new', 'new/deep']) {
        await expectTwins({
          grounds: 'disk',
          given: make,
          act: (fs) => call(fs, form, 'cp', ['special/fifo', to, {}]),
        });
      }
      // `cpSync` of later Nodes passes over them in silence.
      if (form === 'sync' && NATIVE_CP_CHECKS) return;
      await expectTwins({
        grounds: 'disk',
        given: make,
        act: (fs) => call(fs, form, 'cp', ['special', 'new', { recursive: true }]),
      });
    });

    it(`N5 ${form} fails as a plain user does, with what it had copied`, async () => {
      for (const [from, to] of [
        ['unread', 'new'],
        ['dir', 'kept/new'],
        ['unlisted', 'new'],
        ['file', 'kept/file'],
      ] as const) {
        if (form === 'sync' && NATIVE_CP_CHECKS && from !== 'unread') continue;
        if (from === 'unlisted' && COPIES_DIRECTORIES_NATIVELY) continue;
        await expectTwins({
          title: from,
          as: 'somebody',
          given(fs) {
            fs.writeFileSync('file', 'f');
            fs.writeFileSync('unread', 'secret', { mode: 0o200 });
            fs.mkdirSync('dir');
            fs.mkdirSync('unlisted/below', { recursive: true });
            fs.chmodSync('unlisted', 0o300);
            fs.mkdirSync('kept');
            fs.writeFileSync('kept/file', 'old');
            fs.chmodSync('kept', 0o500);
          },
          act: (fs) => call(fs, form, 'cp', [from, to, { recursive: true }]),
        });
      }
    });

    it(`${form} says what Node says of wrong arguments`, async () => {
      const wrong = [
        null,
        'recursive',
        1,
        { recursive: 1 },
        { recursive: undefined },
        { dereference: 'yes' },
        { errorOnExist: null },
        { force: 0 },
        { preserveTimestamps: 'no' },
        { verbatimSymlinks: {} },
        { dereference: true, verbatimSymlinks: true },
        { mode: 8 },
        { mode: -1 },
        { mode: 'x' },
        { filter: 1 },
        { filter: null },
      ];
      for (const options of wrong) {
        const title = JSON.stringify(options);
        await expectTwins({ title, given, act: (fs) => call(fs, form, 'cp', ['file', 'new', options]) });
      }
      for (const value of [undefined, null, 5, {}, 'a\0b', new URL('http://x/y')]) {
        await expectTwins({ given, act: (fs) => call(fs, form, 'cp', [value, 'new', undefined]) });
        await expectTwins({ given, act: (fs) => call(fs, form, 'cp', ['file', value, undefined]) });
      }
    });

    it(`${form} takes URLs, and bytes where Node takes them`, async () => {
      await expectTwins({
        given,
        act: (fs, root) =>
          call(fs, form, 'cp', [new URL(`file://${root}/dir`), new URL(`file://${root}/new`), { recursive: true }]),
      });
      await expectTwins({ given, act: (fs) => call(fs, form, 'cp', [Buffer.from('file'), 'new', undefined]) });
      await expectTwins({ given, act: (fs) => call(fs, form, 'cp', ['file', Buffer.from('new'), undefined]) });
    });
  }

  it('takes promises from a filter where it can wait, and only there', async () => {
    const filter = async (from: string): Promise<boolean> => !from.endsWith('/a');
    for (const form of FORMS) {
      await expectTwins({
        given,
        act: (fs) => call(fs, form, 'cp', ['dir', 'new', { recursive: true, filter }]),
      });
    }
  });

  it('does not ask the filter while it finds out about wrong arguments', () => {
    const { fs } = createOverlay({ lower: [] });
    const filter = (): boolean => {
      throw new Error('asked');
    };
    const options = { filter, recursive: 1 } as unknown as { recursive: true };
    expect(() => fs.cpSync('/a', '/b', options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });

  it('P8 L1 reads nothing of what it copies from a lower', () => {
    const lower = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-cp-'));
    try {
      nodeFs.mkdirSync(`${lower}/a`);
      nodeFs.writeFileSync(`${lower}/a/file`, 'content');
      const readSync = vi.fn(nodeFs.readSync);
      using overlay = createOverlay({ lower: { fs: { ...nodeFs, readSync }, root: lower } });
      overlay.fs.cpSync('/a', '/b', { recursive: true });
      expect(readSync).not.toHaveBeenCalled();
      overlay.fs.appendFileSync('/b/file', ' and more');
      expect(overlay.fs.readFileSync('/b/file', 'utf8')).toBe('content and more');
      expect(overlay.fs.readFileSync('/a/file', 'utf8')).toBe('content');
    } finally {
      nodeFs.rmSync(lower, { recursive: true });
    }
  });
});
