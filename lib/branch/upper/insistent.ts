/**
 * An upper in which modes forbid the owner what write-back has to do: a directory of mode 0555, a file of mode 0000.
 *
 * The overlay has already checked who may do what. So where the upper says EACCES, what is in the way is opened to its
 * owner for the duration of one request, and closed again:
 *
 *     rename /d/a ──► EACCES ──► chmod /d u+rwx ──► rename again ──► chmod /d as it was
 *
 * A crash in between leaves a mode with more rights for the owner; where there is a journal, its last steps set the
 * mode right. `opener.ts` does the work.
 */

import type { Branch } from '../branch.ts';
import { type Insist, Opener, type Target } from './opener.ts';
import type { Upper, UpperRequests } from './upper.ts';

/** An argument that is a path, and how far the way to it must be open. */
interface Way extends Pick<Target, 'what'> {
  readonly at: number;
}

const WAY: Way = { at: 0, what: 'the way' };
const AND_IT: Way = { at: 0, what: 'and it' };

/** The arguments of requests that are paths. */
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
  // The source may lie outside the upper.
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

/** Makes an upper insist where modes are in the way of the owner. `root` is where it begins. */
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
      sync: sync && wrapped(sync, REQUESTS, opener.askNow),
      async: async && wrapped(async, REQUESTS, opener.askLater),
      straight: straight && {
        now: wrapped(straight, nowAt, opener.askNow).now,
        later: wrapped(straight, laterAt, opener.askLater).later,
      },
      loans: loans && {
        pageSize: loans.pageSize,
        now: wrapped(loans, nowAt, opener.askNow).now,
        later: wrapped(loans, laterAt, opener.askLater).later,
      },
    },
    upper: {
      ...upper,
      sync: upper.sync && wrapped(upper.sync, COMMANDS, opener.tellNow),
      async: upper.async && wrapped(upper.async, COMMANDS, opener.tellLater),
    },
  };
}

/** Modes do not stop root. */
function isRoot({ nesting }: Upper): boolean {
  return (nesting === undefined ? process.geteuid?.() : nesting.writer.uid) === 0;
}

/** The same object, with the functions that take paths made to insist. */
function wrapped<T extends object>(target: T, ways: Readonly<Record<string, readonly Way[]>>, insist: Insist): T {
  const made: Record<string, unknown> = {};
  for (let at: object | null = target; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const found: unknown = Reflect.get(target, name);
      if (typeof found !== 'function' || name === 'constructor' || name in made) continue;
      const paths = ways[name] ?? [];
      made[name] = (...given: unknown[]) => {
        const run = () => found.apply(target, given);
        if (paths.length === 0) return run();
        const targets = paths.map(({ at: index, what }) => ({ path: String(given[index]), what }));
        return insist(targets, run);
      };
    }
  }
  return made as T;
}
