// Requests to node:fs go in bursts: what is under way decides when the next is sent, and no answer is waited for.

import { expect, it } from 'vitest';
import { nextTurn } from '../../lib/node/turns.ts';
import { answered, send } from '../../lib/waiting/bursts.ts';

/** Sends so many requests, which note their number in `sent` when they go. */
function sendMany(sent: number[], first: number, count: number): void {
  for (let each = first; each < first + count; each++) send(() => sent.push(each));
}

function answerMany(count: number): void {
  for (let each = 0; each < count; each++) answered();
}

it('sends what is alone at once, and what comes on top at the end of the turn, all together and in its order', async () => {
  const sent: number[] = [];
  sendMany(sent, 0, 7);
  expect(sent).toEqual([0, 1, 2, 3]);
  await Promise.resolve();
  sendMany(sent, 7, 1);
  expect(sent).toEqual([0, 1, 2, 3]);
  await nextTurn();
  expect(sent).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  answerMany(8);
});

it('sends although nothing that is under way is ever answered', async () => {
  const sent: number[] = [];
  sendMany(sent, 0, 6);
  await nextTurn();
  sendMany(sent, 6, 2);
  await nextTurn();
  expect(sent).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  answerMany(8);
});

it('sends at once again when the others are answered', async () => {
  const sent: number[] = [];
  sendMany(sent, 0, 5);
  await nextTurn();
  answerMany(5);
  sendMany(sent, 5, 1);
  expect(sent).toEqual([0, 1, 2, 3, 4, 5]);
  answerMany(1);
});

it('lets no request overtake those that wait, whatever is answered meanwhile', async () => {
  const sent: number[] = [];
  sendMany(sent, 0, 5);
  answerMany(4);
  sendMany(sent, 5, 1);
  await nextTurn();
  expect(sent).toEqual([0, 1, 2, 3, 4, 5]);
  answerMany(2);
  sendMany(sent, 6, 1);
  expect(sent).toEqual([0, 1, 2, 3, 4, 5, 6]);
  answerMany(1);
});

it('sends in the next turn what was asked for by one of a burst', async () => {
  const sent: string[] = [];
  sendMany([], 0, 4);
  send(() => {
    sent.push('first');
    send(() => sent.push('second'));
  });
  await nextTurn();
  expect(sent).toEqual(['first']);
  await nextTurn();
  expect(sent).toEqual(['first', 'second']);
  answerMany(6);
});
