/**
 * An upper whose files and directories forbid their owner what write-back has to do: a directory of mode 0555, a file of mode 0000.
 *
 * The overlay has checked by then who may do what. So where the upper says EACCES, what is in the way is opened to its owner for as
 * long as one request takes, and closed again:
 *
 *     rename /d/a ──► EACCES ──► chmod /d u+rwx ──► rename again ──► chmod /d as it was
 *
 * A crash in between leaves a mode with more rights for the owner; the journal's last steps set it right where there is a journal.
 */

import { constants } from 'node:fs';
import { EACCES, ENOENT, EPERM } from '../../errno.ts';
import type { Attributes, Branch } from '../branch.ts';
import type { Upper, UpperRequests } from './upper.ts';

const { S_IFMT, S_IFDIR, S_IFREG } = constants;

/** A way to something: the directories that lead to it must be open, and with `and it` also the thing itself. */
interface Way {
  readonly at: number;
  readonly what: 'the way' | 'and it';
}

const WAY: Way = { at: 0, what: 'the way' };
const AND_IT: Way = { at: 0, what: 'and it' };

/** Which arguments of the requests are paths. */
const REQUESTS: Readonly<Record<string, readonly Way[]>> = {
  lstat: [WAY],
  revalidate: [WAY],
  list: [AND_IT],
  readlink: [WAY],
  read: [AND_IT],
  statfs: [WAY],
  openThrough: [WAY],
};

const COMMANDS: { readonly [K in keyof UpperRequests]: readonly Way[] } = {
  mkdir: [WAY],
  create: [WAY],
  put: [WAY],
  openForWriting: [AND_IT],
  write: [],
  truncate: [],
  flush: [],
  flushAt: [AND_IT],
  close: [],
  writeFile: [AND_IT],
  // What is copied may be no part of the upper.
  copy: [{ at: 1, what: 'the way' }],
  rename: [AND_IT, { at: 1, what: 'the way' }],
  unlink: [WAY],
  rmdir: [WAY],
  symlink: [{ at: 1, what: 'the way' }],
  link: [WAY, { at: 1, what: 'the way' }],
  chmod: [WAY],
  chown: [WAY],
  setTimes: [WAY],
};

/** Makes an upper insist where its own files and directories are in the way of who owns them. `root` is where it begins. */
export function insistent(
  branch: Branch,
  upper: Upper,
  root: string,
): { readonly branch: Branch; readonly upper: Upper } {
  if (!upper.can.chmod || isRoot(upper)) return { branch, upper };
  const opener = new Opener(branch, upper, root);
  const { sync, async, straight, loans } = branch;
  const [nowAt, laterAt] = [{ now: [AND_IT] }, { later: [AND_IT] }];
  return {
    branch: {
      ...branch,
      sync: sync && wrapped(sync, REQUESTS, opener.now),
      async: async && wrapped(async, REQUESTS, opener.later),
      straight: straight && {
        now: wrapped(straight, nowAt, opener.now).now,
        later: wrapped(straight, laterAt, opener.later).later,
      },
      loans: loans && {
        pageSize: loans.pageSize,
        now: wrapped(loans, nowAt, opener.now).now,
        later: wrapped(loans, laterAt, opener.later).later,
      },
    },
    upper: {
      ...upper,
      sync: upper.sync && wrapped(upper.sync, COMMANDS, opener.now),
      async: upper.async && wrapped(upper.async, COMMANDS, opener.later),
    },
  };
}

/** Nothing is in the way of root. */
function isRoot({ nesting }: Upper): boolean {
  return (nesting === undefined ? process.geteuid?.() : nesting.writer.uid) === 0;
}

type Insist = (paths: readonly Target[], run: () => unknown) => unknown;

/** A path to which the way must be open. */
interface Target {
  readonly path: string;
  readonly what: Way['what'];
}

/** The same object, but that these of its functions insist. */
function wrapped<T extends object>(target: T, ways: Readonly<Record<string, readonly Way[]>>, insist: Insist): T {
  const made: Record<string, unknown> = {};
  for (let at: object | null = target; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const found: unknown = Reflect.get(target, name);
      if (typeof found !== 'function' || name === 'constructor' || name in made) continue;
      const [first, second] = ways[name] ?? [];
      made[name] = (...given: unknown[]) => {
        const run = () => found.apply(target, given);
        if (first === undefined) return run();
        const targets = [first, ...(second === undefined ? [] : [second])];
        return insist(
          targets.map(({ at: index, what }) => ({ path: String(given[index]), what })),
          run,
        );
      };
    }
  }
  return made as T;
}

