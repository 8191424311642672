/**
 * Whether an answer of the upper is still valid: write-back changes the upper while asynchronous calls ask it.
 *
 * Write-back moves files of the upper. A call that asked before a move must ask again after it. A call that wants to
 * ask in the middle of a move (which happens where the upper answers later) waits until it is over.
 */

import type { Branch } from '../branch.ts';

/** The state of one branch. */
interface State {
  /** Rises with each change that invalidates earlier answers. Changed by `stir`. */
  epoch: number;
  /** Resolves when the upper can be asked again; undefined while it can. Changed by `Unrest`. */
  until: Promise<void> | undefined;
}

/** Only uppers that were changed in this way have an entry. */
const states = new WeakMap<Branch, State>();

function stateOf(branch: Branch): State {
  let state = states.get(branch);
  if (state === undefined) {
    state = { epoch: 0, until: undefined };
    states.set(branch, state);
  }
  return state;
}

/** The epoch of a branch: an answer holds as long as this is what it was when it was asked. */
export function epochOf(branch: Branch): number {
  return states.get(branch)?.epoch ?? 0;
}

/** What to wait for before the branch is asked; undefined where it can be asked now. */
export function quietOf(branch: Branch): Promise<void> | undefined {
  return states.get(branch)?.until;
}

/** Invalidates earlier answers. */
export function stir(branch: Branch): void {
  stateOf(branch).epoch++;
}

/** One change of an upper, during which it is not asked. */
export class Unrest {
  readonly #branch: Branch;
  /** Ends the waiting; undefined while the upper can be asked. Changed by `begin` and `end`. */
  #release: (() => void) | undefined;

  constructor(branch: Branch) {
    this.#branch = branch;
  }

  /** From now on, calls that want to ask wait. */
  begin(): void {
    if (this.#release !== undefined) return;
    stir(this.#branch);
    const { promise, resolve } = withResolvers();
    stateOf(this.#branch).until = promise;
    this.#release = resolve;
  }

  /** Lets calls ask again. */
  end(): void {
    if (this.#release === undefined) return;
    stir(this.#branch);
    stateOf(this.#branch).until = undefined;
    this.#release();
    this.#release = undefined;
  }
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
