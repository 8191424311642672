// Many who wait with one signal.

import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { untilAborted } from '../../lib/waiting/aborts.ts';

function manual() {
  let resolve = () => {};
  let reject = (_reason: Error) => {};
  const promise = new Promise<void>((...given) => {
    [resolve, reject] = given;
  });
  return { promise, resolve, reject };
}

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

describe('waiting with a signal', () => {
  it('takes one listener, however many wait, and none when none waits', async () => {
    const { signal } = new AbortController();
    const each = Array.from({ length: 20 }, manual);
    const waits = each.map(({ promise }) => untilAborted(promise, signal));
    expect(listeners(signal)).toBe(1);
    for (const { resolve } of each.slice(1)) resolve();
    await Promise.all(waits.slice(1));
    expect(listeners(signal)).toBe(1);
    each[0]?.reject(new Error('refused'));
    await expect(waits[0]).rejects.toThrow('refused');
    expect(listeners(signal)).toBe(0);
  });

  it('ends for all that wait, also for those that came after others had gone', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const first = manual();
    const gone = untilAborted(first.promise, signal);
    first.resolve();
    await gone;
    const waits = Array.from({ length: 3 }, () => untilAborted(new Promise(() => {}), signal));
    controller.abort();
    await Promise.all(waits);
    await untilAborted(new Promise(() => {}), signal);
    expect(listeners(signal)).toBe(0);
  });

  it('is no leak to Node, where many calls share a signal', async () => {
    const controller = new AbortController();
    const readFile = () => new Promise<Uint8Array>(() => {});
    const stat = async () => ({ isFile: () => true, mode: 0o100644, size: 5, mtimeMs: 1 });
    const { fs } = createOverlay({ lower: { promises: { readFile, stat, readdir: async () => [] } } });
    const warnings: string[] = [];
    const warn = ({ message }: Error) => warnings.push(message);
    process.on('warning', warn);
    const reads = Array.from({ length: 30 }, (_, i) => fs.promises.readFile(`/f${i}`, { signal: controller.signal }));
    const outcomes = Promise.allSettled(reads);
    await nextTurn();
    expect(listeners(controller.signal)).toBe(1);
    controller.abort();
    for (const { status } of await outcomes) expect(status).toBe('rejected');
    await nextTurn();
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });
});
