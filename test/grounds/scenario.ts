/**
 * What a scenario is, and the two assertions that nearly all of them share.
 */

import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { expect } from 'vitest';
import type { Face } from './face.ts';
import type { Tree } from './tree.ts';

/**
 * With whose rights the calls run: the owner of the declared tree, somebody of the owner's group, or a stranger. Not
 * given: whoever runs the tests.
 */
export type Caller = 'owner' | 'group' | 'stranger';

export interface Scenario {
  readonly name: string;
  readonly given: Tree;
  readonly as?: Caller;
  /** The kernel would look at the real user, not the effective one, so the real fs shows it only to that user. */
  readonly byRealUser?: true;
  readonly run: (fs: Face, root: string) => Promise<void>;
}

/** A scenario whose calls run as whoever runs the tests. */
export function scenario(name: string, given: Tree, run: Scenario['run']): Scenario {
  return { name, given, run };
}

/** A scenario about permission bits, which do not bite for root. */
export function scenarioAs(as: Caller, name: string, given: Tree, run: Scenario['run']): Scenario {
  return { name: `${name} (as ${as})`, given, as, run };
}

const NUMBERS = new Map([...getSystemErrorMap()].map(([errno, [code, text]]) => [code, { errno, text }]));

/** Whether the scenarios on the disk play on XFS (`statfs(2)` names the number). */
function isOnXfs(): boolean {
  return statfsSync(tmpdir()).type === 0x58465342;
}

async function rejection(promise: Promise<unknown>): Promise<NodeJS.ErrnoException & { dest?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
  throw new Error('the call succeeded where it must fail');
}

/** The call fails with exactly this system error: code, errno, system call, path, dest and Node's message (N2). */
export async function fails(
  promise: Promise<unknown>,
  code: string,
  syscall: string,
  path?: string,
  dest?: string,
): Promise<void> {
  const error = await rejection(promise);
  // POSIX rename leaves it to the filesystem what it says of a directory that is not empty; XFS says this, and then we look no closer.
  if (code === 'ENOTEMPTY' && error.code === 'EEXIST' && syscall === 'rename' && isOnXfs()) return;
  const { errno, text } = NUMBERS.get(code) ?? { errno: 0, text: '' };
  const where = (path === undefined ? '' : ` '${path}'`) + (dest === undefined ? '' : ` -> '${dest}'`);
  expect({
    message: error.message,
    code: error.code,
    errno: error.errno,
    syscall: error.syscall,
    path: error.path,
    dest: error.dest,
  }).toEqual({ message: `${code}: ${text}, ${syscall}${where}`, code, errno, syscall, path, dest });
  expect(error).toBeInstanceOf(Error);
}

/** The call fails with this code, where Node's wording differs between forms or versions. */
export async function failsWith(promise: Promise<unknown>, code: string): Promise<void> {
  expect((await rejection(promise)).code).toBe(code);
}

/** The content of a file as text. */
export async function text(fs: Face, path: string): Promise<string> {
  return fs.readFile(path, 'utf8');
}

/** The permission bits of what a path leads to. */
export async function modeOf(fs: Face, path: string): Promise<number> {
  return (await fs.stat(path)).mode & 0o7777;
}
