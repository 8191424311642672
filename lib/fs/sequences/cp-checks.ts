/**
 * What `cp` refuses: copying something onto or into itself, over something of another type, or something that cannot be
 * copied.
 */

import type { Stats } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import type { CpPlace, CpRequest } from './cp-request.ts';
import type { FileSteps, Path } from './file-steps.ts';
import { nativeCpError } from './native-errors.ts';
import { NATIVE_CP_CHECKS } from './quirks.ts';
import type { Sequence } from './steps.ts';
import { type Refusal, type RefusalCode, refusal } from './system-error.ts';

/** What is at both ends of a copy. */
export interface Ends {
  readonly source: Stats;
  readonly target: Stats | undefined;
}

/**
 * Whether something is about the paths that `cp` was given, or about paths below them, in a directory that it has made
 * or in one that was there.
 */
export type Level = 'given' | 'in a new directory' | 'below';

/** A path from the root. Bytes are refused in the words of `node:path`. */
function absolute({ cwd }: CpPlace, given: Path): string {
  return typeof given === 'string' ? path.posix.resolve(cwd, given) : path.resolve(given as unknown as string);
}

/** Whether the absolute path `inner` is `outer` or lies below it, as text. */
export function isWithin(inner: string, outer: string): boolean {
  return inner === outer || outer === '/' || inner.startsWith(`${outer}/`);
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

function withSlash(directory: Path): string {
  const text = String(directory);
  return text.endsWith('/') ? text : `${text}/`;
}

/** The errors of one `cp`. */
export class Refusals {
  readonly #place: CpPlace;
  /** Whether the errors about the given paths are worded as in C++. */
  readonly #isNative: boolean;

  constructor(place: CpPlace) {
    this.#place = place;
    this.#isNative = place.form === 'now' && NATIVE_CP_CHECKS;
  }

  /** @param native the wording of C++ for given paths */
  #make(level: Level, code: RefusalCode, refused: Omit<Refusal, 'syscall'>, native: string): Error {
    if (level === 'given' && this.#isNative) return nativeCpError(code, native, this.#place.above);
    const { message, path, errno = constants.errno[refused.code] } = refused;
    return refusal(code, { message, path, syscall: 'cp', errno, code: refused.code }, this.#place.above);
  }

  same(level: Level, to: Path): Error {
    const message = 'src and dest cannot be the same';
    return this.#make(level, 'ERR_FS_CP_EINVAL', { message, path: to, code: 'EINVAL' }, `${message} ${to}`);
  }

  overFile(level: Level, from: Path, to: Path): Error {
    const words = `annot overwrite non-directory ${to} with directory ${from}`;
    const refused = { message: `c${words}`, path: to, code: 'EISDIR' } as const;
    return this.#make(level, 'ERR_FS_CP_DIR_TO_NON_DIR', refused, `C${words}`);
  }

  overDirectory(level: Level, from: Path, to: Path): Error {
    const words = `annot overwrite directory ${to} with non-directory ${from}`;
    const refused = { message: `c${words}`, path: to, code: 'ENOTDIR' } as const;
    return this.#make(level, 'ERR_FS_CP_NON_DIR_TO_DIR', refused, `C${words}`);
  }

  intoItself(level: Level, from: Path, to: Path): Error {
    const message = `cannot copy ${from} to a subdirectory of self ${to}`;
    const native = `Cannot copy ${withSlash(from)} to a subdirectory of self ${to}`;
    return this.#make(level, 'ERR_FS_CP_EINVAL', { message, path: to, code: 'EINVAL' }, native);
  }

  notRecursive(level: Level, from: Path): Error {
    // The synchronous form gives another number than the others.
    const errno = this.#place.form === 'now' ? constants.errno.EINVAL : constants.errno.EISDIR;
    const refused = {
      message: `${from} is a directory (not copied)`,
      path: from,
      code: 'EISDIR',
      errno,
    } as const;
    const native = `Recursive option not enabled, cannot copy a directory: ${withSlash(from)}`;
    return this.#make(level, 'ERR_FS_EISDIR', refused, native);
  }

  /** The error for something that is neither a file nor a directory nor a link nor a device. */
  special(level: Level, source: Stats, to: Path): Error {
    const [code, words] = source.isSocket()
      ? (['ERR_FS_CP_SOCKET', 'annot copy a socket file'] as const)
      : source.isFIFO()
        ? (['ERR_FS_CP_FIFO_PIPE', 'annot copy a FIFO pipe'] as const)
        : (['ERR_FS_CP_UNKNOWN', 'annot copy an unknown file type'] as const);
    const refused = { message: `c${words}: ${to}`, path: to, code: 'EINVAL' } as const;
    return this.#make(level, code, refused, `C${words}: ${to}`);
  }

  exists(to: Path): Error {
    const refused = { message: `${to} already exists`, path: to, code: 'EEXIST' } as const;
    return this.#make('below', 'ERR_FS_CP_EEXIST', refused, '');
  }

  /** The error for a link that would be replaced by one to something that holds it, or the other way round. */
  links(code: RefusalCode, message: string, to: Path): Error {
    return this.#make('below', code, { message, path: to, code: 'EINVAL' }, '');
  }
}

/** The checks of one `cp`. */
export class Checks {
  readonly refusals: Refusals;
  readonly #place: CpPlace;
  readonly #request: CpRequest;
  readonly #steps: FileSteps;

  constructor(place: CpPlace, request: CpRequest, steps: FileSteps) {
    this.#place = place;
    this.#request = request;
    this.#steps = steps;
    this.refusals = new Refusals(place);
  }

  /** Looks at both ends. */
  *ends(level: Level, from: Path, to: Path): Sequence<Ends> {
    const { refusals } = this;
    const look = this.#request.dereference ? 'stat' : 'lstat';
    const source = yield* this.#steps.look(look, from);
    const target = yield* this.#steps.lookFor(look, to, 'ENOENT');
    const isDirectory = source.isDirectory();
    if (target !== undefined) {
      if (isSame(source, target)) throw refusals.same(level, to);
      if (isDirectory && !target.isDirectory()) throw refusals.overFile(level, from, to);
      if (!isDirectory && target.isDirectory()) throw refusals.overDirectory(level, from, to);
    }
    if (isDirectory && isWithin(absolute(this.#place, to), absolute(this.#place, from))) {
      throw refusals.intoItself(level, from, to);
    }
    return { source, target };
  }

  /** Checks for every directory above the target that it is not the source by another name. */
  *parents(from: Path, source: Stats, to: Path): Sequence<void> {
    const fromParent = absolute(this.#place, path.dirname(from as string));
    let at: Path = to;
    for (;;) {
      const parent = absolute(this.#place, path.dirname(at as string));
      if (parent === fromParent || parent === '/') return;
      const found = yield* this.#steps.lookFor('stat', parent, 'ENOENT');
      if (found === undefined) return;
      if (isSame(source, found)) throw this.refusals.intoItself('given', from, at);
      at = parent;
    }
  }
}
