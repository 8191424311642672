/**
 * node:fs as it is when overfs is loaded. An overlay's functions may be put in the place of Node's afterwards (`vi.mock`, `mock.method`, or by
 * hand): what overfs asks of the disk and of Node itself must not lead back into an overlay. So nobody else here imports functions of node:fs.
 */

import nodeFs from 'node:fs';

/** The functions. Its classes are looked up when they are wanted, as in node:fs itself. */
export const originalFs = Object.defineProperties({}, Object.getOwnPropertyDescriptors(nodeFs)) as typeof nodeFs;
/** The functions of its `promises`, which is an object of its own. */
export const originalPromises: typeof nodeFs.promises = { ...nodeFs.promises };
