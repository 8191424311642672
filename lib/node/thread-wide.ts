/**
 * Values that all copies of overfs in a thread share. There may be several copies: packages may depend on different
 * versions, and Jest loads one for each test file, with global objects of its own. Only Node's own modules are the same
 * for all of them, so one of those holds the values.
 */

import threads from 'node:worker_threads';

/** The shared value of this name; the first copy that asks for it makes it. */
export function threadWide<T>(name: string, make: () => T): T {
  const key = Symbol.for(`overfs.${name}`);
  const found = Reflect.get(threads, key) as T | undefined;
  if (found !== undefined) return found;
  const value = make();
  Object.defineProperty(threads, key, { value });
  return value;
}
