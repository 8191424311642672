/** A volume as an upper that fails, comes short and says "not now" as it is told to. */

import fc from 'fast-check';
import { Volume } from 'memfs';

/** What the upper does to each call that writes; nothing where there is none left. */
export const mood = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.constant('well') },
    { weight: 1, arbitrary: fc.constantFrom('EIO', 'ENOSPC', 'EACCES', 'EROFS') },
    { weight: 2, arbitrary: fc.constant('short') },
    { weight: 1, arbitrary: fc.constant('EAGAIN') },
  ),
  { maxLength: 120, size: 'max' },
);

/** What write-back gives to `writeSync`. */
type Written = [fd: number, bytes: Uint8Array, at: number, length: number, position: number];

/** Commands that tell nothing to the upper, but ask it. */
const ASKING = new Set(['lstat', 'list', 'read', 'close']);

/** An upper that does each command as it is in the mood to: not at all, or writes less than it was given. */
export class Moody {
  readonly volume = new Volume();
  readonly fs: object;
  /** What is still to come. Changed as commands go by. */
  #moods: readonly string[] = [];
  /** The next write is short. Changed by `hear` and by that. */
  #isShort = false;
  /** How many commands have failed. */
  failures = 0;

  constructor() {
    this.fs = new Proxy(this.volume, {
      get: (target, key) => {
        const found: unknown = Reflect.get(target, key);
        if (key === 'writeSync') return (...given: Written) => this.#write(given);
        return typeof found === 'function' ? found.bind(target) : found;
      },
    });
  }

  be(moods: readonly string[]): void {
    this.#moods = moods;
    this.#isShort = false;
  }

  /** A command is about to be carried out, each at once: a volume does some of them by several calls, none of which can fail alone. */
  hear(kind: string): void {
    if (ASKING.has(kind)) return;
    const [now = 'well', ...later] = this.#moods;
    this.#moods = later;
    this.#isShort = now === 'short';
    if (now === 'well' || now === 'short') return;
    if (now !== 'EAGAIN') this.failures++;
    throw Object.assign(new Error(now), { code: now });
  }

  #write(given: Written): number {
    const [fd, bytes, at, length, position] = given;
    const less = this.#isShort && Number(length) > 1 ? Math.ceil(Number(length) / 3) : length;
    this.#isShort = false;
    return this.volume.writeSync(fd, bytes, at, less, position);
  }
}
