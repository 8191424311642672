/**
 * Bringing pages from the origin into memory before they are read or partly overwritten.
 */

import { isUint8Array } from 'node:util/types';
import type { Branch, Fingerprint, Loans } from '../branch/branch.ts';
import type { Io } from '../fault.ts';
import { type Contents, fillPages, isWithOrigin, overwrites, pageAt, reclaim } from './contents.ts';
import { PageLoan } from './loan.ts';
import type { Memory } from './memory.ts';
import type { PageIndex } from './page.ts';

/** Where the pages of a file come from, and how to tell that it is still the same file. */
export interface Origin {
  readonly branch: Branch;
  readonly path: string;
  readonly fingerprint: Fingerprint;
}

/**
 * How a fill ended: all pages are there, the origin is another file now, or it ends before its size says so (`/proc`).
 */
export type Filled = 'filled' | 'changed' | 'short';

/** The most bytes that one question asks for. A larger one would delay everything else that asks the branch. */
const CHUNK = 1024 * 1024;
/** How many questions of one read are under way together. */
const TOGETHER = 8;

/** Whether a read of [from, to) needs a page that is still with the origin. */
export function lacks(memory: Memory, file: Contents, from: number, to: number): boolean {
  const { pageSize } = memory;
  const end = Math.min(to, file.supplied);
  for (let index = Math.floor(from / pageSize); index * pageSize < end; index++) {
    if (pageAt(file, index) === undefined) return true;
  }
  return false;
}

/** Fills the pages that a read of [from, to) needs. */
export function fillForRead(io: Io, memory: Memory, file: Contents, origin: Origin, from: number, to: number): Filled {
  const { pageSize } = memory;
  // This operation has filled nothing yet, so any clean page may be forgotten to make room.
  reclaim(memory);
  const end = Math.min(to, file.supplied);
  let index = Math.floor(from / pageSize);
  while (index * pageSize < end) {
    if (isWithOrigin(memory, file, index)) {
      const length = runLength(memory, file, index, end);
      expectFurther(io, memory, file, origin, index * pageSize + length, end);
      const outcome = fill(io, memory, file, origin, index, length);
      if (outcome !== 'filled') return outcome;
      index += Math.ceil(length / pageSize);
    } else {
      index++;
    }
  }
  return 'filled';
}

/** Whether a write of [from, to) keeps a part of a page that is still with the origin: of the first, or of the last. */
export function lacksForWrite(memory: Memory, file: Contents, from: number, to: number): boolean {
  const first = Math.floor(from / memory.pageSize);
  const last = Math.floor((to - 1) / memory.pageSize);
  return keepsOf(memory, file, first, from, to) || (last !== first && keepsOf(memory, file, last, from, to));
}

function keepsOf(memory: Memory, file: Contents, index: PageIndex, from: number, to: number): boolean {
  return isWithOrigin(memory, file, index) && !overwrites(memory, file, index, from, to);
}

/** Fills the pages of which a write of [from, to) keeps a part. */
export function fillForWrite(io: Io, memory: Memory, file: Contents, origin: Origin, from: number, to: number): Filled {
  const { pageSize } = memory;
  // As for a read. Pages that were filled for a write which was then refused are clean pages like any other.
  reclaim(memory);
  for (const index of new Set([Math.floor(from / pageSize), Math.floor((to - 1) / pageSize)])) {
    if (!keepsOf(memory, file, index, from, to)) continue;
    const length = runLength(memory, file, index, (index + 1) * pageSize);
    const outcome = fill(io, memory, file, origin, index, length);
    if (outcome !== 'filled') return outcome;
  }
  return 'filled';
}

/** How many bytes are missing without a gap from the start of a missing page on: such a run is one question. */
function runLength(memory: Memory, file: Contents, index: PageIndex, end: number): number {
  const { pageSize } = memory;
  const start = index * pageSize;
  let next = index + 1;
  while (next * pageSize < end && (next - index) * pageSize < CHUNK && isWithOrigin(memory, file, next)) next++;
  return Math.min(next * pageSize, file.supplied) - start;
}

/** Sends the next questions of a long read, so that the answers come in parallel. */
function expectFurther(io: Io, memory: Memory, file: Contents, origin: Origin, from: number, end: number): void {
  const { branch, path, fingerprint } = origin;
  if (branch.async === undefined) return;
  const { pageSize } = memory;
  const loans = loansOf(memory, branch);
  let index = Math.ceil(from / pageSize);
  for (let sent = 1; sent < TOGETHER && index * pageSize < end; ) {
    if (isWithOrigin(memory, file, index)) {
      const length = runLength(memory, file, index, end);
      io.expectRead(branch, loans, path, fingerprint, index * pageSize, length);
      index += Math.ceil(length / pageSize);
      sent++;
    } else {
      index++;
    }
  }
}

/** How to borrow pages of the branch; undefined where it lends none, or pages of another size. */
function loansOf({ pageSize }: Memory, { loans }: Branch): Loans | undefined {
  return loans?.pageSize === pageSize ? loans : undefined;
}

function fill(io: Io, memory: Memory, file: Contents, origin: Origin, index: PageIndex, length: number): Filled {
  const { branch, path, fingerprint } = origin;
  const loans = loansOf(memory, branch);
  const offset = index * memory.pageSize;
  const loan = loans && io.borrow(branch, loans, path, fingerprint, offset, length);
  if (loan instanceof PageLoan && loan.take(memory, file, index, length, fingerprint)) return 'filled';
  if (loans !== undefined && loan === undefined) return 'changed';
  const bytes = isUint8Array(loan) ? loan : io.read(branch, path, fingerprint, offset, length);
  if (bytes === undefined) return 'changed';
  if (bytes.length < length) return 'short';
  // From here on nothing stops or fails.
  fillPages(memory, file, index, bytes);
  return 'filled';
}
