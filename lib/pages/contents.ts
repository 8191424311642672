/**
 * The contents of one file: its pages, its size, and how much of it is still with its origin.
 *
 *     offset   0                              supplied              size
 *              ├───────────┬────────┬────────────┼─────────┬──────────┤
 *              │ page 0    │        │ page 2     │         │ page 4   │
 *              └───────────┴────────┴────────────┴─────────┴──────────┘
 *               in memory   with the origin       a hole:   in memory
 *                           (to be filled)        zeros
 *
 * A page that is not in memory is with the origin as far as `supplied` reaches, and zeros beyond. Truncating lowers
 * `supplied` and growing never raises it, so bytes cut off never come back.
 *
 * Nothing here stops: `fill.ts` brings what a read or write needs from the origin beforehand.
 */

import type { Memory } from './memory.ts';
import {
  CLEAN,
  cellOf,
  copyRun,
  DIRTY,
  leaveBytes,
  newPage,
  ownBytes,
  Page,
  type PageIndex,
  readPage,
  sharePage,
  writePage,
} from './page.ts';
import { PageTable } from './page-table.ts';
import { CleanPage } from './reclaim.ts';

/** The part of an inode that the functions of this file work on. */
export interface Contents {
  /** Length of the file in bytes. Changed by the functions here, and by a look at a clean file's lower. */
  size: number;
  /** How many leading bytes the origin may still supply. Changed likewise. */
  supplied: number;
  /** The pages in memory: none, page 0 alone, or several by index. Changed by the functions here only. */
  pages: Page | PageTable | undefined;
}

/** The page in memory at `index`. */
export function pageAt(file: Contents, index: PageIndex): Page | undefined {
  const { pages } = file;
  if (pages === undefined) return undefined;
  if (pages instanceof Page) return index === 0 ? pages : undefined;
  return pages.get(index);
}

function setPage(file: Contents, index: PageIndex, page: Page): void {
  const { pages } = file;
  if (pages instanceof PageTable) pages.set(index, page);
  else if (index === 0) file.pages = page;
  else {
    const table = new PageTable();
    if (pages !== undefined) table.set(0, pages);
    table.set(index, page);
    file.pages = table;
  }
}

/** Whether the origin must supply the page before it can be read. */
export function isWithOrigin(memory: Memory, file: Contents, index: PageIndex): boolean {
  return index * memory.pageSize < file.supplied && pageAt(file, index) === undefined;
}

/**
 * Puts bytes of the origin into the pages from `index` on; pages that are there already stay as they are. Requires:
 * `bytes` starts at the start of that page, and ends at the end of a page or at `supplied`.
 */
export function fillPages(memory: Memory, file: Contents, index: PageIndex, bytes: Uint8Array): void {
  const { pageSize, clean } = memory;
  clean.beginFill();
  for (let at = 0; at < bytes.length; at += pageSize) {
    const i = index + at / pageSize;
    if (pageAt(file, i) !== undefined) continue;
    fillPage(
      memory,
      file,
      i,
      bytes.length <= pageSize ? bytes : bytes.subarray(at, Math.min(at + pageSize, bytes.length)),
    );
  }
}

/** Puts a copy of `piece` into the file as a page that a branch has supplied. Requires: there is none yet. */
export function fillPage(memory: Memory, file: Contents, index: PageIndex, piece: Uint8Array): void {
  const { slab, start } = memory.slabs.take(piece.length);
  const page = new CleanPage(file, index, slab, start, piece.length);
  page.bytes.set(piece, page.start);
  putSupplied(memory, file, page);
}

/** Puts a page that a branch has supplied into the file. Requires: there is none yet. */
export function putSupplied({ clean }: Memory, file: Contents, page: CleanPage): void {
  setPage(file, page.index, page);
  clean.add(page);
  clean.fills++;
}

/** Makes a dirty page clean, since the upper has its bytes now. */
export function cleanPage(memory: Memory, file: Contents, index: PageIndex, page: Page): void {
  const clean = new CleanPage(file, index, page.slab, cellOf(page), page.length);
  clean.holders = page.holders;
  setPage(file, index, clean);
  memory.clean.add(clean);
  memory.quota.chargeBytes(-clean.length);
}

/** Forgets clean pages as long as there are too many. Requires: no operation is between filling and reading. */
export function reclaim(memory: Memory): void {
  for (;;) {
    const page = memory.clean.takeExcess(memory.slabs.idle);
    if (page === undefined) return;
    const { owner, index } = page;
    if (owner.pages instanceof PageTable) owner.pages.delete(index);
    else if (owner.pages === page) owner.pages = undefined;
    leaveBytes(memory.slabs, page);
  }
}

