// What watchers take and tell, as on the real filesystem: options, errors, and when they close.

import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, it } from 'vitest';
import { expectSame } from '../transcript.ts';

const FILES = { 'd/a': 'a', file: 'content' };

describe('N2 the error for a URL', () => {
  it('has the path, or of promises.watch the URL', async () => {
    await expectSame(async ({ fs, root, log, ending }) => {
      const missing = pathToFileURL(`${root}/missing`);
      try {
        fs.watch(missing).close();
      } catch (error) {
        log(error, (error as { readonly filename?: unknown }).filename);
      }
      const asked = fs.promises.watch(missing)[Symbol.asyncIterator]().next();
      await ending('later', asked);
      await asked.catch((error: object) => log((error as { readonly filename?: unknown }).filename === missing));
    }, FILES);
  });
});

describe('N1 promises.watch with `recursive`', () => {
  // Node's recursive watcher is another one, which does not know these options (node lib/internal/fs/recursive_watch.js).
  it.each([
    { maxQueue: 'x' },
    { maxQueue: 0 },
    { maxQueue: 0, overflow: 'error' },
    { overflow: 'x' },
    { encoding: 'x' },
  ])('does not look at %j', async (more) => {
    await expectSame(async ({ fs, root, ending }) => {
      const signal = AbortSignal.timeout(5_000);
      const events = fs.promises.watch(`${root}/d`, { recursive: true, signal, ...more } as object);
      const first = events[Symbol.asyncIterator]().next();
      await wait(50);
      fs.mkdirSync(`${root}/d/made`);
      await ending('told', first);
    }, FILES);
  });
});

describe('N7 the option `ignore`, where Node has it', () => {
  it('sees names in the encoding that was asked for', async () => {
    await expectSame(async ({ fs, root, log }) => {
      const hexOfA = Buffer.from('new a').toString('hex');
      const seen: unknown[] = [];
      const told: unknown[] = [];
      const note = (name: unknown) => {
        seen.push(name);
        return false;
      };
      const watch = (encoding: string, ignore: unknown) =>
        fs.watch(`${root}/d`, { encoding, ignore } as object, (_event, name) => told.push(name));
      const inHex = [hexOfA, new RegExp(`^${hexOfA}$`), note].map((ignore) => watch('hex', ignore));
      const watchers = [...inHex, watch('buffer', note)];
      for (const name of ['a', 'b']) fs.mkdirSync(`${root}/d/new ${name}`);
      await wait(50);
      for (const watcher of watchers) watcher.close();
      log(seen.map(String).sort(), told.map(String).sort());
    }, FILES);
  });
});

describe('N7 close() of a watcher', () => {
  it.each([false, true])('emits `close` when Node does (recursive: %s)', async (recursive) => {
    await expectSame(async ({ fs, root, log }) => {
      const watcher = fs.watch(`${root}/d`, { recursive });
      watcher.on('close', () => log('close'));
      watcher.close();
      log('close() has returned');
      await wait(5);
    }, FILES);
  });
});

describe('N1 promises.watch refuses', () => {
  it('an array as options', async () => {
    await expectSame(async ({ fs, root, ending }) => {
      const events = fs.promises.watch(`${root}/d`, [] as object)[Symbol.asyncIterator]();
      await ending('an array', events.next());
    }, FILES);
  });
});
