/**
 * Reading files without blocking in a branch that cannot open any: each is read as a whole, and kept for the next range
 * of it.
 */

import { Question } from '../../waiting/questions.ts';
import type { Timers } from '../../waiting/timers.ts';
import type { StatsLike } from '../attributes.ts';
import type { Fingerprint } from '../branch.ts';
import { AS_IT_COMES, bytesIn, type Dialect, ownCopy, printAlike } from '../dialect.ts';
import type { AsyncFunctions } from '../fs-like.ts';

/**
 * The file that was last read, and the question for its content; the answer is undefined where it was replaced
 * meanwhile.
 */
interface WholeFile {
  readonly path: string;
  readonly fingerprint: Fingerprint;
  readonly question: Question<Uint8Array | undefined>;
}

/** Reads the files of one branch. */
export class WholeFiles {
  readonly #fs: Pick<AsyncFunctions, 'readFile'>;
  readonly #dialect: Dialect;
  readonly #timers: Pick<Timers, 'after'>;
  readonly #look: (path: string) => Promise<StatsLike | undefined>;
  /** Kept for the next range of the same file. Changed by `#find` and `close`. */
  #last: WholeFile | undefined;

  /** @param look looks at a path; undefined for nothing there */
  constructor(
    fs: Pick<AsyncFunctions, 'readFile'>,
    dialect: Dialect,
    timers: Pick<Timers, 'after'>,
    look: (path: string) => Promise<StatsLike | undefined>,
  ) {
    this.#fs = fs;
    this.#dialect = dialect;
    this.#timers = timers;
    this.#look = look;
  }

  /** `AsyncRequests.read`. */
  async read(path: string, fingerprint: Fingerprint, offset: number, length: number): Promise<Uint8Array | undefined> {
    const whole = await this.#find(path, fingerprint, offset, length);
    return whole && ownCopy(whole, offset, length);
  }

  /** Forgets what is kept. */
  close(): void {
    this.#last = undefined;
  }

  async #find(path: string, fingerprint: Fingerprint, offset: number, length: number): Promise<Uint8Array | undefined> {
    const known = this.#last;
    if (known?.path === path && printAlike(known.fingerprint, fingerprint)) {
      await known.question.settledForOthers(this.#timers);
      const { answer } = known.question;
      if (answer !== undefined && 'value' in answer) return answer.value;
    }
    const whole: WholeFile = { path, fingerprint, question: new Question(() => this.#readNow(path, fingerprint)) };
    this.#last = whole;
    await whole.question.settled;
    const { answer } = whole.question;
    const bytes = answer !== undefined && 'value' in answer ? answer.value : undefined;
    const isWantedAgain = bytes !== undefined && (offset > 0 || length < bytes.length);
    if (!isWantedAgain && this.#last === whole) this.#last = undefined;
    return whole.question.result();
  }

  async #readNow(path: string, fingerprint: Fingerprint): Promise<Uint8Array | undefined> {
    const bytes = bytesIn(await this.#fs.readFile(this.#dialect.pathFor(path), AS_IT_COMES));
    return this.#dialect.prints(await this.#look(path), fingerprint) ? bytes : undefined;
  }
}
