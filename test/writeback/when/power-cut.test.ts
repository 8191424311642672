// W5, W11 where the power is cut: what `sync` and `fsync` have said is written is on stable storage, and what was
// written back unasked is flushed by the next who asks.

import nodeFs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createOverlay, type OverlayOptions } from '../../../lib/index.ts';
import { useDirectories } from '../directories.ts';
import {
  bytesOf,
  bytesTold,
  cutSync,
  Fault,
  type FileSystem,
  forgetLock,
  leftovers,
  mount,
  newLower,
  PAGE,
  playUpTo,
  survey as surveyAll,
  whichOf,
  writeAt,
} from '../rig.ts';
import { type Phase, WORKLOADS } from '../workloads.ts';
import { PowerCut } from './power-cut.ts';

const STRIDE = process.env.OVERFS_SOAK === 'long' ? 1 : 67;

const newTop = useDirectories();
let directory: string;
beforeEach(() => {
  directory = newTop();
});

/**
 * What each path is, but for the times of links, which nothing can flush, and for the nanoseconds of others: the disk is copied by
 * `utimes`, which takes seconds in a double.
 */
function survey(fs: FileSystem): string[] {
  return surveyAll(fs).map((line) => line.replace(/ \d+ -> /, ' -> ').replace(/^(\S+ \S+ \S+ \d+)\d{3} /, '$1 '));
}

/** Directories of this test so far. */
let made = 0;

function newDirectory(): string {
  const root = path.join(directory, `${made++}`);
  nodeFs.mkdirSync(root);
  return root;
}

/** A disk that has a mounted upper, and an overlay over it. */
function setUp(lower: object, options: OverlayOptions = {}) {
  const disk = new PowerCut(newDirectory());
  const overlay = mount({ fs: disk.fs, root: disk.root }, { lower, ...options });
  survey(overlay.fs);
  return { disk, overlay };
}

/** Plays phases up to `last`; in the sync of that one the power is cut from command `k` on. */
function play(phases: readonly Phase[], last: number, k: number): 'cut' | 'spared' {
  const lower = newLower();
  const { disk, overlay } = setUp(lower);
  overlay.syncSync();
  const before = playUpTo(overlay, phases, last, survey);
  const end = cutSync(overlay, k) ? 'spared' : 'cut';
  const after = survey(overlay.fs);
  const [root, whole] = [disk.root, `${disk.root}-whole`];
  const cuts = (['flushed', 'all'] as const).map((names) => {
    disk.cut(`${root}-${names}`, names);
    return names;
  });
  nodeFs.renameSync(root, whole);
  for (const names of cuts) {
    // A journal tells paths: it is carried on where it was written.
    nodeFs.renameSync(`${root}-${names}`, root);
    forgetLock(nodeFs, root);
    const next = mount(root, { lower });
    const state = whichOf(survey(next.fs), before, after);
    expect(end === 'spared' ? ['after'] : ['before', 'after'], `names ${names}: ${state}`).toContain(state);
    expect(leftovers(nodeFs, root)).toEqual([]);
    next.close();
    nodeFs.rmSync(root, { recursive: true });
  }
  nodeFs.rmSync(whole, { recursive: true });
  return end;
}

