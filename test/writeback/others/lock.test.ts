// The lock of an upper: it belongs to one overlay at a time, even if others want it at the same moment, in this thread,
// in another thread or in another process.

import nodeFs, { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { Overlay } from '../../../lib/index.ts';
import { useDirectories } from '../directories.ts';
import { leftovers, mount } from '../rig.ts';

const newDirectory = useDirectories();
const isLinux = process.platform === 'linux';

/** A real upper; `before` runs before each of its calls, and is told which that is. */
function interrupted(root: string, before: (count: number, name: string) => void) {
  let count = 0;
  const fs = Object.fromEntries(
    Object.entries(nodeFs).map(([name, given]) => {
      if (!name.endsWith('Sync') || typeof given !== 'function') return [name, given];
      const call = (...all: unknown[]) => {
        before(++count, name);
        return Reflect.apply(given, nodeFs, all);
      };
      return [name, call];
    }),
  );
  return { upper: { fs, root }, calls: () => count };
}

/** Mounts an upper; undefined where it is in use. */
function tryToMount(upper: Parameters<typeof mount>[0]): Overlay | undefined {
  try {
    return mount(upper);
  } catch (error) {
    expect(error).toMatchObject({ code: 'EBUSY' });
    return undefined;
  }
}

const GONE = { pid: 2 ** 30, host: 'HOST', began: '', thread: '', token: 'gone' };

const LOCKS: [string, object | string | undefined][] = [
  ['no lock', undefined],
  ['the lock of a process that is gone', GONE],
  ['a lock that was cut short', ''],
];

it.each(LOCKS)('with %s, one of two that mount an upper at once gets it, whenever the second one comes', (_, lock) => {
  let calls = 1;
  for (let at = 1; at <= calls; at++) {
    const root = newDirectory();
    mount(root).close();
    if (lock !== undefined) {
      const { host } = JSON.parse(readHolder(root));
      writeFileSync(join(root, '.overfs/lock'), typeof lock === 'string' ? lock : JSON.stringify({ ...lock, host }));
    }
    let second: Overlay | undefined;
    const interruption = interrupted(root, (count) => {
      if (count === at) second = tryToMount(root);
    });
    const first = tryToMount(interruption.upper);
    calls = interruption.calls();
    const mounted = [first, second].filter((each) => each !== undefined);
    expect(mounted.length, `before call ${at}`).toBe(1);
    expect(JSON.parse(readFileSync(join(root, '.overfs/lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    expect(leftovers(nodeFs, root), `before call ${at}`).toEqual([]);
    mounted[0]?.close();
    mount(root).close();
  }
});

/** What an overlay of this thread says in its lock. */
function readHolder(root: string): string {
  const overlay = mount(root);
  const text = readFileSync(join(root, '.overfs/lock'), 'utf8');
  overlay.close();
  return text;
}

it('W11: a holder that dies while it inherits a lock is inherited from in turn', () => {
  const root = newDirectory();
  const { host } = JSON.parse(readHolder(root));
  let isCut = true;
  for (let at = 1; isCut; at++) {
    writeFileSync(join(root, '.overfs/lock'), JSON.stringify({ ...GONE, host }));
    isCut = false;
    let isMounted = false;
    const { upper } = interrupted(root, (count, name) => {
      if (isMounted) return;
      isCut ||= count === at;
      // What a process has open is closed when it dies.
      if (count >= at && name !== 'closeSync') throw new Error('dead');
    });
    try {
      const overlay = mount(upper);
      isMounted = true;
      overlay.close();
    } catch {
      // Whoever it was says so nowhere.
    }
    mount(root).close();
    expect(leftovers(nodeFs, root), `dead at call ${at}`).toEqual([]);
  }
});

it.runIf(isLinux)(
  'the lock of another thread of this process is that of somebody else, as long as the thread lives',
  async () => {
    const root = newDirectory();
    const holder = JSON.parse(readHolder(root));
    const code = `
    const { parentPort } = require('node:worker_threads');
    parentPort.postMessage(require('node:fs').readFileSync('/proc/thread-self/stat', 'latin1'));
    parentPort.on('message', () => {});
  `;
    const worker = new Worker(code, { eval: true });
    const stat = await new Promise<string>((resolve) => worker.once('message', resolve));
    const began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const thread = `${stat.split(' ')[0]}:${began}`;
    expect(holder.thread).toMatch(/^\d+:\d+$/);
    expect(thread).not.toBe(holder.thread);
    writeFileSync(join(root, '.overfs/lock'), JSON.stringify({ ...holder, thread, token: 'another' }));
    expect(() => mount(root)).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    await worker.terminate();
    mount(root).close();
  },
);

it('where the upper knows no links after all the lock is taken without', () => {
  const root = newDirectory();
  const refuse = () => {
    throw Object.assign(new Error('no links here'), { code: 'ENOTSUP' });
  };
  const upper = { fs: { ...nodeFs, linkSync: refuse, promises: nodeFs.promises }, root };
  const overlay = mount(upper);
  expect(() => mount(upper)).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  expect(leftovers(nodeFs, root)).toEqual([]);
  overlay.close();
  writeFileSync(join(root, '.overfs/lock'), '');
  mount(upper).close();
  expect(leftovers(nodeFs, root)).toEqual([]);
});
