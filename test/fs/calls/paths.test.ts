// N3, N2: how paths are given and shown: relative ones, Buffers, URLs, bytes that are no text, encodings; and error
// messages.

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { alike, told, toldLater } from './both.ts';

const BYTES = Buffer.from([0x66, 0xff, 0xc3, 0x28, 0xfe]);

describe('N3 paths', () => {
  it('are text, bytes or URLs, and relative ones begin at the working directory', async () => {
    await alike((fs) => {
      const url = pathToFileURL(path.resolve('grün & blau'));
      fs.writeFileSync(url, '1');
      fs.appendFileSync('./grün & blau', '2');
      fs.appendFileSync(Buffer.from('grün & blau'), '3');
      fs.appendFileSync(new Uint8Array(Buffer.from(path.resolve('grün & blau'))) as Buffer, '4');
      fs.mkdirSync('sub');
      return [fs.readFileSync('./sub/../grün & blau', 'utf8'), fs.readdirSync('.')];
    });
  });

  it('begin at the working directory that the overlay was given', () => {
    let cwd = '/one';
    const { fs } = createOverlay({ lower: [], cwd: () => cwd });
    fs.mkdirSync('/one/deep', { recursive: true });
    fs.mkdirSync('/two');
    fs.writeFileSync('file', 'in one');
    cwd = '/two';
    fs.writeFileSync('file', 'in two');
    expect(fs.readFileSync('../one/file', 'utf8')).toBe('in one');
    expect(fs.realpathSync('file')).toBe('/two/file');
    expect(fs.mkdirSync('a/b', { recursive: true })).toBe('a');
    expect(fs.mkdtempSync('t-')).toMatch(/^t-\w{6}$/);
  });

  it('may hold bytes that are no text', async () => {
    await alike((fs) => {
      fs.writeFileSync(BYTES, 'odd');
      fs.symlinkSync(BYTES, 'link');
      fs.mkdirSync(Buffer.concat([Buffer.from('dir-'), BYTES]));
      const results: unknown[] = [fs.readFileSync('link', 'utf8'), fs.existsSync(BYTES), fs.statSync(BYTES).size];
      for (const encoding of [undefined, 'utf8', 'buffer', 'latin1', 'hex', 'base64', 'utf16le'] as const) {
        const options = encoding as BufferEncoding;
        results.push(fs.readdirSync('.', options).map(String).sort(), fs.readlinkSync('link', options));
        results.push(told(() => fs.realpathSync.native('link', options)));
        results.push(
          fs
            .readdirSync('.', { encoding: options, withFileTypes: true })
            .map(({ name }) => String(name))
            .sort(),
        );
      }
      results.push(
        told(() => fs.rmdirSync(BYTES)),
        told(() => fs.mkdirSync(BYTES)),
      );
      results.push(told(() => fs.renameSync(BYTES, Buffer.from([0x2f, 0xff, 0x2f, 0xff]))));
      results.push(
        told(() => fs.readFileSync('a\udc80b')),
        told(() => fs.writeFileSync('a\ud800b', '')),
      );
      results.push(fs.readdirSync('.', 'hex').sort());
      return results;
    });
  });

  it('N1 mkdtemp takes an empty prefix where Node does', () =>
    alike(async (fs) => {
      const { mkdtempSync, mkdtemp, promises } = fs;
      const forms = [
        async (prefix: string) => mkdtempSync(prefix),
        (prefix: string) => promisify(mkdtemp)(prefix),
        (prefix: string) => promises.mkdtemp(prefix),
      ];
      const results: string[] = [];
      for (const make of forms) {
        for (const prefix of ['', Buffer.alloc(0) as unknown as string, './'])
          results.push(await toldLater(make(prefix).then(({ length }) => length)));
      }
      const made = fs.readdirSync('.');
      for (const name of made) fs.rmdirSync(name);
      return [...results, made.length];
    }));

  it('N3 mkdtemp makes nothing in a working directory that was removed', () =>
    alike(async (fs) => {
      const root = process.cwd();
      nodeFs.mkdirSync('gone');
      process.chdir('gone');
      nodeFs.rmdirSync(`${root}/gone`);
      try {
        return ['', 'a', './'].map((prefix) => told(() => fs.mkdtempSync(prefix)));
      } finally {
        process.chdir(root);
      }
    }));

  it('with a slash at the end mean a directory; empty ones nothing', async () => {
    await alike(async (fs) => {
      fs.writeFileSync('file', '');
      const names = ['file/', 'none/', '', './', 'file/.', 'file/..'];
      const results: string[] = [];
      for (const name of names) {
        results.push(
          told(() => fs.statSync(name).isDirectory()),
          told(() => fs.lstatSync(name, { throwIfNoEntry: false })?.size === -1),
        );
        results.push(
          told(() => fs.readFileSync(name)),
          told(() => fs.openSync(name, 'w')),
          told(() => fs.readdirSync(name)),
        );
        results.push(
          told(() => fs.unlinkSync(name)),
          told(() => fs.renameSync(name, 'other')),
          told(() => fs.linkSync('file', name)),
        );
        results.push(
          told(() => fs.symlinkSync('x', name)),
          told(() => fs.accessSync(name)),
          told(() => fs.truncateSync(name)),
        );
        results.push(
          told(() => fs.existsSync(name)),
          await toldLater(fs.promises.readFile(name)),
        );
        results.push(
          await toldLater(fs.promises.access(name)),
          told(() => fs.statSync(name, { throwIfNoEntry: false })?.size === -1),
        );
      }
      return results;
    });
  });

  it('are limited in length', async () => {
    await alike((fs) => {
      const results: string[] = [];
      for (const name of ['n'.repeat(255), 'n'.repeat(256), 'ü'.repeat(127), 'ü'.repeat(128), './'.repeat(2048)]) {
        results.push(
          told(() => fs.writeFileSync(`${name}x`.slice(0, -1), '')),
          told(() => fs.statSync(name).isFile()),
        );
        results.push(
          told(() => fs.mkdirSync(`${name}/below`)),
          told(() => fs.symlinkSync(name, 'link')),
        );
        fs.rmSync('link', { force: true });
      }
      return results;
    });
  });
});

