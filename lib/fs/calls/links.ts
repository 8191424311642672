/**
 * Calls that follow links: `readlink`, `realpath`.
 */

/// <reference lib="es2024.string" />

import path from 'node:path';
import { displayName } from '../../branch/bytes.ts';
import { type Errno, isErrno } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import * as ops from '../../ops/attributes.ts';
import type { Caller } from '../../tree/caller.ts';
import { isSymlink } from '../../tree/inode.ts';
import { doubt, givenPath, isUrl, takePath } from '../arguments.ts';
import { type Blame, type Call, inAllForms, type Row } from '../call.ts';
import { type Encoding, encodingIn, showName, takeOptions } from '../options.ts';
import type { Session } from '../session.ts';

interface LinkRequest {
  readonly path: string;
  readonly encoding: Encoding;
}

function parse(session: Session, given: unknown, options: unknown): LinkRequest {
  return { encoding: encodingIn(takeOptions(options)), path: takePath(session, given) };
}

const readlink = inAllForms<LinkRequest, string | Buffer>({
  name: 'readlink',
  takes: ['path'],
  syscall: 'readlink',
  parse,
  run: (io, { caller }, request) => showName(ops.readlink(io, caller, request.path), request.encoding),
});

/** `realpath.native`, which is also the promise form: `realpath(3)`. */
function nativeCall(name: string): Call<LinkRequest, string | Buffer> {
  return {
    name,
    takes: ['path'],
    syscall: 'realpath',
    callbackAt: 2,
    parse,
    run: (io, { caller }, request) => showName(ops.realpath(io, caller, request.path), request.encoding),
  };
}

interface RealpathRequest extends LinkRequest {
  /** What failed, and where. Set by `run`. */
  failed: Blame | undefined;
}

/**
 * Node's own `realpath` takes anything for a path, makes a string of it, and normalizes that as text before it follows
 * any link (node lib/fs.js).
 */
function parseRealpath(session: Session, given: unknown, options: unknown): RealpathRequest {
  const encoding = encodingIn(takeOptions(options));
  const text = (isUrl(given) ? givenPath(given) : `${given as string}`).toWellFormed();
  if (text.includes('\0')) doubt();
  const absolute = isNormal(text) ? text : path.posix.resolve(session.cwd(), text);
  return { encoding, path: absolute, failed: undefined };
}

/** Whether `resolve`, which costs more than all the rest of a call, would leave the path as it is. */
function isNormal(text: string): boolean {
  return text.startsWith('/') && !text.includes('/.') && !text.includes('//') && !text.endsWith('/');
}

/** The answer to a question, or the bare error that it throws. */
function attempt<T>(ask: () => T | Errno): T | Errno {
  try {
    return ask();
  } catch (thrown) {
    if (isErrno(thrown)) return thrown;
    throw thrown;
  }
}

/**
 * The first step on a path that fails, as Node takes them: `lstat` of each part, `stat` of each link before it is read.
 */
function findFailure(io: Io, caller: Caller, start: string): { errno: Errno; blame: Blame } | undefined {
  let whole = start;
  let at = 0;
  while (at < whole.length) {
    const slash = whole.indexOf('/', at + 1);
    const end = slash < 0 ? whole.length : slash;
    const part = whole.slice(0, end);
    at = end;
    const found = attempt(() => ops.lstat(io, caller, part));
    if (isErrno(found)) return { errno: found, blame: { syscall: 'lstat', path: displayName(part) } };
    if (!isSymlink(found)) continue;
    const target = attempt(() => ops.stat(io, caller, part));
    if (isErrno(target)) return { errno: target, blame: { syscall: 'stat', path: displayName(part) } };
    whole = path.posix.resolve(path.posix.dirname(part), ops.readlink(io, caller, part), whole.slice(end + 1));
    at = 0;
  }
  return undefined;
}

const realpathCall: Call<RealpathRequest, string | Buffer> = {
  name: 'realpath',
  takes: ['path'],
  syscall: 'lstat',
  parse: parseRealpath,
  run(io, { caller }, request) {
    try {
      return showName(ops.realpath(io, caller, request.path), request.encoding);
    } catch (thrown) {
      if (!isErrno(thrown)) throw thrown;
      const failure = findFailure(io, caller, request.path);
      request.failed = failure?.blame;
      return failure?.errno ?? thrown;
    }
  },
  blame: (_errno, { failed }) => failed,
};

/** `realpath.native`, under the name it has for a dry run. */
export const nativeRealpath: Row = inAllForms(nativeCall('realpathNative'));

/** Calls that follow links. */
export const linkCalls: readonly Row[] = [
  readlink,
  { name: 'realpath', sync: realpathCall, callback: realpathCall, promise: nativeCall('realpath') },
];
