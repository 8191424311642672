/**
 * How the callback and promise APIs ask: the memory of one call.
 *
 * Answers are remembered until the call ends, so that each run of its operation gets further than the one before. Calls
 * share a question under way where one answer serves all: about a branch that never changes, and about the bytes of a
 * file with a certain fingerprint. Everything else each call asks for itself, since an answer that was under way when
 * the call began may be older than what the call must see.
 */

import type {
  AsyncRequests,
  Attributes,
  Branch,
  Entry,
  Fingerprint,
  Loan,
  Loans,
  Remembered,
  SAME,
  Space,
  StraightReads,
} from '../branch/branch.ts';
import { UPPER } from '../branch/branch.ts';
import { printAlike, printOf } from '../branch/dialect.ts';
import { epochOf, quietOf } from '../branch/upper/unrest.ts';
import { ESTALE } from '../errno.ts';
import type { Errand, Io } from '../fault.ts';
import { askEach } from '../waiting/each.ts';
import { Fault, Question, stopFor } from '../waiting/questions.ts';
import { type Sent, sendShared } from './in-flight.ts';
import { beginLook, endLook, heardLater, type Look, newest } from './looks.ts';
import { OpenedThrough } from './opened.ts';
import { borrowing, type Range, reading, straightWording } from './range.ts';

/** What a call has asked. */
interface Asked extends Sent {
  /** For an `lstat` in a lower that may change. */
  readonly look?: Look;
}

/** How many contradictions a call puts up with. */
const DOUBTS = 8;

/**
 * How a question may be asked.
 *
 * - `shared`: equal questions under way are one, since the answer cannot change while they are;
 * - `anew`: an answer to what was asked before this call began may be out of date;
 * - `acting`: it changes something, each time.
 */
type Sharing = 'shared' | 'anew' | 'acting';

/** Asks and stops: the memory of one call of the callback or promise API, from its first run to its last. */
export class AsyncIo implements Io {
  readonly isAtOnce = false;
  /** How to ask a branch that has only synchronous functions. */
  readonly #atOnce: Io;
  // Most calls find everything in memory, so what follows is made when it is first needed.
  /** What this call has asked. Changed by `#remember` and `doubt`, dropped with the call. */
  #asked: Map<string, Asked> | undefined;
  /** Joined questions for whose answer this call has waited long enough. Changed by `#until`. */
  #awaited: Set<Question<unknown>> | undefined;
  /** What this call has opened straight through, or is opening. Made by `openThrough`. */
  #opened: OpenedThrough | undefined;
  /** The errands that this call has had done. Changed by `perform`. */
  #errands: Map<string, Question<unknown>> | undefined;
  /** The results of this call's changes (`once`), in order. Changed by `once`. */
  #changes: unknown[] | undefined;
  /** How many of these changes the present run has reached. Changed by `once` and `run`. */
  #reached = 0;
  /** The looks of this call, to be ended with it. Changed by `#expectLook` and `#endLooks`. */
  #looks: Look[] | undefined;
  /** The errand behind the operation. Changed by `afterwards` and `run`. */
  #afterwards: Errand | undefined;
  /** The result of the operation, while that errand is under way. Changed by `run`. */
  #done: { readonly value: unknown } | undefined;
  /** When the earliest of this call's questions was sent, in milliseconds since 1970. Changed by `#expect`. */
  #since: number | undefined;
  /**
   * How often an answer was doubted, which bounds the restarts of a call whose file changes all the time. Changed by
   * `doubt`.
   */
  #doubts = 0;
  /** The call has ended without a result. Set by `giveUp`. */
  #isGivenUp = false;
  /** How many acting questions the present run has asked. Changed by `#act` and `run`. */
  #acts = 0;

  constructor(atOnce: Io) {
    this.#atOnce = atOnce;
  }

  get since(): number {
    return this.#since ?? Date.now();
  }

  /**
   * Runs the operation once. Returns the Fault where it stops: throwing it once more would cost as much as a lookup.
   */
  run<R>(operation: (io: Io) => R): R | Fault {
    this.#acts = 0;
    this.#reached = 0;
    if (this.#done === undefined) {
      this.#afterwards = undefined;
      this.#opened?.wantNothing();
    }
    try {
      const value = this.#done === undefined ? operation(this) : (this.#done.value as R);
      this.#endLooks();
      if (this.#afterwards !== undefined) {
        this.#done = { value };
        this.perform(this.#afterwards);
      }
      this.#opened?.closeUnwanted();
      return value;
    } catch (thrown) {
      if (thrown instanceof Fault) return thrown;
      this.giveUp();
      throw thrown;
    }
  }

  /**
   * Passes on the result of a call that was aborted while the errand behind it was under way, once that is done. Where
   * the errand fails, the change is taken back and there is no result.
   */
  leave<R>(toWhom: (value: R) => void): void {
    const done = this.#done;
    const behind = this.#errands?.get(this.#afterwards?.key ?? '');
    if (done === undefined || behind === undefined) return;
    void behind.settled.then(() => {
      if (behind.answer !== undefined && 'value' in behind.answer) toWhom(done.value as R);
    });
  }

  /** Ends a call that will not be run again. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#opened?.wantNothing();
    this.#opened?.closeUnwanted();
    this.#endLooks();
  }

  #endLooks(): void {
    if (this.#looks === undefined) return;
    for (const look of this.#looks) endLook(look);
    this.#looks = undefined;
  }

  /** Takes the remembered answer to a question, or sends it and stops. */
  #answer<R>(branch: Branch, wording: string, sharing: Sharing, ask: (requests: AsyncRequests) => Promise<R>): R {
    const quiet = quietOf(branch);
    if (quiet !== undefined) throw stopFor(branch, quiet);
    return this.#resultOf(branch, this.#expect(branch, wording, sharing, ask)) as R;
  }

