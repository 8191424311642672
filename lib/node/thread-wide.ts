/**
 * What all copies of overfs that a thread may have loaded have in common: packages bring their own, of whatever version, and Jest loads one
 * for each test file, with global objects of its own. Only the modules of Node itself are the same for all.
 */

import threads from 'node:worker_threads';

/** The thing of this name, which the first who wants it makes. */
export function threadWide<T>(name: string, make: () => T): T {
  const key = Symbol.for(`overfs.${name}`);
  const found = Reflect.get(threads, key) as T | undefined;
  if (found !== undefined) return found;
  const value = make();
  Object.defineProperty(threads, key, { value });
  return value;
}
