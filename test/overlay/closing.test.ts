// The end of an overlay that has an upper: nothing that was written is lost without a word, and the upper is whole for
// who comes next.

import nodeFs from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import { useDirectories } from '../writeback/directories.ts';
import { leftovers } from '../writeback/rig.ts';
import { Hand } from './hand.ts';

const newDirectory = useDirectories();

type Callback = (...results: unknown[]) => void;

/** A real upper each of whose calls without blocking is given to `send`, which has it act when it likes. */
function held(root: string, send: (act: () => void, name: string, path: string) => void) {
  const fs = Object.fromEntries(
    Object.entries(nodeFs).map(([name, given]) => {
      const sync: unknown = Reflect.get(nodeFs, `${name}Sync`);
      if (typeof given !== 'function' || typeof sync !== 'function' || name === 'exists') return [name, given];
      const call = (...all: unknown[]) => {
        const callback = all.pop() as Callback;
        const act = () => {
          try {
            const result: unknown = Reflect.apply(sync, nodeFs, all);
            setImmediate(() => callback(null, result));
          } catch (thrown) {
            setImmediate(() => callback(thrown));
          }
        };
        send(act, name, `${all[0]}`);
      };
      return [name, call];
    }),
  );
  // Nothing here is about the disk, which takes its time.
  for (const name of ['promises', 'fsync', 'fsyncSync']) delete fs[name];
  return { fs, root };
}

/** Options of an overlay that writes back when it is told. */
function manual(upper: string | { fs: object; root: string }) {
  return { lower: [], upper, writeback: 'manual' } as const;
}

it('where closing fails the overlay is still open, also for what is written then', async () => {
  const root = newDirectory();
  let refused = '';
  const upper = held(root, (act, name) => {
    if (name === refused) throw Object.assign(new Error('not today'), { code: 'EIO' });
    act();
  });
  const overlay = createOverlay(manual(upper));
  for (refused of ['open', 'readdir']) {
    overlay.fs.writeFileSync('/file', refused);
    await expect(overlay[Symbol.asyncDispose]()).rejects.toThrow();
    overlay.fs.appendFileSync('/file', ', in spite of that');
    expect(() => createOverlay(manual(root))).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  }
  refused = '';
  await overlay[Symbol.asyncDispose]();
  expect(nodeFs.readFileSync(join(root, 'file'), 'utf8')).toBe('readdir, in spite of that');
});

it('N2: an upper that cannot be given back is told by an error, with the words of the system', async () => {
  const root = newDirectory();
  const overlay = createOverlay(manual(root));
  let isRefused = true;
  overlay.on('command', () => {
    if (isRefused) throw Object.assign(new Error('no'), { code: 'EIO' });
  });
  const told = expect.objectContaining({ code: 'EIO', message: `EIO: i/o error, sync '${root}'` });
  for (const close of [async () => overlay.close(), () => overlay[Symbol.asyncDispose]()]) {
    const thrown: unknown = await close().catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Error);
    expect(thrown).toEqual(told);
  }
  isRefused = false;
  overlay.close();
});

it('takes no change while another call is still closing it, even if a synchronous close has failed', async () => {
  const root = newDirectory();
  let isRefused = false;
  let count = 0;
  let failure: unknown;
  const taken: string[] = [];
  const { fs } = held(root, (act) => {
    if (++count === 1) {
      isRefused = true;
      try {
        overlay.close();
      } catch (error) {
        failure = error;
      }
      isRefused = false;
    }
    try {
      overlay.fs.writeFileSync(`/late-${count}`, '');
      taken.push(`late-${count}`);
    } catch {
      // It is closed.
    }
    act();
  });
  const openSync = (...given: Parameters<typeof nodeFs.openSync>) => {
    if (isRefused) throw Object.assign(new Error('not today'), { code: 'EIO' });
    return nodeFs.openSync(...given);
  };
  const overlay = createOverlay(manual({ fs: { ...fs, openSync }, root }));
  overlay.fs.writeFileSync('/file', 'first');
  await overlay[Symbol.asyncDispose]();
  expect(failure).toMatchObject({ code: 'EIO', syscall: 'sync' });
  expect(count).toBeGreaterThan(1);
  expect(nodeFs.readdirSync(root)).toEqual(['.overfs', 'file', ...taken]);
  expect(nodeFs.readFileSync(join(root, 'file'), 'utf8')).toBe('first');
});

