/**
 * Calls that make, move and remove names.
 */

import { randomBytes } from 'node:crypto';
import { displayName } from '../../branch/bytes.ts';
import { EEXIST, EINVAL, ENOENT, ENOTDIR } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import * as create from '../../ops/create.ts';
import { link as linkFile, linkTmpfile } from '../../ops/link.ts';
import type { OpenFile } from '../../ops/open.ts';
import { rename as renameFile } from '../../ops/rename.ts';
import { rmdir as removeDirectory, unlink as unlinkFile } from '../../ops/unlink.ts';
import type { Caller } from '../../tree/caller.ts';
import { doubt, givenPath, takeMode, takePath, takeTarget } from '../arguments.ts';
import { type Blame, type Call, defineCall, inAllForms, type Row } from '../call.ts';
import { type Encoding, encodingIn, showName, takeObject, takeOptions } from '../options.ts';
import { MKDTEMP_NEEDS_PREFIX } from '../quirks.ts';
import type { Session } from '../session.ts';

const NEW_DIRECTORY = 0o777;
const PRIVATE_DIRECTORY = 0o700;
/** The bits that `mkdir(2)` looks at. */
const DIRECTORY_BITS = 0o1777;

interface Pair {
  readonly from: string;
  readonly to: string;
}

const rename = inAllForms<Pair, void>({
  name: 'rename',
  takes: ['path', 'path'],
  syscall: 'rename',
  parse: (session, from, to) => ({ from: takePath(session, from), to: takePath(session, to) }),
  run: (io, { caller }, { from, to }) => renameFile(io, caller, from, to),
});

/** How Linux names an open file: linking that gives an anonymous file its name (open(2), O_TMPFILE). */
const OPEN_FILE = /^\/proc\/self\/fd\/(\d+)$/;

function openFileAt(session: Session, path: string): OpenFile | undefined {
  const fd = OPEN_FILE.exec(path)?.[1];
  return fd === undefined ? undefined : session.descriptors.get(Number(fd));
}

const link = inAllForms<{ from: string | OpenFile; to: string }, void>({
  name: 'link',
  takes: ['path', 'path'],
  syscall: 'link',
  parse(session, from, to) {
    const path = takePath(session, from);
    return { from: openFileAt(session, path) ?? path, to: takePath(session, to) };
  },
  run(io, { caller }, { from, to }) {
    if (typeof from === 'string') linkFile(io, caller, from, to);
    else linkTmpfile(io, caller, from, to);
  },
});

const SYMLINK_TYPES: ReadonlySet<unknown> = new Set([undefined, null, 'dir', 'file', 'junction']);

const symlink = inAllForms<{ target: string; path: string }, void>({
  name: 'symlink',
  takes: ['path', 'path'],
  syscall: 'symlink',
  // The type is for Windows.
  parse(session, target, path, type) {
    if (!SYMLINK_TYPES.has(type)) doubt();
    return { target: takeTarget(target), path: takePath(session, path) };
  },
  run: (io, { caller }, { target, path }) => create.symlink(io, caller, target, path),
});

function removalRow(name: string, remove: (io: Io, caller: Caller, path: string) => void): Row {
  return inAllForms<string, void>({
    name,
    takes: ['path'],
    syscall: name,
    parse: takePath,
    run: (io, { caller }, path) => remove(io, caller, path),
  });
}

/** `rmdir` of an empty directory. */
export const rmdir = inAllForms<string, void>({
  name: 'rmdir',
  takes: ['path'],
  syscall: 'rmdir',
  // `directories.ts` handles `recursive`; no other option has an effect without it.
  parse(session, path, options) {
    if (options !== undefined && Object.keys(takeObject(options)).length > 0) doubt();
    return takePath(session, path);
  },
  run: (io, { caller }, path) => removeDirectory(io, caller, path),
});

interface MkdirRequest {
  readonly path: string;
  readonly mode: number;
  readonly parents: 'given' | 'made';
  /** What was added before the given path, and is left out of results. */
  readonly prefix: string;
  /** The part of the path that names a link that leads nowhere. Set by `runMkdir`, for the message. */
  link?: string;
}

function parseMkdir(session: Session, path: unknown, options: unknown): MkdirRequest {
  let mode: unknown = NEW_DIRECTORY;
  let parents: MkdirRequest['parents'] = 'given';
  if (typeof options === 'number' || typeof options === 'string') mode = options;
  else if (options) {
    const given = takeObject(options);
    if (given.recursive !== undefined && typeof given.recursive !== 'boolean') doubt();
    if (given.recursive) parents = 'made';
    if (given.mode === null) doubt();
    mode = given.mode ?? NEW_DIRECTORY;
  }
  const bits = takeMode(mode) & DIRECTORY_BITS;
  const absolute = takePath(session, path);
  return { path: absolute, mode: bits, parents, prefix: absolute.slice(0, -givenPath(path).length) };
}

