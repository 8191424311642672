// The same changes under the same watchers, on the real filesystem and on overlays: the events are equal.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { Volume } from 'memfs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';

type Fs = typeof nodeFs;

let scratch: string;
beforeEach(() => {
  scratch = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
});
afterEach(() => {
  nodeFs.rmSync(scratch, { recursive: true, force: true });
});

/** How long the kernel is given to tell of a change. */
const SETTLE = 30;

/** What each step makes watchers of a directory and of a file in it tell. */
async function story(fs: Fs, root: string): Promise<Record<string, string[]>> {
  fs.mkdirSync(`${root}/d/sub`, { recursive: true });
  fs.writeFileSync(`${root}/d/f`, 'x');
  const heard: string[] = [];
  const directory = fs.watch(`${root}/d`, (event, name) => heard.push(`directory: ${event} ${name}`));
  const file = fs.watch(`${root}/d/f`, { encoding: 'buffer' }, (event, name) => heard.push(`file: ${event} ${name}`));
  const told: Record<string, string[]> = {};
  const steps: Record<string, () => void> = {
    create: () => fs.writeFileSync(`${root}/d/new`, 'abc'),
    append: () => fs.appendFileSync(`${root}/d/f`, 'abc'),
    chmod: () => fs.chmodSync(`${root}/d/f`, 0o600),
    truncate: () => fs.truncateSync(`${root}/d/f`, 1),
    utimes: () => fs.utimesSync(`${root}/d/f`, 1, 1),
    rename: () => fs.renameSync(`${root}/d/new`, `${root}/d/new2`),
    mkdir: () => fs.mkdirSync(`${root}/d/dir`),
    rmdir: () => fs.rmdirSync(`${root}/d/dir`),
    symlink: () => fs.symlinkSync('f', `${root}/d/s`),
    link: () => fs.linkSync(`${root}/d/f`, `${root}/d/l`),
    unlink: () => fs.unlinkSync(`${root}/d/l`),
    'in a subdirectory': () => fs.writeFileSync(`${root}/d/sub/x`, ''),
    'the directory itself': () => fs.chmodSync(`${root}/d`, 0o700),
    'move the file': () => fs.renameSync(`${root}/d/f`, `${root}/d/g`),
    'move it back': () => fs.renameSync(`${root}/d/g`, `${root}/d/f`),
    'rename over the file': () => fs.renameSync(`${root}/d/new2`, `${root}/d/f`),
  };
  for (const [name, step] of Object.entries(steps)) {
    heard.length = 0;
    step();
    await wait(SETTLE);
    told[name] = [...heard];
  }
  directory.close();
  file.close();
  return told;
}

