/**
 * `cp`: copies a file, or a directory with everything in it.
 *
 * The steps, their order and what is refused are Node's (lib/internal/fs/cp). Contents go through `copyFile`, so that a
 * copy shares the pages of the file (P8).
 *
 * Since Node 22 parts of `cpSync` are written in C++. Its first checks have another wording, which is used here too
 * (`cp-checks.ts`). Otherwise all forms do the same: the C++ code has different bugs in every version (it loses modes
 * and `dereference`, skips special files, confuses links with their targets, or aborts the process).
 */

import type { Stats } from 'node:fs';
import path from 'node:path';
import { isPromise } from 'node:util/types';
import { codeOf } from '../../errno.ts';
import { Checks, type Ends, isWithin, type Level } from './cp-checks.ts';
import type { CpPlace, CpRequest } from './cp-request.ts';
import { FileSteps, type Path } from './file-steps.ts';
import {
  DIRECTORIES_KEEP_TIMES,
  MERGE_IS_REFUSED,
  NATIVE_CP_CHECKS,
  NATIVE_DIRECTORIES,
  ONLY_DIRECTORIES_HOLD,
} from './quirks.ts';
import { nested, type Sequence, step } from './steps.ts';

/** `cp`. */
export function* cp(place: CpPlace, request: CpRequest): Sequence<void> {
  yield* new Copying(place, request).begin();
}

/** One `cp`. */
class Copying {
  readonly #place: CpPlace;
  readonly #request: CpRequest;
  readonly #steps: FileSteps;
  readonly #checks: Checks;

  constructor(place: CpPlace, request: CpRequest) {
    this.#place = place;
    this.#request = request;
    this.#steps = new FileSteps(place.fs);
    this.#checks = new Checks(place, request, this.#steps);
  }

