/**
 * The lock on an upper, which keeps two overlays from using it at the same time. A file in the work area names the
 * holder; the lock of a process that is gone is taken over.
 */

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';
import { originalFs } from '../../node/original-fs.ts';
import { threadWide } from '../../node/thread-wide.ts';

/** Who holds a lock. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /**
   * When the process began, as the kernel counts, which tells it from a later process with the same number. Empty where
   * unknown.
   */
  readonly began: string;
  /** The thread of the process. Empty where a lock does not say it. */
  readonly thread: string;
  /** Tells the overlays of one thread apart. */
  readonly token: string;
}

/**
 * The tokens of this thread's overlays that hold a lock, of all copies of overfs. Changed by `beginHolder` and
 * `endHolder`.
 */
const held = threadWide('lock tokens', () => new Set<string>());

/** Describes this thread as a holder, which holds nothing yet. */
export function newHolder(): Holder {
  const { pid } = process;
  return { pid, host: hostname(), began: beginningOf(`/proc/${pid}`), thread: ownThread(), token: randomUUID() };
}

/** Notes that one of this thread's overlays is about to take a lock. */
export function beginHolder({ token }: Holder): void {
  held.add(token);
}

/** Notes that it no longer holds one. */
export function endHolder({ token }: Holder): void {
  held.delete(token);
}

/**
 * Whether a holder is gone, so that its lock may be taken. A holder on another host cannot be checked and counts as
 * alive.
 */
export function isGone(holder: Holder): boolean {
  const { pid, host, began, thread, token } = holder;
  if (host !== hostname()) return false;
  if (isOfThisProcess(holder)) return !held.has(token) && !isOtherThread(thread);
  return !isAlive(pid) || !mayHaveBegun(`/proc/${pid}`, began);
}

/**
 * Whether a process or thread may be the one that began then. Where either time is unknown (`--permission` hides /proc)
 * it may be.
 */
function mayHaveBegun(path: string, began: string): boolean {
  const now = beginningOf(path);
  return began === '' || now === '' || began === now;
}

/** Whether a holder is in this process, also in another thread or another copy of this module. */
export function isOfThisProcess({ pid, host, began }: Holder): boolean {
  return pid === process.pid && host === hostname() && began === beginningOf(`/proc/${pid}`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // EPERM: it exists, but may not be signalled.
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * The name of this thread: on Linux the kernel's number and when the thread began, so that others can see whether it
 * still exists.
 */
function ownThread(): string {
  const path = '/proc/thread-self';
  const number = statOf(path).split(' ')[0];
  return number ? `${number}:${beginningOf(path)}` : `${threadId}`;
}

/** Whether a name belongs to another thread of this process that is not known to have ended. */
function isOtherThread(thread: string): boolean {
  if (thread === '' || thread === ownThread()) return false;
  const [number, began] = thread.split(':');
  return began === undefined || began === beginningOf(`/proc/self/task/${number}`);
}

/** The start time of a process or thread on Linux (proc(5), field 22 of /proc/PID/stat); empty elsewhere. */
function beginningOf(path: string): string {
  const stat = statOf(path);
  // The name of the program is in parentheses and may hold anything.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** What Linux says of a process or thread; empty where there is no such one, and on other systems. */
function statOf(path: string): string {
  try {
    // Only for this encoding does Node read the file by itself; for others it calls `fs.openSync`, which may have been
    // replaced.
    return originalFs.readFileSync(`${path}/stat`, 'utf8');
  } catch {
    return '';
  }
}

/** Reads a holder from a lock file's text; undefined when it is not one. */
export function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, host, began, thread = '', token } = JSON.parse(text);
    return Number.isInteger(pid) && typeof host === 'string'
      ? { pid, host, began: `${began}`, thread: `${thread}`, token: `${token}` }
      : undefined;
  } catch {
    return undefined;
  }
}
