// readFile, writeFile, appendFile: flags, descriptors, special files, iterables.

import nodeFs from 'node:fs';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import type { FileSystem } from '../matrix.ts';
import { alike, told, toldLater } from './both.ts';

/** The three forms of a call on whole files, as functions that tell what came of it. */
function forms(fs: FileSystem, name: 'readFile' | 'writeFile' | 'appendFile' | 'copyFile') {
  type Loose = (...args: unknown[]) => unknown;
  const member = (object: unknown, key: string): Loose => (object as Record<string, Loose>)[key] as Loose;
  const callback = (...args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      member(fs, name)(...args, (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)));
    });
  return [
    async (...args: unknown[]) => told(() => member(fs, `${name}Sync`)(...args)),
    (...args: unknown[]) => toldLater(callback(...args)),
    (...args: unknown[]) => toldLater(member(fs.promises, name)(...args) as Promise<unknown>),
  ];
}

describe('N4 flags', () => {
  it.each(['r', 'r+', 'w', 'w+', 'a', 'a+', 'wx', 'rs'])(
    '%s reads, or says why not, and does to the file what it does',
    async (flag) => {
      await alike(async (fs) => {
        const results: string[] = [];
        for (const read of forms(fs, 'readFile')) {
          for (const target of ['file', 'none']) {
            fs.rmSync('none', { force: true });
            fs.writeFileSync('file', 'content');
            results.push(await read(target, { flag }), await read(target, { flag, encoding: 'utf8' }));
            results.push(fs.readdirSync('.').join(), fs.readFileSync('file', 'utf8'));
          }
        }
        return results;
      });
    },
  );

  it.each(['r', 'r+', 'w', 'wx', 'a', 'ax+', 'a+'])('%s writes, or says why not', async (flag) => {
    await alike(async (fs) => {
      const results: string[] = [];
      for (const name of ['writeFile', 'appendFile'] as const) {
        for (const write of forms(fs, name)) {
          for (const data of ['abc', Buffer.from('abc')]) {
            fs.writeFileSync('file', 'content');
            fs.rmSync('none', { force: true });
            results.push(await write('file', data, { flag }), await write('none', data, { flag }));
            results.push(fs.readFileSync('file', 'utf8'), fs.existsSync('none') ? fs.readFileSync('none', 'utf8') : '');
          }
        }
      }
      return results;
    });
  });
});

describe('N1 what is no regular file', () => {
  it('a directory is neither read nor written', async () => {
    await alike(async (fs) => {
      const results: string[] = [];
      for (const read of forms(fs, 'readFile'))
        results.push(await read('.'), await read('.', 'utf8'), await read('.', { flag: 'r+' }));
      for (const write of forms(fs, 'writeFile')) results.push(await write('.', 'x'), await write('.', ''));
      return results;
    });
  });

  it('devices are read and written through', async () => {
    await alike(async (fs) => {
      const results: string[] = [];
      for (const read of forms(fs, 'readFile')) results.push(await read('/dev/null'), await read('/dev/null', 'utf8'));
      for (const name of ['writeFile', 'appendFile'] as const) {
        for (const write of forms(fs, name)) results.push(await write('/dev/null', 'x'), await write('/dev/full', 'x'));
      }
      for (const copy of forms(fs, 'copyFile')) {
        results.push(await copy('/dev/null', 'copy'), String(fs.readFileSync('copy')));
        fs.rmSync('copy');
      }
      return results;
    });
  });

  it('leaves nothing open', () => {
    const { fs } = createOverlay();
    const open = (): number => nodeFs.readdirSync('/proc/self/fd').length;
    const before = open();
    for (let i = 0; i < 5; i++) {
      fs.readFileSync('/dev/null');
      fs.writeFileSync('/dev/null', 'x');
      told(() => fs.writeFileSync('/dev/full', 'x'));
    }
    expect(open()).toBe(before);
  });
});

describe('N4 descriptors', () => {
  it('are read and written from where they stand', async () => {
    await alike(async (fs) => {
      const results: string[] = [];
      fs.writeFileSync('file', '0123456789');
      const [readSync, readLater] = forms(fs, 'readFile');
      for (const read of [readSync, readLater]) {
        const fd = fs.openSync('file', 'r+');
        fs.readSync(fd, Buffer.alloc(3));
        results.push(String(await read?.(fd, 'utf8')), String(await read?.(fd)));
        fs.writeFileSync(fd, 'ab');
        fs.appendFileSync(fd, 'cd');
        await new Promise((resolve) => fs.writeFile(fd, Buffer.from('ef'), resolve));
        results.push(fs.readFileSync('file', 'latin1'));
        fs.closeSync(fd);
        results.push(
          told(() => fs.readFileSync(fd, 'utf8')),
          told(() => fs.readFileSync(fd)),
        );
        results.push(
          told(() => fs.writeFileSync(fd, 'x')),
          told(() => fs.writeFileSync(fd, '')),
        );
      }
      return results.map((result) => result.replaceAll(/fd: \d+/g, 'fd'));
    });
  });
});

