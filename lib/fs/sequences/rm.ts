/**
 * `rm`: removes a file, or a directory with everything in it.
 *
 * If nothing forbids it and the tree is not watched, it is removed at once (`ops/remove-tree.ts`). Otherwise it is
 * removed name by name as in Node: everything goes that may, and the error is that of the call which failed.
 */

import { posix } from 'node:path';
import { codeOf, isErrno } from '../../errno.ts';
import { type Io, runAsync, runSync } from '../../fault.ts';
import { type EmptyOnes, removeTree } from '../../ops/remove-tree.ts';
import type { Timers } from '../../waiting/timers.ts';
import { doubt, takePath } from '../arguments.ts';
import { shownPath } from '../errors.ts';
import { type Options, takeObject } from '../options.ts';
import type { FileSystem, Session } from '../session.ts';
import { FileSteps, ownPath, type Path } from './file-steps.ts';
import { nativeRmError } from './native-errors.ts';
import { NATIVE_RM, RM_NAMES_URLS } from './quirks.ts';
import { nested, pause, type Sequence, step, together } from './steps.ts';
import { refusal } from './system-error.ts';

/** The arguments of `rm`. */
export interface RmRequest {
  /** As given, for calls and error messages; a URL as its path. */
  readonly path: Path;
  /** As given. */
  readonly given: Path | URL;
  /** The same, absolute. */
  readonly whole: string;
  readonly force: boolean;
  readonly recursive: boolean;
  /** How often a failed step is tried again, and by how much the delay grows each time, in milliseconds. */
  readonly maxRetries: number;
  readonly retryDelay: number;
}

/** Where and how an `rm` is done. */
export interface RmPlace {
  readonly session: Session;
  readonly fs: FileSystem;
  readonly form: 'now' | 'later';
  /** The function of the front: the stack of an error begins at its caller. */
  readonly above: (...args: never[]) => unknown;
}

function takeFlag(options: Options, name: string): boolean {
  if (!(name in options)) return false;
  if (typeof options[name] !== 'boolean') doubt();
  return Boolean(options[name]);
}

function takeCount(options: Options, name: string, most: number, otherwise: number): number {
  if (!(name in options)) return otherwise;
  const value = options[name];
  if (!(Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most)) doubt();
  return Number(value);
}

/** Reads the arguments of `rm`. */
export function parseRm(session: Session, path: unknown, given: unknown): RmRequest {
  // What options inherit does not count.
  const options = { ...takeObject(given) };
  return {
    force: takeFlag(options, 'force'),
    recursive: takeFlag(options, 'recursive'),
    maxRetries: takeCount(options, 'maxRetries', 2 ** 32 - 1, 0),
    retryDelay: takeCount(options, 'retryDelay', 2 ** 31 - 1, 100),
    whole: takePath(session, path),
    path: ownPath(path),
    given: path as Path | URL,
  };
}

/** The errors after which a step is tried again (node lib/internal/fs/rimraf.js). */
const PASSING: ReadonlySet<unknown> = new Set(['EBUSY', 'EMFILE', 'ENFILE', 'ENOTEMPTY', 'EPERM']);
/** The errors by which `rmdir` may say that a directory is not empty. */
const NOT_EMPTY: ReadonlySet<unknown> = new Set(['ENOTEMPTY', 'EEXIST', 'EPERM']);
const NOT_THERE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);

const SLASH = Buffer.from('/');

/** A path whose last name is not `.` or `..`. */
function directoryOf(path: Path): Buffer {
  return Buffer.from(posix.dirname(Buffer.from(path as string).toString('latin1')), 'latin1');
}

/** `rm`. */
export function* rm(place: RmPlace, request: RmRequest): Sequence<void> {
  const { fs, form, above } = place;
  const { path, force, recursive } = request;
  // Node's synchronous form does not look first unless it must, which shows in the error.
  if (form === 'later' || !force || !recursive) {
    const isDirectory = yield* lookFirst(fs, request);
    if (isDirectory && !recursive) {
      const message = 'is a directory';
      const named = RM_NAMES_URLS[form] ? request.given : path;
      throw refusal('ERR_FS_EISDIR', { code: 'EISDIR', message, path: named, syscall: 'rm' }, above);
    }
  }
  const isNative = form === 'now' && NATIVE_RM !== 'none';
  if (recursive && (yield* removesAtOnce(place.session, request.whole, isNative ? 'are read' : 'go unread'))) return;
  const removal = new Removal(place, request);
  if (!isNative) yield* removal.remove(path);
  else yield* removeNatively(removal, path, above);
}