function runMkdir(io: Io, { caller }: Session, request: MkdirRequest, dangling: create.Dangling): string | undefined {
  const { path, mode, parents, prefix } = request;
  if (parents === 'given') {
    create.mkdir(io, caller, path, mode);
    return undefined;
  }
  const made = create.mkdirs(io, caller, path, mode, dangling);
  return made === undefined ? undefined : displayName(made.slice(prefix.length));
}

const syncMkdir: Call<MkdirRequest, string | undefined> = {
  name: 'mkdir',
  takes: ['path', 'mode'],
  syscall: 'mkdir',
  parse: parseMkdir,
  run: (io, session, request) => runMkdir(io, session, request, (error) => error),
};

/**
 * Node's asynchronous form is another function than the synchronous one (node src/node_file.cc, MKDirpAsync and
 * MKDirpSync).
 */
const laterMkdir = defineCall<MkdirRequest, string | undefined>({
  ...syncMkdir,
  run: (io, session, request) =>
    runMkdir(io, session, request, (_error, end) => {
      request.link = displayName(request.path.slice(request.prefix.length, end));
      return ENOTDIR;
    }),
  blame: (_errno, { link }) => (link === undefined ? undefined : { syscall: 'mkdir', path: link }),
});

const mkdir: Row = { name: 'mkdir', sync: defineCall(syncMkdir), callback: laterMkdir, promise: laterMkdir };

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
/** How many letters `mkdtemp(3)` adds, and how many names are tried. */
const ADDED = 6;
const TRIES = 100;

interface MkdtempRequest {
  readonly prefix: string;
  /** The prefix as it was given: what the answer and error messages begin with. */
  readonly given: string;
  readonly encoding: Encoding;
  /** The letters of each try so far, since a call that is run again must try the same names. Grown by `run`. */
  readonly tried: string[];
}

/** Whether the warning was given: once, as in Node. Set by `warnOfLastX`. */
let hasWarned = false;

/** Names that end with X are made differently by other systems' mkdtemp(3) (node lib/internal/fs/utils.js). */
function warnOfLastX(prefix: string): void {
  if (hasWarned || !prefix.endsWith('X')) return;
  hasWarned = true;
  process.emitWarning(
    'mkdtemp() templates ending with X are not portable. For details see: https://nodejs.org/api/fs.html',
  );
}

function randomLetters(): string {
  let letters = '';
  for (const byte of randomBytes(ADDED)) letters += LETTERS[byte % LETTERS.length];
  return letters;
}

/** The words for a directory that could not be made. */
function blameTemplate(given: string, added: string): Blame {
  const isRefused = given === '' && MKDTEMP_NEEDS_PREFIX;
  return { syscall: 'mkdtemp', path: isRefused ? 'XXXXX' : given + added };
}

const syncMkdtemp: Call<MkdtempRequest, string | Buffer> = {
  name: 'mkdtemp',
  takes: ['path'],
  syscall: 'mkdtemp',
  parse(session, prefix, options) {
    const encoding = encodingIn(takeOptions(options));
    const given = givenPath(prefix);
    warnOfLastX(given);
    // An empty prefix is a name in the working directory, not an empty path.
    const path = takePath(session, given === '' ? './' : prefix);
    return { prefix: path, given, encoding, tried: [] };
  },
  run(io, { caller }, { prefix, given, encoding, tried }) {
    if (given === '' && MKDTEMP_NEEDS_PREFIX) return EINVAL;
    // The working directory was removed.
    if (prefix === '') return ENOENT;
    for (let i = 0; i < TRIES; i++) {
      const added = tried[i] ?? randomLetters();
      tried[i] = added;
      try {
        create.mkdir(io, caller, prefix + added, PRIVATE_DIRECTORY);
        return showName(given + added, encoding);
      } catch (thrown) {
        if (thrown !== EEXIST) throw thrown;
      }
    }
    return EEXIST;
  },
  blame: (_errno, { given }) => blameTemplate(given, 'XXXXXX'),
};

/**
 * Errors of what Node does later show the name that was tried, since mkdtemp(3) writes it over the letters X of libuv's
 * copy of the path.
 */
const laterMkdtemp = defineCall<MkdtempRequest, string | Buffer>({
  ...syncMkdtemp,
  blame: (_errno, { given, tried }) => blameTemplate(given, tried.at(-1) ?? ''),
});

const mkdtemp: Row = {
  name: 'mkdtemp',
  sync: defineCall(syncMkdtemp),
  callback: laterMkdtemp,
  promise: laterMkdtemp,
};

/** Calls that make, move and remove names. */
export const nameCalls: readonly Row[] = [
  rename,
  link,
  symlink,
  removalRow('unlink', unlinkFile),
  rmdir,
  mkdir,
  mkdtemp,
];
