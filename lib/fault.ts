/**
 * How an operation asks what the tree does not know yet, and what happens while it waits. Read this first.
 *
 * Every operation is one synchronous function over the tree whose first argument is an `Io`. What it must learn from a
 * branch it asks through that. The sync API hands it an `Io` that asks at once. The callback and promise APIs hand it one
 * that may have no answer yet: then the question is sent, the operation is stopped by throwing a `Fault`, and once the
 * answer is there the operation runs again from the top, now finding that answer remembered (Linux's RCU walk restarts for
 * the same reason).
 *
 *     run ──► ask ──► Fault ──► await the branch ──► run again ──► ask: remembered ──► ... ──► commit, result
 *              ▲                                        │
 *              └──────── the next unknown thing ◄───────┘
 *
 * That is safe because an operation asks and checks first and changes the tree last: what has `io` as its first argument
 * may stop and be run again, and changes nothing but caches; what has not cannot stop. No operation is ever seen half
 * done, and no lock is held while anybody waits.
 */

import type {
  AsyncRequests,
  Attributes,
  Branch,
  Entry,
  Fingerprint,
  Remembered,
  Requests,
  SAME,
  Space,
} from './branch/branch.ts';
import { ESTALE } from './errno.ts';

/** The one way to ask a branch: each method is the question of the same name in `Requests`. */
export interface Io {
  lstat(branch: Branch, path: string): Attributes | undefined;
  revalidate(branch: Branch, path: string, remembered: Remembered): typeof SAME | Attributes | undefined;
  list(branch: Branch, path: string): readonly Entry[] | undefined;
  readlink(branch: Branch, path: string): string | undefined;
  read(branch: Branch, path: string, fingerprint: Fingerprint, offset: number, length: number): Uint8Array | undefined;
  /**
   * Says that an answer contradicts what was answered about this path before: the next question about it is sent anew.
   * An operation that keeps meeting contradictions (a file that changes faster than it can be looked at) ends in ESTALE.
   */
  doubt(branch: Branch, path: string): void;
  /** Says that this `read` will be asked soon, so that it can be under way with others. Answers nothing, never stops. */
  expectRead(branch: Branch, path: string, fingerprint: Fingerprint, offset: number, length: number): void;
  statfs(branch: Branch, path: string): Space | undefined;
  openThrough(branch: Branch, path: string, flags: number): number;
  readThrough(branch: Branch, handle: number, target: Uint8Array, position: number): number;
  writeThrough(branch: Branch, handle: number, source: Uint8Array, position: number): number;
}

/**
 * What the synchronous API throws when it would need an answer that its branch can only give later.
 *
 * Code `ERR_OVERFS_NOT_LOADED`. The cure is `await overlay.preload(path)`, or the callback or promise form of the call.
 */
export class NotLoadedError extends Error {
  readonly code = 'ERR_OVERFS_NOT_LOADED';
  override readonly name = 'NotLoadedError';

  constructor(branch: Branch, question: string, path: string) {
    super(
      `branch '${branch.name}' has only promise functions and ${question} '${path}' is not loaded yet: ` +
        'await overlay.preload(path) first, or use the callback or promise form',
    );
  }
}

function now(branch: Branch, question: keyof Requests, path: string): Requests {
  if (branch.sync === undefined) throw new NotLoadedError(branch, question, path);
  return branch.sync;
}

/** Asks at once: for the synchronous API. */
export const syncIo: Io = {
  lstat: (branch, path) => now(branch, 'lstat', path).lstat(path),
  revalidate: (branch, path, remembered) => now(branch, 'revalidate', path).revalidate(path, remembered),
  list: (branch, path) => now(branch, 'list', path).list(path),
  readlink: (branch, path) => now(branch, 'readlink', path).readlink(path),
  read: (branch, path, fingerprint, offset, length) =>
    now(branch, 'read', path).read(path, fingerprint, offset, length),
  expectRead: () => {},
  doubt: () => {},
  statfs: (branch, path) => now(branch, 'statfs', path).statfs(path),
  openThrough: (branch, path, flags) => now(branch, 'openThrough', path).openThrough(path, flags),
  readThrough: (branch, handle, target, position) =>
    now(branch, 'readThrough', '').readThrough(handle, target, position),
  writeThrough: (branch, handle, source, position) =>
    now(branch, 'writeThrough', '').writeThrough(handle, source, position),
};

