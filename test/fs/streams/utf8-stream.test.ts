// N1: Utf8Stream, where the running Node has it.

import { once } from 'node:events';
import nodeFs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import type { FileSystem } from '../matrix.ts';
import { expectSame, type Stage } from '../transcript.ts';

interface Utf8Stream extends NodeJS.EventEmitter {
  write(text: string | Buffer): boolean;
  end(): void;
  flushSync(): void;
}

type WithUtf8Stream = { readonly Utf8Stream: new (options?: unknown) => Utf8Stream };

function classOf(fs: FileSystem): WithUtf8Stream['Utf8Stream'] {
  return (fs as unknown as WithUtf8Stream).Utf8Stream;
}

const HAS_IT = 'Utf8Stream' in nodeFs;

describe('N1 Utf8Stream', () => {
  it('is where Node has it', () => {
    expect('Utf8Stream' in createOverlay().fs).toBe(HAS_IT);
  });

  for (const more of HAS_IT
    ? [{}, { sync: true }, { append: false }, { mkdir: true }, { contentMode: 'buffer' }]
    : []) {
    it(`writes with ${JSON.stringify(more)}`, () =>
      expectSame(
        async ({ fs, root, log }: Stage) => {
          const dest = 'mkdir' in more ? `${root}/new/directory/file` : `${root}/file`;
          const stream = new (classOf(fs))({ dest, ...more });
          const piece = (text: string) => ('contentMode' in more ? Buffer.from(text) : text);
          stream.write(piece('one '));
          stream.write(piece('zwölf\n'));
          stream.end();
          await once(stream, 'close');
          log(fs.readFileSync(dest, 'utf8'), stream.constructor.name);
        },
        { file: 'before ' },
      ));
  }

  it('refuses what Node refuses', () =>
    expectSame(({ fs, log }) => {
      for (const options of [
        undefined,
        null,
        5,
        {},
        { fd: 'x', fs: 5 },
        { fd: 1, minLength: 'x' },
        { fd: 1, fs: null },
      ]) {
        try {
          new (classOf(fs))(options);
          log('made');
        } catch (error) {
          log(error);
        }
      }
    }));
});