describe('N4 what is written may be', () => {
  it('text in an encoding, any view, with a mode', async () => {
    await alike(async (fs) => {
      for (const write of forms(fs, 'writeFile')) {
        await write('text', 'grün', 'latin1');
        await write('hex', 'abcd', { encoding: 'hex', mode: 0o600 });
        await write('view', new Uint16Array([0x4142, 0x4344]).subarray(1));
        await write('data', new DataView(new ArrayBuffer(3), 1));
        await write('flushed', 'x', { flush: true });
      }
      return fs.readdirSync('.').map((name) => [name, fs.readFileSync(name, 'hex'), fs.statSync(name).mode]);
    });
  });

  it('an iterable or a stream, with promises', async () => {
    await alike(async (fs) => {
      const { writeFile, appendFile } = fs.promises;
      const results: string[] = [];
      async function* pieces() {
        yield 'a';
        yield Buffer.from('b');
        yield new Uint8Array([0x63]);
      }
      results.push(
        await toldLater(writeFile('generated', pieces())),
        await toldLater(appendFile('generated', ['d', 'e'] as unknown as string)),
      );
      results.push(await toldLater(writeFile('streamed', Readable.from(['x', 'y']), { flush: true })));
      results.push(await toldLater(writeFile('wrong', [5] as unknown as string)));
      results.push(await toldLater(writeFile('nowhere/at/all', ['x'])));
      for (const name of fs.readdirSync('.')) results.push(`${name} ${fs.readFileSync(name)}`);
      return results;
    });
  });

  it('nothing after an abort', async () => {
    await alike(async (fs) => {
      const controller = new AbortController();
      async function* pieces() {
        yield 'a';
        controller.abort(new Error('enough'));
        yield 'b';
      }
      const results = [await toldLater(fs.promises.writeFile('file', pieces(), { signal: controller.signal }))];
      const { signal } = controller;
      results.push(await toldLater(fs.promises.writeFile('other', 'x', { signal })));
      results.push(await toldLater(fs.promises.readFile('file', { signal })));
      results.push(await toldLater(new Promise((resolve) => fs.readFile('file', { signal }, resolve))));
      results.push(await toldLater(new Promise((resolve) => fs.writeFile('other', 'x', { signal }, resolve))));
      return [...results, fs.readdirSync('.').join(), fs.readFileSync('file', 'utf8')];
    });
  });
});

describe('N1 a file that is too large', () => {
  it('is refused before it is read', async () => {
    const { fs } = createOverlay({ lower: [] });
    const size = 2 ** 31;
    fs.writeFileSync('/large', '');
    fs.truncateSync('/large', size);
    const expected = {
      name: 'RangeError',
      code: 'ERR_FS_FILE_TOO_LARGE',
      message: `File size (${size}) is greater than 2 GiB`,
    };
    expect(() => fs.readFileSync('/large')).toThrow(expect.objectContaining(expected));
    await expect(fs.promises.readFile('/large')).rejects.toMatchObject(expected);
    await expect(new Promise((_, reject) => fs.readFile('/large', 'utf8', reject))).rejects.toMatchObject(expected);
    const fd = fs.openSync('/large', 'r');
    expect(() => fs.readFileSync(fd)).toThrow(expect.objectContaining(expected));
  });

  it('is refused before it is read, also where it is opened for writing', async () => {
    let reads = 0;
    const count = () => {
      reads++;
      return 0;
    };
    const stats = { isFile: () => true, mode: 0o100644, size: 2 ** 31, mtimeMs: 1, ino: 1 };
    const nothing = { isFile: () => false, isDirectory: () => true, mode: 0o40755, size: 0, mtimeMs: 1, ino: 2 };
    const statSync = (name: string) => (name === '/' ? nothing : stats);
    const lower = {
      ...{ statSync, lstatSync: statSync, fstatSync: () => stats, readdirSync: () => ['large'] },
      ...{ openSync: () => 3, readSync: count, closeSync: () => undefined, readFileSync: count },
    };
    const { fs } = createOverlay({ lower });
    const expected = { code: 'ERR_FS_FILE_TOO_LARGE' };
    for (const flag of ['r', 'r+', 'a', 'a+']) {
      expect(() => fs.readFileSync('/large', { flag })).toThrow(expect.objectContaining(expected));
      await expect(fs.promises.readFile('/large', { flag })).rejects.toMatchObject(expected);
    }
    expect(reads).toBe(0);
  });
});
