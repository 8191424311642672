/** Options that are plain values, and what is said of a wrong one: its name, what it must be, and what it was. */

import { inspect } from 'node:util';
import type { OverlayOptions } from './overlay-options.ts';
import type { Limits } from './pages/quota.ts';
import { PROCESS_TIMERS, type Timers } from './waiting/timers.ts';

/** An option is of a wrong type. */
export class OptionTypeError extends TypeError {
  readonly code = 'ERR_INVALID_ARG_TYPE';
}

class OptionValueError extends RangeError {
  readonly code = 'ERR_INVALID_ARG_VALUE';
}

/** `wanted`: what it must be. */
export function wrongType(option: string, wanted: string, given: unknown): OptionTypeError {
  return new OptionTypeError(`The option "${option}" must be ${wanted}. Received ${inspect(given, { depth: 0 })}`);
}

/** The same of an option that is of the right type. */
export function wrongValue(option: string, wanted: string, given: unknown): OptionValueError {
  return new OptionValueError(`The option "${option}" must be ${wanted}. Received ${inspect(given, { depth: 0 })}`);
}

/** Whether it is a whole number from 0 to `most`. */
export function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

/** Takes the functions that are given, and those of the process for the others. */
export function parseTimers(timers: OverlayOptions['timers']): Timers {
  if (timers === undefined) return PROCESS_TIMERS;
  if (typeof timers !== 'object' || timers === null) throw wrongType('timers', 'an object of functions', timers);
  // They may be methods.
  const take = <K extends keyof Timers>(key: K): Timers[K] => {
    const given: unknown = timers[key];
    if (given === undefined) return PROCESS_TIMERS[key];
    if (typeof given !== 'function') throw wrongType(`timers.${key}`, 'a function', given);
    return given.bind(timers);
  };
  return { after: take('after'), wait: take('wait'), sleep: take('sleep') };
}

/** Takes the limits as they are, if they can be. */
export function parseLimits(limits: OverlayOptions['limits']): Limits {
  if (limits === undefined) return {};
  if (typeof limits !== 'object' || limits === null) throw wrongType('limits', 'an object { bytes, inodes }', limits);
  for (const key of ['bytes', 'inodes'] as const) {
    const value = limits[key];
    if (value !== undefined && value !== Number.POSITIVE_INFINITY && !isWhole(value, Number.MAX_SAFE_INTEGER)) {
      throw wrongValue(`limits.${key}`, 'a whole number or Infinity', value);
    }
  }
  return limits;
}
