// A synchronous caller takes over what is written back without blocking, wherever that stands: nothing is lost or done
// twice, and what was under way then does no harm, whether it has acted already, acts later, or never comes back.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Volume } from 'memfs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOverlay, type Overlay } from '../../../lib/index.ts';
import { bytesOf, failing, leftovers, mount, newLower, PAGE, survey } from '../rig.ts';
import { type Phase, WORKLOADS } from '../workloads.ts';
import { type Acting, HeldUpper } from './held-upper.ts';

const STRIDE = process.env.OVERFS_SOAK === 'long' ? 1 : 31;
const ACTING: readonly Acting[] = ['first', 'late', 'never'];

let directory: string;
let roots = 0;
beforeEach(() => {
  directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
});
afterEach(() => {
  nodeFs.rmSync(directory, { recursive: true, force: true });
});

/** What the upper at `root` shows to who mounts it next; the one who has it goes on. */
function surveyCopy(root: string, lower: object): string[] {
  const copy = `${root}-copy`;
  nodeFs.cpSync(root, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  nodeFs.rmSync(`${copy}/.overfs/lock`);
  const next = mount(copy, { lower });
  const shown = copied(survey(next.fs));
  next.close();
  nodeFs.rmSync(copy, { recursive: true });
  return shown;
}

/** What `cp` keeps: neither times to the last digit nor further names of a file, nor, on Node 22 and 24, the mode of a directory. */
function copied(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/ 40\d{3} /, ' 40000 ').replace(/^(\S+ \d+ \S+) -?\d+( \d+ =\S+)?/, '$1'));
}

interface Site {
  readonly root: string;
  readonly held: HeldUpper;
  readonly lower: object;
  readonly overlay: Overlay;
}

function makeSite(): Site {
  const root = path.join(directory, `${roots++}`);
  nodeFs.mkdirSync(root);
  const held = new HeldUpper();
  const lower = newLower();
  const never = Number.POSITIVE_INFINITY;
  const writeback = { expire: never, dirtyBytes: never, dirtyLimit: never };
  return { root, held, lower, overlay: mount({ fs: held.fs, root }, { lower, writeback }) };
}

/** Plays a workload; in the sync of phase `last` the `k`-th asynchronous call is held, and taken over. Tells whether there was one. */
async function play(phases: readonly Phase[], last: number, k: number, acting: Acting): Promise<'held' | 'spared'> {
  const { root, held, lower, overlay } = makeSite();
  // So that every name of every file of the lower is known.
  survey(overlay.fs);
  for (const phase of phases.slice(0, last)) {
    phase(overlay.fs);
    overlay.syncSync();
  }
  phases[last]?.(overlay.fs);
  const isHeld = held.arm(k, acting);
  const synced = overlay.sync();
  const what = await Promise.race([isHeld.then(() => 'held' as const), synced.then(() => 'spared' as const)]);
  if (what === 'held') {
    overlay.syncSync();
    expect(surveyCopy(root, lower), 'taken over').toEqual(copied(survey(overlay.fs)));
    // What comes next uses the same names.
    if (k % 2 === 0) overturn(overlay.fs, '/');
    // Some files forbid their owner to write.
    else change(overlay.as({ uid: 0, gid: 0 }), '/');
    overlay.syncSync();
    const wanted = copied(survey(overlay.fs));
    held.letGo();
    await synced;
    await new Promise(setImmediate);
    expect(surveyCopy(root, lower), 'after what came late').toEqual(wanted);
  }
  const wanted = survey(overlay.fs);
  overlay.close();
  // What a call uses that never comes back stays open.
  const most = acting === 'never' ? 1 : 0;
  await vi.waitFor(() => expect(held.open.size, 'descriptors left open').toBeLessThanOrEqual(most), {
    timeout: 10_000,
  });
  const next = mount(root, { lower });
  expect(survey(next.fs)).toEqual(wanted);
  expect(leftovers(nodeFs, root)).toEqual([]);
  next.close();
  nodeFs.rmSync(root, { recursive: true });
  return what;
}

