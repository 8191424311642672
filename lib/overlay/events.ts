/** What an overlay tells of itself, unasked. */

import type { Author } from '../branch/upper/acting.ts';
import type { Command } from '../writeback/commands.ts';

/** What an overlay tells with `on`. */
export interface OverlayEvents {
  /** Something is about to be done to the upper. Its bytes are good until it is done: whoever wants them for longer copies them. */
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
