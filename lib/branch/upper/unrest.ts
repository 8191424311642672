/**
 * Whether what a branch was asked still means what it meant: the upper changes under who asks it without waiting, by our own hand.
 *
 * Write-back moves files of the upper. Whoever asked before a move must ask again after it; whoever would ask in the middle of one (where an
 * upper answers later only) waits until it is over.
 */

import type { Branch } from '../branch.ts';

/** The unrest of one branch. */
interface State {
  /** Rises with each change that makes earlier answers void. Changed by `stir`. */
  epoch: number;
  /** Resolves when the upper can be asked again; undefined while it can. Changed by `Unrest`. */
  until: Promise<void> | undefined;
}

/** Only uppers that were ever changed in this way have an entry. */
const states = new WeakMap<Branch, State>();

function stateOf(branch: Branch): State {
  let state = states.get(branch);
  if (state === undefined) {
    state = { epoch: 0, until: undefined };
    states.set(branch, state);
  }
  return state;
}

/** Tells answers that still hold from those that do not: they are of the same epoch. */
export function epochOf(branch: Branch): number {
  return states.get(branch)?.epoch ?? 0;
}

/** What to wait for before the branch is asked; undefined for nothing. */
export function quietOf(branch: Branch): Promise<void> | undefined {
  return states.get(branch)?.until;
}

/** Makes earlier answers void. */
export function stir(branch: Branch): void {
  stateOf(branch).epoch++;
}

/** Somebody who makes others wait. */
export class Unrest {
  readonly #branch: Branch;
  /** Ends the waiting; undefined while nobody has to wait. Changed by `begin` and `end`. */
  #release: (() => void) | undefined;

  constructor(branch: Branch) {
    this.#branch = branch;
  }

  /** Makes everybody wait who is going to ask. */
  begin(): void {
    if (this.#release !== undefined) return;
    stir(this.#branch);
    const { promise, resolve } = withResolvers();
    stateOf(this.#branch).until = promise;
    this.#release = resolve;
  }

  /** Lets everybody ask again. */
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
