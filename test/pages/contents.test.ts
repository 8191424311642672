// The contents of a file against a model: a plain array of bytes. Every sequence of writes, cuts, copies, fills and
// forgetting shows the bytes that the model has, and the quota is what a recount gives.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  affordable,
  type Contents,
  chargedBytes,
  cleanPage,
  dropContents,
  fillPages,
  isWithOrigin,
  overwrites,
  pageAt,
  pagesOf,
  readContents,
  reclaim,
  shareContents,
  truncateContents,
  writeContents,
} from '../../lib/pages/contents.ts';
import { Memory } from '../../lib/pages/memory.ts';
import { DIRTY } from '../../lib/pages/page.ts';

const PAGE = 4096;

function memoryOf(bytes = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY, pageSize = PAGE): Memory {
  return new Memory(pageSize, { bytes }, maxBytes);
}

/** A file whose origin supplies these bytes. */
function fileOver(origin: Buffer): Contents {
  return { size: origin.length, supplied: origin.length, pages: undefined };
}

function empty(): Contents {
  return { size: 0, supplied: 0, pages: undefined };
}

function fill(memory: Memory, file: Contents, origin: Buffer, from: number, to: number): void {
  const { pageSize } = memory;
  for (let index = Math.floor(from / pageSize); index * pageSize < to; index++) {
    if (!isWithOrigin(memory, file, index)) continue;
    const piece = origin.subarray(index * pageSize, Math.min((index + 1) * pageSize, file.supplied));
    fillPages(memory, file, index, Buffer.from(piece));
  }
}

function bytesOf(memory: Memory, file: Contents, origin: Buffer): Buffer {
  fill(memory, file, origin, 0, file.size);
  const bytes = Buffer.alloc(file.size, 0xee);
  readContents(memory, file, 0, file.size, bytes, 0);
  return bytes;
}

function write(memory: Memory, file: Contents, origin: Buffer, source: Buffer, at: number): void {
  const { pageSize } = memory;
  const end = at + source.length;
  for (const index of [Math.floor(at / pageSize), Math.floor((end - 1) / pageSize)]) {
    if (isWithOrigin(memory, file, index) && !overwrites(memory, file, index, at, end)) {
      fill(memory, file, origin, index * pageSize, index * pageSize + 1);
      fill(memory, file, origin, index * pageSize, index * pageSize + 1);
    }
  }
  writeContents(memory, file, source, at);
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), at: fc.nat(40_000), length: fc.integer({ min: 1, max: 20_000 }) }),
  fc.record({ kind: fc.constant('truncate' as const), size: fc.nat(50_000) }),
  fc.record({ kind: fc.constant('copy' as const) }),
  fc.record({ kind: fc.constant('read' as const), from: fc.nat(50_000), length: fc.nat(20_000) }),
  fc.record({ kind: fc.constant('reclaim' as const) }),
);

