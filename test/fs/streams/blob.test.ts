// N1: openAsBlob gives a Blob of a file, as Node does.

import nodeFs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { expectSame, type Program, type Stage } from '../transcript.ts';

const FILES = { file: Buffer.alloc(150_000, 'abcdefghij'), small: '\uFEFFgrün', empty: '' };

async function piecesOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const sizes: string[] = [];
  for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) {
    sizes.push(`${piece.constructor.name} ${piece.byteLength}`);
  }
  return sizes.join(', ');
}

/** A program over the Blob of a file. */
function withBlob(name: string, act: (blob: Blob, stage: Stage) => Promise<void>): Program {
  return async (stage) => {
    await act((await stage.fs.openAsBlob(`${stage.root}/${name}`, { type: 'Text/Plain' })) as Blob, stage);
  };
}

describe('N1 openAsBlob', () => {
  it.each(['file', 'small', 'empty'])('gives a Blob of %s, which can be read in every way', (name) =>
    expectSame(
      withBlob(name, async (blob, { log }) => {
        log(blob instanceof Blob, blob.constructor === Blob, blob.size, blob.type, blob, String(blob));
        const text = await blob.text();
        log(text.length, text.slice(0, 20));
        const bytes = await blob.arrayBuffer();
        log(bytes instanceof ArrayBuffer, bytes.byteLength);
        log(await piecesOf(blob.stream()));
        if ('bytes' in Blob.prototype)
          log((await (blob as unknown as { bytes(): Promise<Uint8Array> }).bytes()).length);
        log('textStream' in blob);
        if ('textStream' in blob) {
          let length = 0;
          for await (const piece of (blob as { textStream(): AsyncIterable<string> }).textStream())
            length += piece.length;
          log(length);
        }
      }),
      FILES,
    ),
  );

  it('gives slices', () =>
    expectSame(
      withBlob('file', async (blob, { log }) => {
        for (const [start, end, type] of [
          [],
          [5],
          [5, 10],
          [-5],
          [-10, -5],
          [10, 5],
          [0, 1e9],
          [200_000],
          [1, 3, 'Image/PNG'],
          [1, 3, 'no\u0100type'],
        ] as readonly [number?, number?, string?][]) {
          const slice = blob.slice(start, end, type);
          const text = await slice.text();
          log(start, end, slice.size, slice.type, text.slice(0, 12), text.length, slice instanceof Blob);
        }
        const inner = blob.slice(10, 100).slice(5, 8);
        log(await inner.text(), inner.size);
      }),
      FILES,
    ));

  it('is taken by what takes Blobs, past its methods', () =>
    expectSame(
      withBlob('small', async (blob, { log }) => {
        log(await new Blob(['<', blob, blob.slice(3, 4), '>']).text());
        log(await new Response(blob).text());
        const form = new FormData();
        form.append('field', blob, 'name.txt');
        log(await (form.get('field') as File).text(), (form.get('field') as File).size);
        const url = URL.createObjectURL(blob);
        log(await (await fetch(url)).text());
        URL.revokeObjectURL(url);
      }),
      FILES,
    ));

  it('fails once the file has changed', () =>
    expectSame(
      withBlob('file', async (blob, { fs, root, ending, log }) => {
        const slice = blob.slice(0, 3);
        const read = async (label: string): Promise<void> => {
          await ending(label, blob.text());
          await ending(label, blob.arrayBuffer());
          await ending(label, slice.text());
          await ending(label, piecesOf(blob.stream()));
          log(blob.size);
        };
        // Node looks at the fraction of the second only.
        fs.utimesSync(`${root}/file`, 5.25, 5.25);
        await read('other times');
        fs.appendFileSync(`${root}/file`, 'more');
        await read('longer');
        fs.rmSync(`${root}/file`);
        await read('gone');
      }),
      FILES,
    ));

  it('fails for a file that is not there, and for wrong arguments', () =>
    expectSame(async ({ fs, root, log }) => {
      for (const args of [
        [`${root}/absent`],
        [`${root}/small/x`],
        [5],
        ['a\0b'],
        [],
        [`${root}/small`, null],
        [`${root}/small`, 'x'],
        [`${root}/small`, { type: 5 }],
        [`${root}/small`, { type: null }],
      ] as unknown[][]) {
        try {
          log(await (fs.openAsBlob as (...given: unknown[]) => Promise<Blob>)(...args));
        } catch (error) {
          log(error);
        }
        if (!('openAsBlobSync' in fs)) continue;
        try {
          log((fs.openAsBlobSync as (...given: unknown[]) => Blob)(...args));
        } catch (error) {
          log(error);
        }
      }
    }, FILES));

  it('fails to read what is not a file any more', () =>
    expectSame(
      withBlob('small', async (blob, { fs, root, ending }) => {
        fs.rmSync(`${root}/small`);
        fs.mkdirSync(`${root}/small`);
        await ending('a directory', blob.text());
      }),
      FILES,
    ));

  it('throws at once, before there is a promise', () => {
    const { fs } = createOverlay();
    expect(() => void fs.openAsBlob('/nowhere/at/all')).toThrow();
    expect(() => void nodeFs.openAsBlob('/nowhere/at/all')).toThrow();
  });

  it('L13 waits for a lower that can only answer later', async () => {
    const { readFile, stat, readdir, lstat, readlink } = nodeFs.promises;
    const { fs } = createOverlay({
      lower: { fs: { promises: { readFile, stat, readdir, lstat, readlink } } as never },
    });
    const blob = (await fs.openAsBlob(process.execPath)) as Blob;
    expect(blob.size).toBe(nodeFs.statSync(process.execPath).size);
    expect(Buffer.from(await blob.slice(0, 4).arrayBuffer()).toString('latin1')).toBe('\x7fELF');
    await expect(async () => fs.openAsBlob('/nowhere/at/all')).rejects.toThrow();
  });

  it('stops reading when the reader has had enough, and leaves nothing open', async () => {
    const { fs } = createOverlay();
    const before = nodeFs.readdirSync('/proc/self/fd').length;
    const blob = (await fs.openAsBlob(process.execPath)) as Blob;
    const reader = blob.stream().getReader();
    await reader.read();
    await reader.cancel();
    const pull = blob.stream().getReader({ mode: 'byob' });
    expect((await pull.read(new Uint8Array(4))).value).toEqual(new Uint8Array([0x7f, 0x45, 0x4c, 0x46]));
    await pull.cancel();
    // The lower's own few open files stay for a while.
    expect(nodeFs.readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before + 2);
  });
});
