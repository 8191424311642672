/**
 * A decorator for a branch with promises only, which remembers its answers so that the synchronous API can be answered
 * too (L13).
 *
 *     promises.stat('/a') ──► branch ──► attributes ──► the record
 *     statSync('/a')      ─────────────────────────────► the record, or NotLoadedError
 *
 * So the synchronous API sees what the last asynchronous look saw. Contents are large, so they are recorded only on
 * request (`keep`: `overlay.preload`).
 */

import { constants } from 'node:fs';
import type { AsyncRequests, Attributes, Branch, Entry, Fingerprint, Requests } from '../branch.ts';
import { ownCopy, printAlike, printOf } from '../dialect.ts';
import { NotLoadedError } from '../errors.ts';

const { S_IFMT, S_IFDIR } = constants;

/** Lets a branch that can only answer later answer at once from a record. Other branches are returned as they are. */
export function recorded(branch: Branch): Branch {
  const { sync, async: requests } = branch;
  if (sync !== undefined || requests === undefined) return branch;
  const record = new Record(branch.name);
  return {
    ...branch,
    sync: new RecordedRequests(record),
    async: recording(requests, record),
    keep: (path, fingerprint) => keep(requests, record, path, fingerprint),
  };
}

/** The bytes of a file as it was with this fingerprint. */
interface Content {
  readonly fingerprint: Fingerprint;
  readonly bytes: Uint8Array;
}

/** How many absent paths are remembered. */
const MOST_ABSENT = 10_000;

/** The last answers of a branch. Changed by `look`, `recording` and `keep`. */
class Record {
  /** The branch's name. */
  readonly name: string;
  readonly attributes = new Map<string, Attributes>();
  /** Names and types, by directory. */
  readonly lists = new Map<string, Map<string, number>>();
  /**
   * Paths where nothing was found, the latest last, unless a listing shows it. At most `MOST_ABSENT`, so that asking
   * for many absent names takes little memory.
   */
  readonly absent = new Set<string>();
  readonly targets = new Map<string, string>();
  readonly contents = new Map<string, Content>();

  constructor(name: string) {
    this.name = name;
  }

  /** Records how a file looks now, also in the list that has its name; undefined where it is gone. */
  look(path: string, attributes: Attributes | undefined): void {
    const siblings = path === '/' ? undefined : this.lists.get(parentOf(path));
    if (attributes === undefined) {
      if (siblings === undefined) this.#noteAbsent(path);
      else siblings.delete(nameOf(path));
      for (const known of [this.attributes, this.lists, this.targets, this.contents]) known.delete(path);
      return;
    }
    siblings?.set(nameOf(path), attributes.mode & S_IFMT);
    this.absent.delete(path);
    this.attributes.set(path, attributes);
  }

  #noteAbsent(path: string): void {
    this.absent.delete(path);
    this.absent.add(path);
    if (this.absent.size <= MOST_ABSENT) return;
    for (const oldest of this.absent) {
      this.absent.delete(oldest);
      return;
    }
  }

  /** Whether it is known that there is nothing at a path. */
  isAbsent(path: string): boolean {
    if (path === '/') return false;
    const parent = parentOf(path);
    const siblings = this.lists.get(parent);
    if (siblings !== undefined) return !siblings.has(nameOf(path));
    if (this.absent.has(path)) return true;
    const above = this.attributes.get(parent);
    return above === undefined ? this.isAbsent(parent) : (above.mode & S_IFMT) !== S_IFDIR;
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Answers from the record. */
class RecordedRequests implements Requests {
  readonly #record: Record;

  constructor(record: Record) {
    this.#record = record;
  }

  lstat(path: string): Attributes | undefined {
    const known = this.#record.attributes.get(path);
    return known ?? this.#orAbsent('lstat', path);
  }

  revalidate(path: string): Attributes | undefined {
    return this.lstat(path);
  }

  list(path: string): readonly Entry[] | undefined {
    const known = this.#record.lists.get(path);
    return known === undefined ? this.#orAbsent('list', path) : Array.from(known, ([name, type]) => ({ name, type }));
  }

  readlink(path: string): string | undefined {
    return this.#record.targets.get(path) ?? this.#orAbsent('readlink', path);
  }

  read(path: string, fingerprint: Fingerprint, offset: number, length: number): Uint8Array | undefined {
    const known = this.#record.contents.get(path);
    if (known !== undefined && printAlike(known.fingerprint, fingerprint)) return ownCopy(known.bytes, offset, length);
    return this.#orAbsent('read', path);
  }

  statfs(): undefined {
    return undefined;
  }

  openThrough(path: string): never {
    throw this.#notLoaded('open', path);
  }

  readThrough(): never {
    throw this.#notLoaded('read', 'a special file');
  }

  writeThrough(): never {
    throw this.#notLoaded('write', 'a special file');
  }

  #orAbsent(question: string, path: string): undefined {
    if (!this.#record.isAbsent(path)) throw this.#notLoaded(question, path);
  }

  #notLoaded(question: string, path: string): NotLoadedError {
    return new NotLoadedError(this.#record, question, path);
  }
}

/** The same questions, with every answer recorded. */
function recording(requests: AsyncRequests, record: Record): AsyncRequests {
  return {
    lstat: async (path) => {
      const answer = await requests.lstat(path);
      record.look(path, answer);
      return answer;
    },
    list: async (path) => {
      const answer = await requests.list(path);
      if (answer === undefined) record.lists.delete(path);
      else record.lists.set(path, new Map(answer.map(({ name, type }) => [name, type])));
      return answer;
    },
    readlink: async (path) => {
      const answer = await requests.readlink(path);
      if (answer === undefined) record.targets.delete(path);
      else record.targets.set(path, answer);
      return answer;
    },
    read: (path, fingerprint, offset, length) => requests.read(path, fingerprint, offset, length),
    statfs: (path) => requests.statfs(path),
    openThrough: (path, flags) => requests.openThrough(path, flags),
    readThrough: (handle, target, position) => requests.readThrough(handle, target, position),
    writeThrough: (handle, source, position) => requests.writeThrough(handle, source, position),
  };
}

/** The most that is asked in one question. */
const CHUNK = 1024 * 1024;

/** Records the content of a file; false where the file no longer has this fingerprint. */
async function keep(requests: AsyncRequests, record: Record, path: string, print: Fingerprint): Promise<boolean> {
  const fingerprint = printOf(print);
  const { size } = fingerprint;
  const known = record.contents.get(path);
  if (known !== undefined && printAlike(known.fingerprint, fingerprint)) return true;
  const pieces: Uint8Array[] = [];
  for (let offset = 0; offset < size; ) {
    const piece = await requests.read(path, fingerprint, offset, Math.min(CHUNK, size - offset));
    if (piece === undefined) return false;
    // The file is shorter than its size says.
    if (piece.length === 0) break;
    pieces.push(piece);
    offset += piece.length;
  }
  record.contents.set(path, { fingerprint, bytes: Buffer.concat(pieces) });
  return true;
}
