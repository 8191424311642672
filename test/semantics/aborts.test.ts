// Calls that wait for a branch that does not answer, and are aborted (N6): they end at once, and what comes later changes nothing.

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { makeWorld, quiet } from '../chaos/history.ts';
import { survey } from '../chaos/survey.ts';
import { branchError } from '../faults/lower.ts';
import type { FileSystem } from '../grounds/face.ts';

const FILES = { '/d/f': 'first', '/e/long': 'L'.repeat(9000) };
const major = Number.parseInt(process.versions.node, 10);

type Call = (fs: FileSystem, signal: AbortSignal) => Promise<unknown>;

/** The callback form of a function as a promise. */
const called =
  (name: 'readFile' | 'writeFile' | 'appendFile' | 'stat', ...args: readonly unknown[]): Call =>
  (fs, signal) =>
    new Promise((resolve, reject) => {
      const call = fs[name] as (...given: unknown[]) => void;
      call(...args, { signal }, (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)));
    });

const CALLS: Readonly<Record<string, Call>> = {
  'promises.readFile': (fs, signal) => fs.promises.readFile('/e/long', { signal }),
  'promises.writeFile': (fs, signal) => fs.promises.writeFile('/d/f', 'new', { signal }),
  'promises.writeFile of pieces': (fs, signal) => fs.promises.writeFile('/d/f', ['n', 'ew'], { signal }),
  'promises.appendFile': (fs, signal) => fs.promises.appendFile('/d/f', 'new', { signal } as object),
  'promises.watch': (fs, signal) => fs.promises.watch('/d/f', { signal })[Symbol.asyncIterator]().next(),
  readFile: called('readFile', '/e/long'),
  writeFile: called('writeFile', '/d/f', 'new'),
  appendFile: called('appendFile', '/d/f', 'new'),
  ...(major >= 24 ? { stat: called('stat', '/d/f') } : {}),
  ...(major >= 26 ? { 'promises.stat': (fs, signal) => fs.promises.stat('/d/f', { signal } as object) } : {}),
};

const HANDLE_CALLS: Readonly<
  Record<string, (handle: Awaited<ReturnType<FileSystem['promises']['open']>>, signal: AbortSignal) => Promise<unknown>>
> = {
  readFile: (handle, signal) => handle.readFile({ signal } as object),
  writeFile: (handle, signal) => handle.writeFile('new', { signal } as object),
  appendFile: (handle, signal) => handle.appendFile('new', { signal } as object),
};

/** Aborts a call when it waits, and gives what it rejects with. */
async function aborted(begin: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
  const abort = new AbortController();
  const ended = begin(abort.signal).then(
    (value) => ['came to an end', value],
    (error) => error,
  );
  await quiet();
  const reason = new Error('enough');
  abort.abort(reason);
  const thrown = await ended;
  expect(thrown).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason });
  return thrown;
}

describe('N6 an aborted call is free, though its branch says nothing', () => {
  for (const [name, call] of Object.entries(CALLS)) {
    it(`N6 ${name}: promises that settle after the abort change nothing, whatever they bring`, async () => {
      const { lower, overlay } = makeWorld({ files: FILES });
      const before = survey(makeWorld({ files: FILES }).overlay);
      const held: (() => void)[] = [];
      lower.behave = (_request, answer) =>
        new Promise((resolve, reject) => {
          held.push(held.length % 2 === 0 ? () => reject(branchError('EIO')) : () => resolve(answer()));
        });
      await aborted((signal) => call(overlay.fs, signal));
      expect(held.length).toBeGreaterThan(0);
      for (const settle of held) settle();
      await quiet();
      lower.behave = (_request, answer) => answer();
      expect(survey(overlay)).toBe(before);
      expect(await overlay.fs.promises.readFile('/d/f', 'latin1')).toBe('first');
    });

    it(`N6 ${name}: functions that never call back`, async () => {
      const volume = Volume.fromJSON(FILES);
      let isDeaf = false;
      const hearing =
        (own: (...args: never[]) => unknown) =>
        (...args: unknown[]) => {
          if (!isDeaf) (own as (...args: unknown[]) => unknown).apply(volume, args);
        };
      const { lstat, readdir, readFile } = volume;
      const fs = { lstat: hearing(lstat), readdir: hearing(readdir), readFile: hearing(readFile) };
      const overlay = createOverlay({ lower: { fs } });
      isDeaf = true;
      await aborted((signal) => call(overlay.fs, signal));
      isDeaf = false;
      expect(await overlay.fs.promises.readFile('/d/f', 'latin1')).toBe('first');
    });
  }

  for (const [name, call] of Object.entries(HANDLE_CALLS)) {
    it(`N6 FileHandle.${name}`, async () => {
      const { lower, overlay } = makeWorld({ files: FILES });
      await using handle = await overlay.fs.promises.open('/e/long', name === 'appendFile' ? 'a+' : 'r+');
      const behave = lower.behave;
      lower.behave = () => new Promise(() => {});
      await aborted((signal) => call(handle, signal));
      lower.behave = behave;
      expect((await handle.stat()).size).toBe(9000);
      expect(String(await handle.readFile())).toBe(FILES['/e/long']);
    });
  }
});
