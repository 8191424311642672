// N6: when callbacks come, in which order, and what becomes of one that throws.

import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { transpileLibrary } from '../../transpiled.ts';
import { alike, told } from './both.ts';

/** What a callback was given, and how many values. */
function recorded(call: (callback: (...values: unknown[]) => void) => unknown): Promise<unknown[]> {
  return new Promise((resolve) => {
    call((...values: unknown[]) => resolve([values.length, ...values]));
  });
}

/** What a program of its own prints that imports the library as OVERFS. */
function outputOf(script: string, ...flags: string[]): string {
  const directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
  try {
    const source = script.replace('OVERFS', transpileLibrary(directory));
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', source], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout;
  } finally {
    nodeFs.rmSync(directory, { recursive: true });
  }
}

describe('N6 callbacks', () => {
  it('of whole files are what stands in their place, also behind a function in the place of options', async () => {
    await alike(async (fs) => {
      fs.writeFileSync('file', 'content');
      const loose = fs as unknown as Record<string, (...args: unknown[]) => void>;
      const heard: unknown[] = [];
      const instead = () => heard.push('a function in the place of options');
      for (const args of [
        ['readFile', 'file'],
        ['writeFile', 'file', 'more'],
        ['appendFile', 'file', '!'],
      ] as const) {
        const [name, ...given] = args;
        const call = loose[name];
        heard.push(await recorded((callback) => call?.(...given, instead, callback)));
        heard.push(await recorded((callback) => call?.(...given, callback, undefined)));
        heard.push(told(() => call?.(...given, instead, 'no function')));
        heard.push(told(() => call?.(...given, instead, { no: 'function' })));
      }
      const { native } = fs.realpath as unknown as { native: (...args: unknown[]) => void };
      heard.push((await recorded((callback) => native('file', instead, callback))).length);
      return [heard, fs.readFileSync('file', 'utf8')];
    });
  });

  it('N1 stand in their place: behind an argument too many there is none', async () => {
    await alike(async (fs) => {
      fs.writeFileSync('file', 'content');
      const loose = fs as unknown as Record<string, (...args: unknown[]) => void>;
      const refusals: unknown[] = [];
      for (const [name, given] of Object.entries({
        stat: ['file', {}],
        access: ['file', 0],
        rename: ['file', 'file'],
        copyFile: ['file', 'file', 0],
        open: ['file', 'r', 0o600],
        fstat: [999_999, {}],
        fsync: [999_999],
        close: [999_999],
        fchmod: [999_999, 0o600],
        ftruncate: [999_999, 0],
        read: [999_999, Buffer.alloc(1), 0, 1, 0],
        readv: [999_999, [Buffer.alloc(1)], 0],
        write: [999_999, Buffer.alloc(1), 0, 1, 0],
        writev: [999_999, [Buffer.alloc(1)], 0],
      })) {
        // Twice, since what Node has said once is remembered; and where the place is right, in between.
        refusals.push(told(() => loose[name]?.(...given, 'too many', () => {})));
        await recorded((callback) => loose[name]?.(...given, callback));
        await recorded((callback) => loose[name]?.(...given, callback, 'not looked at'));
        refusals.push(told(() => loose[name]?.(...given, 'too many', () => {})));
        refusals.push(told(() => loose[name]?.(...given, ...Array(40).fill(0), () => {})));
      }
      return refusals;
    });
  });

  it('come in a later turn, after promises that are settled already', async () => {
    const { fs } = createOverlay();
    const order: string[] = [];
    const all = [
      recorded((callback) => fs.stat('/', callback)).then(() => order.push('stat')),
      recorded((callback) => fs.stat('/no/such/file', callback)).then(() => order.push('a failed stat')),
      recorded((callback) => fs.open('', 'r', callback)).then(() => order.push('open')),
      recorded((callback) => fs.close(999_999, callback)).then(() => order.push('close')),
      recorded((callback) => fs.read(999_999, Buffer.alloc(1), callback)).then(() => order.push('read')),
    ];
    order.push('the caller');
    await Promise.all(all);
    expect(order[0]).toBe('the caller');
    expect(order).toHaveLength(6);
  });

  it('of calls in memory come in the order of the calls', async () => {
    const { fs } = createOverlay({ lower: [] });
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        recorded((callback) => fs.writeFile(`/${i}`, 'x', callback)).then(() => order.push(i)),
      ),
    );
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('get what Node gives them', async () => {
    await alike(async (fs) => {
      fs.writeFileSync('file', 'content');
      const fd = fs.openSync('file', 'r+');
      const calls: [string, ...unknown[]][] = [
        ['access', 'file'],
        ['mkdir', 'a/b', { recursive: true }],
        ['mkdir', 'a/b', { recursive: true }],
        ['mkdir', 'a/c'],
        ['rename', 'file', 'other'],
        ['readFile', 'other'],
        ['stat', 'none'],
        ['readdir', '.'],
        ['realpath', 'none'],
        ['exists', 'none'],
        ['write', fd, 'abc'],
        ['write', fd, Buffer.from('abc')],
        ['read', fd, Buffer.alloc(2), 0, 2, 0],
        ['readv', fd, [Buffer.alloc(2)], 0],
        ['writev', fd, []],
        ['read', 999_999, Buffer.alloc(2)],
        ['write', 999_999, 'x'],
        ['close', fd],
        ['truncate', 'other', 3],
        ['unlink', 'none'],
      ];
      const given: unknown[][] = [];
      for (const [name, ...args] of calls) {
        const call = (fs as unknown as Record<string, (...all: unknown[]) => void>)[name];
        given.push(await recorded((callback) => call?.(...args, callback)));
      }
      return given.map((values) => values.map((value) => told(() => value)));
    });
  });

  it('that throw are uncaught exceptions', () => {
    const script = `
      import { createOverlay } from 'OVERFS';
      const { fs } = createOverlay();
      const seen = [];
      process.on('uncaughtException', (error) => seen.push(error.message));
      process.on('unhandledRejection', () => seen.push('a rejection'));
      const boom = (name) => () => { throw new Error(name); };
      fs.stat('/', boom('stat'));
      fs.stat('/no/such', boom('failed stat'));
      fs.readFile('/dev/null', boom('readFile'));
      fs.read(5, Buffer.alloc(1), boom('read'));
      fs.exists('/', boom('exists'));
      fs.close(999999);
      setTimeout(() => console.log(JSON.stringify(seen.sort())), 300);
    `;
    expect(JSON.parse(outputOf(script))).toEqual([
      'EBADF: bad file descriptor, close',
      'exists',
      'failed stat',
      'read',
      'readFile',
      'stat',
    ]);
  });
});

