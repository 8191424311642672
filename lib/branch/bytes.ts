/**
 * Names that are not UTF-8.
 *
 * A file name on a real disk is any run of bytes; in overfs a name is a string. A byte that is not part of valid UTF-8
 * is carried as the lone surrogate U+DC00 + byte, that is U+DC80..U+DCFF, which valid UTF-8 never yields. So every run
 * of bytes has a string of its own and comes back unchanged (Python's `surrogateescape` does the same). Nearly all
 * names are plain, and for them all of this is one native check. The functions take whole paths as well, since `/` is
 * below U+0080.
 */

/// <reference lib="es2024.string" />

import { isUtf8 } from 'node:buffer';

/** Runs of escaped bytes; with the `u` flag a surrogate that belongs to a pair does not match. */
const ESCAPED = /([\uDC80-\uDCFF]+)/u;

/** Whether a name carries no escaped bytes, so that it can be given to a branch as a string. */
export function isPlain(name: string): boolean {
  return name.isWellFormed();
}

/** The string for the bytes of a name. */
export function decodeName(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString();
  let name = '';
  let at = 0;
  while (at < buffer.length) {
    const start = at;
    for (let length = sequenceAt(buffer, at); length > 0; length = sequenceAt(buffer, at)) at += length;
    name += buffer.toString('utf8', start, at);
    if (at < buffer.length) name += String.fromCharCode(0xdc00 + (buffer[at++] ?? 0));
  }
  return name;
}

/** The bytes of a name: the inverse of `decodeName`. */
export function encodeName(name: string): Buffer {
  if (isPlain(name)) return Buffer.from(name);
  // Every second part is a run of escaped bytes; `latin1` keeps the low byte of each unit.
  const parts = name.split(ESCAPED).map((part, index) => Buffer.from(part, index % 2 === 1 ? 'latin1' : 'utf8'));
  return Buffer.concat(parts);
}

/** What UTF-16 and UTF-8 may put in different orders: surrogates (also of escaped bytes), and what lies above them. */
const ABOVE = /[\uD800-\uFFFF]/;

/** Sorts names by their bytes, as libuv does (`alphasort` in the C locale). */
export function sortNames(names: string[]): void {
  for (const name of names) {
    if (!ABOVE.test(name)) continue;
    const bytes = new Map(names.map((each) => [each, encodeName(each)]));
    names.sort((one, other) => Buffer.compare(bytes.get(one) as Buffer, bytes.get(other) as Buffer));
    return;
  }
  names.sort();
}

/** How many bytes a name, or a path, has. */
export function lengthOf(name: string): number {
  return isPlain(name) ? Buffer.byteLength(name) : encodeName(name).length;
}

/** The name as Node would print it: U+FFFD stands for what is not UTF-8. */
export function displayName(name: string): string {
  return isPlain(name) ? name : encodeName(name).toString();
}

/** The length of the valid UTF-8 sequence that begins at `at`, 0 where there is none (Unicode 15, table 3-7). */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === undefined) return 0;
  if (first < 0x80) return 1;
  const length = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (first < 0xc2 || length === 0 || at + length > bytes.length) return 0;
  for (let next = 1; next < length; next++) if (((bytes[at + next] ?? 0) & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1] ?? 0;
  if (first === 0xe0 && second < 0xa0) return 0; // longer than it need be
  if (first === 0xed && second > 0x9f) return 0; // a surrogate
  if (first === 0xf0 && second < 0x90) return 0; // longer than it need be
  if (first === 0xf4 && second > 0x8f) return 0; // beyond U+10FFFF
  return length;
}
