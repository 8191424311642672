/**
 * An upper on the disk whose answers can be held back: one asynchronous call of it is kept under way, whether it has acted yet or acts when it
 * is let go.
 */

import nodeFs from 'node:fs';

/** When the call that is held acts: before anybody goes on, when it is let go, or never. */
export type Acting = 'first' | 'late' | 'never';

type Callback = (error: unknown, ...answers: unknown[]) => void;

/** Functions that answer to a callback, as `node:fs` has them. */
const NAMES = [
  'access',
  'chmod',
  'chown',
  'close',
  'copyFile',
  'fstat',
  'fsync',
  'ftruncate',
  'lchown',
  'link',
  'lstat',
  'lutimes',
  'mkdir',
  'open',
  'read',
  'readdir',
  'readlink',
  'rename',
  'rmdir',
  'stat',
  'statfs',
  'symlink',
  'unlink',
  'utimes',
  'write',
] as const;

/** See the file comment. */
export class HeldUpper {
  /** What is given as an upper. */
  readonly fs: Record<string, unknown>;
  /** How many asynchronous calls there were since `arm`. */
  #count = 0;
  /** Which of them is held; counted from 1. */
  #at = Number.POSITIVE_INFINITY;
  #acting: Acting = 'first';
  /** Descriptors that are open. */
  readonly open = new Set<number>();
  /** What throws in every call, as long as it is set. */
  broken: Error | undefined;
  #isHeld = (): void => {};
  /** Ends the call that is held. */
  #letGo: (() => void) | undefined;

  constructor() {
    const sync: Record<string, unknown> = {};
    for (const name of NAMES) {
      const atOnce = this.#counted(name);
      sync[`${name}Sync`] = atOnce;
      sync[name] = (...given: unknown[]) => this.#later(atOnce, given);
    }
    this.fs = { ...sync, constants: nodeFs.constants };
  }

  /** Has the call of this number held, counted from 1; resolves when it is. */
  arm(at: number, acting: Acting): Promise<void> {
    this.#count = 0;
    this.#at = at;
    this.#acting = acting;
    return new Promise((resolve) => {
      this.#isHeld = resolve;
    });
  }

  /** Keeps count of descriptors. */
  #counted(name: (typeof NAMES)[number]): (...given: unknown[]) => unknown {
    const real = nodeFs[`${name}Sync`] as (...given: unknown[]) => unknown;
    return (...given) => {
      if (this.broken !== undefined) throw this.broken;
      const answer = real(...given);
      if (name === 'open') this.open.add(answer as number);
      if (name === 'close') this.open.delete(given[0] as number);
      return answer;
    };
  }

  #later(atOnce: (...given: unknown[]) => unknown, given: unknown[]): void {
    const callback = given.pop() as Callback;
    let outcome: { readonly answer: unknown } | { readonly thrown: unknown } | undefined;
    const act = () => {
      try {
        outcome ??= { answer: atOnce(...given) };
      } catch (thrown) {
        outcome = { thrown };
      }
    };
    const end = () => {
      act();
      if (outcome !== undefined && 'thrown' in outcome) callback(outcome.thrown);
      else callback(null, outcome?.answer);
    };
    if (++this.#count !== this.#at) {
      setImmediate(end);
      return;
    }
    if (this.#acting === 'first') act();
    if (this.#acting !== 'never') this.#letGo = end;
    this.#isHeld();
  }

  /** Lets the call go on that is held. */
  letGo(): void {
    this.#letGo?.();
    this.#letGo = undefined;
  }
}
