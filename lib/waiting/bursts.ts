/**
 * Requests to node:fs, sent in bursts.
 *
 * Each is work for a thread of libuv's pool. A thread that has nothing to do sleeps, and waking one costs as much as a small request takes;
 * so a program that sends one request after each answer mostly pays for that.
 *
 *     one by one    answer ─► request (wake) ─► answer ─► request (wake) ─► ...
 *     in bursts     answer, answer, answer ─► request (wake), request, request ─► ...
 *
 * Where others are under way, a request waits for the end of the turn of the event loop, and goes with those that have come meanwhile.
 * One by itself goes at once, and none waits for an answer to another. All go in the order in which they have come: a `close` that overtook the
 * `read` before it would let that read whatever file has the descriptor next.
 */

import { inNextTurn } from '../node/turns.ts';

/** As many as the pool has threads by default: so none of them is ever kept waiting for work. */
const AT_ONCE = 4;

/** Requests of this thread that are under way or wait; the process has one pool for all threads. Changed by `send` and `answered`. */
let underWay = 0;
/** What waits for the end of the turn. Changed by `send` and `flush`. */
let waiting: (() => void)[] = [];

function flush(): void {
  const sent = waiting;
  waiting = [];
  for (const each of sent) each();
}

/** Sends a request, now or at the end of this turn. Requires: it throws nothing, and says `answered` once it is. */
export function send(request: () => void): void {
  if (underWay++ < AT_ONCE && waiting.length === 0) {
    request();
    return;
  }
  if (waiting.length === 0) inNextTurn(flush);
  waiting.push(request);
}

/** Says that a request which was sent is over. */
export function answered(): void {
  underWay--;
}
