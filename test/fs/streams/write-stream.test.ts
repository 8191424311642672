// N7: WriteStream does what Node's does: the same events in the same order, the same file, the same errors.

import { once } from 'node:events';
import nodeFs from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import type { FileSystem } from '../matrix.ts';
import { describeError, expectSame, type Stage } from '../transcript.ts';
import { eventsOf } from './events.ts';

const FILES = { file: 'the content of a file', large: Buffer.alloc(100_000, 'l') };

type Options = Parameters<FileSystem['createWriteStream']>[1];

/** Writes pieces and an end, and writes down all that the stream does. */
async function play({ fs, root, log }: Stage, name: string, options?: Options): Promise<void> {
  const stream = fs.createWriteStream(`${root}/${name}`, options);
  const { pending, bytesWritten, flags, start, mode, autoClose } = stream as unknown as Record<string, unknown>;
  log(pending, bytesWritten, flags, start, mode, autoClose);
  const events = eventsOf(stream);
  stream.on('error', () => {});
  for (const piece of ['first,', Buffer.from('second,'), new Uint8Array([116, 104, 105, 114, 100])]) {
    events.push(`write ${stream.write(piece)}`);
  }
  stream.write('c3a9', 'hex');
  stream.end('é', 'latin1', () => events.push('ended'));
  const given = typeof options === 'object' && options !== null ? options : {};
  await new Promise<void>((resolve) => {
    stream.on('close', resolve);
    if (given.autoClose === false) {
      stream.on('finish', resolve);
      stream.on('error', () => resolve());
    }
    if (given.emitClose === false) stream.on('finish', () => setTimeout(resolve, 20));
  });
  log(name, events.join(', '), stream.bytesWritten, stream.pending, stream.destroyed);
  if (!stream.destroyed) stream.destroy();
  if (fs.existsSync(`${root}/${name}`) && fs.statSync(`${root}/${name}`).isFile()) {
    log(fs.readFileSync(`${root}/${name}`, 'latin1').slice(0, 100), fs.statSync(`${root}/${name}`).mode);
  }
}

const OPTIONS: readonly Options[] = [
  undefined,
  {},
  'utf8',
  'latin1',
  { encoding: 'hex' },
  { flags: 'a' },
  { flags: 'r+' },
  { flags: 'r+', start: 4 },
  { flags: 'r+', start: 40 },
  { start: 3 },
  { highWaterMark: 8 },
  { flush: true },
  { flush: false },
  { autoClose: false },
  { emitClose: false },
  { mode: 0o600 },
];

