/**
 * What one call opens straight through its branches. Each run of the operation may take another path, so what an
 * earlier run opened may have become useless; that is closed.
 *
 *     run 1 ──► open /a ──► Fault          /a: wanted by run 1, still on its way
 *     run 2 ──► /a is another now: open /b ──► ...  ──► the call ends with /b, and /a is closed as soon as it is open
 */

import type { Branch } from '../branch/branch.ts';
import type { Question } from '../waiting/questions.ts';

interface Opened {
  readonly branch: Branch;
  /** The present run has asked for it. Changed by the methods of `OpenedThrough`. */
  isWanted: boolean;
}

/** See the file comment. */
export class OpenedThrough {
  /** By the question that opens it. Entries are only added. */
  readonly #opened = new Map<Question<unknown>, Opened>();

  /** Notes that the present run opens something. */
  want(question: Question<unknown>, branch: Branch): void {
    this.#opened.set(question, { branch, isWanted: true });
  }

  /** Notes that a run begins, or that there will be no more runs. */
  wantNothing(): void {
    for (const opened of this.#opened.values()) opened.isWanted = false;
  }

  /** Closes what was opened in vain, now or once it is open. Requires: the call has ended. */
  closeUnwanted(): void {
    for (const [question, { branch, isWanted }] of this.#opened) {
      if (isWanted) continue;
      void question.settled.then(() => {
        const { answer } = question;
        if (answer !== undefined && 'value' in answer) branch.closeThrough(answer.value as number);
      });
    }
  }
}
