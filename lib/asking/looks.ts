/**
 * Looks under way: which of several answers about a path in a lower that may change is the newest.
 *
 * A branch may answer in another order than it was asked, and a call remembers its answers until it ends. Meanwhile
 * another call may have looked at the same path later, and the tree may know what that call saw. The older answer must
 * not count as news then: an open file would lose its name to a file that is long gone.
 *
 *     call 1   lstat /a ─────────────────────────────────────► (old)   takes what call 2 was told
 *     call 2               lstat /a ──► (new) ──► tree
 *     below            ▲ another file
 *
 * The news of a path is kept only while some call remembers an answer about it. A synchronous call keeps no look; it
 * only adds its answer to the news.
 */

import type { Attributes, Branch } from '../branch/branch.ts';

/** The last answer about a path. */
interface News {
  /** When it was asked, as `time` counts; 0 for never. Changed by `hear`. */
  asked: number;
  /** Changed likewise. */
  answer: Attributes | undefined;
  /** How often the answer differed from the one before. Changed likewise. */
  version: number;
  /** How many looks at the path have not ended. Changed by `beginLook` and `endLook`. */
  looks: number;
}

/** One question of a call about a path. */
export interface Look {
  readonly branch: Branch;
  readonly path: string;
  readonly asked: number;
  readonly news: News;
}

const newsOf = new WeakMap<Branch, Map<string, News>>();
/** How many looks have not ended, of all overlays. Changed by `beginLook` and `endLook`. */
let looking = 0;
/** Counts looks, which orders them in time. Changed by `beginLook` and `heardAtOnce`. */
let time = 0;

/** Begins a look, which lasts until the call that asks ends. */
export function beginLook(branch: Branch, path: string): Look {
  let paths = newsOf.get(branch);
  if (paths === undefined) {
    paths = new Map();
    newsOf.set(branch, paths);
  }
  let news = paths.get(path);
  if (news === undefined) {
    news = { asked: 0, answer: undefined, version: 0, looks: 0 };
    paths.set(path, news);
  }
  news.looks++;
  looking++;
  return { branch, path, asked: ++time, news };
}

/** Ends a look. Requires: called once for each look. */
export function endLook({ branch, path, news }: Look): void {
  looking--;
  news.looks--;
  if (news.looks === 0) newsOf.get(branch)?.delete(path);
}

function hear(news: News, asked: number, answer: Attributes | undefined): void {
  if (asked < news.asked) return;
  if (news.asked === 0 || !isSame(news.answer, answer)) news.version++;
  news.asked = asked;
  news.answer = answer;
}

function isSame(one: Attributes | undefined, other: Attributes | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  const isOfOneTime = one.ctimeSec === other.ctimeSec && one.ctimeNsec === other.ctimeNsec;
  // `ctime` alone does not do: not every branch has one.
  return isOfOneTime && one.ino === other.ino && one.mtimeSec === other.mtimeSec && one.mtimeNsec === other.mtimeNsec;
}

/** Notes the answer to a look. */
export function heardLater({ news, asked }: Look, answer: Attributes | undefined): void {
  hear(news, asked, answer);
}

/** Notes an answer that a synchronous call got. */
export function heardAtOnce(branch: Branch, path: string, answer: Attributes | undefined): void {
  if (looking === 0) return;
  const news = newsOf.get(branch)?.get(path);
  if (news !== undefined) hear(news, ++time, answer);
}

/** The answer to use for a look: that of a later look, where there is one. */
export function newest({ news, asked }: Look, answer: Attributes | undefined): Attributes | undefined {
  return news.asked > asked ? news.answer : answer;
}
