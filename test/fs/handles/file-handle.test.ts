// N7: FileHandle does what Node's does: the same program on both.

import nodeFs from 'node:fs';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { expectSame, type Program, type Stage } from '../transcript.ts';
import { type Handle, openHandle } from './handle.ts';

const FILES = { 'text.txt': 'first\nsecond\nthird', 'large.bin': Buffer.alloc(200_000, 'abcdefg'), empty: '' };

/** A program over an open handle, which is closed afterwards. */
function withHandle(flags: string, act: (handle: Handle, stage: Stage) => Promise<void>, name = 'text.txt'): Program {
  return async (stage) => {
    const handle = await openHandle(stage.fs, `${stage.root}/${name}`, flags);
    await act(handle, stage);
    await handle.close();
    stage.log(stage.fs.readFileSync(`${stage.root}/${name}`, 'latin1').slice(0, 200));
  };
}

describe('N7 FileHandle', () => {
  it('N1 has the members of a real one', async () => {
    const { fs } = createOverlay();
    const [ours, theirs] = [await openHandle(fs, process.execPath), await openHandle(nodeFs, process.execPath)];
    const shown = (handle: object): unknown[] => {
      const prototype = Object.getPrototypeOf(handle) as object;
      return Object.entries(Object.getOwnPropertyDescriptors(prototype))
        .filter(([name]) => name !== 'constructor')
        .map(([name, { value, get, enumerable }]) => {
          const call = value as { name: string; length: number } | undefined;
          return [name, get !== undefined, call?.name, call?.length, enumerable];
        })
        .sort();
    };
    expect(shown(ours)).toEqual(shown(theirs));
    expect(Symbol.asyncDispose in ours).toBe(true);
    expect(Object.keys(ours)).toEqual(Object.keys(theirs));
    expect(ours.constructor.name).toBe('FileHandle');
    expect(typeof ours.getAsyncId()).toBe('number');
    expect(ours.getAsyncId()).toBe(ours.getAsyncId());
    await ours.close();
    await theirs.close();
  });

  it('reads in every way', () =>
    expectSame(
      withHandle('r', async (handle, { log }) => {
        const buffer = (): Buffer => Buffer.alloc(4, '-');
        for (const read of [
          () => handle.read(buffer()),
          () => handle.read(buffer(), 1),
          () => handle.read(buffer(), 1, 2),
          () => handle.read(buffer(), 1, 2, 0),
          () => handle.read(buffer(), null, null, null),
          () => handle.read(buffer(), { position: 3 }),
          () => handle.read(buffer(), { offset: 2, length: 1, position: null }),
          () => handle.read({ buffer: buffer(), position: 10 }),
          () => handle.read({ buffer: buffer(), offset: 3 }),
          () => handle.read(new Uint16Array(2) as never, 0, 4, 0),
          () => handle.read(buffer(), 0, 0),
          () => handle.read(buffer(), 4),
          () => handle.read(buffer(), 0, 4, 1000),
          () => handle.read(buffer(), 0, 4, -1),
          () => handle.readv([buffer(), Buffer.alloc(3)]),
          () => handle.readv([buffer(), Buffer.alloc(3)], 2),
          () => handle.readv([buffer()], 'x' as never),
          () => handle.readv([]),
        ]) {
          log(await read().catch((error: unknown) => error));
        }
        const { bytesRead, buffer: own } = await handle.read();
        log(bytesRead, own.length, await handle.read({}).then((last) => last.bytesRead));
      }),
      FILES,
    ));

  it('writes in every way', () =>
    expectSame(
      withHandle('r+', async (handle, { log }) => {
        const buffer = (): Buffer => Buffer.from('WXYZ');
        for (const write of [
          () => handle.write(buffer()),
          () => handle.write(buffer(), 1),
          () => handle.write(buffer(), 1, 2),
          () => handle.write(buffer(), 1, 2, 0),
          () => handle.write(buffer(), null, 1, 1),
          () => handle.write(buffer(), { position: 9 } as never),
          () => handle.write(buffer(), { offset: 3, length: 1 } as never),
          () => handle.write(new Uint16Array([0x4141, 0x4242]) as never, 0, 4, 12),
          () => handle.write(buffer(), 0, 0),
          () => handle.write(Buffer.alloc(0)),
          () => handle.write(new ArrayBuffer(0) as never),
          () => handle.write('text'),
          () => handle.write('text', 20),
          () => handle.write('7465', 30, 'hex'),
          () => handle.write('746', 30, 'hex'),
          () => handle.write('é', null, 'latin1'),
          () => handle.write('é', 'x' as never, 'bogus' as never),
          () => handle.writev([buffer(), Buffer.from('v')]),
          () => handle.writev([buffer(), Buffer.from('v')], 40),
          () => handle.writev([]),
        ]) {
          log(await write().catch((error: unknown) => error));
        }
      }),
      FILES,
    ));

  it('refuses what the flags do not allow', () =>
    expectSame(async ({ fs, root, ending }) => {
      const reading = await fs.promises.open(`${root}/text.txt`, 'r');
      await ending('write', () => reading.write('x'));
      await ending('writev', () => reading.writev([Buffer.from('x')]));
      await ending('nothing', () => reading.write(Buffer.alloc(0)));
      await ending('writeFile', () => reading.writeFile('x'));
      await ending('writeFile of nothing', () => reading.writeFile(''));
      await ending('truncate', () => reading.truncate(1));
      await reading.close();
      const writing = await fs.promises.open(`${root}/text.txt`, 'a');
      await ending('read', () => writing.read());
      await ending('readFile', () => writing.readFile());
      await writing.close();
      const directory = await fs.promises.open(root, 'r');
      await ending('read of a directory', () => directory.read());
      await ending('readFile of a directory', () => directory.readFile());
      await directory.close();
    }, FILES));

  it('N2 fails to open as Node does', () =>
    expectSame(async ({ fs, root, ending }) => {
      await ending('absent', () => fs.promises.open(`${root}/absent`));
      await ending('exists', () => fs.promises.open(`${root}/text.txt`, 'wx'));
      await ending('directory', () => fs.promises.open(root, 'w'));
      await ending('through a file', () => fs.promises.open(`${root}/text.txt/x`));
      await ending('flags', () => fs.promises.open(`${root}/text.txt`, 'q'));
      await ending('mode', () => fs.promises.open(`${root}/text.txt`, 'r', 'x'));
      await ending('path', () => fs.promises.open(5 as never));
    }, FILES));

  it('looks at and changes attributes', () =>
    expectSame(
      withHandle('r+', async (handle, { log, ending }) => {
        await handle.chmod(0o604);
        await handle.chmod('640');
        await handle.utimes(11, new Date(22_500));
        await ending('chown', () => handle.chown(process.getuid?.() ?? 0, -1));
        const { mode, size, atimeMs, mtimeMs } = await handle.stat();
        log(mode, size, atimeMs, mtimeMs);
        const precise = await handle.stat({ bigint: true });
        log(precise.mode, precise.mtimeNs);
        await handle.truncate(8);
        log((await handle.stat()).size);
        await handle.truncate();
        log((await handle.stat()).size);
        await handle.truncate(-3);
        log(await handle.sync(), await handle.datasync(), await handle.utimes('5', 6));
      }),
      FILES,
    ));

  it('reads the rest of the file', () =>
    expectSame(
      withHandle('r', async (handle, { log }) => {
        await handle.read(Buffer.alloc(3));
        log(await handle.readFile('utf8'));
        log(await handle.readFile());
      }),
      FILES,
    ));

  it.each(['utf8', 'hex', 'latin1', 'base64', 'utf16le'] as const)('reads everything as %s', (encoding) =>
    expectSame(async ({ fs, root, log }) => {
      for (const name of ['text.txt', 'large.bin', 'empty']) {
        await using handle = await fs.promises.open(`${root}/${name}`);
        const text = await handle.readFile(encoding);
        log(text.length, text.slice(-50));
      }
    }, FILES),
  );

  it('writes everything there is, from where it stands', () =>
    expectSame(
      withHandle('r+', async (handle, { log, ending }) => {
        await handle.writeFile('one ');
        await handle.writeFile(new Uint8Array([0x32, 0x20]));
        await handle.writeFile(new Uint16Array([0x4141]) as never);
        await handle.appendFile('four ', 'utf16le');
        await handle.writeFile(['a', 'b', Buffer.from('c')] as never);
        await handle.writeFile(new Set(['aé', 'b']) as never, 'latin1');
        await handle.writeFile(
          (async function* () {
            yield 'x';
            yield new Uint8Array([0x79]);
          })() as never,
        );
        await handle.writeFile(Readable.from(['from ', 'a stream']) as never);
        await handle.appendFile(Readable.from([Buffer.from('!')]) as never, { flush: true } as never);
        await ending('a number', () => handle.writeFile(5 as never));
        await ending('an object', () => handle.writeFile({} as never));
        await ending('pieces that are none', () => handle.writeFile([5] as never));
        await ending('an iterable that throws', () =>
          handle.writeFile(
            (function* () {
              yield 'before';
              throw new Error('in the middle');
            })() as never,
          ),
        );
        log((await handle.stat()).size);
      }),
      FILES,
    ));

  it('is taken by the functions of promises', () =>
    expectSame(
      withHandle('r+', async (handle, { fs, log, ending }) => {
        log(await fs.promises.readFile(handle, 'utf8'));
        await fs.promises.writeFile(handle, ' written');
        await fs.promises.appendFile(handle, [' in', ' pieces'] as never);
        await ending('stat', () => fs.promises.stat(handle as never));
        await ending('bad options', () => fs.promises.writeFile(handle, 'x', { flush: 'x' } as never));
        await ending('bad pieces', () => fs.promises.writeFile(handle, ['x'], { flush: 'x' } as never));
        await handle.close();
        await ending('readFile', () => fs.promises.readFile(handle));
        await ending('writeFile', () => fs.promises.writeFile(handle, 'x'));
        await ending('writeFile of nothing', () => fs.promises.writeFile(handle, ''));
        await ending('appendFile', () => fs.promises.appendFile(handle, 'x'));
      }),
      FILES,
    ));

  it('N6 heeds signals', () =>
    expectSame(
      withHandle('r+', async (handle, { ending }) => {
        const aborted = AbortSignal.abort();
        const reason = AbortSignal.abort(new Error('mine'));
        await ending('readFile', () => handle.readFile({ signal: aborted } as never));
        await ending('readFile', () => handle.readFile({ signal: reason } as never));
        await ending('writeFile', () => handle.writeFile('x', { signal: aborted } as never));
        await ending('writeFile', () => handle.writeFile(['x'] as never, { signal: reason } as never));
        await ending('no signal', () => handle.writeFile('x', { signal: {} } as never));
        const controller = new AbortController();
        const { signal } = controller;
        await ending('in the middle', () =>
          handle.writeFile(
            (function* () {
              yield 'written';
              controller.abort();
              yield 'not written';
            })() as never,
            { signal } as never,
          ),
        );
      }),
      FILES,
    ));
});