describe('fs.watch', () => {
  it('N8 tells of changes through the overlay what the kernel tells of the same', async () => {
    const real = await story(nodeFs, scratch);
    expect(await story(createOverlay({ lower: [] }).fs, '')).toEqual(real);
    nodeFs.mkdirSync(path.join(scratch, 'lower/d/sub'), { recursive: true });
    nodeFs.writeFileSync(path.join(scratch, 'lower/d/f'), 'x');
    const over = createOverlay({ lower: { root: path.join(scratch, 'lower'), immutable: true } });
    expect(await story(over.fs, '')).toEqual(real);
  });

  it('N8 tells once of what happens again before anybody has heard of it, as inotify does', async () => {
    const run = async (fs: Fs, root: string): Promise<string[]> => {
      fs.mkdirSync(`${root}/once`);
      for (const name of ['f', 'g']) fs.writeFileSync(`${root}/once/${name}`, name);
      const heard: string[] = [];
      const watcher = fs.watch(`${root}/once`, (event, name) => {
        heard.push(`${event} ${name}`);
        if (heard.length === 1) fs.appendFileSync(`${root}/once/f`, 'again');
      });
      const steps: readonly (() => void)[] = [
        () => fs.writeFileSync(`${root}/once/f`, 'emptied and written'),
        () => ['f', 'f', 'g', 'f'].forEach((name) => void fs.appendFileSync(`${root}/once/${name}`, 'x')),
        () => {
          fs.appendFileSync(`${root}/once/f`, 'x');
          fs.chmodSync(`${root}/once/f`, 0o600);
          fs.utimesSync(`${root}/once/f`, 1, 1);
          fs.appendFileSync(`${root}/once/f`, 'x');
        },
        () => {
          fs.writeFileSync(`${root}/once/new`, '');
          fs.unlinkSync(`${root}/once/new`);
        },
      ];
      for (const step of steps) {
        step();
        await wait(SETTLE);
        heard.push('|');
      }
      watcher.close();
      return heard;
    };
    const real = await run(nodeFs, scratch);
    expect(real.slice(0, 3)).toEqual(['change f', 'change f', '|']);
    expect(await run(createOverlay({ lower: [] }).fs, '')).toEqual(real);
  });

  it('N8 reports a repeated event if another one was reported in between, also to another watcher', async () => {
    const run = async (fs: Fs, root: string): Promise<string[]> => {
      fs.mkdirSync(`${root}/again/sub`, { recursive: true });
      fs.writeFileSync(`${root}/again/f`, '');
      const heard: string[] = [];
      const watch = (who: string, at: string) => fs.watch(at, (event, name) => heard.push(`${who}: ${event} ${name}`));
      const twice = (step: (time: number) => void) => [0, 1].forEach(step);
      const watchers = [watch('one', `${root}/again`), watch('other', `${root}/again`)];
      const stories: string[] = [];
      const tell = async (step: () => void) => {
        step();
        await wait(SETTLE);
        stories.push(heard.sort().join(', '));
        heard.length = 0;
      };
      await tell(() => twice(() => fs.appendFileSync(`${root}/again/f`, 'x')));
      await tell(() => twice((time) => fs.chmodSync(`${root}/again`, 0o700 + time)));
      await tell(() => {
        fs.mkdirSync(`${root}/again/new`);
        twice((time) => fs.chmodSync(`${root}/again/new`, 0o700 + time));
      });
      watchers.push(watch('file', `${root}/again/f`), watch('sub', `${root}/again/sub`));
      await tell(() => twice(() => fs.appendFileSync(`${root}/again/f`, 'x')));
      await tell(() => twice((time) => fs.chmodSync(`${root}/again/sub`, 0o700 + time)));
      for (const watcher of watchers) watcher.close();
      return stories;
    };
    const real = await run(nodeFs, scratch);
    expect(real[0]).toBe('one: change f, other: change f');
    expect(await run(createOverlay({ lower: [] }).fs, '')).toEqual(real);
  });

  it('N8 tells a file and its directory of a name made, moved or removed in the order of the kernel, and of an end at the last close', async () => {
    const run = async (fs: Fs, root: string): Promise<string[]> => {
      const at = `${root}/order`;
      for (const name of ['sub', 'to', 'gone']) fs.mkdirSync(`${at}/${name}`, { recursive: true });
      for (const name of ['f', 'open', 'target', 'new', 'held', 'over']) fs.writeFileSync(`${at}/${name}`, '');
      const heard: string[] = [];
      const watch = (name: string) =>
        fs.watch(`${at}/${name}`, (event, told) => heard.push(`${name}: ${event} ${told}`));
      const watchers = ['f', 'open', 'target', 'new', 'held', 'over', 'sub', '', 'to', 'gone'].map(watch);
      const unlinked = fs.openSync(`${at}/open`, 'r');
      const replaced = fs.openSync(`${at}/held`, 'r');
      const steps: readonly (() => void)[] = [
        () => fs.linkSync(`${at}/f`, `${at}/link`),
        () => fs.unlinkSync(`${at}/link`),
        () => fs.unlinkSync(`${at}/f`),
        () => fs.unlinkSync(`${at}/open`),
        () => fs.closeSync(unlinked),
        () => fs.renameSync(`${at}/new`, `${at}/target`),
        () => fs.renameSync(`${at}/target`, `${at}/held`),
        () => fs.closeSync(replaced),
        () => fs.renameSync(`${at}/held`, `${at}/to/held`),
        () => fs.renameSync(`${at}/over`, `${at}/to/held`),
        () => fs.rmdirSync(`${at}/gone`),
        () => fs.renameSync(`${at}/sub`, `${at}/moved`),
        () => fs.rmSync(`${at}/to`, { recursive: true }),
      ];
      for (const step of steps) {
        step();
        await wait(SETTLE);
        heard.push('|');
      }
      for (const watcher of watchers) watcher.close();
      return heard;
    };
    const real = await run(nodeFs, scratch);
    expect(real.slice(0, 3)).toEqual(['f: change f', ': rename link', '|']);
    expect(await run(createOverlay({ lower: [] }).fs, '')).toEqual(real);
  });

  it('N8 tells what happens below with `recursive`, by paths', async () => {
    const { fs } = createOverlay({ lower: Volume.fromJSON({ '/d/a/b/c': '' }) });
    const heard: string[] = [];
    const watcher = fs.watch('/d', { recursive: true }, (event, name) => heard.push(`${event} ${name}`));
    fs.writeFileSync('/d/a/b/c', 'x');
    fs.mkdirSync('/d/a/new');
    fs.writeFileSync('/elsewhere', '');
    await wait(SETTLE);
    watcher.close();
    expect(new Set(heard)).toEqual(new Set(['change a/b/c', 'rename a/new']));
  });

  it('N8 tells of a lower that changes, where it shows through', async () => {
    nodeFs.mkdirSync(path.join(scratch, 'd'));
    for (const name of ['seen', 'covered', 'removed']) nodeFs.writeFileSync(path.join(scratch, 'd', name), 'x');
    const { fs } = createOverlay({ lower: scratch });
    fs.writeFileSync('/d/covered', 'ours');
    fs.unlinkSync('/d/removed');
    const heard: string[] = [];
    const watcher = fs.watch('/d', (event, name) => heard.push(`${event} ${name}`));
    for (const name of ['covered', 'removed', 'seen']) nodeFs.appendFileSync(path.join(scratch, 'd', name), '!');
    nodeFs.writeFileSync(path.join(scratch, 'd/new'), '');
    await vi.waitFor(() => expect(heard).toContain('rename new'), { timeout: 5000 });
    watcher.close();
    expect(new Set(heard)).toEqual(new Set(['change seen', 'rename new']));
    expect(fs.readFileSync('/d/seen', 'utf8')).toBe('x!');
  });

  it('N7 ends with close, with a signal, and tells so', async () => {
    const { fs } = createOverlay({ lower: [] });
    const control = new AbortController();
    const aborted = fs.watch('/', { signal: control.signal });
    const closed = fs.watch('/');
    const ends: string[] = [];
    aborted.on('close', () => ends.push('aborted'));
    closed.on('close', () => ends.push('closed'));
    closed.on('change', () => ends.push('change'));
    control.abort();
    closed.close();
    closed.close();
    fs.writeFileSync('/f', '');
    await wait(SETTLE);
    expect(ends).toEqual(['aborted', 'closed']);
  });

  it('N2 refuses what is not there as Node does', () => {
    const { fs } = createOverlay({ lower: [] });
    const missing = (watch: () => unknown) => {
      try {
        watch();
      } catch (error) {
        const { message, code, errno, syscall, path: at, filename } = error as Record<string, unknown>;
        return { message, code, errno, syscall, at, filename };
      }
      return undefined;
    };
    const real = missing(() => nodeFs.watch('/no/such/place'));
    expect(real).toBeDefined();
    expect(missing(() => fs.watch('/no/such/place'))).toEqual(real);
    const recursive = missing(() => fs.watch('/no/such/place', { recursive: true }));
    // Node 24 gives a watcher of nothing.
    expect(recursive).toEqual(missing(() => nodeFs.watch('/no/such/place', { recursive: true })) ?? recursive);
    expect(recursive).toMatchObject({ code: 'ENOENT', syscall: 'stat' });
  });
});

