/** fsync and fdatasync. With an upper in memory nothing is more durable than the tree itself, so there is nothing to bring down. */

import type { Io } from '../fault.ts';
import type { Caller } from '../tree/caller.ts';
import type { OpenFile } from './open.ts';

/** Makes the file, its attributes and the names that lead to it durable. */
export function fsync(_io: Io, _caller: Caller, _file: OpenFile): void {}

/** Makes the content of the file durable. */
export function fdatasync(_io: Io, _caller: Caller, _file: OpenFile): void {}
