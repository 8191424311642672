/** The machine's tmpfs, where files cost no disk: benchmarks and tests write there. */
import nodeFs from 'node:fs';

export const SHARED_MEMORY = '/dev/shm';
const TMPFS_MAGIC = 0x01021994;

/**
 * Whether the machine has one that may be written to and has room.
 * @param {number} room in bytes
 */
export function hasRoomyTmpfs(room) {
  try {
    nodeFs.accessSync(SHARED_MEMORY, nodeFs.constants.W_OK);
  } catch {
    return false;
  }
  const { type, bavail, bsize } = nodeFs.statfsSync(SHARED_MEMORY);
  return type === TMPFS_MAGIC && bavail * bsize >= room;
}