describe('promises.watch', () => {
  it('N7 gives changes one after the other until it is aborted', async () => {
    const { fs } = createOverlay({ lower: [] });
    const control = new AbortController();
    const heard: string[] = [];
    const listening = (async () => {
      for await (const { eventType, filename } of fs.promises.watch('/', { signal: control.signal })) {
        heard.push(`${eventType} ${filename}`);
        if (heard.length === 3) control.abort();
      }
    })();
    await wait(SETTLE);
    fs.writeFileSync('/f', 'x');
    await wait(0);
    fs.appendFileSync('/f', 'y');
    await expect(listening).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
    expect(heard).toEqual(['rename f', 'change f', 'change f']);
  });

  it('N7 stops listening when the loop is left, and fails as Node does where there is nothing', async () => {
    const { fs } = createOverlay({ lower: [] });
    await wait(0);
    const events = fs.promises.watch('/')[Symbol.asyncIterator]();
    const first = events.next();
    await wait(SETTLE);
    fs.writeFileSync('/f', '');
    expect((await first).value).toEqual({ eventType: 'rename', filename: 'f' });
    await events.return?.();
    await expect(fs.promises.watch('/none')[Symbol.asyncIterator]().next()).rejects.toThrow(
      "ENOENT: no such file or directory, watch '/none'",
    );
  });
});

/** What a call throws, and whether the watcher that it gives instead tells of its end. */
async function outcomeOf(watch: () => nodeFs.FSWatcher): Promise<unknown[]> {
  let watcher: nodeFs.FSWatcher;
  try {
    watcher = watch();
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    return [code, message];
  }
  const told: string[] = [];
  watcher.on('close', () => told.push('close'));
  watcher.close();
  await wait(0);
  return ['a watcher', ...told];
}

