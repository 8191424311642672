/**
 * Opening what is in the way of its own owner for the duration of one request, and closing it again; `insistent.ts`
 * says when and why.
 *
 * Where the upper says "not now" (`not-now.ts`) to one of the steps, the steps before it are not repeated: a request
 * that is sent again goes on from there. What could not be closed is closed before the next command does anything,
 * since that may have come to set another mode.
 */

import { constants } from 'node:fs';
import { EACCES, EAGAIN, ENOENT, EPERM } from '../../errno.ts';
import type { Attributes, Branch } from '../branch.ts';
import { isNotNow } from './not-now.ts';
import { type Steps, takeLater, takeNow } from './steps.ts';
import type { Upper } from './upper.ts';

const { S_IFMT, S_IFDIR, S_IFREG } = constants;

/** A path to which the way must be open: the directories that lead to it, and with `and it` also the file itself. */
export interface Target {
  readonly path: string;
  readonly what: 'the way' | 'and it';
}

/** Carries out a request that needs the way to these targets to be open. */
export type Insist = (targets: readonly Target[], run: () => unknown) => unknown;

/** What a request does: `asks` changes nothing, `tells` is a command. */
type Purpose = 'asks' | 'tells';

/** The requests that this takes, answered at once or later. */
interface How {
  lstat(path: string): unknown;
  chmod(path: string, mode: number): unknown;
}

/** Something that was opened, and the mode that it had. */
interface Opened {
  readonly path: string;
  readonly mode: number;
}

/** Something that is to get its mode back. */
interface Closing extends Opened {
  /** Where it is after the request, if that has moved it. */
  readonly moved: string;
}

/** A request that was told "not now" after these had been opened. */
interface Begun {
  readonly targets: readonly Target[];
  readonly opened: Opened[];
}

/** See the file comment. */
export class Opener {
  readonly #root: string;
  readonly #now: How;
  readonly #later: How;
  /**
   * The last request that answers later. They run one after the other, so that none closes what another has opened.
   * Changed by `#inTurn`.
   */
  #last: Promise<unknown> = Promise.resolve();
  /** What could not be closed yet, in the order in which it is to be closed. Changed by `#close` and `#insist`. */
  #left: Closing[] = [];
  /** The request that goes on when it is sent again. Changed by `#insist`. */
  #begun: Begun | undefined;

