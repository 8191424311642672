// N7: the life of a FileHandle: who keeps it open, what closes it, and what is said afterwards.

import { type EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { expectSame } from '../transcript.ts';
import { type Handle, openHandle } from './handle.ts';

const FILES = { file: 'one\ntwo\nthree\n', large: Buffer.alloc(300_000, '0123456789') };

/** Every method that needs the file, by its name. */
const METHODS: Readonly<Record<string, (handle: Handle) => Promise<unknown>>> = {
  appendFile: (handle) => handle.appendFile('x'),
  chmod: (handle) => handle.chmod(0o600),
  chown: (handle) => handle.chown(1, 1),
  datasync: (handle) => handle.datasync(),
  read: (handle) => handle.read(),
  readFile: (handle) => handle.readFile(),
  readv: (handle) => handle.readv([Buffer.alloc(1)]),
  stat: (handle) => handle.stat(),
  sync: (handle) => handle.sync(),
  truncate: (handle) => handle.truncate(1),
  utimes: (handle) => handle.utimes(1, 1),
  write: (handle) => handle.write('x'),
  writeFile: (handle) => handle.writeFile('x'),
  writev: (handle) => handle.writev([Buffer.alloc(1)]),
};

describe('N7 the life of a FileHandle', () => {
  it('says EBADF after close, whatever the arguments', () =>
    expectSame(async ({ fs, root, log, ending }) => {
      const handle = await openHandle(fs, `${root}/file`, 'r+');
      await handle.close();
      log(handle.fd);
      for (const [name, call] of Object.entries(METHODS)) {
        const error = await call(handle).catch((thrown: unknown) => thrown);
        log(name, error, Object.keys(error as object));
        const loose = handle as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
        await ending(`${name} with nonsense`, () => loose[name]?.(Symbol('x'), -1, {}) as Promise<unknown>);
      }
      for (const make of [
        () => handle.readableWebStream(),
        () => handle.createReadStream(),
        () => handle.createWriteStream(),
        () => handle.readLines(),
      ]) {
        try {
          make();
        } catch (error) {
          log(error);
        }
      }
    }, FILES));

  it('closes once', () =>
    expectSame(async ({ fs, root, log }) => {
      const handle = await openHandle(fs, `${root}/file`);
      const { fd } = handle;
      const { close } = handle;
      let events = 0;
      handle.on('close', () => events++);
      const first = close();
      log(events, handle.fd);
      log(await Promise.all([first, close(), handle.close()]), await handle.close(), events);
      try {
        fs.fstatSync(fd);
      } catch (error) {
        log(error);
      }
    }, FILES));

  it('fails to close what was closed by its number, and is closed then', () =>
    expectSame(async ({ fs, root, log, ending }) => {
      const handle = await openHandle(fs, `${root}/file`);
      fs.closeSync(handle.fd);
      await ending('stat', () => handle.stat());
      await ending('close', () => handle.close());
      log(handle.fd);
      await ending('close again', () => handle.close());
    }, FILES));

  it('waits for what is under way, which ends well', () =>
    expectSame(async ({ fs, root, log }) => {
      const handle = await openHandle(fs, `${root}/large`);
      const order: string[] = [];
      const reading = handle.readFile().then((data) => order.push(`read ${data.length}`));
      const looking = handle.stat().then(({ size }) => order.push(`stat ${size}`));
      const closing = handle.close().then(() => order.push('closed'));
      const late = handle.stat().then(
        () => order.push('late stat'),
        () => order.push('late stat failed'),
      );
      await Promise.all([reading, looking, closing, late]);
      log(order.filter((each) => !each.startsWith('late')).sort(), order.at(-1) === 'closed', handle.fd);
    }, FILES));

  it('closes when it is disposed of', () =>
    expectSame(async ({ fs, root, log }) => {
      let kept: Handle | undefined;
      {
        await using handle = await openHandle(fs, `${root}/file`);
        kept = handle;
        log((await handle.stat()).size);
      }
      log(kept.fd, await kept[Symbol.asyncDispose]());
    }, FILES));

  it('is held open by its streams, and closed with them', () =>
    expectSame(async ({ fs, root, log }) => {
      const handle = await openHandle(fs, `${root}/large`);
      const events: string[] = [];
      handle.on('close', () => events.push('handle closes'));
      const stream = handle.createReadStream({ start: 10, end: 200_009 });
      stream.on('open', () => events.push('stream opens'));
      stream.on('close', () => events.push('stream closes'));
      let size = 0;
      for await (const chunk of stream) size += (chunk as Buffer).length;
      log(size, stream.bytesRead, handle.fd, events);
      await handle.close();
      log(events, stream.destroyed);
    }, FILES));

  it('ends its streams when it is closed', () =>
    expectSame(async ({ fs, root, log }) => {
      const handle = await openHandle(fs, `${root}/large`);
      const stream = handle.createReadStream();
      await once(stream, 'data');
      const closed = once(stream, 'close');
      await handle.close();
      await closed;
      log(handle.fd, stream.destroyed, stream.errored);
    }, FILES));

  it.each([undefined, { autoClose: false }])('tells the end of its streams before its own (options %j)', (options) =>
    expectSame(async ({ fs, root, log }) => {
      const events: string[] = [];
      const handle = await openHandle(fs, `${root}/file`);
      const stream = handle.createReadStream({ highWaterMark: 4, ...options });
      stream.on('close', () => events.push('stream closes'));
      await once(stream, 'data');
      await handle.close();
      events.push('handle is closed');
      await new Promise(setImmediate);
      log(events, stream.closed);
    }, FILES),
  );

  it.each(['createReadStream', 'createWriteStream'] as const)(
    'is closed by what %s makes for a signal that is aborted already, and says so',
    (make) =>
      expectSame(async ({ fs, root, log }) => {
        const handle = await openHandle(fs, `${root}/file`, 'r+');
        handle.on('close', () => log('handle closed'));
        const stream: EventEmitter & { readonly destroyed: boolean } = handle[make]({
          signal: AbortSignal.abort(),
        } as object);
        const events: string[] = [];
        for (const event of ['end', 'finish', 'error', 'close']) stream.on(event, () => events.push(event));
        await once(stream, 'close').catch(() => {});
        await new Promise(setImmediate);
        log(events, handle.fd, stream.destroyed);
        await handle.close();
      }, FILES),
  );

  it('has a prototype whose members can be looked at, as tools that copy objects do', () =>
    expectSame(async ({ fs, root, log }) => {
      const handle = await openHandle(fs, `${root}/file`);
      const prototype = Object.getPrototypeOf(handle) as Record<string, unknown>;
      log(prototype.fd, ...Object.getOwnPropertyNames(prototype).filter((name) => prototype[name] === undefined));
      await handle.close();
    }, FILES));

  it('outlives streams that do not close it', () =>
    expectSame(async ({ fs, root, log }) => {
      const handle = await openHandle(fs, `${root}/file`, 'r+');
      const reading = handle.createReadStream({ autoClose: false, start: 0, encoding: 'utf8' });
      let text = '';
      reading.on('data', (chunk) => {
        text += chunk;
      });
      await once(reading, 'end');
      log(text, handle.fd > 0, (await handle.stat()).size);
      const writing = handle.createWriteStream({ autoClose: false, start: 4, flush: true });
      writing.end('TWO');
      await once(writing, 'finish');
      log(handle.fd > 0, await handle.readFile('utf8'));
      // Of itself it never does (node lib/internal/fs/streams.js): the handle would wait.
      writing.destroy();
      await handle.close();
      log(handle.fd, fs.readFileSync(`${root}/file`, 'utf8'));
    }, FILES));

  it('is taken by streams as their descriptor, but not with functions of their own', () =>
    expectSame(async ({ fs, root, log }) => {
      const handle = await openHandle(fs, `${root}/file`);
      for (const options of [{ fd: handle, fs }, { fd: {} }, { fd: 'x' }, { fd: -1 }]) {
        try {
          fs.createReadStream('', options as never);
          log('made');
        } catch (error) {
          log(error);
        }
      }
      await handle.stat();
      let text = '';
      for await (const chunk of fs.createReadStream('ignored', { fd: handle, encoding: 'utf8' })) text += chunk;
      log(text, handle.fd);
      const writing = await openHandle(fs, `${root}/new`, 'w');
      const stream = fs.createWriteStream('ignored', { fd: writing });
      for (let i = 0; i < 100; i++) stream.write(`line ${i}\n`);
      stream.end();
      await once(stream, 'close');
      log(writing.fd, stream.bytesWritten, fs.readFileSync(`${root}/new`, 'latin1').length);
    }, FILES));

  it('is left alone by a stream that could not be made', async () => {
    const { fs } = createOverlay();
    const handle = await openHandle(fs, process.execPath);
    expect(() => handle.createReadStream({ start: -1 })).toThrow(/"start" is out of range/);
    await handle.close();
    expect(handle.fd).toBe(-1);
  });

  it('gives lines', () =>
    expectSame(async ({ fs, root, log }) => {
      const handle = await openHandle(fs, `${root}/file`);
      for await (const line of handle.readLines()) log(line);
      log(handle.fd);
      await using other = await openHandle(fs, `${root}/file`);
      const lines = other.readLines({ start: 4, encoding: 'latin1' });
      lines.on('line', (line) => log('event', line));
      await once(lines, 'close');
    }, FILES));

  it('is no handle of another overlay', async () => {
    const [one, other] = [createOverlay({ lower: [] }), createOverlay({ lower: [] })];
    one.fs.writeFileSync('/file', 'of the first');
    await using handle = await openHandle(one.fs, '/file');
    await expect(other.fs.promises.readFile(handle)).rejects.toMatchObject({ code: 'EBADF' });
    const stream = other.fs.createReadStream('', { fd: handle });
    stream.resume();
    const [error] = (await once(stream, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('EBADF');
    expect(await handle.readFile('utf8')).toBe('of the first');
  });
});
