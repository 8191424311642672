/** FileHandles with all that they have, which the types of Node do not tell. */

import type { EventEmitter } from 'node:events';
import type { FileSystem } from '../matrix.ts';

export type Handle = Awaited<ReturnType<FileSystem['promises']['open']>> & EventEmitter & { getAsyncId(): number };

export async function openHandle(fs: FileSystem, path: string, flags = 'r'): Promise<Handle> {
  return (await fs.promises.open(path, flags)) as Handle;
}
