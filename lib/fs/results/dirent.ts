/** `Dirent`: a name in a listing with its type. These are Node's own objects. */

import nodeFs from 'node:fs';
import path from 'node:path';
import { isUint8Array } from 'node:util/types';
import { encodeName } from '../../branch/bytes.ts';
import { givenPath } from '../arguments.ts';

/** libuv's names of types by those of `S_IF...`. */
const KINDS = { REG: 'FILE', DIR: 'DIR', LNK: 'LINK', IFO: 'FIFO', SOCK: 'SOCKET', CHR: 'CHAR', BLK: 'BLOCK' };

/** The type bits of a mode are the top four of sixteen. */
const SHIFT = 12;

/** libuv's numbers of types, by the type bits of a mode. */
const TYPES = numbersOfTypes(nodeFs.constants as unknown as Readonly<Record<string, number>>);

function numbersOfTypes(constants: Readonly<Record<string, number>>): readonly number[] {
  const numbers = new Array<number>(16).fill(constants.UV_DIRENT_UNKNOWN ?? 0);
  for (const [bits, kind] of Object.entries(KINDS)) {
    numbers[(constants[`S_IF${bits}`] ?? 0) >> SHIFT] = constants[`UV_DIRENT_${kind}`] ?? 0;
  }
  return numbers;
}

/** The constructor, whose arguments Node does not document; every version from 20 to 26 takes these. */
const Dirent = nodeFs.Dirent as unknown as new (
  name: string | Buffer,
  type: number,
  parent: string | Uint8Array,
) => nodeFs.Dirent;

/** Makes a `Dirent` of a name; `type` is the type bits of its mode. */
export function makeDirent(name: string | Buffer, type: number, parent: string | Uint8Array): nodeFs.Dirent {
  return new Dirent(name, TYPES[(type >> SHIFT) & 15] ?? 0, parent);
}

/** A directory as it was given, which each Dirent in it remembers. */
export interface Parent {
  readonly path: string;
  /** The bytes, if it was given as bytes; then Dirents show it as bytes. */
  readonly bytes: Uint8Array | undefined;
}

/** Reads a directory argument for Dirents. */
export function parentOf(given: unknown): Parent {
  return { path: givenPath(given), bytes: isUint8Array(given) ? given : undefined };
}

/** A directory below a given one, as its Dirents show it. */
export function showParent(parent: Parent, relative: string): string | Uint8Array {
  if (relative === '') return parent.bytes ?? parent.path;
  const whole = path.posix.join(parent.path, relative);
  return parent.bytes === undefined ? whole : encodeName(whole);
}