  *begin(): Sequence<void> {
    const { recursive } = this.#request;
    const { refusals } = this.#checks;
    const isNative = this.#place.form === 'now' && NATIVE_CP_CHECKS;
    const { from, to } = isNative ? inText(this.#request) : this.#request;
    if (!(yield* this.#isWanted(from, to))) return;
    const { source, target } = yield* this.#checks.ends('given', from, to);
    yield* this.#checks.parents(from, source, to);
    if (isNative) {
      // C++ checks before it makes anything.
      if (source.isDirectory() && !recursive) throw refusals.notRecursive('given', from);
      if (!isCopied(source)) throw refusals.special('given', source, to);
    }
    yield* this.#makeParents(to);
    yield* this.#copy('given', from as string, to as string, source, target);
  }

  /** Whether the caller's filter lets something be copied. */
  *#isWanted(from: Path, to: Path): Sequence<boolean> {
    const { filter } = this.#request;
    if (filter === undefined) return true;
    const answer = yield* step<unknown>(
      () => {
        const now = filter(from, to);
        if (isPromise(now)) throw noPromises();
        return now;
      },
      async () => filter(from, to),
    );
    return Boolean(answer);
  }

  *#makeParents(to: Path): Sequence<void> {
    const parent = path.dirname(to as string);
    // Only the asynchronous forms report errors of the parent (node's `existsSync` swallows them).
    const swallowed = this.#place.form === 'now' ? ['ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'] : [];
    const found = yield* this.#steps.lookFor('stat', parent, 'ENOENT', ...swallowed);
    if (found === undefined) yield* this.#steps.mkdirs(parent);
  }

  /** Copies something in a directory that is copied. */
  *#copyEntry(level: Level, from: string, to: string): Sequence<void> {
    if (!(yield* this.#isWanted(from, to))) return;
    const { source, target } = yield* this.#checks.ends(level, from, to);
    yield* this.#copy(level, from, to, source, target);
  }

  *#copy(level: Level, from: string, to: string, source: Stats, target: Ends['target']): Sequence<void> {
    const { refusals } = this.#checks;
    if (source.isDirectory()) {
      if (!this.#request.recursive) throw refusals.notRecursive(level, from);
      yield* this.#copyDirectory(from, to, source, target);
    } else if (source.isSymbolicLink()) {
      yield* this.#copyLink(from, to, target);
    } else if (isCopied(source)) {
      yield* this.#copyFile(level, from, to, source.mode, target);
    } else {
      throw refusals.special(level, source, to);
    }
  }

  *#copyFile(level: Level, from: string, to: string, mode: number, target: Ends['target']): Sequence<void> {
    if (target !== undefined) {
      if (!this.#request.force) {
        if (this.#request.errorOnExist) throw this.#checks.refusals.exists(to);
        return;
      }
      yield* this.#steps.unlink(to);
    }
    yield* this.#steps.copyFile(from, to, this.#request.mode);
    if (this.#request.preserveTimestamps) {
      // The times of a read-only file cannot be set.
      if ((mode & 0o200) === 0) yield* this.#steps.chmod(to, mode | 0o200);
      yield* this.#keepTimes(level, from, to);
    }
    yield* this.#steps.chmod(to, mode);
  }

  /** Asked again, since reading the file has changed its `atime`. */
  *#keepTimes(level: Level, from: string, to: string): Sequence<void> {
    const { atime, mtime } = yield* this.#isNative(level) ? this.#steps.times(from) : this.#steps.look('stat', from);
    yield* this.#steps.utimes(to, atime, mtime);
  }

  /** Whether Node copies something in C++, by where it is. */
  #isNative(level: Level): boolean {
    const { dereference, filter } = this.#request;
    if (level === 'given' || filter !== undefined) return false;
    const natives = NATIVE_DIRECTORIES[this.#place.form];
    return natives === 'all' || (natives !== 'none' && level === 'in a new directory' && !dereference);
  }

  *#copyDirectory(from: string, to: string, source: Stats, target: Ends['target']): Sequence<void> {
    const { errorOnExist, force, preserveTimestamps } = this.#request;
    if (target === undefined) yield* this.#steps.mkdir(to);
    else if (errorOnExist && !force && MERGE_IS_REFUSED[this.#place.form]) throw this.#checks.refusals.exists(to);
    const level = target === undefined ? 'in a new directory' : 'below';
    for (const name of yield* this.#steps.names(from))
      yield* nested(this.#copyEntry(level, path.join(from, name), path.join(to, name)));
    if (preserveTimestamps && DIRECTORIES_KEEP_TIMES) yield* this.#keepTimes(level, from, to);
    if (target === undefined) yield* this.#steps.chmod(to, source.mode);
  }

  *#copyLink(from: string, to: string, target: Ends['target']): Sequence<void> {
    let content = yield* this.#steps.readlink(from);
    if (!this.#request.verbatimSymlinks && !path.isAbsolute(content)) {
      content = path.posix.resolve(this.#place.cwd, path.dirname(from), content);
    }
    const replaced = target === undefined ? undefined : yield* this.#contentOf(to);
    if (replaced !== undefined) {
      yield* this.#checkLinks(from, to, content, path.posix.resolve(this.#place.cwd, path.dirname(to), replaced));
      yield* this.#steps.unlink(to);
    }
    // A link does not replace anything but a link: EEXIST.
    yield* this.#steps.symlink(content, to);
  }

  /** Where a link points; undefined for anything else. */
  *#contentOf(link: string): Sequence<string | undefined> {
    try {
      return yield* this.#steps.readlink(link);
    } catch (error) {
      if (codeOf(error) === 'EINVAL') return undefined;
      throw error;
    }
  }

  /** Refuses to replace a link if something would then contain itself. */
  *#checkLinks(from: string, to: string, content: string, replaced: string): Sequence<void> {
    const holds =
      !ONLY_DIRECTORIES_HOLD || (yield* this.#steps.lookFor('stat', from, 'ENOENT', 'ELOOP'))?.isDirectory();
    const whole = path.posix.resolve(this.#place.cwd, content);
    if (holds && isWithin(replaced, whole)) {
      const message = `cannot copy ${content} to a subdirectory of self ${replaced}`;
      throw this.#checks.refusals.links('ERR_FS_CP_EINVAL', message, to);
    }
    const other = yield* this.#steps.look('stat', this.#place.form === 'now' ? to : from);
    if (other.isDirectory() && isWithin(whole, replaced)) {
      const message = `cannot overwrite ${replaced} with ${content}`;
      throw this.#checks.refusals.links('ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY', message, to);
    }
  }
}

/** Whether it is something that can be copied. */
function isCopied(source: Stats): boolean {
  const isOfPlainKind = source.isFile() || source.isDirectory() || source.isSymbolicLink();
  return isOfPlainKind || source.isCharacterDevice() || source.isBlockDevice();
}

/** The paths as C++ takes them, which knows bytes as well. */
function inText({ from, to }: CpRequest): Pick<CpRequest, 'from' | 'to'> {
  return { from: textOf(from), to: textOf(to) };
}

function textOf(given: Path): string {
  return typeof given === 'string' ? given : Buffer.from(given).toString();
}

function noPromises(): TypeError {
  const message = 'Expected boolean to be returned from the "filter" function but got an instance of Promise.';
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_RETURN_VALUE' });
}