  /** The answer to a question; stops where it is not there yet. */
  #resultOf(branch: Branch, asked: Asked): unknown {
    if (asked.question.answer === undefined) throw stopFor(branch, this.#until(branch, asked));
    return asked.question.result();
  }

  #until({ timers }: Branch, { question, isJoined }: Asked): Promise<void> {
    if (!isJoined) return question.settled;
    return question.settledForOthers(timers).then(() => {
      this.#awaited ??= new Set();
      this.#awaited.add(question);
    });
  }

  /** Whether joining a question was in vain: it failed, or takes too long. */
  #isInVain({ question, isJoined }: Asked): boolean {
    if (!isJoined) return false;
    return question.answer === undefined ? this.#awaited?.has(question) === true : 'thrown' in question.answer;
  }

  #expect<R>(branch: Branch, wording: string, sharing: Sharing, ask: (requests: AsyncRequests) => Promise<R>): Asked {
    const key = keyOf(branch, wording);
    const known = this.#asked?.get(key);
    if (known !== undefined && !this.#isInVain(known)) return known;
    const requests = laterOf(branch);
    const send = () => ask(requests);
    const isShared = sharing === 'shared' || (sharing === 'anew' && branch.immutable);
    const asked = isShared ? sendShared(branch, key, send, known) : { question: new Question(send), isJoined: false };
    this.#remember(key, asked);
    // A question that was joined may have been sent before this call began.
    this.#since = Math.min(this.#since ?? Number.POSITIVE_INFINITY, asked.question.sentAt);
    return asked;
  }

  /**
   * Sends an `lstat`, unless it is remembered. In a lower that may change it is a look, since other calls may see
   * something newer meanwhile.
   */
  #expectLook(branch: Branch, path: string): Asked {
    const wording = `lstat ${path}`;
    if (branch.immutable) return this.#expect(branch, wording, 'anew', (requests) => requests.lstat(path));
    const key = keyOf(branch, wording);
    const known = this.#asked?.get(key);
    if (known !== undefined) return known;
    const requests = laterOf(branch);
    const look = beginLook(branch, path);
    this.#looks ??= [];
    this.#looks.push(look);
    const question = new Question<unknown>(
      () => requests.lstat(path),
      ({ answer }) => {
        if (answer !== undefined && 'value' in answer) heardLater(look, answer.value as Attributes | undefined);
      },
    );
    const asked = { question, isJoined: false, look };
    this.#remember(key, asked);
    return asked;
  }

  #remember(key: string, asked: Asked): void {
    this.#asked ??= new Map();
    this.#asked.set(key, asked);
  }

  lstat(branch: Branch, path: string): Attributes | undefined {
    if (branch.async === undefined) return this.#atOnce.lstat(branch, path);
    const quiet = quietOf(branch);
    if (quiet !== undefined) throw stopFor(branch, quiet);
    const asked = this.#expectLook(branch, path);
    const answer = this.#resultOf(branch, asked) as Attributes | undefined;
    return asked.look === undefined ? answer : newest(asked.look, answer);
  }

  revalidate(branch: Branch, path: string, remembered: Remembered): typeof SAME | Attributes | undefined {
    if (branch.async === undefined) return this.#atOnce.revalidate(branch, path, remembered);
    // Not shared, and not compared by the branch: what is remembered may change before it answers.
    return this.lstat(branch, path);
  }

  list(branch: Branch, path: string): readonly Entry[] | undefined {
    if (branch.async === undefined) return this.#atOnce.list(branch, path);
    return this.#answer(branch, `list ${path}`, 'anew', (requests) => requests.list(path));
  }

  readlink(branch: Branch, path: string): string | undefined {
    if (branch.async === undefined) return this.#atOnce.readlink(branch, path);
    // An answer from before the newest look at the link does not count.
    const version = this.#asked?.get(keyOf(branch, `lstat ${path}`))?.look?.news.version ?? 0;
    return this.#answer(branch, `readlink ${version} ${path}`, 'anew', (requests) => requests.readlink(path));
  }

  read(branch: Branch, ...range: Range): Uint8Array | undefined {
    if (branch.async === undefined) return this.#atOnce.read(branch, ...range);
    const { wording, ask } = reading(...range);
    return this.#answer(branch, wording, 'shared', ask);
  }

  readStraight(
    branch: Branch,
    straight: StraightReads,
    path: string,
    fingerprint: Fingerprint,
    offset: number,
    target: Uint8Array,
  ): number | undefined {
    const print = printOf(fingerprint);
    const wording = straightWording(path, print, offset, target.length);
    const answer = this.#answer(branch, wording, 'acting', async () => {
      const count = await straight.later(path, print, offset, target);
      return count === undefined ? undefined : { target, count };
    });
    if (answer === undefined) return undefined;
    // An earlier run of the operation may have brought another buffer.
    if (answer.target !== target) target.set(answer.target.subarray(0, answer.count));
    return answer.count;
  }

  doubt(branch: Branch, path: string, fingerprint: Fingerprint): void {
    const key = keyOf(branch, `lstat ${path}`);
    const asked = this.#asked?.get(key);
    const answer = asked?.question.answer;
    // In a later run the doubted answer has been replaced already.
    if (answer !== undefined && 'value' in answer) {
      const told = answer.value as Attributes | undefined;
      if (!tells(asked?.look === undefined ? told : newest(asked.look, told), fingerprint)) return;
    }
    this.#doubts++;
    if (this.#doubts > DOUBTS) throw ESTALE;
    this.#asked?.delete(key);
  }

  borrow(branch: Branch, loans: Loans, ...range: Range): Loan | Uint8Array | undefined {
    const { wording, ask } = borrowing(loans, ...range);
    return this.#answer(branch, wording, 'shared', ask);
  }

  expectRead(branch: Branch, loans: Loans | undefined, ...range: Range): void {
    if (branch.async === undefined || quietOf(branch) !== undefined) return;
    const { wording, ask } = loans === undefined ? reading(...range) : borrowing(loans, ...range);
    this.#expect<unknown>(branch, wording, 'shared', ask);
  }

  each<T, R>(items: readonly T[], ask: (item: T) => R, isThere: (item: T) => boolean): R[] {
    return askEach(items, ask, () => this.#isGivenUp, isThere);
  }

  statfs(branch: Branch, path: string): Space | undefined {
    if (branch.async === undefined) return this.#atOnce.statfs(branch, path);
    return this.#answer(branch, `statfs ${path}`, 'anew', (requests) => requests.statfs(path));
  }

  openThrough(branch: Branch, path: string, flags: number): number {
    if (branch.async === undefined) return this.#atOnce.openThrough(branch, path, flags);
    const ask = (requests: AsyncRequests) => requests.openThrough(path, flags);
    const wording = this.#act(`open ${flags} ${path}`);
    const { question } = this.#expect(branch, wording, 'acting', ask);
    this.#opened ??= new OpenedThrough();
    this.#opened.want(question, branch);
    return this.#answer(branch, wording, 'acting', ask);
  }

  readThrough(branch: Branch, handle: number, target: Uint8Array, position: number): number {
    if (branch.async === undefined) return this.#atOnce.readThrough(branch, handle, target, position);
    return this.#answer(branch, this.#act(`through ${handle}`), 'acting', (requests) =>
      requests.readThrough(handle, target, position),
    );
  }

  writeThrough(branch: Branch, handle: number, source: Uint8Array, position: number): number {
    if (branch.async === undefined) return this.#atOnce.writeThrough(branch, handle, source, position);
    return this.#answer(branch, this.#act(`through ${handle}`), 'acting', (requests) =>
      requests.writeThrough(handle, source, position),
    );
  }

  perform(errand: Errand): void {
    this.#errands ??= new Map();
    const known = this.#errands.get(errand.key) ?? new Question(() => errand.later());
    this.#errands.set(errand.key, known);
    if (known.answer === undefined) throw new Fault(known.settled);
    known.result();
  }

  afterwards(errand: Errand): void {
    this.#afterwards = errand;
  }

  once<R>(change: () => R): R {
    this.#changes ??= [];
    if (this.#reached === this.#changes.length) this.#changes.push(change());
    return this.#changes[this.#reached++] as R;
  }

  /** The wording of a question that acts: the same in each run, and different for a second such question. */
  #act(wording: string): string {
    this.#acts++;
    return `${this.#acts} ${wording}`;
  }
}

/** How to ask a branch later. Requires: it has `async`. */
function laterOf({ async: requests }: Branch): AsyncRequests {
  if (requests === undefined) throw new Error('a branch without promise functions is asked at once');
  return requests;
}

/** The key of a question. It has the epoch of the upper, since write-back invalidates earlier answers. */
function keyOf(branch: Branch, wording: string): string {
  return branch.id === UPPER ? `${UPPER} ${epochOf(branch)} ${wording}` : `${branch.id} ${wording}`;
}

/** Whether an answer of `lstat` has this fingerprint. */
function tells(told: Attributes | undefined, fingerprint: Fingerprint): boolean {
  return told !== undefined && printAlike(told, fingerprint);
}