describe('N1 mkdtemp', () => {
  it('N2 tells the letters X of what has failed at once, and later the letters that were tried', async () => {
    const root = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
    const { fs } = createOverlay({ lower: root });
    const seen = [];
    for (const [each, prefix] of [
      [nodeFs, `${root}/no/x-`],
      [fs, '/no/x-'],
    ] as const) {
      // biome-ignore format: one line
      const words = (error: unknown) => {
        const { message, path: shown } = error as NodeJS.ErrnoException;
        return [message, shown].map((text) => text?.replace(prefix, '').replace(/(?!X{6})\w{6}(?='|$)/, 'tried'));
      };
      const told = await recorded((callback) => each.mkdtemp(prefix, callback));
      const later = await each.promises.mkdtemp(prefix).catch(words);
      let atOnce: unknown;
      try {
        each.mkdtempSync(prefix);
      } catch (error) {
        atOnce = words(error);
      }
      seen.push([atOnce, words(told[1]), later]);
    }
    nodeFs.rmSync(root, { recursive: true });
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[1]?.[0]).toEqual(["ENOENT: no such file or directory, mkdtemp 'XXXXXX'", 'XXXXXX']);
  });

  it('warns once of a prefix that ends with X', () => {
    const script = `
      import { createOverlay } from 'OVERFS';
      process.on('warning', ({ message }) => console.log(message));
      const { fs } = createOverlay({ lower: [] });
      fs.mkdtempSync('/aX');
      fs.mkdtempSync(Buffer.from('/bX'));
    `;
    expect(outputOf(script, '--no-warnings')).toMatch(/^mkdtemp\(\) templates ending with X are not portable\..*\n$/);
  });
});
