/**
 * Node's permission model (`node --permission`): what it takes from node:fs. What it refuses of a path is said call by call
 * (ERR_ACCESS_DENIED); some functions it takes away from everybody, or from all who may not touch every path.
 */

/** Functions of descriptors, of which it cannot tell what they would touch (node lib/fs.js: "API is disabled"). */
const DISABLED: ReadonlySet<string> = new Set(['fsync', 'fdatasync', 'fchmod', 'fchown', 'futimes']);

/** Whether a function of node:fs, named without `Sync`, refuses whatever it is given. */
export function isDisabled(name: string): boolean {
  // Undefined where the process runs without it.
  const permission = process.permission as typeof process.permission | undefined;
  if (permission === undefined) return false;
  if (name === 'symlink') return !(permission.has('fs.read') && permission.has('fs.write'));
  return DISABLED.has(name);
}
