/**
 * Questions that several calls ask at the same time, where one answer serves all: about a branch that never changes,
 * and about the bytes of a file with a certain fingerprint.
 */

import type { Branch } from '../branch/branch.ts';
import { Question } from '../waiting/questions.ts';

/** Questions under way, by branch and key. An entry lives from the sending to the answer. */
const inFlight = new WeakMap<Branch, Map<string, Question<unknown>>>();

/** A question that a call has sent, or has joined because another call had sent it. */
export interface Sent {
  readonly question: Question<unknown>;
  readonly isJoined: boolean;
}

/** Joins the same question under way, unless it is `known` to be of no use, or sends it. */
export function sendShared(branch: Branch, key: string, ask: () => Promise<unknown>, known: Sent | undefined): Sent {
  let questions = inFlight.get(branch);
  if (questions === undefined) {
    questions = new Map();
    inFlight.set(branch, questions);
  }
  const under = questions;
  const other = under.get(key);
  if (other !== undefined && other !== known?.question) return { question: other, isJoined: true };
  const question = new Question(ask, (answered) => {
    if (under.get(key) === answered) under.delete(key);
  });
  under.set(key, question);
  return { question, isJoined: false };
}