describe('a power cut', () => {
  it.each(Object.entries(WORKLOADS))(
    'W11: %s, at any command of a sync, leaves it done or not, and all before it',
    (_, phases) => {
      for (let last = 0; last < phases.length; last++) {
        for (let k = 1 + (last % STRIDE); ; k += STRIDE) {
          try {
            if (play(phases, last, k) === 'spared') break;
          } catch (thrown) {
            throw new Error(`phase ${last}, cut from command ${k} on`, { cause: thrown });
          }
        }
      }
    },
  );

  it('W11: after a mount that has finished a batch, undoes none of it', () => {
    for (let k = 1; ; k += 2) {
      const { disk, overlay } = setUp(newLower());
      const { fs } = overlay;
      fs.writeFileSync('/one', bytesOf(1, 3 * PAGE));
      fs.linkSync('/one', '/other');
      overlay.syncSync();
      writeAt(fs, '/one', 'patched', PAGE);
      fs.renameSync('/other', '/moved');
      fs.mkdirSync('/new');
      fs.writeFileSync('/new/file', 'staged');
      fs.unlinkSync('/big');
      const isDone = cutSync(overlay, k);
      forgetLock(nodeFs, disk.root);
      const shown = survey(mount({ fs: disk.fs, root: disk.root }).fs);
      disk.cut(`${disk.root}-flushed`, 'flushed');
      nodeFs.renameSync(disk.root, `${disk.root}-whole`);
      nodeFs.renameSync(`${disk.root}-flushed`, disk.root);
      forgetLock(nodeFs, disk.root);
      const next = mount(disk.root);
      expect(whichOf(survey(next.fs), shown, shown), `cut from command ${k} on`).toBe('after');
      next.close();
      if (isDone) return;
    }
  });

  it('W11: what got its place in a moved directory before the disk knows that this has got its own is found', () => {
    for (let k = 1; ; k++) {
      const lower = newLower();
      const { disk, overlay } = setUp(lower);
      const { fs } = overlay;
      fs.mkdirSync('/old/inner', { recursive: true });
      for (const path of ['/old/file', '/old/inner/file', '/other']) fs.writeFileSync(path, 'old');
      overlay.syncSync();
      const before = survey(fs);
      fs.renameSync('/old', '/new');
      fs.renameSync('/new/inner', '/new/moved');
      for (const path of ['/new/file', '/new/moved/file']) {
        fs.writeFileSync('/temporary', 'new');
        fs.renameSync('/temporary', path);
      }
      const after = survey(fs);
      const isDone = cutSync(overlay, k);
      disk.cut(`${disk.root}-flushed`, 'flushed');
      nodeFs.renameSync(disk.root, `${disk.root}-whole`);
      nodeFs.renameSync(`${disk.root}-flushed`, disk.root);
      forgetLock(nodeFs, disk.root);
      const next = mount(disk.root, { lower });
      expect(['before', 'after'], `cut from command ${k} on`).toContain(whichOf(survey(next.fs), before, after));
      next.close();
      if (isDone) return;
    }
  });

  /** What the upper has of `/file` after a power cut. */
  function left(disk: PowerCut): string | undefined {
    const root = path.join(directory, `${made++}`);
    disk.cut(root, 'flushed');
    return nodeFs.existsSync(`${root}/file`) ? nodeFs.readFileSync(`${root}/file`, 'utf8') : undefined;
  }

  it('W5: fsync, fdatasync, FileHandle.sync, `flush` and O_SYNC leave a file on stable storage', async () => {
    const { disk, overlay } = setUp(newLower());
    const { fs } = overlay;
    const fd = fs.openSync('/file', 'w+');
    fs.writeSync(fd, 'fsync');
    fs.fsyncSync(fd);
    expect(left(disk)).toBe('fsync');
    fs.writeSync(fd, ' fdatasync');
    fs.fdatasyncSync(fd);
    expect(left(disk)).toBe('fsync fdatasync');
    fs.closeSync(fd);
    const handle = await fs.promises.open('/file', 'a');
    await handle.write('!');
    await handle.sync();
    await handle.close();
    expect(left(disk)).toBe('fsync fdatasync!');
    fs.writeFileSync('/file', 'flush', { flush: true } as object);
    expect(left(disk)).toBe('flush');
    const sync = fs.openSync('/file', fs.constants.O_RDWR | fs.constants.O_SYNC);
    fs.writeSync(sync, 'O_SYNC', 0);
    expect(left(disk)).toBe('O_SYNC');
    fs.closeSync(sync);
    const later = await fs.promises.open('/file', fs.constants.O_RDWR | fs.constants.O_DSYNC);
    expect((await later.write('later, once', 0)).bytesWritten).toBe(11);
    expect((await later.write('!')).bytesWritten).toBe(1);
    await later.close();
    expect(left(disk)).toBe('!ater, once');
    await fs.promises.appendFile('/file', ' as', { flag: 'as' });
    expect(left(disk)).toBe('!ater, once as');
    fs.writeFileSync('/file', 'sync');
    await overlay.sync();
    expect(left(disk)).toBe('sync');
    overlay.close();
  });

  it('a background write-back is not flushed, except by the next call that asks for it', async () => {
    const disk = new PowerCut(newDirectory());
    const overlay = createOverlay({ lower: [], upper: { fs: disk.fs, root: disk.root }, writeback: { dirtyBytes: 1 } });
    const { fs } = overlay;
    const before = disk.flushes;
    fs.mkdirSync('/d');
    fs.writeFileSync('/d/file', 'unasked');
    await vi.waitFor(() => expect(nodeFs.existsSync(`${disk.root}/d/file`)).toBe(true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(disk.flushes).toBe(before);
    // It is another file by name then.
    fs.renameSync('/d', '/e');
    fs.renameSync('/e/file', '/file');
    const fd = fs.openSync('/file', 'r');
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    expect(left(disk)).toBe('unasked');
    const after = disk.flushes;
    overlay.syncSync();
    expect(disk.flushes).toBe(after);
    overlay.close();
  });

  it.each(['is', 'fails at first, and is'])(
    'W5: what only the work area holds %s flushed by the next call that asks, too',
    async (how) => {
      const lower = newLower();
      const disk = new PowerCut(newDirectory());
      const overlay = mount({ fs: disk.fs, root: disk.root }, { lower, writeback: { expire: 1 } });
      expect(overlay.fs.statSync('/src/f1').nlink).toBe(2);
      overlay.fs.unlinkSync('/lib/twin');
      const whiteout = `${disk.root}/lib/.wh.twin`;
      await vi.waitFor(() => expect(nodeFs.existsSync(whiteout)).toBe(true));
      await new Promise((resolve) => setTimeout(resolve, 20));
      let isBroken = how !== 'is';
      overlay.on('command', (command) => {
        // A kernel that could not write something to the disk says so once.
        if (!isBroken || command.kind !== 'flushAt' || !command.path.endsWith('/numbers')) return;
        isBroken = false;
        throw Object.assign(new Error('worn out'), { code: 'EIO' });
      });
      if (isBroken) expect(() => overlay.syncSync()).toThrow('EIO');
      const before = nodeFs.statSync(`${disk.root}/.overfs/numbers`).ino;
      overlay.syncSync();
      // It is written anew where a flush has failed.
      expect(nodeFs.statSync(`${disk.root}/.overfs/numbers`).ino === before).toBe(how === 'is');
      disk.cut(`${disk.root}-cut`, 'flushed');
      overlay.close();
      const next = mount(`${disk.root}-cut`, { lower });
      expect(next.fs.existsSync('/lib/twin')).toBe(false);
      expect(next.fs.statSync('/src/f1').nlink).toBe(1);
      next.close();
    },
  );

  it('W5: what was written back unasked and could then not be flushed is written again, not only flushed again', async () => {
    const disk = new PowerCut(newDirectory());
    const overlay = createOverlay({ lower: [], upper: { fs: disk.fs, root: disk.root }, writeback: { dirtyBytes: 1 } });
    const { fs } = overlay;
    for (const name of ['file', 'other']) {
      fs.writeFileSync(`/${name}`, `unasked, ${name}`);
      await vi.waitFor(() => expect(nodeFs.existsSync(`${disk.root}/${name}`)).toBe(true));
    }
    const told: string[] = [];
    let isBroken = true;
    overlay.on('command', (command) => {
      const bytes = bytesTold(command);
      if (bytes !== undefined) told.push(`${bytes}`);
      // A kernel that could not write something to the disk says so once.
      const isRefused = isBroken && command.kind === 'flushAt' && command.path === `${disk.root}/file`;
      if (isRefused) throw Object.assign(new Error('worn out'), { code: 'EIO' });
    });
    const fd = fs.openSync('/file', 'r');
    expect(() => fs.fsyncSync(fd)).toThrow('EIO: i/o error, fsync');
    isBroken = false;
    told.length = 0;
    fs.fsyncSync(fd);
    expect(told).toContain('unasked, file');
    expect(told).not.toContain('unasked, other');
    expect(left(disk)).toBe('unasked, file');
    told.length = 0;
    fs.fsyncSync(fd);
    expect(told).toEqual([]);
    fs.closeSync(fd);
    overlay.close();
  });

  it('W5: an O_SYNC write that the upper does not take is an error of the writer', async () => {
    const { overlay } = setUp(newLower());
    const { fs } = overlay;
    const fd = fs.openSync('/file', 'as+');
    fs.writeSync(fd, 'first');
    const fault = new Fault(overlay);
    fault.arm(1, Number.POSITIVE_INFINITY, Object.assign(new Error('full'), { code: 'ENOSPC' }));
    expect(() => fs.writeSync(fd, 'second')).toThrow('ENOSPC: no space left on device, write');
    fault.disarm();
    fs.writeSync(fd, 'third');
    fs.closeSync(fd);
    overlay.close();
  });

  it('W5: a file most of which is changed, so that it is written anew, is there under its name', () => {
    const { disk, overlay } = setUp(newLower(), { pageSize: PAGE });
    const { fs } = overlay;
    fs.writeFileSync('/file', bytesOf(1, 8 * PAGE));
    const fd = fs.openSync('/file', 'r+');
    fs.fsyncSync(fd);
    const changed = 'changed '.repeat(PAGE - 8);
    fs.writeSync(fd, changed, 0);
    fs.fsyncSync(fd);
    expect(left(disk)?.slice(0, changed.length)).toBe(changed);
    fs.closeSync(fd);
    overlay.close();
  });

  it('W5: what could not be flushed is written and flushed again', () => {
    const { disk, overlay } = setUp(newLower());
    const { fs } = overlay;
    fs.writeFileSync('/file', 'old');
    const fd = fs.openSync('/file', 'r+');
    fs.fsyncSync(fd);
    for (const kind of ['flush', 'flushAt'] as const) {
      fs.writeSync(fd, kind, 0);
      const refuse = (command: { readonly kind: string }) => {
        if (command.kind === kind) throw Object.assign(new Error('worn out'), { code: 'EIO' });
      };
      overlay.on('command', refuse);
      for (let i = 0; i < 2; i++) expect(() => fs.fsyncSync(fd)).toThrow('EIO: i/o error, fsync');
      overlay.off('command', refuse);
      fs.fsyncSync(fd);
      expect(left(disk)).toBe(kind);
    }
    fs.closeSync(fd);
    overlay.close();
  });

  it.each([
    ['the file', ['flushAt /file', 'write /file']],
    ['the work area behind the journal', ['unlink, flushAt /.overfs', 'flushAt /file', 'write /file']],
  ])('W2, W5: when the flush of %s failed all can be read, also when what comes next fails too', (_, refusals) => {
    const { disk, overlay } = setUp(newLower(), { pageSize: PAGE, cache: { maxBytes: 0 } });
    const { fs } = overlay;
    fs.writeFileSync('/file', bytesOf(1, 5 * PAGE));
    overlay.syncSync();
    // To be written again it is cut again first.
    const changed = bytesOf(1, 5 * PAGE)
      .fill(0, 2 * PAGE)
      .fill('changed', 4 * PAGE);
    const fd = fs.openSync('/file', 'r+');
    fs.ftruncateSync(fd, 2 * PAGE);
    fs.writeSync(fd, changed, 4 * PAGE, PAGE, 4 * PAGE);
    let refused = '';
    let before = '';
    overlay.on('command', (command) => {
      if (!('path' in command)) return;
      const words = `${command.kind} ${command.path.slice(disk.root.length)}`;
      const isRefused = words === refused || `${before}, ${words}` === refused;
      before = command.kind;
      if (isRefused) throw Object.assign(new Error('worn out'), { code: 'EIO' });
    });
    for (refused of refusals) {
      try {
        fs.fsyncSync(fd);
      } catch (thrown) {
        expect(String(thrown)).toMatch('EIO: i/o error, fsync');
      }
      expect(Buffer.compare(fs.readFileSync('/file'), changed), refused).toBe(0);
    }
    refused = '';
    fs.fsyncSync(fd);
    expect(Buffer.compare(fs.readFileSync('/file'), changed)).toBe(0);
    fs.closeSync(fd);
    overlay.close();
  });
});
