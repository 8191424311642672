/** The part of the front that globs, where the running Node does. */

import type { Dirent } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { doubt } from '../arguments.ts';
import { type Callback, parseOrThrow } from '../call.ts';
import { deliver } from '../forms.ts';
import { runLater, runNow } from '../sequences/steps.ts';
import type { FileSystem, Parts, Session } from '../session.ts';
import { type GlobRequest, glob } from './glob.ts';

function areStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** Reads the arguments of `glob`; what is not plainly right is doubted. */
function parse(session: Session, pattern: unknown, given: unknown): GlobRequest {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) doubt();
  const { cwd, exclude, withFileTypes } = (given ?? {}) as {
    cwd?: unknown;
    exclude?: unknown;
    withFileTypes?: unknown;
  };
  if (exclude !== undefined && exclude !== null && typeof exclude !== 'function' && !areStrings(exclude)) doubt();
  if (typeof pattern !== 'string' && !areStrings(pattern)) doubt();
  const from = cwd instanceof URL ? fileURLToPath(cwd) : (cwd ?? '.');
  if (typeof from !== 'string') doubt();
  return {
    patterns: typeof pattern === 'string' ? [pattern] : (pattern as readonly string[]),
    cwd: path.posix.resolve(session.cwd(), String(from)),
    withFileTypes: Boolean(withFileTypes),
    exclude: (exclude ?? undefined) as GlobRequest['exclude'],
  };
}

/** A directory in which nothing is, for Node to look in when it is asked about the other arguments. */
const NOWHERE = '/dev/null/nowhere';

function request(session: Session, pattern: unknown, options: unknown): GlobRequest {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  const harmless = [pattern, isObject ? { ...options, cwd: NOWHERE } : options];
  return parseOrThrow('globSync', [], harmless, () => parse(session, pattern, options));
}

export function globbing(session: Session, fs: FileSystem): Parts {
  return {
    fs: {
      globSync: (pattern: unknown, options?: unknown) => runNow(glob(fs, request(session, pattern, options))),
      glob: (pattern: unknown, options: unknown, callback?: unknown) => {
        const given = typeof options === 'function' ? undefined : options;
        const done = (typeof options === 'function' ? options : callback) as Callback;
        deliver(runLater(glob(fs, request(session, pattern, given))), done);
      },
    },
    promises: {
      async *glob(pattern: unknown, options?: unknown): AsyncGenerator<string | Dirent, void, undefined> {
        yield* await runLater(glob(fs, request(session, pattern, options)));
      },
    },
  };
}
