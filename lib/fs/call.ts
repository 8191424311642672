/**
 * The table's entry: what there is to say about one regular call. From it the synchronous, the callback and the promise form
 * are made (`forms.ts`).
 */

import type { Errno } from '../errno.ts';
import type { Io } from '../fault.ts';
import type { OpenFile } from '../ops/open.ts';
import { DOUBT, readTaken, takeFileOrError, takePath } from './arguments.ts';
import { dryRun, dryRunPromise, isHandle, type Kind } from './dry-run.ts';
import { abortError, findWords, makeError, shownPath, type Words } from './errors.ts';
import type { Sequence } from './sequences/steps.ts';
import type { Session } from './session.ts';

/** What an error message says beyond the errno, where that is not the entry's system call with the call's paths. */
export interface Blame {
  readonly syscall: string;
  /** No path where not given. */
  readonly path?: string | typeof AS_GIVEN;
}

/** The paths of the call, as it was given them. */
export const AS_GIVEN: unique symbol = Symbol('as given');

/** One regular call. `Request` is what it was asked, `Answer` what it gives. */
export interface Call<Request, Answer> {
  /** The plain name, as of the callback and promise form; the synchronous one has `Sync` behind it. */
  readonly name: string;
  /** What the arguments are: what a dry run may not touch, and what an error message shows. */
  readonly takes: readonly Kind[];
  /** As error messages call it. */
  readonly syscall: string;
  /**
   * Reads the arguments, once, before the first run. What cannot fail for want of a file is read first, so that argument
   * errors win.
   * @throws DOUBT, or a bare error of the system call
   */
  parse(session: Session, a: unknown, b: unknown, c: unknown): Request;
  /** Does it. May be stopped and run again. */
  run(io: Io, session: Session, request: Request): Answer | Errno | Sequel;
  /** What to say of an error where `syscall` and the paths are not it. */
  blame?(errno: Errno, request: Request): Blame | undefined;
  /** What can abort it. */
  signal?(request: Request): AbortSignal | undefined;
  /**
   * Where the callback is looked for first: whatever stands there is it, and what stands before it is no callback (node lib/fs.js,
   * `callback ||= options`). Where not given, or where nothing stands there, it is the first function.
   */
  readonly callbackAt?: number;
  /** The callback where none was given, if the callback form allows that. */
  readonly unheard?: Callback;
}

/** What Node gives a callback. */
export type Callback = (error: unknown, ...values: unknown[]) => void;

/** An entry whose request and answer nobody outside needs to know. */
export type AnyCall = Call<unknown, unknown>;

/** What a function of the front looks like from inside. */
export type Loose = (...args: never[]) => unknown;

/** Gives a call its place in a table. */
export function defineCall<Request, Answer>(call: Call<Request, Answer>): AnyCall {
  return call;
}

/**
 * Finds the words for what a call threw or returned as its failure. Only bare errors need words: all else has its own.
 *
 * @param request undefined where the arguments could not be read
 */
export function wordsFor(call: AnyCall, errno: Errno, args: readonly unknown[], request: unknown): Words {
  const blame = request === undefined ? undefined : call.blame?.(errno, request);
  if (blame !== undefined && blame.path !== AS_GIVEN) return findWords(errno, blame.syscall, blame.path, undefined);
  let path: string | undefined;
  let dest: string | undefined;
  for (const [index, kind] of call.takes.entries()) {
    if (!isPath(kind, args[index])) continue;
    if (path === undefined) path = shownPath(args[index]);
    else dest = shownPath(args[index]);
  }
  return findWords(errno, blame?.syscall ?? call.syscall, path, dest);
}

function isPath(kind: Kind, value: unknown): boolean {
  if (kind === 'path or handle') return !isHandle(value);
  return kind === 'path' || (kind === 'path or descriptor' && typeof value !== 'number');
}

/** Words what a call threw or returned as its failure; `above` is the function of the front. */
export function worded(call: AnyCall, errno: Errno, args: readonly unknown[], request: unknown, above: Loose): Error {
  return makeError(wordsFor(call, errno, args, request), above);
}

/** What a call that `signal` has aborted ends with; other failures as they are. */
export function abortedOr(thrown: unknown, signal: AbortSignal | undefined): unknown {
  return signal?.aborted && thrown === signal.reason ? abortError(signal) : thrown;
}

/** What `run` gives where one operation is not enough: what is left to do, step by step. What has been done stays done. */
export class Sequel {
  /** What has failed when a step does; such errors name no path. Undefined where the call itself has. */
  readonly syscall: string | undefined;
  readonly steps: Sequence<unknown>;

  constructor(syscall: string | undefined, steps: Sequence<unknown>) {
    this.syscall = syscall;
    this.steps = steps;
  }
}

/** Reads the arguments of a callback or synchronous call; in doubt Node decides. */
export function parseOrThrow<R>(name: string, takes: readonly Kind[], args: readonly unknown[], parse: () => R): R {
  try {
    return parse();
  } catch (thrown) {
    if (thrown !== DOUBT) throw thrown;
    dryRun(name, takes, args);
    return readTaken(parse);
  }
}

/** Reads the arguments of a promise call; in doubt Node decides. */
export async function parseOrReject<R>(
  name: string,
  takes: readonly Kind[],
  args: readonly unknown[],
  parse: () => R,
): Promise<R> {
  try {
    return parse();
  } catch (thrown) {
    if (thrown !== DOUBT) throw thrown;
    await dryRunPromise(name, takes, args);
    return readTaken(parse);
  }
}

/** A row of the table: a function in the forms that Node has of it, which may differ in what they take. */
export interface Row {
  readonly name: string;
  readonly sync: AnyCall;
  readonly callback: AnyCall;
  /** Undefined for what works on descriptors: there promises have FileHandle. */
  readonly promise: AnyCall | undefined;
}

/** A call that is the same in all three forms. */
export function inAllForms<Request, Answer>(call: Call<Request, Answer>): Row {
  return { name: call.name, sync: call, callback: call, promise: call };
}

/** A call on a descriptor, which promises do not have. */
export function onDescriptor<Request, Answer>(call: Call<Request, Answer>): Row {
  return { name: call.name, sync: call, callback: call, promise: undefined };
}

/** Reads a path that a function of ours was given; of a wrong one it says what Node says. */
export function parsePath(session: Session, path: unknown): string {
  return parseOrThrow('lstatSync', ['path'], [path], () => takePath(session, path));
}

/** Reads a descriptor that a function of ours was given; of a wrong one it says what Node says. */
export function parseDescriptor(session: Session, fd: unknown): OpenFile | Errno {
  return parseOrThrow('fstatSync', ['descriptor'], [fd], () => takeFileOrError(session, fd));
}
