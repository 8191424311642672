/**
 * An entry of the table: what defines one regular call. The synchronous, the callback and the promise form are made
 * from it (`forms.ts`).
 */

import type { Errno } from '../errno.ts';
import type { Io } from '../fault.ts';
import type { OpenFile } from '../ops/open.ts';
import { DOUBT, readTaken, takeFileOrError, takePath } from './arguments.ts';
import { dryRun, dryRunPromise, isHandle, type Kind } from './dry-run.ts';
import { abortError, findWords, makeError, shownPath, type Words } from './errors.ts';
import type { Sequence } from './sequences/steps.ts';
import type { Session } from './session.ts';

/** The system call and path in an error message, where they are not those of the entry and the call. */
export interface Blame {
  readonly syscall: string;
  /** No path where not given. */
  readonly path?: string | typeof AS_GIVEN;
}

/** The paths of the call, as it was given them. */
export const AS_GIVEN: unique symbol = Symbol('as given');

/** One regular call. `Request` is made of its arguments, `Answer` is its result. */
export interface Call<Request, Answer> {
  /** The name of the callback and promise form; the synchronous one has `Sync` added. */
  readonly name: string;
  /** The kinds of the arguments: which of them a dry run must make harmless, and which an error message shows. */
  readonly takes: readonly Kind[];
  /** The system call in error messages. */
  readonly syscall: string;
  /**
   * Reads the arguments, once, before the first run. Descriptors are looked up last, so that argument errors come
   * first.
   * @throws DOUBT, or a bare error of the system call
   */
  parse(session: Session, a: unknown, b: unknown, c: unknown): Request;
  /** Runs the call. May be stopped and run again. */
  run(io: Io, session: Session, request: Request): Answer | Errno | Sequel;
  /** The words for an error for which `syscall` and the paths are not right. */
  blame?(errno: Errno, request: Request): Blame | undefined;
  /** The signal that can abort it. */
  signal?(request: Request): AbortSignal | undefined;
  /**
   * The index of the argument that is the callback, if it is given (node lib/fs.js, `callback ||= options`). Otherwise
   * the callback is the first function among the arguments.
   */
  readonly callbackAt?: number;
  /** The callback where none was given, if the callback form allows that. */
  readonly unheard?: Callback;
}

/** A callback as Node calls it. */
export type Callback = (error: unknown, ...values: unknown[]) => void;

/** An entry, whatever its request and answer. */
export type AnyCall = Call<unknown, unknown>;

/** A function of the front. */
export type Loose = (...args: never[]) => unknown;

/** Makes an entry of the table. */
export function defineCall<Request, Answer>(call: Call<Request, Answer>): AnyCall {
  return call;
}

/**
 * Finds the words for a bare error that a call threw or returned.
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

/** Makes the error for a bare error that a call threw or returned; `above` is the function of the front. */
export function worded(call: AnyCall, errno: Errno, args: readonly unknown[], request: unknown, above: Loose): Error {
  return makeError(wordsFor(call, errno, args, request), above);
}

/** The AbortError if `signal` has aborted the call; other failures as they are. */
export function abortedOr(thrown: unknown, signal: AbortSignal | undefined): unknown {
  return signal?.aborted && thrown === signal.reason ? abortError(signal) : thrown;
}

/** What `run` returns where one operation is not enough: the steps that are left. What was done before stays done. */
export class Sequel {
  /** The system call in errors of a step, which name no path. Undefined where they are worded as errors of the call. */
  readonly syscall: string | undefined;
  readonly steps: Sequence<unknown>;

  constructor(syscall: string | undefined, steps: Sequence<unknown>) {
    this.syscall = syscall;
    this.steps = steps;
  }
}

/** Reads the arguments of a callback or synchronous call; if in doubt, Node decides. */
export function parseOrThrow<R>(name: string, takes: readonly Kind[], args: readonly unknown[], parse: () => R): R {
  try {
    return parse();
  } catch (thrown) {
    if (thrown !== DOUBT) throw thrown;
    dryRun(name, takes, args);
    return readTaken(parse);
  }
}

/** Reads the arguments of a promise call; if in doubt, Node decides. */
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

/** A row of the table: a function in the forms that Node has of it, which may differ. */
export interface Row {
  readonly name: string;
  readonly sync: AnyCall;
  readonly callback: AnyCall;
  /** Undefined for calls on descriptors, for which promises have FileHandle. */
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

/** Reads a path argument of a function that only overfs has; a wrong one throws Node's error. */
export function parsePath(session: Session, path: unknown): string {
  return parseOrThrow('lstatSync', ['path'], [path], () => takePath(session, path));
}

/** Reads a descriptor argument of a function that only overfs has; a wrong one throws Node's error. */
export function parseDescriptor(session: Session, fd: unknown): OpenFile | Errno {
  return parseOrThrow('fstatSync', ['descriptor'], [fd], () => takeFileOrError(session, fd));
}