/** Copies bytes `from` to `to` of the file into `target` at `at`. Requires: within the size, and filled. */
export function readContents(
  memory: Memory,
  file: Contents,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): void {
  const { pageSize } = memory;
  let position = from;
  while (position < to) {
    const index = Math.floor(position / pageSize);
    const start = index * pageSize;
    const page = pageAt(file, index);
    const offset = at + position - from;
    let end = Math.min(to, start + pageSize);
    if (page === undefined) target.fill(0, offset, offset + end - position);
    else {
      if (page.state === CLEAN) memory.clean.touch(page);
      const reach = end < to ? endOfRun(memory, file, index, page, to) : end;
      if (reach === end) readPage(page, position - start, end - start, target, offset);
      else copyRun(page, position - start, reach - start, target, offset);
      end = reach;
    }
    position = end;
  }
}

/**
 * How far the pages from `index` on lie one behind the other in memory: pages that were filled together do, and can be
 * copied together.
 */
function endOfRun(memory: Memory, file: Contents, index: PageIndex, first: Page, to: number): number {
  const { pageSize, clean } = memory;
  let end = (index + 1) * pageSize;
  if (first.length < pageSize) return end;
  for (let next = index + 1; end < to; next++) {
    const page = pageAt(file, next);
    const start = first.start + (next - index) * pageSize;
    if (page === undefined || page.bytes !== first.bytes || page.start !== start || page.length < pageSize) break;
    if (page.state === CLEAN) clean.touch(page);
    end = Math.min(to, end + pageSize);
  }
  return end;
}

/**
 * Puts the bytes of pages in memory over the origin's bytes in `target`, for bytes `from` to `to` of the file, and
 * zeros where there are neither. Requires: within the size; `target` begins with what the origin supplies from `from`
 * on.
 */
export function readOver(memory: Memory, file: Contents, from: number, to: number, target: Uint8Array): void {
  const { pageSize } = memory;
  if (file.pages === undefined && to <= file.supplied) return;
  for (let position = from; position < to; ) {
    const index = Math.floor(position / pageSize);
    const start = index * pageSize;
    const end = Math.min(to, start + pageSize);
    const page = pageAt(file, index);
    if (page !== undefined) {
      if (page.state === CLEAN) memory.clean.touch(page);
      readPage(page, position - start, end - start, target, position - from);
    } else if (end > file.supplied) {
      target.fill(0, Math.max(position, file.supplied) - from, end - from);
    }
    position = end;
  }
}

/**
 * Whether a write of [from, to) replaces everything that the origin supplies in this page, so that it need not be
 * filled.
 */
export function overwrites(memory: Memory, file: Contents, index: PageIndex, from: number, to: number): boolean {
  const start = index * memory.pageSize;
  return from <= start && to >= Math.min(start + memory.pageSize, file.supplied);
}

/**
 * How many of `length` bytes at `position` the quota allows to be written: all, fewer (a short write, as POSIX write
 * has it), or none.
 */
export function affordable(memory: Memory, file: Contents, position: number, length: number): number {
  const { pageSize, quota } = memory;
  let left = quota.bytesLeft;
  if (left === Number.POSITIVE_INFINITY) return length;
  const end = position + length;
  for (let index = Math.floor(position / pageSize); index * pageSize < end; index++) {
    const start = index * pageSize;
    const to = Math.min(end - start, pageSize);
    const page = pageAt(file, index);
    const held = page === undefined ? 0 : page.length;
    const charged = page?.state === DIRTY ? held : 0;
    const cost = Math.max(held, to) - charged;
    if (cost > left) {
      const reach = left + charged;
      return reach < held ? Math.max(0, start - position) : Math.max(0, start + reach - position);
    }
    left -= cost;
  }
  return length;
}

/**
 * Writes `source` at `position`; the file grows as needed.
 * Requires: pages that keep a part of what the origin supplies are filled; the quota allows it (`affordable`).
 */
export function writeContents(memory: Memory, file: Contents, source: Uint8Array, position: number): void {
  const { pageSize } = memory;
  const end = position + source.length;
  let at = position;
  while (at < end) {
    const index = Math.floor(at / pageSize);
    const start = index * pageSize;
    const to = Math.min(end - start, pageSize);
    writeOne(memory, file, index, at - start, to, source, at - position);
    at = start + to;
  }
  if (end > file.size) file.size = end;
}

/** Writes bytes of `source` from `begin` on over bytes `from` to `to` of one page. */
function writeOne(
  memory: Memory,
  file: Contents,
  index: PageIndex,
  from: number,
  to: number,
  source: Uint8Array,
  begin: number,
): void {
  const { pageSize, slabs, quota } = memory;
  let page = pageAt(file, index);
  if (page === undefined) {
    // After the first page a file is likely to go on growing, and a hole is likely to be written around.
    page = newPage(slabs, index === 0 ? to : pageSize, pageSize);
    setPage(file, index, page);
  } else {
    if (page.state === CLEAN) memory.clean.remove(page);
    ownBytes(slabs, page, Math.max(to, page.length), pageSize);
  }
  const charged = page.state === DIRTY ? page.length : 0;
  writePage(page, from, source, begin, begin + to - from);
  if (page.state !== DIRTY) {
    page.state = DIRTY;
    if (file.pages instanceof PageTable) file.pages.noteDirty(index);
  }
  quota.chargeBytes(page.length - charged);
}

