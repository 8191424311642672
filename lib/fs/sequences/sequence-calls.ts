/**
 * The part of the front that are sequences of calls: `rm`.
 */

import { parseOrReject, parseOrThrow } from '../call.ts';
import { dryRun, type Kind } from '../dry-run.ts';
import { type Callback, deliver } from '../forms.ts';
import type { FileSystem, Parts, Session } from '../session.ts';
import { parseRm, rm } from './rm.ts';
import { runLater, runNow } from './steps.ts';

const ONE_PATH: readonly Kind[] = ['path'];

/** Where to call back; Node's error where there is nothing to call. */
function takeCallback(callback: unknown): Callback {
  // Node itself would find out only when it calls.
  if (typeof callback !== 'function') dryRun('unlink', ONE_PATH, ['/', callback]);
  return callback as Callback;
}

/** The options of `rm` for a dry run: Node would try as often as they say. */
function withoutRetries(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || !('maxRetries' in options)) return options;
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
    const done = takeCallback(typeof options === 'function' ? options : callback);
    const args = [path, withoutRetries(given), done];
    const request = parseOrThrow('rm', ONE_PATH, args, () => parseRm(session, path, given));
    deliver(runLater(rm({ session, fs, form: 'later', above: callbackForm }, request)), done);
  };
  const promiseForm = async (path: unknown, options: unknown): Promise<void> => {
    const given = [path, withoutRetries(options)];
    const request = await parseOrReject('rm', ONE_PATH, given, () => parseRm(session, path, options));
    await runLater(rm({ session, fs, form: 'later', above: promiseForm }, request));
  };
  return { fs: { rmSync, rm: callbackForm }, promises: { rm: promiseForm } };
}

/** The sequences of calls. */
export function sequences(session: Session, fs: FileSystem): Parts {
  return rmForms(session, fs);
}
