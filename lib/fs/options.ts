/**
 * Options as Node takes them: a string that names an encoding, or an object; and the flags of `open`.
 *
 * As with all arguments, what is not plainly right is doubted (`arguments.ts`).
 */

import { constants } from 'node:fs';
import { encodeName, isPlain } from '../branch/bytes.ts';
import { doubt } from './arguments.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } = constants;

const CREATE = O_TRUNC | O_CREAT;
const APPEND = O_APPEND | O_CREAT;

/** The flags of `open` that are words. */
const FLAGS: ReadonlyMap<unknown, number> = new Map([
  ['r', O_RDONLY],
  ['rs', O_RDONLY | O_SYNC],
  ['sr', O_RDONLY | O_SYNC],
  ['r+', O_RDWR],
  ['rs+', O_RDWR | O_SYNC],
  ['sr+', O_RDWR | O_SYNC],
  ['w', CREATE | O_WRONLY],
  ['wx', CREATE | O_WRONLY | O_EXCL],
  ['xw', CREATE | O_WRONLY | O_EXCL],
  ['w+', CREATE | O_RDWR],
  ['wx+', CREATE | O_RDWR | O_EXCL],
  ['xw+', CREATE | O_RDWR | O_EXCL],
  ['a', APPEND | O_WRONLY],
  ['ax', APPEND | O_WRONLY | O_EXCL],
  ['xa', APPEND | O_WRONLY | O_EXCL],
  ['as', APPEND | O_WRONLY | O_SYNC],
  ['sa', APPEND | O_WRONLY | O_SYNC],
  ['a+', APPEND | O_RDWR],
  ['ax+', APPEND | O_RDWR | O_EXCL],
  ['xa+', APPEND | O_RDWR | O_EXCL],
  ['as+', APPEND | O_RDWR | O_SYNC],
  ['sa+', APPEND | O_RDWR | O_SYNC],
]);

/** The flags of `open`, as a word or a number. */
export function takeFlags(value: unknown): number {
  if (value === 'r' || value === undefined || value === null) return O_RDONLY;
  if (typeof value !== 'number') {
    const known = FLAGS.get(value);
    if (known !== undefined) return known;
  } else if ((value | 0) === value) return value;
  doubt();
  return Number(value) | 0;
}

/** An encoding of text, `buffer` for no text at all, or undefined where none was given. */
export type Encoding = BufferEncoding | 'buffer' | undefined;

/** No options. */
const NOTHING: Options = {};

/** Options whose fields have not been looked at yet. */
export type Options = { readonly [key: string]: unknown };

function checkEncoding(encoding: unknown): void {
  if (encoding === undefined || encoding === null || encoding === 'utf8' || encoding === 'buffer') return;
  // Node takes anything falsy for "none".
  if (encoding && !(typeof encoding === 'string' && Buffer.isEncoding(encoding))) doubt();
}

/**
 * The options of a function that takes an encoding (node's `getOptions`). A function in their place means none, since a
 * callback may stand there.
 */
export function takeOptions(value: unknown): Options {
  if (value === undefined || value === null || typeof value === 'function') return NOTHING;
  if (typeof value === 'string') {
    checkEncoding(value);
    return { encoding: value };
  }
  if (typeof value !== 'object') doubt();
  const options = value as Options;
  checkEncoding(options.encoding);
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) doubt();
  return options;
}

/** The encoding that options ask for. */
export function encodingIn(options: Options): Encoding {
  return (options.encoding || undefined) as Encoding;
}

/** The options of a function that takes an object or nothing. */
export function takeObject(value: unknown): Options {
  if (value === undefined) return NOTHING;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) doubt();
  return Object(value) as Options;
}

/** An option that must be a boolean where it is given. */
export function takeBoolean(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') doubt();
  return Boolean(value);
}

/** A name or a path in the encoding that the caller wants. */
export function showName(name: string, encoding: Encoding): string | Buffer {
  if ((encoding === undefined || encoding === 'utf8') && isPlain(name)) return name;
  const bytes = encodeName(name);
  return encoding === 'buffer' ? bytes : bytes.toString(encoding);
}
