// What the tests of branches share: a scratch directory, branches with short names, and a node:fs whose calls can be
// interposed.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { Attributes, Branch } from '../../lib/branch/branch.ts';
import { type BranchOrigin, makeBranch } from '../../lib/branch/make-branch.ts';

/** A directory of the test's own, removed after it; no link on the way. */
export function scratch(): string {
  const made = nodeFs.mkdtempSync(path.join(nodeFs.realpathSync(os.tmpdir()), 'overfs-branch-'));
  onTestFinished(() => nodeFs.rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A branch of `fs`, closed after the test. */
export function branchOf(fs: unknown, more: Partial<Omit<BranchOrigin, 'fs'>> = {}): Branch {
  const branch = makeBranch({ fs, id: 1, name: 'tested', immutable: false, layered: false, ...more });
  onTestFinished(() => branch.close());
  return branch;
}

export function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString();
}

/** The attributes of what must be there. */
export function present(attributes: Attributes | undefined): Attributes {
  if (attributes === undefined) throw new Error('nothing there');
  return attributes;
}

/** What a call throws; an error where it throws nothing. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('nothing was thrown');
}

/** What a promise is rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('nothing was rejected');
    },
    (thrown: unknown) => thrown,
  );
}

/** How one of the three forms of node:fs is called: what the branch calls with, and the way on. */
export type Interposed = (name: string, given: unknown[], goOn: (...given: unknown[]) => unknown) => unknown;

/** The functions that a lower is asked by. */
const ASKED = [
  'lstat',
  'readdir',
  'readlink',
  'readFile',
  'open',
  'read',
  'write',
  'fstat',
  'close',
  'statfs',
] as const;

type AnyFunction = (...given: unknown[]) => unknown;
type Loose = Record<string, AnyFunction>;

function functionIn(owner: object, name: string): AnyFunction {
  return Reflect.get(owner, name).bind(owner);
}

/** node:fs with `interpose` around each synchronous function that a lower is asked by. */
export function interposedSync(interpose: Interposed): object {
  const made: Loose = {};
  for (const name of ASKED) {
    const real = functionIn(nodeFs, `${name}Sync`);
    made[`${name}Sync`] = (...given) => interpose(name, given, (...passed) => real(...passed));
  }
  return { ...made, constants: nodeFs.constants };
}

/**
 * node:fs with `interpose` around each callback function that a lower is asked by; what `interpose` gives or throws reaches
 * the callback.
 */
export function interposedCallbacks(interpose: Interposed): object {
  const made: Loose = {};
  for (const name of ASKED) {
    const real = functionIn(nodeFs, name);
    const promised = (...given: unknown[]) =>
      new Promise((resolve, reject) => {
        real(...given, (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)));
      });
    made[name] = (...all) => {
      const done = all.pop();
      if (typeof done !== 'function') throw new TypeError('no callback');
      new Promise((resolve) => resolve(interpose(name, all, promised))).then(
        (value) => done(null, value),
        (error) => done(error ?? new Error('nothing thrown')),
      );
    };
  }
  return { ...made, constants: nodeFs.constants };
}

/** The promise functions of node:fs, those of its FileHandle too, with `interpose` around each that a lower is asked by. */
export function interposedPromises(interpose: Interposed): object {
  const made: Loose = {};
  for (const name of ['lstat', 'readdir', 'readlink', 'readFile', 'statfs']) {
    const real = functionIn(nodeFs.promises, name);
    made[name] = async (...given) => interpose(name, given, (...passed) => real(...passed));
  }
  const open = async (...given: unknown[]) => {
    const real: object = await Reflect.apply(nodeFs.promises.open, undefined, given);
    const method = (name: string, own: string) => {
      const bound = functionIn(real, own);
      return async (...passed: unknown[]) => interpose(name, passed, bound);
    };
    return {
      read: method('read', 'read'),
      write: method('write', 'write'),
      stat: method('fstat', 'stat'),
      close: method('close', 'close'),
    };
  };
  made.open = async (...given) => interpose('open', given, open);
  return { promises: made, constants: nodeFs.constants };
}
