/**
 * One page: a run of up to `pageSize` bytes of one file, at a multiple of `pageSize`.
 *
 *     page ──► bytes ┌────────┬───────────────┬─────────┐
 *                    │        │ start, length │ spare   │     bytes of the file beyond `length`, up to the end of the
 *                    └────────┴───────────────┴─────────┘     page, are zeros and not stored
 *
 * A page belongs to one file. Copies of a file have pages of their own that share the bytes (`holders`) until one of
 * them is written. Bytes lie in a cell of a slab.
 */

import type { Slab, Slabs } from './slab.ts';

/** The index of a page in its file: byte offset divided by page size. */
export type PageIndex = number & { readonly brand?: 'page index' };

/** How many pages hold the same bytes; made when the bytes are first shared. */
export interface Holders {
  /** Changed by `shareBytes`, `leaveBytes` and `borrowed.ts`. */
  count: number;
  /** The cell: its slab, and where in that it begins. */
  readonly slab: Slab;
  readonly start: number;
}

/** The origin (or the upper, once written back) supplies the same bytes: the page may be forgotten. */
export const CLEAN = 0;
/** The bytes are nowhere else: the page must not be forgotten, and is charged. */
export const DIRTY = 1;

/** See the file comment. Fields are changed by the functions of this file and of `contents.ts` only. */
export class Page {
  /** All of the slab, or the view of the cell where there is one (`Slab.bytesOf`). */
  bytes: Buffer;
  /** Where in `bytes` the page starts. */
  start: number;
  /** How many bytes are stored. */
  length: number;
  /** Whether a branch has the same bytes. */
  state: typeof CLEAN | typeof DIRTY;
  /** When it was last read, in fills, if it is clean. Changed by `CleanPages`. */
  readAt: number;
  /** The slab of its cell, whose size is the room for bytes. */
  slab: Slab;
  /** The pages that share the bytes; undefined if they were never shared. */
  holders: Holders | undefined;

  /** @param at where the cell begins in the slab */
  constructor(slab: Slab, at: number, length: number) {
    this.bytes = slab.bytesOf(at);
    this.start = at - this.bytes.byteOffset;
    this.length = length;
    this.state = CLEAN;
    this.readAt = 0;
    this.slab = slab;
    this.holders = undefined;
  }
}

/** Where the page's cell begins in its slab. */
export function cellOf({ bytes, start }: Page): number {
  return bytes.byteOffset + start;
}

/** Makes a page with room for `capacity` bytes and none stored. */
export function newPage(slabs: Slabs, capacity: number, pageSize: number): Page {
  const { slab, start } = slabs.take(capacity * 2 > pageSize ? pageSize : capacity);
  return new Page(slab, start, 0);
}

/** A page of another file with the same bytes; they are copied when either is written. */
export function sharePage(page: Page): Page {
  const twin = new Page(page.slab, cellOf(page), page.length);
  shareBytes(page, twin);
  return twin;
}

/** Makes `twin`, made for the cell of `page`, a holder of it. */
export function shareBytes(page: Page, twin: Page): Holders {
  page.holders ??= { count: 1, slab: page.slab, start: cellOf(page) };
  page.holders.count++;
  twin.holders = page.holders;
  return page.holders;
}

/** Lets go of the page's bytes. Requires: the page is not used afterwards, or gets other bytes at once. */
export function leaveBytes(slabs: Slabs, page: Page): void {
  const { holders, slab } = page;
  if (holders !== undefined) {
    if (slab.owner !== slabs) slabs.borrowed.strike(holders);
    if (holders.count-- > 1) return;
  }
  slab.owner.giveBack(slab, cellOf(page));
}

/**
 * Makes sure that up to `length` bytes of the page may be written: it shares them with no other page, and has room for
 * them.
 */
export function ownBytes(slabs: Slabs, page: Page, length: number, pageSize: number): void {
  // A cell of another overlay is never written, even if that overlay has dropped it: dirty pages lie in cells of their
  // own overlay.
  const shared = (page.holders !== undefined && page.holders.count > 1) || page.slab.owner !== slabs;
  if (!shared && length <= page.slab.cell) return;
  // A page that grows will probably grow again (an append): room for half as much again.
  const wanted = length > page.length && page.length > 0 ? Math.min(pageSize, length + (length >> 1)) : length;
  const roomier = newPage(slabs, Math.max(wanted, page.length), pageSize);
  page.bytes.copy(roomier.bytes, roomier.start, page.start, page.start + page.length);
  leaveBytes(slabs, page);
  page.bytes = roomier.bytes;
  page.start = roomier.start;
  page.slab = roomier.slab;
  page.holders = undefined;
}

/** The stored bytes of the page. Requires: the page is held as long as they are used. */
export function bytesOf({ bytes, start, length }: Page): Uint8Array {
  return bytes.subarray(start, start + length);
}

/** Copies bytes `from` to `to` of the page into `target` at `at`; bytes that are not stored are zeros. */
export function readPage(page: Page, from: number, to: number, target: Uint8Array, at: number): void {
  const stored = to < page.length ? to : page.length;
  const { bytes, start } = page;
  if (from < stored) {
    if (start + from === 0 && stored === bytes.length) target.set(bytes, at);
    else copyRun(page, from, stored, target, at);
  }
  const zeros = from > stored ? from : stored;
  if (zeros < to) target.fill(0, at + zeros - from, at + to - from);
}

/**
 * Copies bytes `from` to `to` into `target` at `at`. Requires: they are stored, in the page or in others whose cells
 * follow its own.
 */
export function copyRun({ bytes, start }: Page, from: number, to: number, target: Uint8Array, at: number): void {
  target.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start + from, to - from), at);
}

/**
 * Overwrites the page from `from` on with bytes `begin` to `end` of `source`; a gap becomes zeros. Requires:
 * `ownBytes`.
 */
export function writePage(page: Page, from: number, source: Uint8Array, begin: number, end: number): void {
  const { bytes, start } = page;
  if (from > page.length) bytes.fill(0, start + page.length, start + from);
  if (begin === 0 && end === source.length) bytes.set(source, start + from);
  else bytes.set(source.subarray(begin, end), start + from);
  const reached = from + end - begin;
  if (reached > page.length) page.length = reached;
}