/** Stops an operation until a branch has answered; the only thing thrown that is not an error. */
class Fault {
  /** Settles (never rejects) when running again makes sense. */
  readonly until: Promise<void>;

  constructor(until: Promise<void>) {
    this.until = until;
  }
}

/** What a branch said: an answer, or what it threw. */
type Answer = { readonly value: unknown } | { readonly thrown: unknown };

/** A question under way, shared by all who ask it meanwhile. */
interface Pending {
  /** Set once, when the branch has answered. */
  answer: Answer | undefined;
  readonly settled: Promise<void>;
}

/** Questions under way, by branch and wording. An entry lives from the sending to the answer. */
const inFlight = new WeakMap<Branch, Map<string, Pending>>();

function send(ask: () => Promise<unknown>): Pending {
  // A branch function may throw before it returns a promise; `async` makes that an answer like any other.
  const pending: { -readonly [K in keyof Pending]: Pending[K] } = { answer: undefined, settled: Promise.resolve() };
  pending.settled = (async () => {
    try {
      pending.answer = { value: await ask() };
    } catch (thrown) {
      pending.answer = { thrown };
    }
  })();
  return pending;
}

function sendShared(branch: Branch, question: string, ask: () => Promise<unknown>): Pending {
  let questions = inFlight.get(branch);
  if (questions === undefined) {
    questions = new Map();
    inFlight.set(branch, questions);
  }
  const shared = questions.get(question);
  if (shared !== undefined) return shared;
  const pending = send(ask);
  questions.set(question, pending);
  const under = questions;
  void pending.settled.then(() => under.delete(question));
  return pending;
}

/** After how many contradictions a call gives up. */
const DOUBTS = 8;

/** Asks and stops: the memory of one call of the callback or promise API, from its first run to its last. */
class AsyncIo implements Io {
  /** What this call has asked: changed only by `answer` and `expect`, dropped with the call. */
  readonly #asked = new Map<string, Pending>();
  /** How often `doubt` was called: what bounds the restarts of a call whose file changes all the time. */
  #doubts = 0;