function* lookFirst(fs: FileSystem, { path, force }: RmRequest): Sequence<boolean> {
  try {
    return (yield* new FileSteps(fs).look('lstat', path)).isDirectory();
  } catch (error) {
    if (force && codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Removes a tree in as few operations as possible; answers whether that is done. */
function* removesAtOnce(session: Session, path: string, emptyOnes: EmptyOnes): Sequence<boolean> {
  const tryIt = (io: Io) => removeTree(io, session.caller, path, emptyOnes);
  const attempt = () =>
    step(
      () => runSync(session.caller.tree, tryIt),
      () => runAsync(tryIt),
    );
  try {
    const inTheWay = yield* attempt();
    if (isErrno(inTheWay)) return false;
    if (inTheWay.length === 0) return true;
    for (const name of inTheWay) if (!(yield* removesAtOnce(session, `${path}/${name}`, emptyOnes))) return false;
    const rest = yield* attempt();
    return !isErrno(rest) && rest.length === 0;
  } catch (thrown) {
    if (isErrno(thrown)) return false;
    throw thrown;
  }
}

/** What differs in an `rmSync` that is written in C++. */
function* removeNatively(removal: Removal, path: Path, above: RmPlace['above']): Sequence<void> {
  try {
    yield* removal.removeContentsFirst(path);
  } catch (error) {
    throw nativeRmError(error, shownPath(path), above);
  }
}

/** One `rm`, name by name. */
class Removal {
  readonly #steps: FileSteps;
  readonly #form: RmPlace['form'];
  readonly #request: RmRequest;
  readonly #timers: Timers;

  constructor({ fs, form, session }: RmPlace, request: RmRequest) {
    this.#timers = session.timers;
    this.#steps = new FileSteps(fs);
    this.#form = form;
    this.#request = request;
  }

  *remove(path: Path): Sequence<void> {
    let isDirectory = false;
    try {
      isDirectory = yield* this.#isDirectory(path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      // `unlink` gives the same error.
    }
    if (isDirectory) return yield* this.#removeDirectory(path, undefined);
    try {
      yield* this.#again(() => this.#steps.unlink(path));
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') return;
      // On some systems these errors mean a directory.
      if (code !== 'EISDIR' && code !== 'EPERM') throw error;
      yield* this.#removeDirectory(path, error);
    }
  }

  /** The same in the order of `std::filesystem::remove_all`. */
  *removeContentsFirst(path: Path): Sequence<void> {
    let isDirectory = false;
    try {
      isDirectory = yield* this.#isDirectory(path);
    } catch (error) {
      if (NOT_THERE.has(codeOf(error))) return;
    }
    if (!isDirectory) return yield* this.#again(() => this.#steps.unlink(path));
    for (const child of yield* this.#children(path)) yield* nested(this.removeContentsFirst(child));
    yield* this.#again(() => this.#steps.rmdir(path));
  }

  /** @param before the error by which it seems to be a directory, if there was one */
  *#removeDirectory(path: Path, before: unknown): Sequence<void> {
    try {
      yield* this.#steps.rmdir(path);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') return;
      if (code === 'ENOTDIR') {
        // A link followed by a slash. Node's asynchronous forms take that for done.
        if (before === undefined && this.#form === 'later') return;
        throw before ?? error;
      }
      // Whether a lower's directory that this process may not list is empty cannot be known. The kernel knows that it
      // is not, and then the listing fails.
      if (code === 'EACCES' && (yield* this.#steps.mayChangeNames(directoryOf(path)))) yield* this.#children(path);
      if (!NOT_EMPTY.has(code)) throw error;
      const children = yield* this.#children(path);
      yield* together(children.map((child) => this.remove(child)));
      yield* this.#again(() => this.#steps.rmdir(path));
    }
  }

  /** Does something, and repeats it after errors that may be temporary. */
  *#again(act: () => Sequence<void>): Sequence<void> {
    const { maxRetries, retryDelay } = this.#request;
    for (let tried = 1; ; tried++) {
      try {
        return yield* act();
      } catch (error) {
        const code = codeOf(error);
        if (code === 'ENOENT') return;
        if (!PASSING.has(code) || tried > maxRetries) throw error;
        yield* pause(this.#timers, tried * retryDelay);
      }
    }
  }

  *#isDirectory(path: Path): Sequence<boolean> {
    return (yield* this.#steps.look('lstat', path)).isDirectory();
  }

  *#children(path: Path): Sequence<Buffer[]> {
    const names = yield* this.#steps.rawNames(path);
    const start = Buffer.concat([Buffer.from(path as string), SLASH]);
    return names.map((name) => Buffer.concat([start, name]));
  }
}
