/**
 * node:fs as it was when overfs was loaded. Later an overlay's functions may take the place of Node's (`vi.mock`,
 * `mock.method`, or by hand), and what overfs asks of the disk or of Node must not lead back into an overlay. So no
 * other file imports functions of node:fs.
 */

import nodeFs from 'node:fs';

/** The functions. Classes stay getters, as in node:fs itself, so they are looked up when they are needed. */
export const originalFs = Object.defineProperties({}, Object.getOwnPropertyDescriptors(nodeFs)) as typeof nodeFs;
/** The functions of its `promises`, which is an object of its own. */
export const originalPromises: typeof nodeFs.promises = { ...nodeFs.promises };
