/**
 * The three forms of a regular call.
 *
 *     statSync(path)           parse, run at once, word the error, throw it
 *     stat(path, callback)     parse (argument errors are thrown), run with stops, call back in a later turn
 *     promises.stat(path)      parse (argument errors reject), run with stops, settle
 *
 * Arguments are read once, before the first run, so what was asked cannot change while a call waits.
 */

import { Errno } from '../errno.ts';
import { type Io, runAsync, runCallback, settleNow, syncIo } from '../fault.ts';
import { inNextTurn } from '../node/turns.ts';
import { makeRoom } from '../tree/cache/sweep.ts';
import { DOUBT, readTaken } from './arguments.ts';
import { type AnyCall, abortedOr, type Callback, type Loose, parseOrThrow, Sequel, worded, wordsFor } from './call.ts';
import { dryRun, dryRunPromise } from './dry-run.ts';
import { abortError, complete, systemError, throwIfAborted } from './errors.ts';
import { runLater, runNow } from './sequences/steps.ts';
import type { Session } from './session.ts';

/** A function of the synchronous API. */
export type SyncFunction = (a?: unknown, b?: unknown, c?: unknown) => unknown;
/** A function of the callback API. */
export type CallbackFunction = (...args: unknown[]) => void;
/** A function of the promise API. */
export type PromiseFunction = (a?: unknown, b?: unknown, c?: unknown) => Promise<unknown>;

/** The synchronous form. It allocates nothing itself: a cached `statSync` takes only some hundred nanoseconds. */
export function syncForm(session: Session, call: AnyCall): SyncFunction {
  const { tree } = session.caller;
  const { entries } = tree;
  /** The rarer outcomes: more steps to do, or an error that needs no words. */
  const end = (failure: unknown, args: readonly unknown[], request: unknown): unknown => {
    if (!(failure instanceof Sequel)) throw failure;
    try {
      return runNow(failure.steps);
    } catch (thrown) {
      throw wordedStep(call, failure, thrown, args, request, form);
    }
  };
  const again = (a: unknown, b: unknown, c: unknown): unknown => {
    dryRun(`${call.name}Sync`, call.takes, [a, b, c]);
    let request: unknown;
    let failure: unknown;
    try {
      request = readTaken(() => call.parse(session, a, b, c));
      const answer = settleNow(tree, call.run(syncIo, session, request));
      if (!(answer instanceof Errno || answer instanceof Sequel)) return answer;
      failure = answer;
    } catch (thrown) {
      failure = thrown;
    }
    if (failure instanceof Errno) throw worded(call, failure, [a, b, c], request, form);
    return end(failure, [a, b, c], request);
  };
  const form = (a?: unknown, b?: unknown, c?: unknown): unknown => {
    let request: unknown;
    let failure: unknown;
    try {
      request = call.parse(session, a, b, c);
      if (entries.isCrowded) makeRoom(tree);
      const answer = settleNow(tree, call.run(syncIo, session, request));
      if (!(answer instanceof Errno || answer instanceof Sequel)) return answer;
      failure = answer;
    } catch (thrown) {
      failure = thrown;
    }
    if (failure instanceof Errno) {
      const words = wordsFor(call, failure, [a, b, c], request);
      // Made right here, since each frame of a stack costs as much as a lookup: this way there is only one frame of
      // overfs.
      throw complete(new Error(words.message), words);
    }
    if (failure === DOUBT) return again(a, b, c);
    return end(failure, [a, b, c], request);
  };
  return form;
}

/**
 * The index of the callback: its fixed place, or that of the first function after the first argument; -1 where there is
 * none.
 */
function indexOfCallback({ callbackAt }: AnyCall, args: readonly unknown[]): number {
  if (callbackAt !== undefined && args[callbackAt]) return typeof args[callbackAt] === 'function' ? callbackAt : -1;
  for (let index = 1; index < args.length; index++) if (typeof args[index] === 'function') return index;
  return -1;
}

/**
 * Calls back with a failure or an answer. If the answer is undefined, the callback gets only `null`, as from Node's
 * binding.
 */
function callBack(callback: Callback, failure: unknown, value: unknown): void {
  if (failure !== undefined) callback(failure);
  else if (value === undefined) callback(null);
  else callback(null, value);
}

/**
 * Passes the outcome of a promise to a callback, in a later turn, so that what the callback throws is an uncaught
 * exception.
 */
export function deliver(promise: Promise<unknown>, callback: Callback): void {
  promise.then(
    (value) => inNextTurn(callBack, callback, undefined, value),
    (failure) => inNextTurn(callBack, callback, failure, undefined),
  );
}

