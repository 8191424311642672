/** The arguments of `cp`. */

import { constants } from 'node:fs';
import { doubt, takeBits, takePath } from '../arguments.ts';
import { type Options, takeObject } from '../options.ts';
import type { FileSystem, Session } from '../session.ts';
import { ownPath, type Path } from './file-steps.ts';

const { COPYFILE_EXCL, COPYFILE_FICLONE, COPYFILE_FICLONE_FORCE } = constants;

/** See the file comment. */
export interface CpRequest {
  /** As given; a URL as its path. Bytes are refused on the way by the functions of `node:path`, as in Node. */
  readonly from: Path;
  readonly to: Path;
  readonly dereference: boolean;
  readonly errorOnExist: boolean;
  readonly filter: ((from: Path, to: Path) => unknown) | undefined;
  readonly force: boolean;
  /** Of `copyFile`. */
  readonly mode: number;
  readonly preserveTimestamps: boolean;
  readonly recursive: boolean;
  readonly verbatimSymlinks: boolean;
}

/** Where and how a `cp` is done. */
export interface CpPlace {
  readonly fs: FileSystem;
  readonly form: 'now' | 'later';
  /** The working directory. */
  readonly cwd: string;
  /** The function of the front: the stack of an error begins at its caller. */
  readonly above: (...args: never[]) => unknown;
}

function takeFlag(options: Options, name: string, otherwise: boolean): boolean {
  if (!(name in options)) return otherwise;
  if (typeof options[name] !== 'boolean') doubt();
  return Boolean(options[name]);
}

function takeFilter({ filter }: Options): CpRequest['filter'] {
  if (filter !== undefined && typeof filter !== 'function') doubt();
  return filter as CpRequest['filter'];
}

function takeGiven(session: Session, path: unknown): Path {
  takePath(session, path);
  return ownPath(path);
}

/** Reads the arguments of `cp`. */
export function parseCp(session: Session, from: unknown, to: unknown, given: unknown): CpRequest {
  // What options inherit does not count.
  const options = { ...takeObject(given) };
  const request = {
    dereference: takeFlag(options, 'dereference', false),
    errorOnExist: takeFlag(options, 'errorOnExist', false),
    filter: takeFilter(options),
    force: takeFlag(options, 'force', true),
    mode: takeBits(options.mode, COPYFILE_EXCL | COPYFILE_FICLONE | COPYFILE_FICLONE_FORCE),
    preserveTimestamps: takeFlag(options, 'preserveTimestamps', false),
    recursive: takeFlag(options, 'recursive', false),
    verbatimSymlinks: takeFlag(options, 'verbatimSymlinks', false),
    from: takeGiven(session, from),
    to: takeGiven(session, to),
  };
  if (request.dereference && request.verbatimSymlinks) doubt();
  return request;
}
