/**
 * The lock on an upper: who works with it, so that two overlays do not. A file in the work area names the process; one of a process
 * that is gone is taken over.
 */

import { randomUUID } from 'node:crypto';
import nodeFs from 'node:fs';
import { hostname } from 'node:os';

/** As it is when this module is loaded: an overlay's may stand in its place later, which knows nothing of processes. */
const { readFileSync } = nodeFs;

/** Who holds a lock. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, as the kernel counts it: tells it from a later process with the same number. Empty where unknown. */
  readonly began: string;
  /** Tells the overlays of one process apart. */
  readonly token: string;
}

/** The tokens of this process's overlays that hold a lock. Changed by `beginHolder` and `endHolder`. */
const held = new Set<string>();

/** Makes this process a holder, which holds nothing yet. */
export function newHolder(): Holder {
  return { pid: process.pid, host: hostname(), began: beginningOf(process.pid), token: randomUUID() };
}

export function beginHolder({ token }: Holder): void {
  held.add(token);
}

export function endHolder({ token }: Holder): void {
  held.delete(token);
}

/** Whether a holder is gone, so that its lock may be taken. One on another host cannot be asked and counts as alive. */
export function isGone({ pid, host, began, token }: Holder): boolean {
  if (host !== hostname()) return false;
  if (pid === process.pid && began === beginningOf(pid)) return !held.has(token);
  return !isAlive(pid) || (began !== '' && began !== beginningOf(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // EPERM: it is there, but not ours to signal.
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The start time of a process on Linux (proc(5), field 22 of /proc/PID/stat); empty elsewhere. */
function beginningOf(pid: number): string {
  try {
    // Of the encodings only this one is read by a single request; for others Node calls its own `openSync`, whoever has put another there.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program is in parentheses and may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** Reads a holder from a lock file's text; undefined when it is not one. */
export function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, host, began, token } = JSON.parse(text);
    return Number.isInteger(pid) && typeof host === 'string'
      ? { pid, host, began: `${began}`, token: `${token}` }
      : undefined;
  } catch {
    return undefined;
  }
}
