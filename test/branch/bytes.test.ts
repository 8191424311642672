// Names that are not UTF-8, there and back.

import nodeFs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeName, displayName, encodeName, isPlain } from '../../lib/branch/bytes.ts';
import { scratch } from './rig.ts';

/** Bytes of every kind, with many that begin or go on like UTF-8. */
const anyBytes = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0xc0, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf),
  ),
  { maxLength: 12 },
);

describe('names as bytes and as strings', () => {
  it('every run of bytes comes back as it was', () => {
    fc.assert(
      fc.property(anyBytes, (given) => {
        const bytes = Buffer.from(given);
        expect(encodeName(decodeName(bytes)).equals(bytes)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('every well-formed string is carried as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (name) => {
        expect(isPlain(name)).toBe(true);
        expect(encodeName(name).equals(Buffer.from(name))).toBe(true);
        expect(decodeName(encodeName(name))).toBe(name);
        expect(displayName(name)).toBe(name);
      }),
      { numRuns: 1000 },
    );
  });

  it('different bytes never have the same string', () => {
    const seen = new Map<string, string>();
    const edges = [0x41, 0x80, 0xa0, 0xbf, 0xc2, 0xe2, 0xed, 0xf0, 0xff];
    for (const a of edges)
      for (const b of edges)
        for (const c of edges) {
          const bytes = Buffer.from([a, b, c]);
          const name = decodeName(bytes);
          expect(seen.get(name) ?? bytes.toString('hex')).toBe(bytes.toString('hex'));
          seen.set(name, bytes.toString('hex'));
        }
    expect(seen.size).toBe(edges.length ** 3);
  });

  it.each([
    ['a byte that begins nothing', [0x61, 0xff, 0x62], 'a\uDCFFb'],
    ['a sequence cut short', [0xe2, 0x82], '\uDCE2\uDC82'],
    ['a sequence longer than it need be', [0xc0, 0xaf], '\uDCC0\uDCAF'],
    ['a surrogate', [0xed, 0xb2, 0x80], '\uDCED\uDCB2\uDC80'],
    ['beyond the last character', [0xf4, 0x90, 0x80, 0x80], '\uDCF4\uDC90\uDC80\uDC80'],
    ['the replacement character itself', [0xef, 0xbf, 0xbd], '\uFFFD'],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x61], '\uFEFFa'],
    ['beyond the basic plane', [0xf0, 0x9f, 0x98, 0x80, 0x80], '\u{1F600}\uDC80'],
  ])('%s', (_, bytes, name) => {
    expect(decodeName(Buffer.from(bytes))).toBe(name);
    expect([...encodeName(name)]).toEqual(bytes);
  });

  it('takes a part of a larger buffer, and a Uint8Array', () => {
    expect(decodeName(Buffer.from('xabcx').subarray(1, 4))).toBe('abc');
    expect(decodeName(new Uint8Array([0x61, 0xfe]))).toBe('a\uDCFE');
  });

  it('shows a name as Node prints it', () => {
    const directory = scratch();
    const bytes = Buffer.from([0x61, 0xff, 0xe2, 0x82, 0x62]);
    try {
      nodeFs.writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), bytes]), '');
    } catch (refused) {
      // APFS and some others take UTF-8 only: then there is nothing that Node could print.
      expect(refused).toMatchObject({ code: 'EILSEQ' });
      return;
    }
    expect([displayName(decodeName(bytes))]).toEqual(nodeFs.readdirSync(directory));
  });
});
