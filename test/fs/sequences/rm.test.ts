import nodeFs from 'node:fs';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { NATIVE_RM } from '../../../lib/fs/sequences/quirks.ts';
import { createOverlay } from '../../../lib/index.ts';
import { alike } from '../calls/both.ts';
import type { FileSystem } from '../matrix.ts';
import { call, expectTwins, FORMS } from './twin.ts';

function given(fs: FileSystem): void {
  fs.mkdirSync('full/sub', { recursive: true });
  fs.writeFileSync('full/a', 'a');
  fs.writeFileSync('full/sub/b', 'b');
  fs.mkdirSync('empty');
  fs.writeFileSync('file', 'x');
  fs.symlinkSync('full', 'link');
  fs.symlinkSync('nowhere', 'dangling');
  fs.symlinkSync('loop', 'loop');
  fs.mkdirSync('kept/in', { recursive: true });
  fs.writeFileSync('kept/in/g', '');
  fs.chmodSync('kept', 0o555);
  fs.mkdirSync('deep/kept', { recursive: true });
  fs.writeFileSync('deep/kept/f', 'x');
  fs.chmodSync('deep/kept', 0o555);
  fs.mkdirSync('unlisted/sub', { recursive: true });
  fs.chmodSync('unlisted', 0o333);
  fs.mkdirSync('held/unlisted/sub', { recursive: true });
  fs.chmodSync('held/unlisted', 0o333);
  fs.chmodSync('held', 0o555);
  fs.mkdirSync('closed/sub', { recursive: true });
  fs.chmodSync('closed', 0o666);
  fs.mkdirSync('mute/in', { recursive: true });
  fs.chmodSync('mute/in', 0o300);
  fs.mkdirSync('shut/in', { recursive: true });
  fs.chmodSync('shut/in', 0);
}

/** Whether this process may list what `somebody` may not: else it cannot know what is empty (CHANGELOG, Known differences). */
const LISTS_ALL = process.geteuid?.() === 0;

const PATHS = [
  'missing',
  'missing/',
  'full',
  'full/',
  'full/.',
  'full/sub/..',
  'empty',
  'file',
  'file/',
  'file/x',
  'link',
  'link/',
  'link/.',
  'dangling',
  'dangling/',
  'loop',
  'loop/',
  'kept',
  'kept/in',
  'deep',
  'unlisted',
  'unlisted/',
  'held',
  'held/unlisted',
  'closed',
  'closed/sub',
  ...(LISTS_ALL ? ['mute', 'mute/in', 'shut', 'shut/in'] : []),
  '',
  '.',
];
const OPTIONS = [undefined, { recursive: true }, { force: true }, { recursive: true, force: true }];

/** Node removes what is in `.` and such before it finds that the directory cannot go, by the order of the disk. */
function remains(form: string): 'compared' | 'compared unless it fails' {
  return form === 'sync' && NATIVE_RM !== 'none' ? 'compared unless it fails' : 'compared';
}

/** Whether Node has no words for what fails (it tells neither code nor number then), or says now this and now that. */
function isUnclear(form: string, path: string, isRecursive: boolean): boolean {
  // What is removed on the way to it makes its own path wrong, sooner or later.
  if (isRecursive && path.endsWith('/..')) return true;
  return form === 'sync' && NATIVE_RM !== 'none' && isRecursive && path.endsWith('/.');
}

describe('rm', () => {
  for (const form of FORMS) {
    for (const options of OPTIONS) {
      const isRecursive = options?.recursive === true;
      for (const path of PATHS.filter((each) => !isUnclear(form, each, isRecursive))) {
        it(`${form} ${JSON.stringify(path)} ${JSON.stringify(options)}`, async () => {
          await expectTwins({
            as: 'somebody',
            remains: remains(form),
            given,
            act: (fs) => call(fs, form, 'rm', [path, options]),
          });
        });
      }
    }
  }

  it('N2 tells code and number also where Node has no words for an error', () => {
    const { fs } = createOverlay({ lower: [] });
    fs.mkdirSync('/full/sub', { recursive: true });
    const error = expect.objectContaining({ code: 'EINVAL', errno: -22, path: '/full/.' });
    expect(() => fs.rmSync('/full/.', { recursive: true })).toThrow(error);
  });

  for (const form of FORMS) {
    it(`${form} takes a Buffer and a URL`, async () => {
      await expectTwins({
        given(fs, root) {
          given(fs);
          // A name that is no text, and that only bytes can say.
          fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/full/sub/`), Buffer.from([0xff])]), 'bytes');
        },
        async act(fs, root) {
          await call(fs, form, 'rm', [Buffer.from('full'), { recursive: true }]);
          await call(fs, form, 'rm', [new URL(`file://${root}/file`), undefined]);
        },
      });
    });

    it(`${form} says what Node says of wrong options`, async () => {
      const wrong = [
        null,
        'recursive',
        1,
        [],
        { recursive: 1 },
        { recursive: undefined },
        { force: null },
        { force: 'yes' },
        { maxRetries: -1 },
        { maxRetries: 1.5 },
        { maxRetries: 2 ** 32 },
        { retryDelay: -1 },
        { retryDelay: 2 ** 31 },
        { retryDelay: '1' },
        { recursive: true, force: true, maxRetries: 2 ** 32 - 1, retryDelay: Number.NaN },
      ];
      for (const options of wrong) {
        await expectTwins({ given, act: (fs) => call(fs, form, 'rm', ['missing', options]) });
      }
      for (const path of [undefined, null, 5, {}, 'a\0b']) {
        await expectTwins({ given, act: (fs) => call(fs, form, 'rm', [path, undefined]) });
      }
    });
  }

  it('throws at once where it has nothing to call back', () => {
    const { fs } = createOverlay({ lower: [] });
    const loose = fs.rm as (...args: unknown[]) => void;
    const error = expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(() => loose('/x')).toThrow(error);
    expect(() => loose('/x', {}, 'callback')).toThrow(error);
  });

  it('words its refusal as Node', () => {
    const { fs } = createOverlay({ lower: [] });
    const texts = [fs, nodeFs].map((each) => {
      try {
        each.rmSync('/');
      } catch (error) {
        const fields = Object.entries(Object.getOwnPropertyDescriptors(error as object));
        return { text: String(error), shown: fields.map(([name, { enumerable }]) => `${name} ${enumerable}`).sort() };
      }
      throw new Error('nothing was thrown');
    });
    expect(texts[0]).toEqual(texts[1]);
  });
});

describe('N2 the errors of rm', () => {
  const problem = (run: () => unknown): NodeJS.ErrnoException & { info?: { path: unknown } } => {
    try {
      run();
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
    throw new Error('nothing was thrown');
  };

  it('name a directory that was given as a URL as Node does', () =>
    alike(async (fs) => {
      fs.mkdirSync('d');
      const url = pathToFileURL('d');
      const errors = [problem(() => fs.rmSync(url)), await fs.promises.rm(url).catch((error: unknown) => error)];
      return errors.map((error) => {
        const { message, path, info } = error as ReturnType<typeof problem>;
        return [message, path, info?.path instanceof URL];
      });
    }));

  it('have no cause where Node gives none', () =>
    alike((fs) => {
      fs.mkdirSync('d');
      fs.symlinkSync('d', 'link');
      const error = problem(() => fs.rmSync('link/', { recursive: true }));
      return [error.message, Object.keys(error), 'cause' in error];
    }));
});
