/** What an overlay tells of itself, unasked. */

import type { Author } from '../branch/upper/acting.ts';
import type { Command } from '../writeback/commands.ts';

/**
 * What an overlay tells with `on`.
 *
 * @example
 * ```ts
 * import { mkdirSync } from 'node:fs';
 * import { createOverlay } from 'overfs';
 *
 * mkdirSync('changes');
 * const overlay = createOverlay({ lower: 'src', upper: 'changes' });
 * const kinds = new Set<string>();
 * overlay.on('command', ({ kind }) => kinds.add(kind));
 * overlay.on('writeback-error', ({ path, code }) => console.log(`${path} is not in the upper yet: ${code}`));
 * overlay.fs.writeFileSync('/notes.txt', 'kept');
 * overlay.close();
 * console.log(kinds.has('rename')); // true
 * ```
 */
export interface OverlayEvents {
  /**
   * Something is about to be done to the upper. Its bytes are good until it is done: whoever wants them for longer copies them. What a listener
   * throws counts as the upper's answer: the command is not carried out, and the error's code (`EIO` where it has none) is that of the failure.
   */
  command: [command: Command];
  /** A file could not be written back. */
  'writeback-error': [
    failure: {
      /** Absolute in the overlay. */
      readonly path: string;
      /** Such as `ENOSPC`. */
      readonly code: string;
      /**
       * False: it stays dirty, and is tried again by the next write-back. True: what was dirty of it is given up
       * (`onError: 'discard'`, `'through'`).
       */
      readonly discarded: boolean;
      /** Whose data was refused, where the upper can tell its writers apart (`upper.as`) and it was not the overlay's own. */
      readonly as?: Author;
    },
  ];
}
