// N7: FileHandle.readableWebStream.

import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { expectSame, type Stage } from '../transcript.ts';

const FILES = { file: Buffer.alloc(150_000, 'abcdefghij'), empty: '' };

/** Reads everything; writes down the kinds and sizes of the pieces. */
async function readAll(reader: ReadableStreamDefaultReader<unknown>): Promise<string> {
  const pieces: string[] = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const piece = next.value as ArrayBuffer | Uint8Array;
    pieces.push(`${piece.constructor.name} ${piece.byteLength}`);
  }
  return pieces.join(', ');
}

function readerOf(stream: unknown): ReadableStreamDefaultReader<unknown> {
  return (stream as ReadableStream).getReader();
}

async function open({ fs, root }: Stage, name = 'file') {
  return fs.promises.open(`${root}/${name}`);
}

describe('N7 readableWebStream', () => {
  it.each([
    ['no options', undefined],
    ['bytes', { type: 'bytes' }],
    ['another type', { type: 'x' }],
    ['autoClose', { autoClose: true }],
    ['null', null],
    ['text', 'x'],
    ['a type that is no text', { type: 5 }],
    ['an autoClose that is no boolean', { autoClose: 5 }],
    ['an array', []],
  ] as const)('takes %s', (_label, options) =>
    expectSame(async (stage) => {
      for (const name of ['file', 'empty']) {
        const handle = await open(stage, name);
        try {
          const make = handle.readableWebStream.bind(handle) as (given?: unknown) => ReadableStream;
          const stream = options === undefined ? make() : make(options);
          stage.log(await readAll(readerOf(stream)), handle.fd > 0);
        } catch (error) {
          stage.log(error);
        }
        await handle.close();
      }
    }, FILES),
  );

  it('is made once, of a handle that is open', () =>
    expectSame(async (stage) => {
      const handle = await open(stage);
      handle.readableWebStream();
      const attempt = (): void => {
        try {
          handle.readableWebStream();
        } catch (error) {
          stage.log(error);
        }
      };
      attempt();
      const closing = handle.close();
      attempt();
      await closing;
      attempt();
    }, FILES));

  it('ends when the handle is closed', () =>
    expectSame(async (stage) => {
      const handle = await open(stage);
      const reader = readerOf(handle.readableWebStream({ type: 'bytes' } as never));
      stage.log((await reader.read()).done);
      await handle.close();
      const { value, done } = await reader.read();
      stage.log(value, done, handle.fd);
    }, FILES));

  it('fills the buffers that readers bring, and tells them of the end', () =>
    expectSame(async (stage) => {
      const handle = await open(stage);
      const stream = handle.readableWebStream({ type: 'bytes' } as never) as unknown as ReadableStream;
      const reader = stream.getReader({ mode: 'byob' });
      const first = await reader.read(new Uint8Array(10));
      stage.log(Buffer.from(first.value ?? []).toString());
      let size = 10;
      for (;;) {
        const { value, done } = await reader.read(new Uint8Array(100_000));
        if (done) break;
        size += value.byteLength;
      }
      stage.log(size);
      await handle.close();
    }, FILES));

  it('a read under way when the handle is closed does no harm', async () => {
    const { fs } = createOverlay();
    const handle = await fs.promises.open(process.execPath);
    const reader = readerOf(handle.readableWebStream({ type: 'bytes' } as never));
    const reading = reader.read();
    await handle.close();
    expect((await reading).done).toBe(true);
    expect((await reader.read()).done).toBe(true);
    expect(handle.fd).toBe(-1);
  });

  it('lets the handle be closed after it was cancelled', async () => {
    const { fs } = createOverlay();
    const handle = await fs.promises.open(process.execPath);
    const reader = readerOf(handle.readableWebStream());
    await reader.read();
    await reader.cancel();
    expect((await handle.stat()).isFile()).toBe(true);
    await handle.close();
    expect(handle.fd).toBe(-1);
  });

  it('fails with the error of the read, and lets the handle be closed', async () => {
    const { fs } = createOverlay();
    const handle = await fs.promises.open('/');
    const reader = readerOf(handle.readableWebStream());
    await expect(reader.read()).rejects.toMatchObject({ code: 'EISDIR', syscall: 'read' });
    await handle.close();
    expect(handle.fd).toBe(-1);
  });
});
