/**
 * `readdir`: the names in a directory, with their types, or of everything below it.
 */

import { constants, type Dirent } from 'node:fs';
import { posix } from 'node:path';
import { displayName, isPlain } from '../../branch/bytes.ts';
import { type Errno, isErrno } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import { stat } from '../../ops/attributes.ts';
import { list, listTyped } from '../../ops/list.ts';
import type { Caller } from '../../tree/caller.ts';
import { isDirectory } from '../../tree/inode.ts';
import { doubt, takePath } from '../arguments.ts';
import type { Blame, Call, Row } from '../call.ts';
import { type Encoding, encodingIn, showName, takeOptions } from '../options.ts';
import {
  LINKS_IN_PROMISED_LISTING,
  LINKS_IN_TYPED_LISTING,
  LISTING_BLAMES_NORMAL_PATHS,
  type Links,
  LOOKS_AT_NAMES,
  NEXT_IN_PROMISED_LISTING,
  type Next,
} from '../quirks.ts';
import { makeDirent, type Parent, parentOf, showParent } from '../results/dirent.ts';
import type { Session } from '../session.ts';

const { S_IFDIR, S_IFLNK } = constants;

interface ReaddirRequest {
  readonly path: string;
  readonly parent: Parent;
  readonly encoding: Encoding;
  readonly content: 'names' | 'types';
  /** The state of a recursive listing; undefined for a plain one. Changed by `run`. */
  readonly below: Below | undefined;
}

interface Below {
  readonly links: Links;
  readonly next: Next;
  /** Directories still to be listed, as paths relative to the first one. */
  readonly waiting: string[];
  /** How many at the front of `waiting` are done. Changed by `listBelow`, with `waiting` and `found`. */
  done: number;
  readonly found: (string | Buffer | Dirent)[];
}

type Listed = (string | Buffer)[] | Dirent[] | (string | Buffer | Dirent)[];

/**
 * Listings with plain names only, which are shown as they are. The tree hands out the same array as long as nothing
 * changes.
 */
const plainListings = new WeakSet<readonly string[]>();

function showNames(names: readonly string[], encoding: Encoding): (string | Buffer)[] {
  if (encoding === undefined || encoding === 'utf8') {
    if (plainListings.has(names)) return names.slice();
    if (names.every(isPlain)) {
      plainListings.add(names);
      return names.slice();
    }
  }
  return names.map((name) => showName(name, encoding));
}

/** Whether a recursive listing enters something of a type; `unsure` where only a look at it tells. */
function isEntered(type: number, { uid }: Caller, content: 'names' | 'types', links: Links): boolean | 'unsure' {
  if (type === S_IFLNK) return links === 'left' ? false : 'unsure';
  if (type !== S_IFDIR) return false;
  // What may not be looked at counts as no directory.
  return content === 'names' && LOOKS_AT_NAMES && uid !== 0 ? 'unsure' : true;
}

/** The directory to be listed now; undefined at the end. */
function currentOf({ next, waiting, done }: Below): string | undefined {
  return next === 'the nearest' ? waiting[done] : waiting.at(-1);
}

/** Lists directory after directory. After a stop, the next run continues where it was. */
function listBelow(io: Io, { caller }: Session, request: ReaddirRequest, below: Below): Listed | Errno {
  const { encoding, content } = request;
  for (let relative = currentOf(below); relative !== undefined; relative = currentOf(below)) {
    const whole = relative === '' ? request.path : `${request.path}/${relative}`;
    const listing = listTyped(io, caller, whole);
    if (isErrno(listing)) return listing;
    const { names, types } = listing;
    const entered = names.map((_, i) => isEntered(types[i] ?? 0, caller, content, below.links));
    const unsure = names.filter((_, i) => entered[i] === 'unsure');
    const look = (name: string) => {
      const found = stat(io, caller, `${whole}/${name}`);
      return !isErrno(found) && isDirectory(found);
    };
    const looks = unsure.length === 0 ? [] : io.each(unsure, look, () => true);
    // From here on nothing stops or fails.
    const parent = showParent(request.parent, relative);
    const before = relative === '' ? '' : `${relative}/`;
    for (const [i, name] of names.entries()) {
      const isTyped = content === 'types';
      below.found.push(
        isTyped ? makeDirent(showName(name, encoding), types[i] ?? 0, parent) : showName(before + name, encoding),
      );
    }
    if (below.next === 'the nearest') below.done++;
    else below.waiting.pop();
    let looked = 0;
    for (const [i, name] of names.entries()) {
      if (entered[i] === 'unsure' ? looks[looked++] : entered[i]) below.waiting.push(before + name);
    }
  }
  return below.found;
}

/** The words for a directory below the first one that could not be listed. */
function blameBelow({ parent, below }: ReaddirRequest): Blame | undefined {
  const relative = (below && currentOf(below)) ?? '';
  if (relative === '') return undefined;
  const { path } = parent;
  const whole = LISTING_BLAMES_NORMAL_PATHS ? posix.join(path, relative) : `${path.replace(/\/$/, '')}/${relative}`;
  return { syscall: 'scandir', path: displayName(whole) };
}

function readdirCall(links: Links, next: Next): Call<ReaddirRequest, Listed> {
  return {
    name: 'readdir',
    takes: ['path'],
    syscall: 'scandir',
    parse(session, value, given) {
      const options = takeOptions(given);
      const { recursive } = options;
      if (recursive !== undefined && recursive !== null && typeof recursive !== 'boolean') doubt();
      return {
        encoding: encodingIn(options),
        content: options.withFileTypes ? 'types' : 'names',
        below: recursive
          ? { links: options.withFileTypes ? links : 'followed', next, waiting: [''], done: 0, found: [] }
          : undefined,
        path: takePath(session, value),
        parent: parentOf(value),
      };
    },
    blame: (_errno, request) => blameBelow(request),
    run(io, session, request) {
      if (request.below !== undefined) return listBelow(io, session, request, request.below);
      if (request.content === 'names') {
        const names = list(io, session.caller, request.path);
        return isErrno(names) ? names : showNames(names, request.encoding);
      }
      const listing = listTyped(io, session.caller, request.path);
      if (isErrno(listing)) return listing;
      const parent = showParent(request.parent, '');
      const { types } = listing;
      return showNames(listing.names, request.encoding).map((name, i) => makeDirent(name, types[i] ?? 0, parent));
    },
  };
}

const later = readdirCall(LINKS_IN_TYPED_LISTING, 'the nearest');

const readdir: Row = {
  name: 'readdir',
  sync: later,
  callback: later,
  promise: readdirCall(LINKS_IN_PROMISED_LISTING, NEXT_IN_PROMISED_LISTING),
};

/** Calls that list. */
export const listingCalls: readonly Row[] = [readdir];
