/**
 * Carries out the procedures of one upper, one at a time. A procedure under way without blocking can be taken over or
 * given up.
 */

import { EBUSY, Errno } from '../../errno.ts';
import type { Procedure } from '../commands.ts';
import { Drive } from './drive.ts';
import type { Target } from './perform.ts';

/** See the file comment. */
export class Desk {
  readonly #target: Target;
  readonly #onStraggler: () => void;
  /** The procedure under way; undefined while there is none. Changed by `begin`, `giveUp`, `runNow` and `runLater`. */
  #drive: Drive<unknown> | undefined;

  /** @param onStraggler is called when the command that was under way at a `giveUp` has come back */
  constructor(target: Target, onStraggler: () => void) {
    this.#target = target;
    this.#onStraggler = onStraggler;
  }

  /** Whether a procedure is under way. */
  get isAtWork(): boolean {
    return this.#drive !== undefined;
  }

  /**
   * Whether a command is being carried out at this moment, or its listener runs: the procedure cannot be taken over
   * from there.
   */
  get isBusy(): boolean {
    return this.#drive?.isFree === false;
  }

  /** Begins a procedure, up to its first command. */
  begin<R>(procedure: Procedure<R>): Drive<R> {
    const drive = new Drive(this.#target, procedure);
    this.#drive = drive;
    return drive;
  }

  runNow<R>(procedure: Procedure<R>): R {
    try {
      return this.begin(procedure).now();
    } finally {
      this.#drive = undefined;
    }
  }

  async runLater<R>(drive: Drive<R>): Promise<R> {
    try {
      return await drive.later();
    } finally {
      if (this.#drive === drive) this.#drive = undefined;
    }
  }

  /** Finishes the procedure under way, at once. Throws EBUSY from within a command. */
  goOnNow(): void {
    if (this.#drive === undefined) return;
    if (this.isBusy) throw EBUSY;
    try {
      this.#drive.now();
    } catch (thrown) {
      // The caller that waits for the procedure gets the error.
      if (!(thrown instanceof Errno)) throw thrown;
    }
  }

  /** Gives the procedure under way up. Throws EBUSY from within a command. */
  giveUp(): void {
    const drive = this.#drive;
    if (drive === undefined) return;
    if (this.isBusy) throw EBUSY;
    this.#drive = undefined;
    void drive.giveUp().then(this.#onStraggler);
  }
}
