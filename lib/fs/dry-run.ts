/**
 * The dry run: asking the running Node whether it takes some arguments.
 *
 * Node's own function is called with the arguments as they are, except that nothing it could touch is left in them: every
 * path is replaced by one that no kernel takes (longer than any `PATH_MAX`, refused before any filesystem is asked), every
 * descriptor by a number that is never open (no process may have that many), every callback by one that does nothing. So
 * whatever the function is, it fails; and how it fails tells what Node thinks of the other arguments. A failure of the system
 * call means that they were taken; anything else is the argument error, of the right class, with the words, the code and the
 * moment of the running Node.
 */

import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { isNativeError, isUint8Array } from 'node:util/types';
import { codeOf } from '../errno.ts';
import { originalFs, originalPromises } from '../node/original-fs.ts';

/** What an argument of a call is: what in it could touch something, or end the process. */
export type Kind = 'path' | 'path or handle' | 'descriptor' | 'path or descriptor' | 'mode' | 'count' | 'other';

type Loose = (...args: unknown[]) => unknown;
type Functions = Readonly<Record<string, Loose | undefined>>;

const callbackFunctions = originalFs as unknown as Functions;
const promiseFunctions = originalPromises as unknown as Functions;
const realpathNative = {
  realpathNative: originalFs.realpath.native,
  realpathNativeSync: originalFs.realpathSync.native,
};

/** Longer than any `PATH_MAX` (Linux 4,096; Windows 32,767), in one part. */
const NO_PATH = `/${'x'.repeat(33_000)}`;
/** The largest number a descriptor could have; the largest `fs.nr_open` of Linux is smaller. */
const NO_DESCRIPTOR = 2 ** 31 - 1;

/** A function that does nothing, by the name that Node may want to show. */
function nothing({ name }: { readonly name: string }): () => void {
  return Object.defineProperty(() => {}, 'name', { value: name });
}

/** A value in the place of a path: harmless. What is no path is left, for Node to say so. */
function harmlessPath(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('\0') ? value : NO_PATH;
  if (isUint8Array(value)) return value.includes(0) ? value : NO_PATH;
  if (typeof value !== 'object' || value === null) return value;
  try {
    return fileURLToPath(value as URL).includes('\0') ? value : NO_PATH;
  } catch {
    return value;
  }
}

/**
 * Some Nodes end the process where their own functions give their binding -0, or a mode that is no 32-bit integer
 * (node src/node_file.cc asserts it). Nobody refuses these: another number does as well.
 */
function harmlessNumber(value: number, kind: Kind): number {
  if (kind === 'other') return value;
  if (kind === 'mode' && value >= 2 ** 31 && value < 2 ** 32) return 0;
  return value + 0;
}

function harmlessOptions(value: object): object {
  const { mode } = value as { readonly mode?: unknown };
  if (typeof mode !== 'number' || Object.is(harmlessNumber(mode, 'mode'), mode)) return value;
  return { ...value, mode: harmlessNumber(mode, 'mode') };
}

/** Whether a value is a FileHandle, of whatever filesystem. */
export function isHandle(value: unknown): value is { readonly fd: number } {
  return typeof value === 'object' && value !== null && 'fd' in value && 'datasync' in value;
}

/** What a FileHandle of Node's needs of the binding's, for a file that is not there. */
const NO_HANDLE = { fd: NO_DESCRIPTOR, close: async () => {}, getAsyncId: () => 0 };

/** A FileHandle of Node's without a file. Made by the first who needs one. */
let emptyHandle: Promise<object> | undefined;

/** Node does not export the class of its handles: an instance shows it. */
async function makeEmptyHandle(): Promise<object> {
  const sample = await originalPromises.open(os.devNull);
  const NodeFileHandle = sample.constructor as new (handle: object) => object;
  await sample.close();
  return new NodeFileHandle(NO_HANDLE);
}

/** A FileHandle of Node's over a descriptor that is never open. */
export function takeEmptyHandle(): Promise<object> {
  emptyHandle ??= makeEmptyHandle().catch((error: unknown) => {
    emptyHandle = undefined;
    throw error;
  });
  return emptyHandle;
}

function harmlessDescriptor(value: number, name: string): number {
  if ((value | 0) !== value) return value;
  // Node is to say what it thinks of a negative one; but one function does so in a later turn, uncaught.
  return value < 0 && name !== 'readFile' ? value : NO_DESCRIPTOR;
}

function harmless(value: unknown, kind: Kind, name: string): unknown {
  if (typeof value === 'function') return nothing(value);
  if (kind === 'path') return harmlessPath(value);
  if (kind === 'path or handle') return harmlessPath(value);
  const isDescriptor = kind === 'descriptor' || kind === 'path or descriptor';
  if (typeof value === 'number') {
    return isDescriptor ? harmlessDescriptor(value, name) : harmlessNumber(value, kind);
  }
  if (kind === 'path or descriptor') return harmlessPath(value);
  return typeof value === 'object' && value !== null && kind !== 'descriptor' ? harmlessOptions(value) : value;
}

/**
 * Whether an error tells of a failed system call, which is how a dry run ends when Node takes the arguments; or of one that the
 * permission model has kept from being made (`node --permission`).
 */
export function isOfSystem(error: unknown): boolean {
  return isNativeError(error) && ('syscall' in error || codeOf(error) === 'ERR_ACCESS_DENIED');
}

function harmlessArguments(name: string, kinds: readonly Kind[], args: readonly unknown[]): unknown[] {
  return args.map((value, index) => harmless(value, kinds[index] ?? 'other', name));
}

/**
 * Throws what Node's synchronous or callback function throws at once when it is given such arguments; returns if it takes
 * them.
 *
 * @param name the function's name, such as `statSync` or `stat`
 * @param kinds what the arguments are, in their order
 */
export function dryRun(name: string, kinds: readonly Kind[], args: readonly unknown[]): void {
  // Of a symbol in the place of a descriptor most functions die; this one speaks.
  const isSymbol = kinds[0] === 'descriptor' && typeof args[0] === 'symbol';
  const call = callbackFunctions[isSymbol ? 'read' : name] ?? (realpathNative as Functions)[name];
  try {
    call?.(...harmlessArguments(name, kinds, args));
  } catch (error) {
    if (!isOfSystem(error)) throw error;
  }
}

function isGenerator(value: unknown): value is AsyncGenerator {
  return typeof value === 'object' && value !== null && 'next' in value && Symbol.asyncIterator in value;
}

/** The same for a function of `fs.promises`. Arguments that are undefined at the end may as well be missing. */
export async function dryRunPromise(name: string, kinds: readonly Kind[], args: readonly unknown[]): Promise<void> {
  // One of them (opendir) is made of a callback function by adding the callback behind whatever arguments there are.
  const given = args.slice(0, args.findLastIndex((value) => value !== undefined) + 1);
  const harmless = harmlessArguments(name, kinds, given);
  // A FileHandle is a file that is really open, or one that Node knows nothing of.
  const isOfHandle = kinds[0] === 'path or handle' && isHandle(given[0]);
  try {
    if (isOfHandle) harmless[0] = await takeEmptyHandle();
    const given = await promiseFunctions[name]?.(...harmless);
    // What gives one thing after another (`watch`) looks at its arguments when the first is wanted.
    if (isGenerator(given)) await given.next();
  } catch (error) {
    if (!isOfSystem(error)) throw error;
  }
}