describe('what newer Nodes know', () => {
  const major = Number(process.versions.node.split('.')[0]);
  it.runIf(major >= 22)('N7 more changes than `maxQueue` end the iterator where `overflow` says so', async () => {
    const failure = async (fs: Fs, root: string) => {
      const options = { maxQueue: 2, overflow: 'error' } as object;
      const events = fs.promises.watch(root === '' ? '/' : root, options)[Symbol.asyncIterator]();
      const first = events.next();
      await wait(SETTLE);
      fs.mkdirSync(`${root}/a`);
      await first;
      for (const name of ['b', 'c', 'd', 'e', 'f']) fs.mkdirSync(`${root}/${name}`);
      await wait(SETTLE);
      const { message, code } = (await events.next().catch((error: unknown) => error)) as NodeJS.ErrnoException;
      return [code, message, await events.next()];
    };
    const real = await failure(nodeFs, scratch);
    expect(real[0]).toBe('ERR_FS_WATCH_QUEUE_OVERFLOW');
    expect(await failure(createOverlay({ lower: [] }).fs, '')).toEqual(real);
  });

  it.runIf(major >= 22)('N7 else they are forgotten, with a warning', async () => {
    const heard = async (fs: Fs, root: string) => {
      const warnings: string[] = [];
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation((text) => void warnings.push(String(text)));
      const events = fs.promises.watch(root === '' ? '/' : root, { maxQueue: 2 } as object)[Symbol.asyncIterator]();
      const names = [events.next()];
      await wait(SETTLE);
      for (const name of ['a', 'b', 'c', 'd']) fs.mkdirSync(`${root}/${name}`);
      await wait(SETTLE);
      names.push(events.next());
      const found = (await Promise.all(names)).map(({ value }) => (value as { filename: string }).filename);
      await events.return?.();
      warn.mockRestore();
      return [found, [...new Set(warnings)]];
    };
    const real = await heard(nodeFs, scratch);
    expect(real[1]).toEqual(['fs.watch maxQueue exceeded']);
    expect(await heard(createOverlay({ lower: [] }).fs, '')).toEqual(real);
  });

  it('N1 wrong options are refused as Node does', async () => {
    const { fs } = createOverlay({ lower: [] });
    const wrong = [{ maxQueue: 'x' }, { maxQueue: 1.5 }, { maxQueue: null }, { overflow: 'throw' }, { overflow: null }];
    const alsoOfWatch: object[] = [{ ignore: 5 }, { ignore: '' }, { ignore: ['a', ''] }, { throwIfNoEntry: 5 }];
    const refusal = async (here: Fs, options: object) => {
      const events = here.promises.watch('/no/such/place', options)[Symbol.asyncIterator]();
      const { message, code } = (await events.next().catch((error: unknown) => error)) as NodeJS.ErrnoException;
      return [code, message];
    };
    for (const options of [...wrong, ...alsoOfWatch]) {
      expect(await refusal(fs, options)).toEqual(await refusal(nodeFs, options));
    }
    for (const options of alsoOfWatch) {
      const watch = (here: Fs) => outcomeOf(() => here.watch('/no/such/place', options as nodeFs.WatchOptions));
      expect(await watch(fs)).toEqual(await watch(nodeFs));
    }
  });

  it('N7 `throwIfNoEntry: false` gives a watcher of nothing, in a Node that knows it', async () => {
    const { fs } = createOverlay({ lower: [] });
    fs.writeFileSync('/file', '');
    nodeFs.writeFileSync(path.join(scratch, 'file'), '');
    for (const throwIfNoEntry of [false, 0, true]) {
      const watch = (here: Fs, at: string) =>
        outcomeOf(() => here.watch(at, { throwIfNoEntry, persistent: false } as object));
      expect(await watch(fs, '/none')).toEqual(
        (await watch(nodeFs, path.join(scratch, 'none'))).map((text) => String(text).replace(scratch, '')),
      );
      expect((await watch(fs, '/file/below'))[0]).toEqual((await watch(nodeFs, path.join(scratch, 'file/below')))[0]);
    }
    if (major < 26) return;
    const options = { throwIfNoEntry: false, recursive: true } as object;
    expect(await outcomeOf(() => fs.watch('/none', options))).toEqual(
      await outcomeOf(() => nodeFs.watch(path.join(scratch, 'none'), options)),
    );
  });

  it('N7 `ignore` names what is not told of, in a Node that knows it', async () => {
    const { fs } = createOverlay({ lower: [] });
    const heard: string[] = [];
    const ofAnotherRealm: unknown = runInNewContext('/^also/');
    const ignore = ['*.log', /^tmp/, ofAnotherRealm, (name: string) => name === 'x', 'skip'];
    const options = { recursive: true, ignore } as object;
    const watcher = fs.watch('/', options, (_event, name) => heard.push(String(name)));
    const all = ['a.log', 'tmp1', 'also', 'x', 'skip', 'skip/below', 'told'];
    for (const name of all) fs.mkdirSync(`/${name}`);
    await wait(SETTLE);
    watcher.close();
    expect(heard).toEqual(major >= 24 ? ['told'] : all);
  });
});
