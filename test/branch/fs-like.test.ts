// What may be a branch, what may not, what is missing, and what is taken when.

import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs';
import path from 'node:path';
import { createFsFromVolume, Volume } from 'memfs';
import { Union } from 'unionfs';
import { describe, expect, it } from 'vitest';
import { SAME } from '../../lib/branch/branch.ts';
import { fsLikeIn } from '../../lib/branch/fs-like.ts';
import { BranchError, createOverlay } from '../../lib/index.ts';
import { branchOf, interposedSync, present, rejectionOf, scratch, text, thrownBy } from './rig.ts';

describe('what is fs-like', () => {
  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['a string', '/tmp'],
    ['an empty object', {}],
    ['an object with other functions', { writeFileSync: () => {}, promises: { rm: () => {} } }],
    ['an object whose fs is nothing', { fs: 'fs' }],
    ['an array', [nodeFs]],
  ])('%s is not', (_, value) => {
    expect(fsLikeIn(value)).toBeUndefined();
    const thrown = thrownBy(() => branchOf(value, { name: 'the third' }));
    expect(thrown).toBeInstanceOf(TypeError);
    expect(thrown).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect((thrown as Error).message).toMatch(/^The branch "the third" must be an object with functions of node:fs/);
  });

  it('the object itself comes before its fs', () => {
    const volume = Volume.fromJSON({ '/a': 'x' });
    const both = Object.assign(createFsFromVolume(volume), { fs: nodeFs });
    expect(fsLikeIn(both)).toBe(both);
    expect(fsLikeIn({ fs: both })).toBe(both);
  });
});

describe('L12 a function that is missing', () => {
  const { readFileSync, statSync, readdirSync } = nodeFs;

  it('is named together with the branch, when it is needed', async () => {
    const branch = branchOf({ statSync, readdirSync }, { name: 'the store' });
    const directory = scratch();
    const file = path.join(directory, 'file');
    nodeFs.writeFileSync(file, 'x');
    const print = present(branch.sync?.lstat(file));
    const thrown = thrownBy(() => branch.sync?.read(file, print, 0, 1));
    expect(thrown).toBeInstanceOf(BranchError);
    expect(thrown).toMatchObject({
      name: 'BranchError',
      code: 'ERR_OVERFS_BRANCH',
      branch: 'the store',
      missing: 'readFileSync',
    });
    expect((thrown as Error).message).toBe('The branch "the store" has no function readFileSync, which this needs');
  });

  it.each([
    ['statSync', (ask: ReturnType<typeof requestsOf>) => ask.lstat('/x')],
    ['readdirSync', (ask: ReturnType<typeof requestsOf>) => ask.list('/x')],
    ['readlinkSync', (ask: ReturnType<typeof requestsOf>) => ask.readlink('/x')],
    ['openSync', (ask: ReturnType<typeof requestsOf>) => ask.openThrough('/x', 0)],
    ['writeSync', (ask: ReturnType<typeof requestsOf>) => ask.writeThrough(0, new Uint8Array(1), 0)],
    ['readSync', (ask: ReturnType<typeof requestsOf>) => ask.readThrough(0, new Uint8Array(1), 0)],
  ])('%s', (missing, question) => {
    expect(thrownBy(() => question(requestsOf({ readFileSync })))).toMatchObject({
      code: 'ERR_OVERFS_BRANCH',
      missing,
    });
  });

  it('is named when it is asked for later', async () => {
    const branch = branchOf({ promises: { readFile: nodeFs.promises.readFile } });
    const ask = branch.async;
    if (ask === undefined) throw new Error('cannot be asked');
    expect(await rejectionOf(ask.lstat('/x'))).toMatchObject({ code: 'ERR_OVERFS_BRANCH', missing: 'stat' });
    expect(await rejectionOf(ask.list('/x'))).toMatchObject({ code: 'ERR_OVERFS_BRANCH', missing: 'readdir' });
    expect(await rejectionOf(ask.openThrough('/x', 0))).toMatchObject({ missing: 'open' });
  });

  it('statfs is none: the branch cannot tell', async () => {
    expect(branchOf({ statSync, readdirSync, readFileSync }).sync?.statfs('/')).toBeUndefined();
    const { lstat, readdir, readFile } = nodeFs.promises;
    expect(await branchOf({ promises: { lstat, readdir, readFile } }).async?.statfs('/')).toBeUndefined();
    expect(requestsOf({ ...nodeFs, statfsSync: () => ({ bsize: 0, blocks: 0 }) }).statfs('/')).toBeUndefined();
    expect(requestsOf(nodeFs).statfs('/')?.bsize).toBe(nodeFs.statfsSync('/').bsize);
    expect(requestsOf(nodeFs).statfs('/none')).toBeUndefined();
  });

  it('of an object that open gave is named too', async () => {
    const open = async () => ({ close: async () => {} });
    const ask = branchOf({ promises: { open, lstat: nodeFs.promises.lstat } }).async;
    if (ask === undefined) throw new Error('cannot be asked');
    const print = present(await ask.lstat('/'));
    expect(await rejectionOf(ask.read('/', print, 0, 1))).toMatchObject({ missing: 'read() of what its open() gave' });
  });
});