it('goes on writing back unasked where the upper could not be given back', async () => {
  const root = newDirectory();
  const timers = new Hand();
  let refused = '/lock';
  const unlinkSync = (path: string) => {
    if (refused !== '' && path.endsWith(refused)) throw Object.assign(new Error('not today'), { code: 'EIO' });
    nodeFs.unlinkSync(path);
  };
  const overlay = createOverlay({ lower: [], upper: { fs: { ...nodeFs, unlinkSync }, root }, timers });
  for (const [name, close] of Object.entries({
    now: async () => overlay.close(),
    later: () => overlay[Symbol.asyncDispose](),
  })) {
    overlay.fs.writeFileSync('/before', name);
    await expect(close()).rejects.toThrow();
    overlay.fs.writeFileSync(`/${name}`, '');
    expect(timers.waiting).toHaveLength(1);
  }
  refused = '';
  overlay.close();
  expect(timers.waiting).toEqual([]);
});

it('is done once for all calls at the same time, also for a synchronous one', async () => {
  let isReached = true;
  for (let at = 1; isReached; at++) {
    const root = newDirectory();
    let count = 0;
    const upper = held(root, (act) => {
      if (++count === at) overlay.close();
      act();
    });
    const overlay: Overlay = createOverlay(manual(upper));
    overlay.fs.writeFileSync('/file', 'first');
    await Promise.all([overlay[Symbol.asyncDispose](), overlay[Symbol.asyncDispose]()]);
    isReached = count >= at;
    expect(nodeFs.readFileSync(join(root, 'file'), 'utf8')).toBe('first');
    expect(nodeFs.readdirSync(join(root, '.overfs')), `at call ${at}`).toEqual(['format', 'numbers', 'room', 'stage']);
    // What was under way then may have left something, which the next mount clears away.
    createOverlay(manual(root)).close();
    expect(leftovers(nodeFs, root)).toEqual([]);
  }
});

it('an overlay that mounts the upper while it is given back finds it whole', async () => {
  let calls = 1;
  for (let at = 1; at <= calls; at++) {
    const root = newDirectory();
    let count = 0;
    let next: Overlay | undefined;
    const upper = held(root, (act) => {
      if (++count === at) {
        try {
          next = createOverlay(manual(root));
        } catch (error) {
          expect(error).toMatchObject({ code: 'EBUSY' });
        }
      }
      act();
    });
    const overlay = createOverlay(manual(upper));
    overlay.fs.writeFileSync('/file', 'first');
    await overlay[Symbol.asyncDispose]();
    calls = count;
    if (next !== undefined) {
      expect(nodeFs.existsSync(join(root, '.overfs/lock')), `at call ${at}`).toBe(true);
      next.close();
    }
    createOverlay(manual(root)).close();
  }
});

it('W10: a synchronous close during a write-back leaves nothing that acts later, when another overlay has the upper', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  let isReached = true;
  for (let at = 1; isReached; at++) {
    const root = newDirectory();
    let count = Number.NEGATIVE_INFINITY;
    let next: Overlay | undefined;
    const upper = held(root, (act) => {
      if (++count !== at) {
        act();
        return;
      }
      // This one acts when all is closed, and the next overlay has staged what it writes.
      overlay.close();
      next = createOverlay(manual(root));
      for (const name of names) next.fs.writeFileSync(`/next-${name}`, name);
      next.on('command', (command) => {
        if (command.kind === 'rename' && command.to.endsWith('journal')) act();
      });
      next.syncSync();
    });
    const overlay: Overlay = createOverlay(manual(upper));
    overlay.fs.writeFileSync('/file', 'soon to be removed');
    overlay.syncSync();
    overlay.fs.rmSync('/file');
    overlay.fs.writeFileSync('/other', 'written meanwhile');
    count = 0;
    await overlay.sync();
    isReached = count >= at;
    next?.close();
    expect(leftovers(nodeFs, root)).toEqual([]);
    const wanted = [...(next === undefined ? [] : names.map((name) => `next-${name}`)), 'other'];
    expect(
      nodeFs.readdirSync(root).filter((name) => !name.startsWith('.')),
      `at call ${at}`,
    ).toEqual(wanted);
  }
});
