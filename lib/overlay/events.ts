/** The events of an overlay. */

import type { Author } from '../branch/upper/acting.ts';
import type { Command } from '../writeback/commands.ts';

/**
 * The events that {@link Overlay} emits.
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
   * A command is about to be carried out on the upper. Its bytes are valid only until it is done; copy them to keep
   * them. If a listener throws, the command is not carried out, and the error counts as the upper's answer, with its
   * code (`EIO` where it has none).
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
       * False: it stays dirty, and the next write-back tries again. True: what was dirty of it is dropped
       * (`onError: 'discard'`, `'through'`).
       */
      readonly discarded: boolean;
      /**
       * The user whose data was refused, where the upper can tell its writers apart (`upper.as`); absent for the
       * overlay's own data.
       */
      readonly as?: Author;
    },
  ];
}