  /** Takes the remembered answer to a question, or sends it and stops. */
  #answer<R>(
    branch: Branch,
    question: string,
    share: 'shared' | 'own',
    ask: (requests: AsyncRequests) => Promise<R>,
  ): R {
    const pending = this.#expect(branch, question, share, ask);
    if (pending.answer === undefined) throw new Fault(pending.settled);
    if ('thrown' in pending.answer) throw pending.answer.thrown;
    return pending.answer.value as R;
  }

  #expect<R>(
    branch: Branch,
    question: string,
    share: 'shared' | 'own',
    ask: (requests: AsyncRequests) => Promise<R>,
  ): Pending {
    const key = `${branch.id} ${question}`;
    const asked = this.#asked.get(key);
    if (asked !== undefined) return asked;
    const { async: requests } = branch;
    if (requests === undefined) throw new Error('a branch without promise functions is asked at once');
    const pending = share === 'shared' ? sendShared(branch, question, () => ask(requests)) : send(() => ask(requests));
    this.#asked.set(key, pending);
    return pending;
  }

  lstat(branch: Branch, path: string): Attributes | undefined {
    if (branch.async === undefined) return syncIo.lstat(branch, path);
    return this.#answer(branch, `lstat ${path}`, 'shared', (requests) => requests.lstat(path));
  }

  revalidate(branch: Branch, path: string, remembered: Remembered): typeof SAME | Attributes | undefined {
    if (branch.async === undefined) return syncIo.revalidate(branch, path, remembered);
    // Not shared and not compared below: what is remembered may change while the branch thinks.
    return this.#answer(branch, `lstat ${path}`, 'shared', (requests) => requests.lstat(path));
  }

  list(branch: Branch, path: string): readonly Entry[] | undefined {
    if (branch.async === undefined) return syncIo.list(branch, path);
    return this.#answer(branch, `list ${path}`, 'shared', (requests) => requests.list(path));
  }

  readlink(branch: Branch, path: string): string | undefined {
    if (branch.async === undefined) return syncIo.readlink(branch, path);
    return this.#answer(branch, `readlink ${path}`, 'shared', (requests) => requests.readlink(path));
  }

  read(branch: Branch, path: string, fingerprint: Fingerprint, offset: number, length: number): Uint8Array | undefined {
    if (branch.async === undefined) return syncIo.read(branch, path, fingerprint, offset, length);
    return this.#answer(branch, readQuestion(path, fingerprint, offset, length), 'shared', (requests) =>
      requests.read(path, fingerprint, offset, length),
    );
  }

  doubt(branch: Branch, path: string): void {
    this.#doubts++;
    if (this.#doubts > DOUBTS) throw ESTALE;
    this.#asked.delete(`${branch.id} lstat ${path}`);
  }

  expectRead(branch: Branch, path: string, fingerprint: Fingerprint, offset: number, length: number): void {
    if (branch.async === undefined) return;
    this.#expect(branch, readQuestion(path, fingerprint, offset, length), 'shared', (requests) =>
      requests.read(path, fingerprint, offset, length),
    );
  }

  statfs(branch: Branch, path: string): Space | undefined {
    if (branch.async === undefined) return syncIo.statfs(branch, path);
    return this.#answer(branch, `statfs ${path}`, 'shared', (requests) => requests.statfs(path));
  }

  openThrough(branch: Branch, path: string, flags: number): number {
    if (branch.async === undefined) return syncIo.openThrough(branch, path, flags);
    return this.#answer(branch, `open ${flags} ${path}`, 'own', (requests) => requests.openThrough(path, flags));
  }

  readThrough(branch: Branch, handle: number, target: Uint8Array, position: number): number {
    if (branch.async === undefined) return syncIo.readThrough(branch, handle, target, position);
    return this.#answer(branch, `through ${handle} ${position}`, 'own', (requests) =>
      requests.readThrough(handle, target, position),
    );
  }

  writeThrough(branch: Branch, handle: number, source: Uint8Array, position: number): number {
    if (branch.async === undefined) return syncIo.writeThrough(branch, handle, source, position);
    return this.#answer(branch, `through ${handle} ${position}`, 'own', (requests) =>
      requests.writeThrough(handle, source, position),
    );
  }
}

function readQuestion(path: string, { ino, size, mtimeSec, mtimeNsec }: Fingerprint, offset: number, length: number) {
  return `read ${offset} ${length} ${ino} ${size} ${mtimeSec} ${mtimeNsec} ${path}`;
}

/** Runs an operation until it no longer stops. Throws what it throws; an aborted one is not run again. */
async function resume<R>(operation: (io: Io) => R, io: Io, first: Fault, signal: AbortSignal | undefined): Promise<R> {
  let fault = first;
  for (;;) {
    await fault.until;
    signal?.throwIfAborted();
    try {
      return operation(io);
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      fault = thrown;
    }
  }
}

/**
 * Runs an operation for the promise API: at once as far as it goes without a stop, to its end then.
 *
 * @param signal once aborted, the operation is not run again, so nothing changes any more; the promise rejects with the
 *   signal's reason
 */
export async function runAsync<R>(operation: (io: Io) => R, signal?: AbortSignal): Promise<R> {
  const io = new AsyncIo();
  try {
    return operation(io);
  } catch (thrown) {
    if (thrown instanceof Fault) return resume(operation, io, thrown, signal);
    throw thrown;
  }
}

/**
 * Runs an operation for the callback API. `done` is called in a later turn, outside every `try` of ours: what it throws is
 * an uncaught exception, as in Node.
 */
export function runCallback<R>(operation: (io: Io) => R, done: (thrown: unknown, value?: R) => void): void {
  const io = new AsyncIo();
  let value: R;
  try {
    value = operation(io);
  } catch (thrown) {
    if (thrown instanceof Fault) {
      resume(operation, io, thrown, undefined).then(
        (late) => process.nextTick(done, undefined, late),
        (error) => process.nextTick(done, error),
      );
    } else {
      process.nextTick(done, thrown);
    }
    return;
  }
  process.nextTick(done, undefined, value);
}
