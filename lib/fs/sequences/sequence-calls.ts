/** The part of the front with sequences of calls: `cp` and `rm`. */

import type { Callback } from '../call.ts';
import { parseOrReject, parseOrThrow } from '../call.ts';
import { dryRun, type Kind } from '../dry-run.ts';
import { deliver } from '../forms.ts';
import type { FileSystem, Parts, Session } from '../session.ts';
import { cp } from './cp.ts';
import { type CpPlace, parseCp } from './cp-request.ts';
import { parseRm, rm } from './rm.ts';
import { runLater, runNow } from './steps.ts';

const ONE_PATH: readonly Kind[] = ['path'];
const TWO_PATHS: readonly Kind[] = ['path', 'path'];

function nothing(): void {}

/** Checks the callback; throws Node's error where it is not a function. */
function takeCallback(callback: unknown): Callback {
  // Node itself would notice only when it calls back.
  if (typeof callback !== 'function') dryRun('unlink', ONE_PATH, ['/', callback]);
  return callback as Callback;
}

/** Whether a value is an object and not an array: an array is refused, but a copy of it into an object would not be. */
function isOptions(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The options of `rm` for a dry run, without retries. */
function withoutRetries(options: unknown): unknown {
  if (!isOptions(options) || !('maxRetries' in options)) return options;
  const { maxRetries } = options;
  const isCount = Number.isInteger(maxRetries) && Number(maxRetries) > 0 && Number(maxRetries) < 2 ** 32;
  return isCount ? { ...options, maxRetries: 0 } : options;
}

function rmForms(session: Session, fs: FileSystem): Parts {
  const rmSync = (path: unknown, options?: unknown): void => {
    const given = [path, withoutRetries(options)];
    const request = parseOrThrow('rmSync', ONE_PATH, given, () => parseRm(session, path, options));
    runNow(rm({ session, fs, form: 'now', above: rmSync }, request));
  };
  const callbackForm = (path: unknown, options: unknown, callback: unknown): void => {
    const given = typeof options === 'function' ? undefined : options;
    const done = typeof options === 'function' ? options : callback;
    const args = [path, withoutRetries(given), nothing];
    const request = parseOrThrow('rm', ONE_PATH, args, () => parseRm(session, path, given));
    const hear = takeCallback(done);
    deliver(runLater(rm({ session, fs, form: 'later', above: callbackForm }, request)), hear);
  };
  const promiseForm = async (path: unknown, options: unknown): Promise<void> => {
    const given = [path, withoutRetries(options)];
    const request = await parseOrReject('rm', ONE_PATH, given, () => parseRm(session, path, options));
    await runLater(rm({ session, fs, form: 'later', above: promiseForm }, request));
  };
  return { fs: { rmSync, rm: callbackForm }, promises: { rm: promiseForm } };
}

/** The options of `cp` for a dry run, without the filter. */
function withoutFilter(options: unknown): unknown {
  if (!isOptions(options) || !('filter' in options)) return options;
  return typeof options.filter === 'function' ? { ...options, filter: undefined } : options;
}

function cpForms(session: Session, fs: FileSystem): Parts {
  const placeOf = (form: CpPlace['form'], above: CpPlace['above']): CpPlace => ({
    fs,
    form,
    cwd: session.cwd(),
    above,
  });
  const cpSync = (from: unknown, to: unknown, options?: unknown): void => {
    const args = [from, to, withoutFilter(options)];
    const request = parseOrThrow('cpSync', TWO_PATHS, args, () => parseCp(session, from, to, options));
    runNow(cp(placeOf('now', cpSync), request));
  };
  const callbackForm = (from: unknown, to: unknown, options: unknown, callback: unknown): void => {
    const given = typeof options === 'function' ? undefined : options;
    const done = takeCallback(typeof options === 'function' ? options : callback);
    const args = [from, to, withoutFilter(given), done];
    const request = parseOrThrow('cp', TWO_PATHS, args, () => parseCp(session, from, to, given));
    // There is always a second argument (node's `callbackify`).
    const hear: Callback = (error) => (error ? done(error) : done(null, undefined));
    deliver(runLater(cp(placeOf('later', callbackForm), request)), hear);
  };
  const promiseForm = async (from: unknown, to: unknown, options: unknown): Promise<void> => {
    const args = [from, to, withoutFilter(options)];
    const request = await parseOrReject('cp', TWO_PATHS, args, () => parseCp(session, from, to, options));
    await runLater(cp(placeOf('later', promiseForm), request));
  };
  return { fs: { cpSync, cp: callbackForm }, promises: { cp: promiseForm } };
}

/** The sequences of calls. */
export function sequences(session: Session, fs: FileSystem): Parts {
  const parts = [rmForms(session, fs), cpForms(session, fs)];
  return {
    fs: Object.assign({}, ...parts.map((part) => part.fs)),
    promises: Object.assign({}, ...parts.map((part) => part.promises)),
  };
}