/** Sets the size. What is cut off is gone for good; what is added is zeros. */
export function truncateContents(memory: Memory, file: Contents, size: number): void {
  if (size < file.size) {
    const { pageSize } = memory;
    const kept = Math.ceil(size / pageSize);
    dropPages(memory, file, kept);
    const last = size % pageSize === 0 ? undefined : pageAt(file, kept - 1);
    if (last !== undefined && last.length > size % pageSize) {
      if (last.state === DIRTY) memory.quota.chargeBytes((size % pageSize) - last.length);
      last.length = size % pageSize;
    }
    if (size < file.supplied) file.supplied = size;
    memory.authors?.release(file, size, file.size);
  }
  file.size = size;
}

/** Forgets the pages from an index on, and gives back what they were charged. */
function dropPages(memory: Memory, file: Contents, from: PageIndex): void {
  const { pages } = file;
  if (pages === undefined) return;
  if (pages instanceof Page) {
    if (from > 0) return;
    dropPage(memory, pages);
    file.pages = undefined;
    return;
  }
  for (const [index, page] of from === 0 ? pages : pages.between(from, Math.ceil(file.size / memory.pageSize))) {
    dropPage(memory, page);
    pages.delete(index);
  }
}

function dropPage(memory: Memory, page: Page): void {
  if (page.state === DIRTY) memory.quota.chargeBytes(-page.length);
  else memory.clean.remove(page);
  leaveBytes(memory.slabs, page);
}

/** Copies of pages by index, which share their bytes with the file until it changes. */
export type KeptPages = ReadonlyMap<PageIndex, Page>;

/** Keeps the dirty pages of a file as they are; undefined where there is none. */
export function keepDirtyPages(file: Contents): KeptPages | undefined {
  let kept: Map<PageIndex, Page> | undefined;
  for (const [index, page] of dirtyPagesOf(file)) {
    kept ??= new Map();
    kept.set(index, sharePage(page));
  }
  return kept;
}

/** Puts back pages that were kept. Requires: the file has none, and the quota had room for them. */
export function putPages(memory: Memory, file: Contents, kept: KeptPages): void {
  for (const [index, page] of kept) {
    page.state = DIRTY;
    setPage(file, index, page);
    memory.quota.chargeBytes(page.length);
  }
}

/** Drops pages that were kept and are not put back. */
export function leavePages(memory: Memory, kept: KeptPages): void {
  for (const page of kept.values()) leaveBytes(memory.slabs, page);
}

/** Forgets all pages. Requires: none is dirty, or the file itself has ended. */
export function dropContents(memory: Memory, file: Contents): void {
  memory.authors?.drop(file);
  dropPages(memory, file, 0);
}

/** How many bytes the quota is charged for the file (and will be for a copy): those of its dirty pages. */
export function chargedBytes(file: Contents): number {
  let bytes = 0;
  for (const [, page] of dirtyPagesOf(file)) bytes += page.length;
  return bytes;
}

/** The pages in memory, in no order. */
export function* pagesOf(file: Contents): Iterable<readonly [PageIndex, Page]> {
  const { pages } = file;
  if (pages instanceof Page) yield [0, pages];
  else if (pages !== undefined) yield* pages;
}

/** The dirty pages, in no order. Requires: none is changed meanwhile. */
export function* dirtyPagesOf(file: Contents): Iterable<readonly [PageIndex, Page]> {
  const { pages } = file;
  if (pages instanceof PageTable) yield* pages.dirtyPages();
  else if (pages?.state === DIRTY) yield [0, pages];
}

/** Whether the origin holds exactly this content; `originSize` is its length. */
export function isOwnContentClean(file: Contents, originSize: number | undefined): boolean {
  if (file.size !== originSize || file.supplied !== file.size) return false;
  for (const _ of dirtyPagesOf(file)) return false;
  return true;
}

/**
 * Gives `copy` the contents of `file` without copying a byte: dirty pages are shared until one side is written, the
 * rest stays with the origin, which the caller makes the copy's origin too. Requires: `copy` is new; the quota allows
 * `chargedBytes(file)`.
 */
export function shareContents(memory: Memory, file: Contents, copy: Contents): void {
  copy.size = file.size;
  copy.supplied = file.supplied;
  for (const [index, page] of dirtyPagesOf(file)) {
    const twin = sharePage(page);
    twin.state = DIRTY;
    setPage(copy, index, twin);
    memory.quota.chargeBytes(twin.length);
  }
}
