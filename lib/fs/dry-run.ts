/**
 * The dry run: asking the running Node whether it accepts some arguments.
 *
 * Node's own function is called with the same arguments, except that nothing is left in them that it could touch: every
 * path is replaced by one that no kernel accepts (longer than any `PATH_MAX`, so it is refused before any filesystem is
 * asked), every descriptor by a number that is never open (no process may have that many), every callback by one that
 * does nothing. So the function always fails, and its error tells what Node thinks of the other arguments. A failed
 * system call means that they were accepted; anything else is the argument error, with the class, message, code and
 * timing of the running Node.
 */

import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { isNativeError, isUint8Array } from 'node:util/types';
import { codeOf } from '../errno.ts';
import { originalFs, originalPromises } from '../node/original-fs.ts';

/** The kind of an argument, as far as it could touch something or end the process. */
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

/** A function that does nothing, with the same name, which Node may show. */
function nothing({ name }: { readonly name: string }): () => void {
  return Object.defineProperty(() => {}, 'name', { value: name });
}

/** A harmless value in place of a path. What is not a path is left for Node to refuse. */
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
 * Some Nodes end the process if their own functions pass -0, or a mode that is not a 32-bit integer, to the binding
 * (node src/node_file.cc asserts it). Since no Node refuses these, another number does as well.
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

/** What a FileHandle of Node's needs of the binding's handle; there is no file. */
const NO_HANDLE = { fd: NO_DESCRIPTOR, close: async () => {}, getAsyncId: () => 0 };

/** A FileHandle of Node's without a file. Set by `takeEmptyHandle`. */
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
  // Node refuses a negative one; but one function does that in a later turn, as an uncaught exception.
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
 * Whether an error is of a failed system call, or of one that the permission model refuses (`node --permission`). A dry
 * run ends so when Node accepts the arguments.
 */
export function isOfSystem(error: unknown): boolean {
  return isNativeError(error) && ('syscall' in error || codeOf(error) === 'ERR_ACCESS_DENIED');
}

function harmlessArguments(name: string, kinds: readonly Kind[], args: readonly unknown[]): unknown[] {
  return args.map((value, index) => harmless(value, kinds[index] ?? 'other', name));
}

/**
 * Throws what Node's synchronous or callback function throws when it is given such arguments; returns if it accepts
 * them.
 *
 * @param name the function's name, such as `statSync` or `stat`
 * @param kinds the kinds of the arguments, in order
 */
export function dryRun(name: string, kinds: readonly Kind[], args: readonly unknown[]): void {
  // Given a symbol as descriptor, most functions end the process; this one throws.
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

/** The same for a function of `fs.promises`. Trailing undefined arguments are left out. */
export async function dryRunPromise(name: string, kinds: readonly Kind[], args: readonly unknown[]): Promise<void> {
  // Needed for opendir, which is made of a callback function by adding the callback after the arguments.
  const given = args.slice(0, args.findLastIndex((value) => value !== undefined) + 1);
  const harmless = harmlessArguments(name, kinds, given);
  // A FileHandle may be Node's, with a file that is really open, or ours, which Node does not know.
  const isOfHandle = kinds[0] === 'path or handle' && isHandle(given[0]);
  try {
    if (isOfHandle) harmless[0] = await takeEmptyHandle();
    const answer = await promiseFunctions[name]?.(...harmless);
    // An asynchronous iterator (`watch`) checks its arguments at the first `next`.
    if (isGenerator(answer)) await answer.next();
  } catch (error) {
    if (!isOfSystem(error)) throw error;
  }
}
