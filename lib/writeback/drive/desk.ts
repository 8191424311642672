/**
 * Where procedures are carried out for one upper: one at a time. What is under way without blocking can be taken over, or given up.
 */

import { EBUSY, Errno } from '../../errno.ts';
import type { Procedure } from '../commands.ts';
import { Drive } from './drive.ts';
import type { Target } from './perform.ts';

/** See the file comment. */
export class Desk {
  readonly #target: Target;
  readonly #onStraggler: () => void;
  /** What is being carried out; undefined while nothing is. Changed by `begin`, `giveUp`, `runNow` and `runLater`. */
  #drive: Drive<unknown> | undefined;

  /** @param onStraggler hears when what was under way as something was given up has come back */
  constructor(target: Target, onStraggler: () => void) {
    this.#target = target;
    this.#onStraggler = onStraggler;
  }

  /** Something is being carried out. */
  get isAtWork(): boolean {
    return this.#drive !== undefined;
  }

  /** A command is being told at this moment, or its listener runs: nobody can take over from there. */
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

  /** Ends what is under way without blocking. Throws EBUSY from within a command. */
  goOnNow(): void {
    if (this.#drive === undefined) return;
    if (this.isBusy) throw EBUSY;
    try {
      this.#drive.now();
    } catch (thrown) {
      // It is told to whoever waits for it.
      if (!(thrown instanceof Errno)) throw thrown;
    }
  }

  /** Makes void what is under way without blocking. Throws EBUSY from within a command. */
  giveUp(): void {
    const drive = this.#drive;
    if (drive === undefined) return;
    if (this.isBusy) throw EBUSY;
    this.#drive = undefined;
    void drive.giveUp().then(this.#onStraggler);
  }
}