/** Changes every file in a directory. */
function change(fs: Overlay['fs'], directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    const path = `${directory}/${name}`;
    const stats = fs.lstatSync(path);
    if (stats.isDirectory()) change(fs, path);
    else if (stats.isFile()) fs.writeFileSync(path, 'changed', { flag: 'r+' });
  }
}

/** Makes files of directories, and directories of files. */
function overturn(fs: Overlay['fs'], directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    const path = `${directory}/${name}`;
    const isDirectory = fs.lstatSync(path).isDirectory();
    fs.rmSync(path, { recursive: true });
    if (isDirectory) fs.writeFileSync(path, 'a file now');
    else fs.mkdirSync(path);
  }
}

describe('taking over at every stop', () => {
  it.each(Object.entries(WORKLOADS))('W5, W10: %s', async (_, phases) => {
    for (let last = 0; last < phases.length; last++) {
      for (let k = 1 + (last % STRIDE); ; k += STRIDE) {
        const acting = ACTING[(last + k) % ACTING.length] as Acting;
        try {
          if ((await play(phases, last, k, acting)) === 'spared') break;
        } catch (thrown) {
          throw new Error(`phase ${last}, call ${k} held, which acts ${acting}`, { cause: thrown });
        }
      }
    }
  });
});

describe('while something is written back without blocking', () => {
  it('syncSync, fsyncSync, closeSync and close wait for nothing and write everything', async () => {
    const { root, held, overlay } = makeSite();
    const { fs } = overlay;
    for (const [call, end] of [
      ['syncSync', () => overlay.syncSync()],
      ['fsyncSync', () => fs.fsyncSync(fs.openSync('/fsyncSync', 'r+'))],
      ['close', () => overlay.close()],
    ] as const) {
      fs.writeFileSync(`/${call}`, bytesOf(1, 3 * PAGE));
      const isHeld = held.arm(2, 'late');
      const synced = overlay.sync();
      await isHeld;
      end();
      expect(nodeFs.readFileSync(`${root}/${call}`)).toEqual(bytesOf(1, 3 * PAGE));
      held.letGo();
      await synced;
    }
    await vi.waitFor(() => expect(held.open.size).toBe(0));
  });

  it('W5: fsync waits for a write-back that has taken the file already', async () => {
    const { root, held, overlay } = makeSite();
    overlay.fs.writeFileSync('/file', 'content');
    const handle = await overlay.fs.promises.open('/file', 'r+');
    const isHeld = held.arm(2, 'late');
    const synced = overlay.sync();
    await isHeld;
    let isDone = false;
    const flushed = handle.sync().then(() => {
      isDone = true;
    });
    await new Promise(setImmediate);
    expect(isDone).toBe(false);
    held.letGo();
    await flushed;
    expect(nodeFs.readFileSync(`${root}/file`, 'utf8')).toBe('content');
    await synced;
    await handle.close();
    overlay.close();
  });

  it('a background write-back that has only just begun is in nothing’s way', () => {
    const root = path.join(directory, 'upper');
    nodeFs.mkdirSync(root);
    const overlay = createOverlay({ lower: [], upper: root, writeback: { dirtyBytes: 1, dirtyLimit: 100_000 } });
    const fd = overlay.fs.openSync('/log', 'w');
    for (let i = 0; i < 50; i++) overlay.fs.writeSync(fd, bytesOf(i, 10_000));
    overlay.fs.fsyncSync(fd);
    expect(nodeFs.statSync(`${root}/log`).size).toBe(500_000);
    overlay.fs.writeSync(fd, 'end');
    overlay.syncSync();
    expect(nodeFs.statSync(`${root}/log`).size).toBe(500_003);
    overlay.close();
  });

  it('a call from within a command is EBUSY, and the write-back goes on', () => {
    const { root, overlay } = makeSite();
    overlay.fs.writeFileSync('/file', 'content');
    const told: unknown[] = [];
    overlay.once('command', () => {
      try {
        overlay.syncSync();
      } catch (thrown) {
        told.push((thrown as NodeJS.ErrnoException).code);
      }
    });
    overlay.syncSync();
    expect(told).toEqual(['EBUSY']);
    expect(nodeFs.readFileSync(`${root}/file`, 'utf8')).toBe('content');
    overlay.close();
  });
});

