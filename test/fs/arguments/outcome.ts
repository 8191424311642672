/**
 * What comes of a call, in words that two filesystems can be compared by.
 */

import { inspect } from 'node:util';
import type { FileSystem } from '../matrix.ts';

export type Form = 'sync' | 'callback' | 'promise';

type Loose = (...args: unknown[]) => unknown;
type LooseFs = Readonly<Record<string, Loose | undefined>>;

/** Whether there is such a function in a form. */
export function has(fs: FileSystem, form: Form, name: string): boolean {
  return functionOf(fs, form, name) !== undefined;
}

function functionOf(fs: FileSystem, form: Form, name: string): Loose | undefined {
  if (form === 'promise') return (fs.promises as unknown as LooseFs)[name];
  return (fs as unknown as LooseFs)[form === 'sync' ? `${name}Sync` : name];
}

const SYSTEM = ['errno', 'code', 'syscall', 'path', 'dest'] as const;

function describeError(name: string, error: unknown): string {
  if (!(error instanceof Error)) return `not an error: ${inspect(error)}`;
  const fields = error as unknown as Readonly<Record<string, unknown>>;
  const system = SYSTEM.filter((field) => field in fields).map((field) => `${field}=${String(fields[field])}`);
  const cause = error.cause === undefined ? '' : ` cause ${String(error.cause)}`;
  const described = `${error.name} ${error.message} (${system.join(' ')})${cause}`;
  // At once Node tells the letters X, and later what mkdtemp(3) has tried in their place.
  return name === 'mkdtemp' ? described.replace(/(?!X{6})\w{6}(?=['\s)])/g, 'tried') : described;
}

/** What a call gave, without what differs from run to run. */
function describeValue(name: string, value: unknown): string {
  if (name === 'open') return typeof value;
  if (name === 'mkdtemp') return `${typeof value} of length ${(value as string).length}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return inspect(value);
  if (Buffer.isBuffer(value)) return inspect(value);
  return value.constructor?.name ?? 'an object';
}

/** Calls a function in a form, and says how it ended: `throws`, `fails later`, `gives`. */
export async function outcomeOf(fs: FileSystem, form: Form, name: string, args: readonly unknown[]): Promise<string> {
  const call = functionOf(fs, form, name);
  const values = (given: readonly unknown[]): string => given.map((value) => describeValue(name, value)).join(', ');
  const settled = async (ending: Promise<string>): Promise<string> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, 2000, 'never ends');
    });
    return Promise.race([ending, late]).finally(() => clearTimeout(timer));
  };
  let called: (...given: unknown[]) => void = () => {};
  const callback = new Promise<string>((resolve) => {
    called = (error, ...given) => {
      const failure = error instanceof Error ? `fails later: ${describeError(name, error)}` : `gives ${inspect(error)}`;
      resolve(`${failure} [${values(given)}]`);
    };
  });
  // A function among the values of the matrix stands for the callback.
  const real = args.map((value) => (value === CALLBACK ? called : value));
  try {
    if (form === 'sync') return `gives ${values([call?.(...real)])}`;
    if (form === 'promise') {
      const promise = call?.(...real) as Promise<unknown>;
      return await settled(
        promise.then(
          (value) => endHandle(value).then(() => `gives ${values([value])}`),
          (error) => `fails later: ${describeError(name, error)}`,
        ),
      );
    }
    call?.(...real);
  } catch (error) {
    return `throws ${describeError(name, error)}`;
  }
  return await settled(callback);
}

/** Stands for a callback in a list of arguments. */
export const CALLBACK: unique symbol = Symbol('callback');

async function endHandle(value: unknown): Promise<void> {
  if (typeof value === 'object' && value !== null && 'close' in value) await (value.close as () => Promise<void>)();
}