/** Something that was opened, and the mode that it had. */
interface Opened {
  readonly path: string;
  readonly mode: number;
}

/** Opens what is in the way, and closes it again. */
class Opener {
  readonly #branch: Branch;
  readonly #upper: Upper;
  readonly #root: string;
  /** The last insistence without blocking: they come one after the other, so that none closes what another has opened. Changed by `later`. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(branch: Branch, upper: Upper, root: string) {
    this.#branch = branch;
    this.#upper = upper;
    this.#root = root;
  }

  readonly now: Insist = (targets, run) => {
    try {
      return run();
    } catch (thrown) {
      if (thrown !== EACCES) throw thrown;
    }
    const opened: Opened[] = [];
    try {
      for (const target of targets) this.#openNow(target, opened);
      return run();
    } finally {
      for (const { path, mode } of opened.reverse()) {
        if (this.#chmodNow(path, mode) === 'refused') this.#chmodNow(movedPath(path, targets), mode);
      }
    }
  };

  readonly later: Insist = async (targets, run) => {
    try {
      return await run();
    } catch (thrown) {
      if (thrown !== EACCES) throw thrown;
    }
    const turn = this.#last.then(
      () => this.#insistLater(targets, run),
      () => this.#insistLater(targets, run),
    );
    this.#last = turn;
    return turn;
  };

  async #insistLater(targets: readonly Target[], run: () => unknown): Promise<unknown> {
    const opened: Opened[] = [];
    try {
      for (const target of targets) await this.#openLater(target, opened);
      return await run();
    } finally {
      for (const { path, mode } of opened.reverse()) {
        if ((await this.#chmodLater(path, mode)) === 'refused') await this.#chmodLater(movedPath(path, targets), mode);
      }
    }
  }

  #openNow(target: Target, opened: Opened[]): void {
    for (const path of this.#steps(target)) {
      const found = this.#branch.sync?.lstat(path);
      const mode = lacking(found);
      if (found === undefined) return;
      if (mode === undefined) continue;
      if (this.#chmodNow(path, mode) === 'refused') return;
      opened.push({ path, mode: found.mode & 0o7777 });
    }
  }

  async #openLater(target: Target, opened: Opened[]): Promise<void> {
    for (const path of this.#steps(target)) {
      const found = await this.#branch.async?.lstat(path);
      const mode = lacking(found);
      if (found === undefined) return;
      if (mode === undefined) continue;
      if ((await this.#chmodLater(path, mode)) === 'refused') return;
      opened.push({ path, mode: found.mode & 0o7777 });
    }
  }

  /** The paths from the root of the upper to a target. */
  #steps({ path, what }: Target): string[] {
    const start = this.#root === '/' ? 0 : this.#root.length;
    const steps = [this.#root];
    for (let at = path.indexOf('/', start + 1); at >= 0; at = path.indexOf('/', at + 1)) steps.push(path.slice(0, at));
    if (what === 'and it' && path !== this.#root) steps.push(path);
    return steps;
  }

  #chmodNow(path: string, mode: number): 'done' | 'refused' {
    try {
      this.#upper.sync?.chmod(path, mode);
      return 'done';
    } catch (thrown) {
      return refused(thrown);
    }
  }

  async #chmodLater(path: string, mode: number): Promise<'done' | 'refused'> {
    try {
      await this.#upper.async?.chmod(path, mode);
      return 'done';
    } catch (thrown) {
      return refused(thrown);
    }
  }
}

/** The mode that lets the owner do all with a file or directory; undefined where it does already, or where there is none. */
function lacking(found: Attributes | undefined): number | undefined {
  if (found === undefined) return undefined;
  const type = found.mode & S_IFMT;
  const needed = type === S_IFDIR ? 0o700 : type === S_IFREG ? 0o600 : 0;
  return (found.mode & needed) === needed ? undefined : (found.mode & 0o7777) | needed;
}

/** Somebody else's, or gone with what was done. */
function refused(thrown: unknown): 'refused' {
  if (thrown !== EPERM && thrown !== ENOENT && thrown !== EACCES) throw thrown;
  return 'refused';
}

/** Where something is after a rename of it or of what it is in. */
function movedPath(path: string, [from, to]: readonly Target[]): string {
  return from === undefined || to === undefined || !path.startsWith(from.path)
    ? path
    : to.path + path.slice(from.path.length);
}
