// When answers come: behind what Node puts before them, and never so fast that timers and sockets get no turn (N6).

import { Volume } from 'memfs';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';

const { fs } = createOverlay({ lower: Volume.fromJSON({ '/f': 'x' }) });

describe('turns of the event loop', () => {
  it('N6 a callback comes behind process.nextTick and promises, in the order of the calls', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      fs.stat('/f', () => order.push('stat'));
      fs.stat('/none', () => order.push('error'));
      fs.readFile('/f', () => {
        order.push('read');
        resolve();
      });
      process.nextTick(() => order.push('tick'));
      void Promise.resolve().then(() => order.push('promise'));
    });
    expect(order.slice(0, 2).sort()).toEqual(['promise', 'tick']);
    expect(order.slice(2)).toEqual(['stat', 'error', 'read']);
  });

  it('N6 a chain of callbacks lets timers have their turn', async () => {
    let isOver = false;
    setTimeout(() => {
      isOver = true;
    }, 5);
    await new Promise<void>((resolve) => {
      const again = () => (isOver ? resolve() : fs.stat('/f', again));
      again();
    });
    expect(isOver).toBe(true);
  });

  it('N6 a loop of promise calls lets timers have their turn', async () => {
    let isOver = false;
    setTimeout(() => {
      isOver = true;
    }, 5);
    while (!isOver) await fs.promises.stat('/f');
    expect(isOver).toBe(true);
  });
});
