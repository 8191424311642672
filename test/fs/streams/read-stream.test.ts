// N7: ReadStream does what Node's does: the same events in the same order, the same bytes, the same errors.

import { once } from 'node:events';
import nodeFs from 'node:fs';
import { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { inherits } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import type { FileSystem } from '../matrix.ts';
import { describeError, expectSame, type Stage } from '../transcript.ts';
import { eventsOf } from './events.ts';

const FILES = { large: Buffer.alloc(200_000, 'abcdefghij'), small: 'a few bytes', empty: '' };

type Options = Parameters<FileSystem['createReadStream']>[1];

/** Reads a stream to its end and writes down all that it does. */
async function play({ fs, root, log }: Stage, name: string, options?: Options): Promise<void> {
  const stream = fs.createReadStream(`${root}/${name}`, options);
  const { pending, bytesRead, flags, start, end, autoClose } = stream as unknown as Record<string, unknown>;
  log(pending, bytesRead, flags, start, end, autoClose);
  const events = eventsOf(stream);
  stream.on('data', () => {});
  stream.on('error', () => {});
  await new Promise<void>((resolve) => {
    stream.on('close', resolve);
    // A stream that does not close itself ends here; one that tells nobody of its closing as well.
    if (options !== undefined && typeof options === 'object' && options?.autoClose === false) {
      stream.on('end', resolve);
      stream.on('error', () => resolve());
    }
    if (options !== undefined && typeof options === 'object' && options?.emitClose === false) {
      stream.on('end', () => setTimeout(resolve, 20));
    }
  });
  log(name, events.join(', '), stream.bytesRead, stream.pending, stream.destroyed);
  if (!stream.destroyed) stream.destroy();
}

const OPTIONS: readonly Options[] = [
  undefined,
  {},
  'utf8',
  'latin1',
  { encoding: 'hex' },
  { highWaterMark: 1000 },
  { start: 5 },
  { start: 5, end: 5 },
  { start: 5, end: 70_000 },
  { end: 3 },
  { end: 0 },
  { start: 190_000, end: 300_000 },
  { start: 300_000 },
  { start: 0, end: Number.POSITIVE_INFINITY },
  { start: 10, end: 99, highWaterMark: 7 },
  { autoClose: false },
  { emitClose: false },
  { flags: 'r+' },
  { mode: 0o600 },
];

describe('N7 ReadStream', () => {
  it.each(OPTIONS.map((options) => [JSON.stringify(options) ?? 'no options', options] as const))(
    'with %s',
    (_, options) =>
      expectSame(async (stage) => {
        for (const name of ['large', 'small', 'empty']) await play(stage, name, options);
      }, FILES),
  );

  it('N2 fails as Node does', () =>
    expectSame(async (stage) => {
      for (const name of ['absent', '.', 'small/x']) await play(stage, name);
      await play(stage, 'absent', { autoClose: false });
      await play(stage, 'small', { flags: 'wx' });
    }, FILES));

  it('N1 refuses what Node refuses, at once', () =>
    expectSame(({ fs, root, log }) => {
      const path = `${root}/small`;
      for (const [given, options] of [
        [undefined],
        [null],
        [5],
        ['a\0b'],
        [{}],
        [path, 5],
        [path, true],
        [path, 'bogus'],
        [path, { encoding: 'bogus' }],
        [path, { start: '1' }],
        [path, { start: -1 }],
        [path, { start: 1.5 }],
        [path, { start: 2, end: 1 }],
        [path, { end: 'x' }],
        [path, { end: -1 }],
        [path, { fd: 'x' }],
        [path, { fd: -1 }],
        [path, { fd: 1.5 }],
        [path, { fd: {} }],
        [path, { fs: {} }],
        [path, { fs: { open() {} } }],
        [path, { fs: { open() {}, read() {} } }],
        [path, { signal: {} }],
        [path, { highWaterMark: 'x' }],
      ] as readonly (readonly unknown[])[]) {
        try {
          fs.createReadStream(given as string, options as Options);
          log('made');
        } catch (error) {
          log(error);
        }
      }
    }, FILES));

  it('takes paths of every kind', () =>
    expectSame(async ({ fs, root, log }) => {
      for (const path of [Buffer.from(`${root}/small`), new URL(`file://${root}/small`)]) {
        const stream = fs.createReadStream(path, 'utf8');
        log(await stream.toArray(), Buffer.isBuffer(stream.path));
      }
    }, FILES));

  it('uses a descriptor, from where it stands or from a start', () =>
    expectSame(async ({ fs, root, log, ending }) => {
      const fd = fs.openSync(`${root}/small`, 'r');
      fs.readSync(fd, Buffer.alloc(2), 0, 2, null);
      const first = fs.createReadStream('ignored', { fd, autoClose: false, encoding: 'utf8' });
      log(await read(first), first.pending, first.path);
      const second = fs.createReadStream('', { fd, start: 2, end: 4, encoding: 'utf8' });
      log(await read(second));
      await finished(second).catch(() => undefined);
      await ending('closed', async () => fs.fstatSync(fd));
      const third = fs.createReadStream('', { fd });
      const events = eventsOf(third);
      third.resume();
      await once(third, 'close').catch(() => undefined);
      log(events.filter((event) => !event.startsWith('data')).join(', '));
    }, FILES));

  it('can be destroyed at any time', () =>
    expectSame(async ({ fs, root, log }) => {
      const error = new Error('mine');
      for (const [label, destroy] of [
        ['at once', async (stream: nodeFs.ReadStream) => stream.destroy()],
        ['at once with an error', async (stream: nodeFs.ReadStream) => stream.destroy(error)],
        [
          'when open',
          async (stream: nodeFs.ReadStream) => {
            await once(stream, 'open');
            stream.destroy();
          },
        ],
        [
          'in the middle',
          async (stream: nodeFs.ReadStream) => {
            await once(stream, 'data');
            stream.destroy(error);
          },
        ],
        ['by close', async (stream: nodeFs.ReadStream) => stream.close()],
        [
          'by close with a callback',
          async (stream: nodeFs.ReadStream) => new Promise<void>((resolve) => stream.close(() => resolve())),
        ],
      ] as const) {
        const stream = fs.createReadStream(`${root}/large`);
        const events = eventsOf(stream);
        stream.on('error', () => {});
        const closed = new Promise<void>((resolve) => stream.on('close', resolve));
        await destroy(stream);
        await closed;
        log(label, events.filter((event) => !event.startsWith('data')).join(', '), stream.destroyed, stream.pending);
      }
    }, FILES));

  it('N6 heeds a signal', () =>
    expectSame(async ({ fs, root, log }) => {
      const controller = new AbortController();
      for (const [label, signal] of [
        ['aborted before', AbortSignal.abort()],
        ['aborted with a reason', AbortSignal.abort(new Error('mine'))],
        ['aborted in the middle', controller.signal],
      ] as const) {
        const stream = fs.createReadStream(`${root}/large`, { signal } as Options);
        const events = eventsOf(stream);
        stream.on('data', () => controller.abort());
        stream.on('error', (error) => log(describeError(error)));
        await new Promise<void>((resolve) => stream.on('close', resolve));
        log(label, events.filter((event) => /^(error|close|end)/.test(event)).join(', '));
      }
    }, FILES));

  it('holds back where nobody takes', async () => {
    const { fs } = createOverlay();
    const stream = fs.createReadStream(process.execPath, { highWaterMark: 1024 });
    await once(stream, 'readable');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(stream.bytesRead).toBeLessThanOrEqual(2048);
    expect(stream.read(10)).toHaveLength(10);
    stream.destroy();
  });

  it('hands its errors on in a pipeline, and is destroyed by those of others', () =>
    expectSame(async ({ fs, root, log, ending }) => {
      const sink = () => new Writable({ write: (_chunk, _encoding, done) => done() });
      await ending('absent', () => pipeline(fs.createReadStream(`${root}/absent`), sink()));
      const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('no room')) });
      const stream = fs.createReadStream(`${root}/large`);
      await ending('broken sink', () => pipeline(stream, broken));
      log(stream.destroyed);
      await ending('copy', () => pipeline(fs.createReadStream(`${root}/large`), fs.createWriteStream(`${root}/copy`)));
      log(fs.readFileSync(`${root}/copy`).equals(fs.readFileSync(`${root}/large`)));
    }, FILES));

  it('can be iterated over', () =>
    expectSame(async ({ fs, root, log, ending }) => {
      let size = 0;
      for await (const chunk of fs.createReadStream(`${root}/large`)) size += (chunk as Buffer).length;
      log(size);
      const stream = fs.createReadStream(`${root}/large`);
      for await (const chunk of stream) {
        log((chunk as Buffer).length);
        break;
      }
      log(stream.destroyed);
      await ending('absent', async () => {
        for await (const _ of fs.createReadStream(`${root}/absent`)) log('never');
      });
    }, FILES));

  it('is an instance of both classes, is made without new, and can be derived from', async () => {
    const { fs } = createOverlay();
    const call = fs.ReadStream as unknown as (path: string, options?: object) => nodeFs.ReadStream;
    const [created, called] = [fs.createReadStream(process.execPath, { end: 9 }), call(process.execPath, { end: 9 })];
    for (const stream of [created, called]) {
      expect(stream).toBeInstanceOf(fs.ReadStream);
      expect(stream).toBeInstanceOf(nodeFs.ReadStream);
      expect(stream.constructor).toBe(fs.ReadStream);
      expect(Buffer.concat(await stream.toArray())).toHaveLength(10);
    }
    expect((fs as unknown as Record<string, unknown>).FileReadStream).toBe(fs.ReadStream);
    const real = nodeFs.createReadStream(process.execPath);
    expect(real).not.toBeInstanceOf(fs.ReadStream);
    real.destroy();

    class Derived extends (fs.ReadStream as unknown as new (path: string, options: object) => nodeFs.ReadStream) {}
    const derived = new Derived(process.execPath, { end: 4 });
    expect(derived).toBeInstanceOf(Derived);
    expect(Buffer.concat(await derived.toArray())).toHaveLength(5);

    // As before there were classes (and as graceful-fs does).
    function Older(this: unknown, path: string, options: object) {
      Reflect.apply(call, this, [path, options]);
    }
    inherits(Older, fs.ReadStream);
    const older = Reflect.construct(Older, [process.execPath, { end: 2 }]) as nodeFs.ReadStream;
    expect(Buffer.concat(await older.toArray())).toHaveLength(3);
  });

  it('uses the functions and the class that are on the front by then', async () => {
    const { fs } = createOverlay();
    const { open, ReadStream } = fs;
    const opened: unknown[] = [];
    fs.open = ((path: unknown, ...rest: unknown[]) => {
      opened.push(path);
      return (open as (...args: unknown[]) => void)(path, ...rest);
    }) as typeof open;
    expect(Buffer.concat(await fs.createReadStream(process.execPath, { end: 9 }).toArray())).toHaveLength(10);
    expect(opened).toEqual([process.execPath]);
    fs.ReadStream = class Mine extends (ReadStream as unknown as new () => object) {} as unknown as typeof ReadStream;
    const mine = fs.createReadStream(process.execPath);
    expect(mine.constructor.name).toBe('Mine');
    mine.destroy();
  });
});

function read(stream: nodeFs.ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.on('data', (chunk) => {
      text += chunk;
    });
    stream.on('end', () => resolve(text));
    stream.on('error', reject);
  });
}
