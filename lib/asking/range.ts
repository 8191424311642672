/**
 * Reading a range of a file as a question that is sent and remembered: its wording, by which it is known again, and how to ask it. It is
 * asked with the fingerprint of now, since an inode's own changes while the branch reads.
 */

import type { AsyncRequests, Fingerprint, Loans } from '../branch/branch.ts';
import { printOf } from '../branch/dialect.ts';

/** A range of a file: its path and fingerprint, the offset and the length. */
export type Range = readonly [path: string, fingerprint: Fingerprint, offset: number, length: number];

/** Having the bytes in a buffer of their own. */
export function reading(...[path, fingerprint, offset, length]: Range) {
  const print = printOf(fingerprint);
  const ask = (requests: AsyncRequests) => requests.read(path, print, offset, length);
  return { wording: `read ${wordingOf(path, print, offset, length)}`, ask };
}

/** Having pages lent. */
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
