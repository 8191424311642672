/** Which libuv makes the system calls of the running Node: some of what they do differs from version to version. */

const [MAJOR = 0, MINOR = 0] = process.versions.uv.split('.').map(Number);

/** Whether it is libuv 1.`minor` or a later one. */
export function isLibuvSince(minor: number): boolean {
  return MAJOR > 1 || MINOR >= minor;
}