describe('N7 WriteStream', () => {
  it.each(OPTIONS.map((options) => [JSON.stringify(options) ?? 'no options', options] as const))(
    'with %s',
    (_, options) =>
      expectSame(async (stage) => {
        await play(stage, 'file', options);
        await play(stage, 'new', options);
      }, FILES),
  );

  it('N2 fails as Node does', () =>
    expectSame(async (stage) => {
      await play(stage, 'absent/new');
      await play(stage, '.');
      await play(stage, 'file/x');
      await play(stage, 'file', { flags: 'wx' });
      await play(stage, 'file', { flags: 'r' });
      await play(stage, 'absent', { flags: 'r+', autoClose: false });
    }, FILES));

  it('N1 refuses what Node refuses, at once', () =>
    expectSame(({ fs, root, log }) => {
      const path = `${root}/file`;
      for (const [given, options] of [
        [undefined],
        [5],
        ['a\0b'],
        [path, 5],
        [path, 'bogus'],
        [path, { encoding: 'bogus' }],
        [path, { start: 'x' }],
        [path, { start: -1 }],
        [path, { fd: 'x' }],
        [path, { fd: -1 }],
        [path, { flush: 1 }],
        [path, { fs: { open() {} } }],
        [path, { fs: { open() {}, write() {} } }],
        [path, { fs: { open() {}, write() {}, close() {} }, flush: true }],
        [path, { fs: { open() {}, write: 5 } }],
        [path, { signal: 1 }],
      ] as readonly (readonly unknown[])[]) {
        try {
          fs.createWriteStream(given as string, options as Options);
          log('made');
        } catch (error) {
          log(error);
        }
      }
      log(fs.readFileSync(path, 'utf8'));
    }, FILES));

  it('writes what was held back at once, in order', () =>
    expectSame(async ({ fs, root, log }) => {
      const stream = fs.createWriteStream(`${root}/many`);
      for (let i = 0; i < 1000; i++) stream.write(`line ${i}\n`);
      stream.cork();
      for (let i = 0; i < 10; i++) stream.write(`corked ${i}\n`);
      stream.uncork();
      stream.end();
      await once(stream, 'finish');
      log(stream.bytesWritten, fs.readFileSync(`${root}/many`, 'utf8').length);
    }, FILES));

  it('asks for a pause and says when it is over', () =>
    expectSame(async ({ fs, root, log }) => {
      const stream = fs.createWriteStream(`${root}/many`, { highWaterMark: 1000 });
      let pauses = 0;
      for (let i = 0; i < 20; i++) {
        if (stream.write(Buffer.alloc(300, i))) continue;
        pauses++;
        await once(stream, 'drain');
      }
      stream.end();
      await once(stream, 'close');
      log(pauses, fs.statSync(`${root}/many`).size);
    }, FILES));

  it('uses a descriptor, where it stands or from a start', () =>
    expectSame(async ({ fs, root, log }) => {
      const fd = fs.openSync(`${root}/file`, 'r+');
      fs.readSync(fd, Buffer.alloc(4), 0, 4, null);
      const first = fs.createWriteStream('ignored', { fd, autoClose: false });
      first.end('XXX');
      await once(first, 'finish');
      const second = fs.createWriteStream('', { fd, start: 0 });
      second.end('YY');
      await once(second, 'close');
      log(fs.readFileSync(`${root}/file`, 'utf8'));
      try {
        fs.fstatSync(fd);
      } catch (error) {
        log(error);
      }
    }, FILES));

  it('can be destroyed or closed at any time', () =>
    expectSame(async ({ fs, root, log }) => {
      for (const [label, end] of [
        ['destroyed at once', (stream: nodeFs.WriteStream) => stream.destroy()],
        ['destroyed with an error', (stream: nodeFs.WriteStream) => stream.destroy(new Error('mine'))],
        ['closed', (stream: nodeFs.WriteStream) => stream.close()],
        ['closed with a callback', (stream: nodeFs.WriteStream) => stream.close((error) => log('closed', error))],
        [
          'ended by destroySoon',
          (stream: nodeFs.WriteStream) => (stream as unknown as { destroySoon(): void }).destroySoon(),
        ],
      ] as const) {
        const stream = fs.createWriteStream(`${root}/new`);
        const events = eventsOf(stream);
        stream.on('error', () => {});
        const closed = new Promise<void>((resolve) => stream.on('close', resolve));
        stream.write('x', (error) => events.push(`written ${error ? describeError(error) : ''}`));
        end(stream);
        await closed;
        log(label, events.join(', '));
      }
    }, FILES));

  it('N6 heeds a signal', () =>
    expectSame(async ({ fs, root, log }) => {
      const controller = new AbortController();
      for (const [label, signal] of [
        ['aborted before', AbortSignal.abort()],
        ['aborted in the middle', controller.signal],
      ] as const) {
        const stream = fs.createWriteStream(`${root}/new`, { signal } as Options);
        stream.on('error', (error) => log(describeError(error)));
        stream.write('x', () => controller.abort());
        await new Promise<void>((resolve) => stream.on('close', resolve));
        log(label, stream.destroyed);
      }
    }, FILES));

  it('is the end of pipelines, whose errors end it', () =>
    expectSame(async ({ fs, root, log, ending }) => {
      await ending('text', () => pipeline(Readable.from(['one ', 'two']), fs.createWriteStream(`${root}/new`)));
      log(fs.readFileSync(`${root}/new`, 'utf8'));
      const broken = async function* () {
        yield 'before';
        throw new Error('broken source');
      };
      const stream = fs.createWriteStream(`${root}/new`);
      await ending('broken', () => pipeline(broken, stream));
      log(stream.destroyed);
      await ending('no directory', () => pipeline(Readable.from(['x']), fs.createWriteStream(`${root}/none/new`)));
      await ending('to itself', () =>
        pipeline(fs.createReadStream(`${root}/large`), fs.createWriteStream(`${root}/large`, { flags: 'r+' })),
      );
      log(fs.statSync(`${root}/large`).size);
    }, FILES));

  it('two appending ones mix whole pieces', () =>
    expectSame(async ({ fs, root, log }) => {
      const streams = ['a', 'b'].map((letter) => {
        const stream = fs.createWriteStream(`${root}/new`, { flags: 'a' });
        for (let i = 0; i < 50; i++) stream.write(letter.repeat(10));
        stream.end();
        return once(stream, 'close');
      });
      await Promise.all(streams);
      const content = fs.readFileSync(`${root}/new`, 'utf8');
      log(content.length, (content.match(/(a{10}|b{10})/g) ?? []).length);
    }, FILES));

  it('says that there is no room left', async () => {
    const { fs } = createOverlay({ lower: [], limits: { bytes: 10_000 } });
    const stream = fs.createWriteStream('/file');
    stream.write(Buffer.alloc(8000));
    stream.end(Buffer.alloc(8000));
    const [error] = (await once(stream, 'error')) as [NodeJS.ErrnoException];
    expect(error).toMatchObject({ code: 'ENOSPC', syscall: 'write' });
  });

  it('is an instance of both classes, is made without new, and uses what is on the front by then', async () => {
    const { fs } = createOverlay({ lower: [] });
    const call = fs.WriteStream as unknown as (path: string) => nodeFs.WriteStream;
    const { write } = fs;
    let written = 0;
    fs.write = ((...args: unknown[]) => {
      written++;
      return (write as (...given: unknown[]) => void)(...args);
    }) as typeof write;
    for (const stream of [fs.createWriteStream('/a'), call('/b')]) {
      expect(stream).toBeInstanceOf(fs.WriteStream);
      expect(stream).toBeInstanceOf(nodeFs.WriteStream);
      stream.end('x');
      await once(stream, 'close');
    }
    expect(written).toBe(2);
    expect(fs.readFileSync('/b', 'utf8')).toBe('x');
    expect((fs as unknown as Record<string, unknown>).FileWriteStream).toBe(fs.WriteStream);
  });
});