describe('N2 error messages', () => {
  it('say the system call and the paths as they were given', async () => {
    await alike(async (fs) => {
      fs.writeFileSync('file', '');
      fs.mkdirSync('dir/sub', { recursive: true });
      fs.symlinkSync('loop', 'loop');
      const none = Buffer.from('./none/../none');
      const url = pathToFileURL(path.resolve('none'));
      const results = [
        () => fs.accessSync(none, 1),
        () => fs.appendFileSync('none/x', ''),
        () => fs.chmodSync(none, 0o600),
        () => fs.chownSync(url, 1, 1),
        () => fs.copyFileSync('none', url),
        () => fs.copyFileSync('file', 'file', 1),
        () => fs.lchownSync(none, 1, 1),
        () => fs.linkSync(none, 'other'),
        () => fs.linkSync('dir', 'other'),
        () => fs.lutimesSync(url, 1, 1),
        () => fs.mkdirSync('file'),
        () => fs.mkdirSync('file/a/b', { recursive: true }),
        () => fs.mkdtempSync('none/x'),
        () => fs.openSync('none/', 'r'),
        () => fs.opendirSync('file'),
        () => fs.readdirSync(url),
        () => fs.readdirSync('file', { withFileTypes: true }),
        () => fs.readdirSync('none', { recursive: true }),
        () => fs.readlinkSync('file'),
        () => fs.realpathSync('loop'),
        () => fs.realpathSync('dir/../file/x'),
        () => fs.realpathSync.native('none'),
        () => fs.renameSync(none, url),
        () => fs.renameSync('dir', 'dir/sub/x'),
        () => fs.rmdirSync('dir'),
        () => fs.rmdirSync('file'),
        () => fs.statSync('loop'),
        () => fs.statfsSync(none),
        () => fs.symlinkSync(none, 'file'),
        () => fs.truncateSync('dir'),
        () => fs.unlinkSync('dir'),
        () => fs.utimesSync(none, 1, 1),
        () => fs.writeFileSync('dir', ''),
      ].map(told);
      const { promises } = fs;
      const later = [
        () => promises.open('none'),
        () => promises.opendir('file'),
        () => promises.realpath('dir/../file/x'),
        () => promises.truncate('none', 3),
        () => promises.readdir('none', { recursive: true } as never),
        () => promises.rmdir('dir'),
      ];
      for (const call of later) results.push(await toldLater(call()));
      return results.map((text) => text.replaceAll(process.cwd(), 'HERE'));
    });
  });

  it('begin their stack where the call was made', async () => {
    const { fs } = createOverlay();
    function caller(): unknown {
      return fs.statSync('/no/such/file');
    }
    async function laterCaller(): Promise<unknown> {
      return await fs.promises.stat('/no/such/file');
    }
    const stackOf = (error: unknown): string => (error as Error).stack ?? '';
    const thrown = (() => {
      try {
        return caller();
      } catch (error) {
        return error;
      }
    })();
    expect(stackOf(thrown)).toMatch(/^Error: ENOENT: no such file or directory, stat '\/no\/such\/file'\n/);
    expect(stackOf(thrown)).toContain('caller');
    expect(stackOf(await laterCaller().catch((error: unknown) => error))).toContain('laterCaller');
  });

  it('name the link where mkdir with recursive comes to one that leads nowhere, but not in the synchronous form', async () => {
    await alike(async (fs) => {
      fs.mkdirSync('d');
      fs.symlinkSync('nowhere', 'd/link');
      const all: string[] = [];
      for (const each of ['d/link/x', './d/link/x/y', path.resolve('d/link/x/y/z'), 'd/link', 'd/../d/link/x']) {
        all.push(told(() => fs.mkdirSync(each, { recursive: true })));
        all.push(await toldLater(fs.promises.mkdir(each, { recursive: true })));
        const later = new Promise((resolve, reject) => {
          fs.mkdir(each, { recursive: true }, (error) => (error ? reject(error) : resolve(undefined)));
        });
        all.push(await toldLater(later));
      }
      return all;
    });
  });

  it('of truncate tell of the path before the length where Node opens the file before it looks at that', async () => {
    await alike(async (fs) => {
      fs.writeFileSync('file', 'content');
      fs.mkdirSync('d');
      const all: string[] = [];
      for (const each of ['file', 'd', 'missing']) {
        for (const length of [1.5, Number.NaN, 'x', null, {}, 2 ** 60] as number[]) {
          all.push(told(() => fs.truncateSync(each, length)));
          all.push(await toldLater(fs.promises.truncate(each, length)));
        }
      }
      return [all, fs.readFileSync('file', 'utf8')];
    });
  });

  it('refuse flags that are no 32-bit integer', async () => {
    await alike(async (fs) => {
      const all: string[] = [];
      for (const flags of [2 ** 31, 2 ** 32 - 1, -(2 ** 31) - 1, 1.5]) {
        all.push(told(() => fs.openSync('.', flags)));
        all.push(await toldLater(fs.promises.open('.', flags)));
        all.push(told(() => fs.readFileSync('.', { flag: flags as never })));
      }
      return all;
    });
  });

  it('carry the cause of what a branch could not say', () => {
    const lower = {
      ...nodeFs,
      readFileSync: () => {
        throw 'strange';
      },
      openSync: () => {
        throw 'strange';
      },
    };
    const directory = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-'));
    nodeFs.writeFileSync(path.join(directory, 'file'), 'x');
    try {
      const { fs } = createOverlay({ lower: { fs: lower, root: directory } });
      expect(() => fs.readFileSync('/file')).toThrow(expect.objectContaining({ code: 'EIO', cause: 'strange' }));
    } finally {
      nodeFs.rmSync(directory, { recursive: true });
    }
  });
});

describe('L13 existsSync', () => {
  it('says neither yes nor no of what a branch with promises only has not told yet', async () => {
    const { readdir, readFile, stat, lstat } = nodeFs.promises;
    const { fs } = createOverlay({ lower: { fs: { promises: { readdir, readFile, stat, lstat } } } });
    expect(() => fs.existsSync(os.tmpdir())).toThrow(expect.objectContaining({ code: 'ERR_OVERFS_NOT_LOADED' }));
    await expect(new Promise((resolve) => fs.exists(os.tmpdir(), resolve))).resolves.toBe(true);
  });
});
