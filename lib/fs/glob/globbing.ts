/** The part of the front that globs, where the running Node does. */

import type { Dirent } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { originalFs } from '../../node/original-fs.ts';
import { doubt, isUrl } from '../arguments.ts';
import { type Callback, parseOrThrow } from '../call.ts';
import { dryRun } from '../dry-run.ts';
import { deliver } from '../forms.ts';
import { GLOB_CALLS_BACK_REFUSALS } from '../quirks.ts';
import { runLater, runNow } from '../sequences/steps.ts';
import type { FileSystem, Parts, Session } from '../session.ts';
import { type GlobRequest, glob, globOneByOne } from './glob.ts';

/** Node 20 has none. */
const { globSync } = originalFs as unknown as { globSync(pattern: string, options: object): unknown };

/** A directory that does not exist, in which Node searches when it is asked about the other arguments. */
const NOWHERE = '/dev/null/nowhere';

/** Whether the running Node's `glob` has options that not every version has. */
interface KnownOptions {
  readonly followSymlinks: boolean;
  readonly maxDepth: boolean;
}

/** Undefined until they are needed. */
let known: KnownOptions | undefined;

/** Whether Node checks an option: then it refuses a wrong value. */
function looksAt(option: keyof KnownOptions): boolean {
  try {
    globSync('', { cwd: NOWHERE, [option]: 'wrong' });
    return false;
  } catch {
    return true;
  }
}

/** The value of an option that the running Node may not know. */
function knownOption(options: Readonly<Record<string, unknown>>, name: keyof KnownOptions): unknown {
  const value = options[name] ?? undefined;
  if (value === undefined) return undefined;
  known ??= { followSymlinks: looksAt('followSymlinks'), maxDepth: looksAt('maxDepth') };
  return known[name] ? value : undefined;
}

function areStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** Reads the arguments of `glob`; what is not plainly right is doubted. */
function parse(session: Session, pattern: unknown, given: unknown): GlobRequest {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) doubt();
  const options = (given ?? {}) as Readonly<Record<string, unknown>>;
  const { cwd, exclude, withFileTypes } = options;
  if (exclude !== undefined && exclude !== null && typeof exclude !== 'function' && !areStrings(exclude)) doubt();
  if (typeof pattern !== 'string' && !areStrings(pattern)) doubt();
  const from = isUrl(cwd) ? fileURLToPath(cwd) : (cwd ?? '.');
  if (typeof from !== 'string') doubt();
  const follow = knownOption(options, 'followSymlinks') ?? false;
  if (typeof follow !== 'boolean') doubt();
  const maxDepth = knownOption(options, 'maxDepth') ?? Number.POSITIVE_INFINITY;
  if (maxDepth !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(maxDepth) || Number(maxDepth) < 0)) doubt();
  return {
    patterns: typeof pattern === 'string' ? [pattern] : (pattern as readonly string[]),
    cwd: String(from),
    processCwd: session.cwd(),
    withFileTypes: Boolean(withFileTypes),
    exclude: (exclude ?? undefined) as GlobRequest['exclude'],
    links: follow === true ? 'followed' : 'left',
    maxDepth: Number(maxDepth),
  };
}

function request(session: Session, pattern: unknown, options: unknown): GlobRequest {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  const { cwd = '.' } = isObject ? (options as { readonly cwd?: unknown }) : {};
  // What cannot be a directory is left for Node to refuse.
  const isPlace = cwd === null || typeof cwd === 'string' || isUrl(cwd);
  const harmless = [pattern, isObject && isPlace ? { ...options, cwd: NOWHERE } : options];
  return parseOrThrow('globSync', [], harmless, () => parse(session, pattern, options));
}

/** Checks the callback; throws Node's error where it is not a function. */
function takeCallback(callback: unknown): Callback {
  if (typeof callback !== 'function') dryRun('glob', [], ['', { cwd: NOWHERE }, callback]);
  return callback as Callback;
}

/** The callback and promise forms give Dirents with whole paths, even if `cwd` is relative. */
function requestForLater(session: Session, pattern: unknown, options: unknown): GlobRequest {
  const asked = request(session, pattern, options);
  return { ...asked, cwd: path.posix.resolve(asked.processCwd, asked.cwd) };
}

/** See the file comment. */
export function globbing(session: Session, fs: FileSystem): Parts {
  return {
    fs: {
      globSync: (pattern: unknown, options?: unknown) => runNow(glob(fs, request(session, pattern, options))),
      glob: (pattern: unknown, options: unknown, callback?: unknown) => {
        const given = typeof options === 'function' ? undefined : options;
        const done = takeCallback(typeof options === 'function' ? options : callback);
        const search = () => runLater(glob(fs, requestForLater(session, pattern, given)));
        deliver(GLOB_CALLS_BACK_REFUSALS ? Promise.resolve().then(search) : search(), done);
      },
    },
    promises: {
      async *glob(pattern: unknown, options?: unknown): AsyncGenerator<string | Dirent, void, undefined> {
        yield* globOneByOne(fs, requestForLater(session, pattern, options));
      },
    },
  };
}
