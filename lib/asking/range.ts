/**
 * Reading a range of a file as a question that is sent and remembered: its wording, which identifies it, and how to ask
 * it. It is asked with a copy of the fingerprint, since an inode's own may change before the branch answers.
 */

import type { AsyncRequests, Fingerprint, Loans } from '../branch/branch.ts';
import { printOf } from '../branch/dialect.ts';

/** A range of a file: its path and fingerprint, the offset and the length. */
export type Range = readonly [path: string, fingerprint: Fingerprint, offset: number, length: number];

/** The question that reads the bytes into a buffer of their own. */
export function reading(...[path, fingerprint, offset, length]: Range) {
  const print = printOf(fingerprint);
  const ask = (requests: AsyncRequests) => requests.read(path, print, offset, length);
  return { wording: `read ${wordingOf(path, print, offset, length)}`, ask };
}

/** The question that borrows pages. */
export function borrowing(loans: Loans, ...[path, fingerprint, offset, length]: Range) {
  const print = printOf(fingerprint);
  const ask = () => loans.later(path, print, offset, length);
  return { wording: `borrow ${wordingOf(path, print, offset, length)}`, ask };
}

function wordingOf(
  path: string,
  { ino, size, mtimeSec, mtimeNsec }: Fingerprint,
  offset: number,
  length: number,
): string {
  return `${offset} ${length} ${ino} ${size} ${mtimeSec} ${mtimeNsec} ${path}`;
}

/** The wording of reading straight into a buffer. */
export function straightWording(...range: Range): string {
  return `straight ${wordingOf(...range)}`;
}
