/**
 * The dry run of a method of `FileHandle`: asking the running Node whether it takes some arguments (`../dry-run.ts`).
 *
 * Node does not export its class. An instance shows it, and an instance made over a descriptor that is never open has all its
 * methods: each checks its arguments and then fails, since there is no file.
 */

import nodeFs from 'node:fs';
import os from 'node:os';
import { isArrayBufferView } from 'node:util/types';
import { isOfSystem, NO_DESCRIPTOR } from '../dry-run.ts';

type Method = (...args: unknown[]) => Promise<unknown>;
type Methods = Readonly<Record<string, Method>>;

/** Node's functions as they were before anybody put others in their place. */
const { open } = nodeFs.promises;

/** What a FileHandle of Node's needs of the binding's, for a file that is not there. */
const NO_HANDLE = { fd: NO_DESCRIPTOR, close: async () => {}, getAsyncId: () => 0 };

/** A FileHandle of Node's without a file. Made by the first dry run. */
let empty: Promise<Methods> | undefined;

async function makeEmpty(): Promise<Methods> {
  const sample = await open(os.devNull);
  const NodeFileHandle = sample.constructor as new (handle: object) => object;
  await sample.close();
  return new NodeFileHandle(NO_HANDLE) as Methods;
}

/** Some Nodes end the process where their own methods give their binding -0. Nobody refuses it: 0 does as well. */
function withoutMinus(value: unknown): unknown {
  if (typeof value === 'number') return value + 0;
  if (typeof value !== 'object' || value === null || isArrayBufferView(value)) return value;
  if (!Object.values(value).some((each) => Object.is(each, -0))) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withoutMinus(each)]));
}

/**
 * Rejects as Node's method does when it is given such arguments. If it takes them: undefined; or an answer, where Node gives
 * one without a look at the file.
 */
export async function dryRunHandle(
  method: string,
  args: readonly unknown[],
): Promise<{ readonly value: unknown } | undefined> {
  empty ??= makeEmpty();
  try {
    return { value: await (await empty)[method]?.(...args.map(withoutMinus)) };
  } catch (error) {
    if (!isOfSystem(error)) throw error;
    return undefined;
  }
}
