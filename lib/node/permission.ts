/**
 * What Node's permission model (`node --permission`) disables in node:fs. Access to paths is refused call by call
 * (ERR_ACCESS_DENIED). Some functions are disabled altogether, or unless the process may touch every path.
 */

/** Functions of descriptors: Node cannot tell which path they would touch (node lib/fs.js: "API is disabled"). */
const DISABLED: ReadonlySet<string> = new Set(['fsync', 'fdatasync', 'fchmod', 'fchown', 'futimes']);

/** Whether a function of node:fs, named without `Sync`, refuses whatever it is given. */
export function isDisabled(name: string): boolean {
  // Undefined without `--permission`.
  const permission = process.permission as typeof process.permission | undefined;
  if (permission === undefined) return false;
  if (name === 'symlink') return !(permission.has('fs.read') && permission.has('fs.write'));
  return DISABLED.has(name);
}
