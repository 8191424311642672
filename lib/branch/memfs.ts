/**
 * memfs as a branch: how to recognise it, and how to get around its permission checks.
 *
 * The overlay checks permissions itself, for its own callers, before it asks a branch. On the disk the kernel then
 * checks the rights of the process, as it should. memfs imitates that check, but without the exception for root and
 * without knowing who calls, so nobody could read a file of mode 0. So the files and directories on the way are opened
 * to everybody for the moment of the call. Nothing else runs meanwhile, and no time of theirs changes.
 *
 * memfs reports links with mode 0666 and size 0. Linux reports 0777 and the length of the target (symlink(7)).
 */

import { constants } from 'node:fs';
import { codeOf } from '../errno.ts';
import { lengthOf } from './bytes.ts';

const { S_IFMT, S_IFLNK } = constants;

/** What is needed of a memfs inode: its mode, which can be set without side effects. */
interface Node {
  mode: number;
}

/** What is needed of a memfs directory entry. */
interface Link {
  getNode(): Node;
  getChild(name: string): Link | undefined;
}

/** Others may read, write and search; memfs looks at these bits first. */
const OPEN_TO_ALL = 0o007;

function objectIn(owner: object, name: string): object | undefined {
  const found: unknown = Reflect.get(owner, name);
  return typeof found === 'object' && found !== null ? found : undefined;
}

/** The memfs `Volume` that an fs-like thing is, or was made from; undefined where it is none. */
export function volumeIn(fs: object): object | undefined {
  const volume = objectIn(fs, '__vol') ?? objectIn(fs, 'vol') ?? fs;
  const isVolume = ['fromJSON', 'toJSON', 'reset'].every((name) => typeof Reflect.get(volume, name) === 'function');
  return isVolume ? volume : undefined;
}

/**
 * Makes a function of a volume ignore permissions. `reach` is `way` for a function that looks at or changes names,
 * `file` for one that opens what the path names.
 */
export function permitted<Given extends unknown[]>(
  volume: object,
  call: (...given: Given) => unknown,
  reach: 'way' | 'file',
): (...given: Given) => unknown {
  return (...given) => {
    try {
      return call(...given);
    } catch (thrown) {
      if (codeOf(thrown) !== 'EACCES') throw thrown;
      const closed = new Map<Node, number>();
      for (const path of given.slice(0, 2)) {
        if (typeof path === 'string' && path.startsWith('/')) gather(volume, path, reach, closed);
      }
      for (const [node, mode] of closed) node.mode = mode | OPEN_TO_ALL;
      try {
        return call(...given);
      } finally {
        for (const [node, mode] of closed) node.mode = mode;
      }
    }
  };
}

/** Makes memfs's `lstat` report links as Linux does. */
export function linuxLinks<Path, Options extends object>(
  lstat: (path: Path, options: Options) => unknown,
  readlink: (path: Path, options: object) => unknown,
): (path: Path, options: Options) => unknown {
  return (path, options) => {
    const stats = lstat(path, options);
    if (typeof stats !== 'object' || stats === null || !('mode' in stats && 'size' in stats)) return stats;
    const isExact = typeof stats.mode === 'bigint';
    if ((Number(stats.mode) & S_IFMT) !== S_IFLNK) return stats;
    const size = lengthOf(String(readlink(path, {})));
    stats.mode = isExact ? BigInt(S_IFLNK | 0o777) : S_IFLNK | 0o777;
    stats.size = isExact ? BigInt(size) : size;
    return stats;
  };
}

/** Adds the inodes on the way along `path` to `found`, with their modes. */
function gather(volume: object, path: string, reach: 'way' | 'file', found: Map<Node, number>): void {
  const core = objectIn(volume, '_core');
  let link = core && objectIn(core, 'root');
  const names = path.split('/').filter((name) => name !== '');
  const last = reach === 'file' ? names.length : names.length - 1;
  for (let depth = 0; link !== undefined && isLink(link) && depth <= last; depth++) {
    const node = link.getNode();
    found.set(node, node.mode);
    link = link.getChild(names[depth] ?? '');
  }
}

/** A later memfs may look different inside; then its refusals stand. */
function isLink(link: object): link is Link {
  return 'getNode' in link && typeof link.getNode === 'function' && 'getChild' in link;
}
