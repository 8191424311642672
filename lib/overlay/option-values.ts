/** Options that are plain values, and the errors for wrong ones: the name, what it must be, and what it was. */

import { inspect } from 'node:util';
import { isNativeError } from 'node:util/types';
import type { Limits } from '../pages/quota.ts';
import { givenTimers, PROCESS_TIMERS, type Timers } from '../waiting/timers.ts';
import type { Manner } from '../writeback/report.ts';
import type { Times, WriteBackOptions } from '../writeback/when/triggers.ts';
import type { CacheOptions, OverlayOptions } from './options.ts';

const DEFAULT_CACHE = { maxBytes: 256 * 1024 * 1024, maxEntries: 1_000_000 };
const DEFAULT_WRITEBACK = {
  dirtyBytes: 64 * 1024 * 1024,
  dirtyLimit: 256 * 1024 * 1024,
  expire: 5000,
  onError: 'retain',
} as const;

const NEVER = Number.POSITIVE_INFINITY;
const MANUAL = { dirtyBytes: NEVER, dirtyLimit: NEVER, expire: NEVER, onError: 'retain' } as const;

/** An option of the wrong type. */
export class OptionTypeError extends TypeError {
  readonly code = 'ERR_INVALID_ARG_TYPE';
}

class OptionValueError extends RangeError {
  readonly code = 'ERR_INVALID_ARG_VALUE';
}

/** The error for an option of the wrong type; `wanted` is what it must be. */
export function wrongType(option: string, wanted: string, given: unknown): OptionTypeError {
  return new OptionTypeError(`The option "${option}" must be ${wanted}. Received ${inspect(given, { depth: 0 })}`);
}

/** The error for an option of the right type with a wrong value. */
export function wrongValue(option: string, wanted: string, given: unknown): OptionValueError {
  return new OptionValueError(`The option "${option}" must be ${wanted}. Received ${inspect(given, { depth: 0 })}`);
}

/** The error for a directory that cannot be used: Node's own, with the name of the option. */
export function noDirectory(option: string, thrown: unknown): Error {
  if (!isNativeError(thrown)) return wrongType(option, 'a directory', thrown);
  const { code, errno, syscall, path } = thrown as NodeJS.ErrnoException;
  const error = new Error(`The option "${option}" must be a directory. ${thrown.message}`, { cause: thrown });
  return Object.assign(error, { code, ...(syscall !== undefined && { errno, syscall, path }) });
}

/** Whether a value is an object that may have properties, and not an array or a view. */
export function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** Whether an object is plain, such as an object literal. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Refuses unknown keys, since a misspelt one would silently have no effect. `owner` is the option's name and a dot, or
 * empty.
 */
export function mustKnow(owner: string, keys: readonly string[], known: readonly string[]): void {
  const unknown = keys.find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new OptionValueError(`There is no option "${owner}${unknown}". The options are: ${known.join(', ')}`);
}

/** Whether a value is a whole number from 0 to `most`. */
export function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

/** Refuses bounds that are not whole numbers or Infinity. */
function mustCount(owner: string, bounds: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(bounds)) {
    if (value !== Number.POSITIVE_INFINITY && !isWhole(value, Number.MAX_SAFE_INTEGER)) {
      throw wrongValue(`${owner}.${key}`, 'a whole number or Infinity', value);
    }
  }
}

/** Takes the timers that are given, and those of the process for the others. */
export function parseTimers(timers: OverlayOptions['timers']): Timers {
  if (timers === undefined) return PROCESS_TIMERS;
  const keys = ['after', 'wait', 'sleep'] as const;
  if (!isRecord(timers)) throw wrongType('timers', `an object { ${keys.join(', ')} }`, timers);
  if (isPlain(timers)) mustKnow('timers.', Object.keys(timers), keys);
  // Bound, since they may be methods.
  const take = <K extends keyof Timers>(key: K): Timers[K] => {
    const given: unknown = timers[key];
    if (given === undefined) return PROCESS_TIMERS[key];
    if (typeof given !== 'function') throw wrongType(`timers.${key}`, 'a function', given);
    return given.bind(timers);
  };
  return givenTimers({ after: take('after'), wait: take('wait'), sleep: take('sleep') });
}

const LIMITS = ['bytes', 'inodes'] as const;

/** Checks the limits. */
export function parseLimits(limits: OverlayOptions['limits']): Limits {
  if (limits === undefined) return {};
  if (!isRecord(limits)) throw wrongType('limits', 'an object { bytes, inodes }', limits);
  mustKnow('limits.', Object.keys(limits), LIMITS);
  const { bytes = NEVER, inodes = NEVER } = limits;
  mustCount('limits', { bytes, inodes });
  return limits;
}

/** Takes the option `writeback`, with defaults filled in. */
export function parseWriteBack(writeback: OverlayOptions['writeback']): Times {
  if (writeback === 'manual') return { ...MANUAL, mode: 'manual' };
  if (writeback === 'through') return { ...MANUAL, mode: 'through' };
  const given = writeback === undefined ? {} : writeback;
  const wanted = "'through', 'manual' or an object { dirtyBytes, dirtyLimit, expire, onError }";
  if (typeof given === 'string') throw wrongValue('writeback', wanted, given);
  if (!isRecord(given)) throw wrongType('writeback', wanted, given);
  mustKnow('writeback.', Object.keys(given), Object.keys(DEFAULT_WRITEBACK));
  const {
    dirtyBytes = DEFAULT_WRITEBACK.dirtyBytes,
    dirtyLimit = DEFAULT_WRITEBACK.dirtyLimit,
    expire = DEFAULT_WRITEBACK.expire,
    onError = DEFAULT_WRITEBACK.onError,
  }: WriteBackOptions = given;
  mustCount('writeback', { dirtyBytes, dirtyLimit, expire });
  if (onError !== 'retain' && onError !== 'discard')
    throw wrongValue('writeback.onError', "'retain' or 'discard'", onError);
  return { dirtyBytes, dirtyLimit, expire, onError, mode: 'behind' };
}

/** Takes the option `cache`, with defaults filled in. */
export function parseCache(cache: OverlayOptions['cache']): Required<CacheOptions> {
  if (cache === undefined) return DEFAULT_CACHE;
  if (!isRecord(cache)) throw wrongType('cache', 'an object { maxBytes, maxEntries }', cache);
  mustKnow('cache.', Object.keys(cache), Object.keys(DEFAULT_CACHE));
  const { maxBytes = DEFAULT_CACHE.maxBytes, maxEntries = DEFAULT_CACHE.maxEntries } = cache;
  mustCount('cache', { maxBytes, maxEntries });
  return { maxBytes, maxEntries };
}

/** What `sync` takes. */
export const MANNER = ['onProgress', 'signal'] as const;
/** What `syncSync` takes: nothing could abort it. */
export const SYNC_MANNER = ['onProgress'] as const;

/** Checks the argument of `sync` or `syncSync`, which may have the properties `known`. */
export function parseManner(manner: Manner, known: typeof MANNER | typeof SYNC_MANNER): Manner {
  if (!isRecord(manner)) throw wrongType('manner', `an object { ${known.join(', ')} }`, manner);
  mustKnow('', Object.keys(manner), known);
  const { onProgress, signal } = manner;
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw wrongType('onProgress', 'a function', onProgress);
  if (signal !== undefined && (!isRecord(signal) || typeof signal.throwIfAborted !== 'function')) {
    throw wrongType('signal', 'an AbortSignal', signal);
  }
  return manner;
}
