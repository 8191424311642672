/**
 * Requests to node:fs, sent in bursts.
 *
 * Each request is work for a thread of libuv's pool. An idle thread sleeps, and waking it costs as much as a small
 * request, so a program that sends one request after each answer mostly pays for waking threads.
 *
 *     one by one    answer ─► request (wake) ─► answer ─► request (wake) ─► ...
 *     in bursts     answer, answer, answer ─► request (wake), request, request ─► ...
 *
 * Where enough others are under way, a request waits for the end of the turn of the event loop and goes with those that
 * came meanwhile. A single request goes at once, and none waits for the answer to another. They keep their order: a
 * `close` that overtook the `read` before it would let that read whatever file gets the descriptor next.
 */

import { inNextTurn } from '../node/turns.ts';

/** As many as the pool has threads by default, so that no thread is kept waiting for work. */
const AT_ONCE = 4;

/** How many requests of this thread are under way or waiting. Changed by `send` and `answered`. */
let underWay = 0;
/** The requests that wait for the end of the turn. Changed by `send` and `flush`. */
let waiting: (() => void)[] = [];

function flush(): void {
  const sent = waiting;
  waiting = [];
  for (const each of sent) each();
}

/** Sends a request, now or at the end of this turn. Requires: it never throws, and calls `answered` once it is over. */
export function send(request: () => void): void {
  if (underWay++ < AT_ONCE && waiting.length === 0) {
    request();
    return;
  }
  if (waiting.length === 0) inNextTurn(flush);
  waiting.push(request);
}

/** Notes that a request which was sent is over. */
export function answered(): void {
  underWay--;
}