function requestsOf(fs: unknown) {
  const ask = branchOf(fs).sync;
  if (ask === undefined) throw new Error('cannot be asked');
  return ask;
}

describe('functions', () => {
  it('are taken once, so that patching the object changes nothing', async () => {
    const file = path.join(scratch(), 'file');
    nodeFs.writeFileSync(file, 'x');
    const fs = { ...nodeFs };
    const branch = branchOf(fs);
    for (const name of Object.keys(fs)) {
      Reflect.set(fs, name, () => {
        throw new Error('patched');
      });
    }
    const print = present(branch.sync?.lstat(file));
    expect(branch.sync?.revalidate(file, print)).toBe(SAME);
    expect(await branch.async?.lstat(file)).toEqual(print);
    expect(text(branch.sync?.read(file, print, 0, 1))).toBe('x');
  });

  it('are called with their object as this', () => {
    class Store {
      readonly #files = new Map([['/file', 'content']]);
      statSync(name: string) {
        const content = this.#files.get(name);
        if (content === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
        return { size: content.length, isFile: () => true };
      }
      readFileSync(name: string) {
        return this.#files.get(name);
      }
    }
    const ask = requestsOf(new Store());
    const print = present(ask.lstat('/file'));
    expect(text(ask.read('/file', print, 3, 2))).toBe('te');
    expect(ask.lstat('/none')).toBeUndefined();
  });

  it('of a copy of node:fs are its callback functions, not the promises that came along', async () => {
    const asked: string[] = [];
    const fs = {
      ...nodeFs,
      lstat: (...given: Parameters<typeof nodeFs.lstat>) => {
        asked.push(String(given[0]));
        return nodeFs.lstat(...given);
      },
    };
    await branchOf(fs).async?.lstat('/some/where');
    expect(asked).toEqual(['/some/where']);
  });
});

describe('inode numbers', () => {
  it('that are new at each look are none (node:vfs)', () => {
    let next = 1;
    const file = path.join(scratch(), 'file');
    nodeFs.writeFileSync(file, 'x');
    const renumbered = interposedSync((name, given, goOn) => {
      const answer = goOn(...given);
      if (name !== 'lstat' && name !== 'fstat') return answer;
      const ino = typeof (answer as nodeFs.BigIntStats).ino === 'bigint' ? BigInt(next++) : next++;
      return Object.assign(answer as object, { ino });
    });
    const ask = requestsOf(renumbered);
    const print = present(ask.lstat(file));
    expect(print.ino).toBe(0);
    expect(ask.revalidate(file, print)).toBe(SAME);
    expect(text(ask.read(file, print, 0, 1))).toBe('x');
  });

  it('that turn out to be new at each look are none from then on', () => {
    let next = 0;
    const file = path.join(scratch(), 'file');
    nodeFs.writeFileSync(file, 'x');
    const ask = requestsOf(
      interposedSync((name, given, goOn) => {
        const answer = goOn(...given) as nodeFs.Stats;
        return name === 'lstat' && next > 0 ? Object.assign(answer, { ino: next++ }) : answer;
      }),
    );
    const print = present(ask.lstat(file));
    expect(print.ino).toBe(nodeFs.lstatSync(file).ino);
    next = 1;
    expect(ask.revalidate(file, print)).toBe(SAME);
    expect(present(ask.lstat(file)).ino).toBe(0);
  });

  it('that a file really gets are seen', () => {
    const directory = scratch();
    const file = path.join(directory, 'file');
    const time = new Date(1_700_000_000_000);
    nodeFs.writeFileSync(file, 'x');
    nodeFs.utimesSync(file, time, time);
    const ask = requestsOf(interposedSync((_, given, goOn) => goOn(...given)));
    const print = present(ask.lstat(file));
    nodeFs.writeFileSync(`${file}2`, 'y');
    nodeFs.utimesSync(`${file}2`, time, time);
    nodeFs.renameSync(`${file}2`, file);
    const now = ask.revalidate(file, print);
    expect(now).toMatchObject({ ino: nodeFs.lstatSync(file).ino });
    expect(ask.read(file, print, 0, 1)).toBeUndefined();
  });

  it('of memfs members of a Union are none: each member counts for itself', () => {
    const [one, two] = [Volume.fromJSON({ '/one': '1' }), Volume.fromJSON({ '/two': '2' })];
    const member = (volume: unknown) => volume as typeof nodeFs;
    const file = path.join(scratch(), 'file');
    nodeFs.writeFileSync(file, 'x');
    const ask = requestsOf(new Union().use(nodeFs).use(member(one)).use(member(two)));
    expect([present(ask.lstat('/one')).ino, present(ask.lstat('/two')).ino]).toEqual([0, 0]);
    expect(present(ask.lstat(file)).ino).toBe(nodeFs.lstatSync(file).ino);
    expect([text(readAll(ask, '/one')), text(readAll(ask, '/two'))]).toEqual(['1', '2']);
  });
});

function readAll(ask: ReturnType<typeof requestsOf>, name: string) {
  return ask.read(name, present(ask.lstat(name)), 0, 100);
}

// node:vfs is there only where Node knows the flag (Node 26): then a child of its own is asked.
if (process.allowedNodeEnvironmentFlags.has('--experimental-vfs')) {
  it('L12 a lower that is a node:vfs', () => {
    const script = path.join(import.meta.dirname, 'vfs-lower.ts');
    const flags = ['--no-warnings', '--experimental-vfs'];
    const told = JSON.parse(execFileSync(process.execPath, [...flags, script], { encoding: 'utf8' }));
    expect(told).toEqual({
      size: 5,
      ino: 0,
      same: true,
      absent: true,
      names: ['f', 'l'],
      target: 'f',
      read: 'ell',
      later: 'ell',
    });
  });
}

it('L12 an overlay is asked for what is not there without an error being made', () => {
  const below = createOverlay({ lower: [] });
  const { lstatSync } = below.fs;
  const answers: unknown[] = [];
  Object.assign(below.fs, {
    lstatSync: (...given: Parameters<typeof lstatSync>) => {
      const answer = lstatSync(...given);
      answers.push(answer);
      return answer;
    },
  });
  const { fs } = createOverlay({ lower: below });
  expect(fs.existsSync('/none')).toBe(false);
  expect(fs.existsSync('/none/below')).toBe(false);
  expect(answers).toContain(undefined);
  below.fs.writeFileSync('/none', 'there now');
  expect(fs.readFileSync('/none', 'utf8')).toBe('there now');
});
