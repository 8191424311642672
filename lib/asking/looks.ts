/**
 * Looks under way: which of several answers about one path of a lower that may change is the newest.
 *
 * A branch may answer in another order than it was asked, and a call remembers its answers until it ends. Meanwhile another call may have
 * looked at the same path later, and the tree may have been told what that one saw. What is older must not be taken for news then: a file
 * that somebody has open would lose its name to one that is long gone.
 *
 *     call 1   lstat /a ─────────────────────────────────────► (old)   takes what call 2 was told
 *     call 2               lstat /a ──► (new) ──► tree
 *     below            ▲ another file
 *
 * What is heard of a path is kept only while a call remembers an answer about it. Whoever asks at once only tells what is heard.
 */

import type { Attributes, Branch } from '../branch/branch.ts';

/** What was last heard of a path. */
interface News {
  /** When that was asked; 0 for never. Changed by `hear`. */
  asked: number;
  /** Changed likewise. */
  answer: Attributes | undefined;
  /** How often the answer was another one than before. Changed likewise. */
  version: number;
  /** How many looks at the path are not over. Changed by `beginLook` and `endLook`. */
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
/** How many looks are not over, of all overlays. Changed by `beginLook` and `endLook`. */
let looking = 0;
/** How many looks there have been: the time by which they are ordered. Changed by `beginLook` and `heardAtOnce`. */
let time = 0;

/** Begins a look, which is not over until the call that asks ends. */
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

/** Requires: called once for each look. */
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
  // Not every branch tells a time of change.
  return isOfOneTime && one.ino === other.ino && one.mtimeSec === other.mtimeSec && one.mtimeNsec === other.mtimeNsec;
}

/** Says what a look was answered. */
export function heardLater({ news, asked }: Look, answer: Attributes | undefined): void {
  hear(news, asked, answer);
}

/** Says what somebody was answered who asked at once. */
export function heardAtOnce(branch: Branch, path: string, answer: Attributes | undefined): void {
  if (looking === 0) return;
  const news = newsOf.get(branch)?.get(path);
  if (news !== undefined) hear(news, ++time, answer);
}

/** What to take for the answer of a look: that of a later one where there is one. */
export function newest({ news, asked }: Look, answer: Attributes | undefined): Attributes | undefined {
  return news.asked > asked ? news.answer : answer;
}
