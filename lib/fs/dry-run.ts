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

import nodeFs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isUint8Array } from 'node:util/types';

/** What an argument of a call is: what in it could touch something. */
export type Kind = 'path' | 'descriptor' | 'path or descriptor' | 'other';

type Loose = (...args: unknown[]) => unknown;
type Functions = Readonly<Record<string, Loose | undefined>>;

/** Node's functions as they were before anybody put others in their place (`install/`). */
const callbackFunctions = { ...nodeFs } as unknown as Functions;
const promiseFunctions = { ...nodeFs.promises } as unknown as Functions;
const realpathNative = { realpathNative: nodeFs.realpath.native, realpathNativeSync: nodeFs.realpathSync.native };

/** Longer than any `PATH_MAX` (Linux 4,096; Windows 32,767), in one part. */
const NO_PATH = `/${'x'.repeat(33_000)}`;
/** The largest number a descriptor could have; the largest `fs.nr_open` of Linux is smaller. */
const NO_DESCRIPTOR = 2 ** 31 - 1;

function nothing(): void {}

/** A value in the place of a path: harmless. What is no path is left, for Node to say so. */
function harmlessPath(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('\0') ? value : NO_PATH;
  if (isUint8Array(value)) return value.includes(0) ? value : NO_PATH;
  if (typeof value !== 'object' || value === null) return value;
  // A real FileHandle is a file that is really open.
  if ('fd' in value) return NO_PATH;
  try {
    return fileURLToPath(value as URL).includes('\0') ? value : NO_PATH;
  } catch {
    return value;
  }
}

function harmless(value: unknown, kind: Kind, name: string): unknown {
  if (typeof value === 'function') return nothing;
  if (kind === 'other') return value;
  if (kind === 'path' || typeof value !== 'number') return kind === 'descriptor' ? value : harmlessPath(value);
  if ((value | 0) !== value) return value;
  // Node is to say what it thinks of a negative one; but its callback functions may do so in a later turn, uncaught.
  const isSaidAtOnce = kind === 'descriptor' || name.endsWith('Sync');
  return value < 0 && isSaidAtOnce ? value : NO_DESCRIPTOR;
}

/** Whether an error tells of a failed system call, which is how a dry run ends when Node takes the arguments. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
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
  const call = callbackFunctions[name] ?? (realpathNative as Functions)[name];
  try {
    call?.(...harmlessArguments(name, kinds, args));
  } catch (error) {
    if (!isOfSystem(error)) throw error;
  }
}

/** The same for a function of `fs.promises`. */
export async function dryRunPromise(name: string, kinds: readonly Kind[], args: readonly unknown[]): Promise<void> {
  try {
    await promiseFunctions[name]?.(...harmlessArguments(name, kinds, args));
  } catch (error) {
    if (!isOfSystem(error)) throw error;
  }
}