it('W7: a call from within a command of a change that is written through is EBUSY, and takes nothing from that change', () => {
  for (const isRefused of [false, true]) {
    const volume = new Volume();
    const overlay = createOverlay({ lower: [], upper: volume, writeback: 'through' });
    const told: unknown[] = [];
    overlay.on('command', () => {
      try {
        overlay.fs.writeFileSync('/within', 'content');
      } catch (thrown) {
        told.push((thrown as NodeJS.ErrnoException).code);
      }
      if (isRefused) throw Object.assign(new Error('full'), { code: 'EDQUOT' });
    });
    const write = expect(() => overlay.fs.writeFileSync('/file', 'content'));
    if (isRefused) write.toThrow('EDQUOT');
    else write.not.toThrow();
    overlay.removeAllListeners();
    expect(new Set(told)).toEqual(new Set(['EBUSY']));
    const names = isRefused ? [] : ['file'];
    expect(overlay.fs.readdirSync('/')).toEqual(names);
    overlay.close();
    expect(volume.readdirSync('/').filter((name) => name !== '.overfs')).toEqual(names);
  }
});

describe('an upper that hangs', () => {
  it('holds up sync() until its signal is aborted, but no other call; what was under way is written by the next', async () => {
    const { root, held, overlay } = makeSite();
    const { fs } = overlay;
    fs.writeFileSync('/file', bytesOf(1, 3 * PAGE));
    const isHeld = held.arm(3, 'never');
    const abort = new AbortController();
    const synced = overlay.sync({ signal: abort.signal });
    await isHeld;
    expect(await fs.promises.readFile('/file')).toEqual(bytesOf(1, 3 * PAGE));
    await fs.promises.writeFile('/other', 'other');
    const second = new AbortController();
    const waiting = overlay.sync({ signal: second.signal });
    second.abort(new Error('no longer wanted'));
    await expect(waiting).rejects.toThrow('no longer wanted');
    abort.abort(new Error('too long'));
    await expect(synced).rejects.toThrow('too long');
    await overlay.sync();
    expect(nodeFs.readFileSync(`${root}/file`)).toEqual(bytesOf(1, 3 * PAGE));
    expect(nodeFs.readFileSync(`${root}/other`, 'utf8')).toBe('other');
    overlay.close();
  });
});

it('W10: a name that a batch of one step is told that it could not give away is not given away by what was under way', async () => {
  let isBroken = true;
  let letGo: (() => void) | undefined;
  const rename = (from: string, to: string, done: nodeFs.NoParamCallback): void => {
    nodeFs.renameSync(from, to);
    if (isBroken && to.endsWith('/big')) letGo = () => done(null);
    else setImmediate(done, null);
  };
  const renameSync = (from: string, to: string): void => {
    if (isBroken && to.endsWith('/big')) throw failing('EIO');
    nodeFs.renameSync(from, to);
  };
  const lower = newLower();
  const overlay = mount({ fs: { ...nodeFs, rename, renameSync }, root: directory }, { lower });
  overlay.fs.writeFileSync('/big', 'new');
  let isOver = false;
  const syncing = overlay.sync().then(
    () => undefined,
    () => undefined,
  );
  void syncing.then(() => {
    isOver = true;
  });
  while (letGo === undefined && !isOver) await new Promise(setImmediate);
  expect(() => overlay.syncSync()).toThrow('EIO');
  overlay.fs.unlinkSync('/big');
  isBroken = false;
  letGo?.();
  await syncing;
  overlay.close();
  const next = mount(directory, { lower });
  expect(next.fs.existsSync('/big')).toBe(false);
  next.close();
});