/** The callback of a call that was given none. Few calls allow that; for the others this throws Node's error. */
function callbackInstead(call: AnyCall, args: readonly unknown[]): Callback {
  const [, given] = args;
  if (call.unheard !== undefined && given === undefined) return call.unheard;
  dryRun(call.name, call.takes, args);
  throw new TypeError(`${call.name}: no callback was given`);
}

/** The last place that has a bit. No call of Node's has its callback anywhere near it. */
const LAST_PLACE = 30;

/** The callback form. */
export function callbackForm(session: Session, call: AnyCall): CallbackFunction {
  /** The places, as bits, in which Node has taken a callback before; in any other it may have one argument too many. */
  let places = 0b11;
  const form = (...args: unknown[]): void => {
    const at = indexOfCallback(call, args);
    if (at > 1 && (at > LAST_PLACE || (places & (1 << at)) === 0)) {
      dryRun(call.name, call.takes, args);
      places |= 1 << at;
    }
    const callback = at < 0 ? callbackInstead(call, args) : (args[at] as Callback);
    const given = at < 0 ? args : args.slice(0, at);
    const [a, b, c] = given;
    let request: unknown;
    try {
      request = parseOrThrow(call.name, call.takes, args, () => call.parse(session, a, b, c));
    } catch (thrown) {
      if (!(thrown instanceof Errno)) throw thrown;
      inNextTurn(callback, worded(call, thrown, given, undefined, form));
      return;
    }
    const signal = call.signal?.(request);
    if (signal?.aborted) {
      // At once, as in Node (`checkAborted` in lib/fs.js).
      callback(abortError(signal));
      return;
    }
    if (signal) {
      deliver(abortable(session, call, request, given, signal, form), callback);
      return;
    }
    runCallback(
      (io) => call.run(io, session, request),
      (thrown, value) => {
        if (value instanceof Sequel) {
          deliver(finish(call, value, given, request, form), callback);
          return;
        }
        const failure = thrown ?? (value instanceof Errno ? value : undefined);
        callBack(callback, failure instanceof Errno ? worded(call, failure, given, request, form) : failure, value);
      },
    );
  };
  return form;
}

async function abortable(
  session: Session,
  call: AnyCall,
  request: unknown,
  args: readonly unknown[],
  signal: AbortSignal,
  above: Loose,
): Promise<unknown> {
  try {
    const answer = await runAsync((io: Io) => call.run(io, session, request), signal);
    if (answer instanceof Sequel) return await finish(call, answer, args, request, above);
    if (!(answer instanceof Errno)) return answer;
    throw answer;
  } catch (thrown) {
    throw thrown instanceof Errno ? worded(call, thrown, args, request, above) : abortedOr(thrown, signal);
  }
}

/** The error for what a step after the first operation threw. */
function wordedStep(
  call: AnyCall,
  { syscall }: Sequel,
  thrown: unknown,
  args: readonly unknown[],
  request: unknown,
  above: Loose,
): unknown {
  if (!(thrown instanceof Errno)) return abortedOr(thrown, call.signal?.(request));
  if (syscall === undefined) return worded(call, thrown, args, request, above);
  return systemError(thrown, syscall, undefined, undefined, above);
}

/** Does the steps that are left of a call after its first operation. */
async function finish(
  call: AnyCall,
  sequel: Sequel,
  args: readonly unknown[],
  request: unknown,
  above: Loose,
): Promise<unknown> {
  try {
    return await runLater(sequel.steps);
  } catch (thrown) {
    throw wordedStep(call, sequel, thrown, args, request, above);
  }
}

/** Reads doubtful arguments again, once Node has accepted them. */
async function parseTaken(session: Session, call: AnyCall, args: readonly unknown[]): Promise<unknown> {
  await dryRunPromise(call.name, call.takes, args);
  return readTaken(() => call.parse(session, args[0], args[1], args[2]));
}

/** The promise form. It awaits nothing before the first run. */
export function promiseForm(session: Session, call: AnyCall): PromiseFunction {
  const form = async (a?: unknown, b?: unknown, c?: unknown): Promise<unknown> => {
    let request: unknown;
    let signal: AbortSignal | undefined;
    try {
      try {
        request = call.parse(session, a, b, c);
      } catch (thrown) {
        if (thrown !== DOUBT) throw thrown;
        request = await parseTaken(session, call, [a, b, c]);
      }
      signal = call.signal?.(request);
      throwIfAborted(signal);
      const answer = await runAsync((io: Io) => call.run(io, session, request), signal);
      if (answer instanceof Sequel) return await finish(call, answer, [a, b, c], request, form);
      if (!(answer instanceof Errno)) return answer;
      throw answer;
    } catch (thrown) {
      throw thrown instanceof Errno ? worded(call, thrown, [a, b, c], request, form) : abortedOr(thrown, signal);
    }
  };
  return form;
}