describe('contents of a file', () => {
  // Pages of the larger size that came together lie together, and are read so.
  it.each([PAGE, 4 * PAGE])(
    'C6 P3 P8 in pages of %i bytes show what a plain array would, and are charged exactly',
    (size) => {
      fc.assert(
        fc.property(fc.nat(45_000), fc.array(step, { maxLength: 30 }), (length, steps) => {
          const memory = memoryOf(Number.POSITIVE_INFINITY, 3 * size, size);
          const origin = Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
          const files = [{ file: fileOver(origin), model: Buffer.from(origin) }];
          let stamp = 1;
          for (const [i, one] of steps.entries()) {
            const subject = files[i % files.length];
            if (subject === undefined) continue;
            const { file } = subject;
            if (one.kind === 'write') {
              const source = Buffer.alloc(one.length, stamp++ & 0xff);
              write(memory, file, origin, source, one.at);
              const grown = Buffer.alloc(Math.max(subject.model.length, one.at + one.length));
              subject.model.copy(grown);
              source.copy(grown, one.at);
              subject.model = grown;
            } else if (one.kind === 'truncate') {
              truncateContents(memory, file, one.size);
              const cut = Buffer.alloc(one.size);
              subject.model.copy(cut);
              subject.model = cut;
            } else if (one.kind === 'copy') {
              const copy = empty();
              shareContents(memory, file, copy);
              files.push({ file: copy, model: Buffer.from(subject.model) });
            } else if (one.kind === 'read') {
              const to = Math.min(file.size, one.from + one.length);
              if (one.from < to) fill(memory, file, origin, one.from, to);
            } else {
              reclaim(memory);
              expect(memory.clean.bytes).toBeLessThanOrEqual(3 * size);
            }
          }
          for (const { file, model } of files) expect(bytesOf(memory, file, origin).equals(model)).toBe(true);
          expect(memory.quota.bytes).toBe(files.reduce((sum, { file }) => sum + chargedBytes(file), 0));
          for (const { file } of files) dropContents(memory, file);
          expect(memory.quota.bytes).toBe(0);
          expect(memory.clean.bytes).toBe(0);
        }),
        { numRuns: 300 },
      );
    },
  );

  it('C4 take one page for a one-byte write, whatever the size', () => {
    const memory = memoryOf();
    const origin = Buffer.alloc(64 * PAGE, 1);
    const file = fileOver(origin);
    write(memory, file, origin, Buffer.from('x'), 40 * PAGE + 5);
    expect([...pagesOf(file)].map(([index]) => index)).toEqual([40]);
    expect(memory.quota.bytes).toBe(PAGE);
  });

  it('C6 cost nothing where they are holes', () => {
    const memory = memoryOf();
    const file = empty();
    truncateContents(memory, file, 1 << 30);
    expect(memory.quota.bytes).toBe(0);
    expect(bytesOf(memory, { ...file, size: 10 }, Buffer.alloc(0)).equals(Buffer.alloc(10))).toBe(true);
  });

  it('P1 may be written up to the quota and no further, and a page that straddles the end may grow into what is left', () => {
    const memory = memoryOf(6000);
    const file = empty();
    expect(affordable(memory, file, 0, 10_000)).toBe(6000);
    writeContents(memory, file, Buffer.alloc(4000), 0);
    expect(affordable(memory, file, 4000, 5000)).toBe(2000);
    writeContents(memory, file, Buffer.alloc(2000), 4000);
    expect(affordable(memory, file, 6000, 1)).toBe(0);
    expect(affordable(memory, file, 100, 5000)).toBe(5000);
  });

  it('P1 need room for the whole of a page whose origin they keep', () => {
    const memory = memoryOf(PAGE - 1);
    const origin = Buffer.alloc(2 * PAGE, 1);
    const file = fileOver(origin);
    fill(memory, file, origin, 0, PAGE);
    expect(affordable(memory, file, 10, 1)).toBe(0);
    expect(affordable(memory, file, 2 * PAGE, 100)).toBe(100);
  });

  it('P6 are forgotten least recently read first', () => {
    const memory = memoryOf(Number.POSITIVE_INFINITY, 2 * PAGE);
    const origin = Buffer.alloc(4 * PAGE, 1);
    const file = fileOver(origin);
    for (const index of [0, 1]) fill(memory, file, origin, index * PAGE, index * PAGE + 1);
    readContents(memory, file, 0, 10, Buffer.alloc(10), 0);
    fill(memory, file, origin, 2 * PAGE, 2 * PAGE + 1);
    reclaim(memory);
    expect([0, 1, 2].map((index) => pageAt(file, index) !== undefined)).toEqual([true, false, true]);
    expect(memory.clean.reclaimed).toBe(1);
  });

  it('P6 and what is kept for the next pages are never more than the bound', () => {
    const maxBytes = 512 * PAGE;
    const memory = memoryOf(Number.POSITIVE_INFINITY, maxBytes);
    const origin = Buffer.alloc(400 * PAGE, 1);
    const held = () => memory.clean.bytes + memory.slabs.idle;
    const written = empty();
    writeContents(memory, written, origin, 0);
    const read = fileOver(origin);
    fill(memory, read, origin, 0, origin.length);
    reclaim(memory);
    expect(held()).toBe(400 * PAGE);
    truncateContents(memory, written, 0);
    expect(held()).toBeGreaterThan(400 * PAGE);
    expect(held()).toBeLessThanOrEqual(maxBytes);
    const small = Array.from({ length: 200 }, () => fileOver(Buffer.alloc(PAGE - 1000, 2)));
    for (const file of small) fill(memory, file, Buffer.alloc(PAGE - 1000, 2), 0, 1);
    reclaim(memory);
    expect(held()).toBeLessThanOrEqual(maxBytes);
    dropContents(memory, read);
    for (const file of small) dropContents(memory, file);
    expect(memory.clean.bytes).toBe(0);
    expect(memory.slabs.idle).toBeGreaterThan(0);
    expect(memory.slabs.idle).toBeLessThanOrEqual(maxBytes / 8);
  });

  it('P6 are not forgotten while they are dirty, and are once they are clean', () => {
    const memory = memoryOf(Number.POSITIVE_INFINITY, 0);
    const file = empty();
    writeContents(memory, file, Buffer.alloc(PAGE, 5), 0);
    reclaim(memory);
    const page = pageAt(file, 0);
    expect(page?.state).toBe(DIRTY);
    if (page !== undefined) cleanPage(memory, file, 0, page);
    expect(memory.quota.bytes).toBe(0);
    reclaim(memory);
    expect(pageAt(file, 0)).toBeUndefined();
  });
});