  constructor(branch: Branch, upper: Upper, root: string) {
    this.#root = root;
    this.#now = {
      lstat: (path) => branch.sync?.lstat(path),
      chmod: (path, mode) => upper.sync?.chmod(path, mode),
    };
    this.#later = {
      lstat: (path) => branch.async?.lstat(path),
      chmod: (path, mode) => upper.async?.chmod(path, mode),
    };
  }

  /** For questions, which do not mind what is open meanwhile. */
  readonly askNow: Insist = (targets, run) => this.#runNow('asks', targets, run);
  readonly askLater: Insist = (targets, run) => this.#runLater('asks', targets, run);

  /** For commands, which must find the modes as they expect them. */
  readonly tellNow: Insist = (targets, run) => this.#runNow('tells', targets, run);
  readonly tellLater: Insist = (targets, run) => this.#runLater('tells', targets, run);

  #runNow(what: Purpose, targets: readonly Target[], run: () => unknown): unknown {
    if (what === 'asks' || this.#isAtRest) {
      try {
        return run();
      } catch (thrown) {
        if (thrown !== EACCES) throw thrown;
      }
    }
    return takeNow(this.#insist(this.#now, targets, run));
  }

  async #runLater(what: Purpose, targets: readonly Target[], run: () => unknown): Promise<unknown> {
    if (what === 'asks' || this.#isAtRest) {
      try {
        return await run();
      } catch (thrown) {
        if (thrown !== EACCES) throw thrown;
      }
    }
    return this.#inTurn(this.#insist(this.#later, targets, run));
  }

  get #isAtRest(): boolean {
    return this.#left.length === 0 && this.#begun === undefined;
  }

  #inTurn(steps: Steps<unknown>): Promise<unknown> {
    const turn = this.#last.then(
      () => takeLater(steps),
      () => takeLater(steps),
    );
    this.#last = turn;
    return turn;
  }

  *#insist(how: How, targets: readonly Target[], run: () => unknown): Steps<unknown> {
    const begun = this.#begun;
    this.#begun = undefined;
    const isSame = begun !== undefined && alike(begun.targets, targets);
    if (begun !== undefined && !isSame) this.#left.unshift(...closingsOf(begun.targets, begun.opened));
    yield* this.#close(how, this.#left.splice(0));
    const opened = isSame ? begun.opened : [];
    let answer: unknown;
    try {
      if (this.#left.length > 0) throw EAGAIN;
      for (const target of targets) yield* this.#open(how, target, opened);
      answer = yield run();
    } catch (thrown) {
      if (isNotNow(thrown)) this.#begun = { targets, opened };
      else yield* this.#close(how, closingsOf(targets, opened));
      throw thrown;
    }
    yield* this.#close(how, closingsOf(targets, opened));
    return answer;
  }

  *#open(how: How, target: Target, opened: Opened[]): Steps<void> {
    for (const path of this.#stepsTo(target)) {
      const found = (yield how.lstat(path)) as Attributes | undefined;
      const mode = lacking(found);
      if (found === undefined) return;
      if (mode === undefined) continue;
      if ((yield* chmod(how, path, mode)) === 'refused') return;
      opened.push({ path, mode: found.mode & 0o7777 });
    }
  }

  *#close(how: How, closings: readonly Closing[]): Steps<void> {
    for (const [index, { path, moved, mode }] of closings.entries()) {
      let at = path;
      try {
        if ((yield* chmod(how, at, mode)) === 'done') continue;
        at = moved;
        yield* chmod(how, at, mode);
      } catch (thrown) {
        if (!isNotNow(thrown)) throw thrown;
        // The rest waits too: the way to this one may lead through it.
        this.#left.unshift({ path: at, moved, mode }, ...closings.slice(index + 1));
        return;
      }
    }
  }

  /** The paths from the root of the upper to a target, in order. */
  #stepsTo({ path, what }: Target): string[] {
    const start = this.#root === '/' ? 0 : this.#root.length;
    const steps = [this.#root];
    for (let at = path.indexOf('/', start + 1); at >= 0; at = path.indexOf('/', at + 1)) steps.push(path.slice(0, at));
    if (what === 'and it' && path !== this.#root) steps.push(path);
    return steps;
  }
}

/**
 * What was opened last is closed first, since the way to it leads through the rest. What the request has moved is
 * closed before that: the way to where it is now leads through what was opened for the request.
 */
function closingsOf(targets: readonly Target[], opened: readonly Opened[]): Closing[] {
  const closings = opened.map(({ path, mode }) => ({ path, mode, moved: movedPath(path, targets) })).reverse();
  const isMoved = ({ path, moved }: Closing) => path !== moved;
  return [...closings.filter(isMoved), ...closings.filter((closing) => !isMoved(closing))];
}

function alike(some: readonly Target[], others: readonly Target[]): boolean {
  return some.length === others.length && some.every(({ path }, index) => path === others[index]?.path);
}

function* chmod(how: How, path: string, mode: number): Steps<'done' | 'refused'> {
  try {
    yield how.chmod(path, mode);
    return 'done';
  } catch (thrown) {
    // It is somebody else's, or the request has removed it.
    if (thrown !== EPERM && thrown !== ENOENT && thrown !== EACCES) throw thrown;
    return 'refused';
  }
}

/**
 * The mode that lets the owner do everything with a file or directory; undefined where its mode does already, or where
 * it is not there.
 */
function lacking(found: Attributes | undefined): number | undefined {
  if (found === undefined) return undefined;
  const type = found.mode & S_IFMT;
  const needed = type === S_IFDIR ? 0o700 : type === S_IFREG ? 0o600 : 0;
  return (found.mode & needed) === needed ? undefined : (found.mode & 0o7777) | needed;
}

/** Where something is after a rename of it or of a directory above it. */
function movedPath(path: string, [from, to]: readonly Target[]): string {
  const isMoved = from !== undefined && (path === from.path || path.startsWith(`${from.path}/`));
  return isMoved && to !== undefined ? to.path + path.slice(from.path.length) : path;
}
