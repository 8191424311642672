/**
 * `Utf8Stream`, where the running Node has it: Node's own, over the functions of a front.
 */

import nodeFs from 'node:fs';
import type { FileSystem, Parts, Session } from '../session.ts';

type Utf8StreamClass = new (options: unknown) => object;

/** Node's class as it was before anybody put another in its place. */
const { Utf8Stream: Parent } = nodeFs as unknown as { readonly Utf8Stream?: Utf8StreamClass };

/** The part of the front that has `Utf8Stream`. */
export function utf8Stream(_session: Session, fs: FileSystem): Parts {
  if (Parent === undefined) return {};
  class Utf8Stream extends (Parent as Utf8StreamClass) {
    constructor(options: unknown = {}) {
      // It takes functions one by one, ours where the caller has none of their own; what is no object Node refuses.
      const isFit = typeof options === 'object' && options !== null && isAbsentOrObject((options as WithFs).fs);
      super(isFit ? { ...options, fs: { ...fs, ...(options as WithFs).fs } } : options);
    }
  }
  return { fs: { Utf8Stream } };
}

interface WithFs {
  readonly fs?: object;
}

function isAbsentOrObject(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null);
}
