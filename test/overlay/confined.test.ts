// Processes that Node confines: the permission model, intrinsics that are frozen.

import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';
import { transpileLibrary } from '../transpiled.ts';

let directory = '';
let library = '';

beforeAll(() => {
  directory = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
  nodeFs.mkdirSync(path.join(directory, 'library'));
  library = transpileLibrary(path.join(directory, 'library'));
});

afterAll(() => nodeFs.rmSync(directory, { recursive: true }));

beforeEach(() => {
  for (const name of ['all', 'upper']) nodeFs.rmSync(path.join(directory, name), { recursive: true, force: true });
  for (const name of ['all/secret', 'all/lower', 'upper']) {
    nodeFs.mkdirSync(path.join(directory, name), { recursive: true });
  }
  nodeFs.writeFileSync(path.join(directory, 'all/secret/file'), 'secret');
  nodeFs.writeFileSync(path.join(directory, 'all/lower/file'), 'below');
});

/** Runs a program with flags of Node's; gives what it returned. */
function resultOf(flags: readonly string[], body: string): unknown {
  const script = path.join(directory, 'library', 'program.js');
  nodeFs.writeFileSync(
    script,
    `
    import { createOverlay } from ${JSON.stringify(library)};
    const codeOf = (call) => { try { return call() ?? 'done'; } catch (error) { return error.code; } };
    const result = await (async () => { ${body} })();
    process.stdout.write(JSON.stringify(result));
  `,
  );
  const { stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', ...flags, script], {
    cwd: directory,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe('with --permission', () => {
  const [major] = process.versions.node.split('.');
  const paths = (...names: string[]) => names.map((name) => path.join(directory, name, '*'));

  /** The program may read the library, what is in `read`, and read and write the upper. */
  function confined(read: readonly string[], body: string): unknown {
    const modules = path.join(import.meta.dirname, '../../node_modules');
    const readable = [...paths('library', 'upper', ...read), path.join(modules, '*')];
    const flags = [
      major === '20' ? '--experimental-permission' : '--permission',
      ...readable.map((each) => `--allow-fs-read=${each}`),
      ...paths('upper').map((each) => `--allow-fs-write=${each}`),
    ];
    return resultOf(flags, body);
  }

  it('N2: what may not be read of a lower is EACCES, and Node says why', () => {
    const body = `
      const { default: disk } = await import('node:fs');
      const all = process.cwd() + '/all';
      const refusal = codeOf(() => createOverlay({ lower: { fs: disk, root: all + '/secret' } }));
      // Names of directories are no secret here.
      const known = { isDirectory: () => true, isFile: () => false, size: 0, mode: 0o40755 };
      const lstatSync = (path, options) => [all, all + '/secret'].includes(path) ? known : disk.lstatSync(path, options);
      const { fs } = createOverlay({ lower: { fs: { ...disk, lstatSync }, root: all }, cwd: '/' });
      const tell = (error) => [error.code, error.message, error.cause.code];
      const refused = [];
      try { fs.readFileSync('/secret/file'); } catch (error) { refused.push(tell(error)); }
      await fs.promises.readFile('/secret/file').catch((error) => refused.push(tell(error)));
      return [refusal, fs.readFileSync('/lower/file', 'utf8'), fs.existsSync('/secret/file'), refused];
    `;
    const words = ['EACCES', "EACCES: permission denied, open '/secret/file'", 'ERR_ACCESS_DENIED'];
    expect(confined(['all/lower'], body)).toEqual(['EACCES', 'below', false, [words, words]]);
  });

  it('N1: Node is asked about arguments all the same', () => {
    const body = `
      const { fs } = createOverlay({ lower: 'all/lower', cwd: '/' });
      const handle = await fs.promises.open('/file', 'r+');
      const told = [
        codeOf(() => fs.mkdirSync('/a', { mode: '0000000000700' })),
        codeOf(() => fs.mkdirSync('/b', { mode: 'rwx' })),
        codeOf(() => fs.truncateSync('/file', 1.5)),
        (await fs.promises.readdir('/', { recursive: 0 })).join(),
        await fs.promises.readFile(handle, { encoding: 'utf8', flag: 'zz' }),
        codeOf(() => typeof fs.statSync('/a', { bigint: true }).mtimeNs),
        codeOf(() => fs.statSync('/a', { bigint: true }).isDirectory()),
        codeOf(() => fs.statfsSync('/').bsize > 0),
      ];
      await handle.close();
      return told;
    `;
    expect(confined(['all/lower'], body)).toEqual([
      'done',
      'ERR_INVALID_ARG_VALUE',
      'ERR_OUT_OF_RANGE',
      'a,file',
      'below',
      'bigint',
      true,
      true,
    ]);
  });

  it('W5: a directory is an upper, though nothing can be flushed there', () => {
    const body = `
      const overlay = createOverlay({ lower: 'all/lower', upper: 'upper', cwd: '/' });
      const { fs } = overlay;
      fs.writeFileSync('/new', 'new');
      fs.chmodSync('/file', 0o600);
      fs.utimesSync('/file', 1, 2);
      await overlay.sync();
      fs.appendFileSync('/new', ' and more', { flush: true });
      fs.writeFileSync('/later', 'later');
      overlay.syncSync();
      const told = codeOf(() => fs.symlinkSync('file', '/link'));
      overlay.close();
      return told;
    `;
    expect(confined(['all/lower'], body)).toBe('EPERM');
    const overlay = createOverlay({ lower: path.join(directory, 'all/lower'), upper: path.join(directory, 'upper') });
    expect(overlay.fs.readdirSync('/')).toEqual(['file', 'later', 'new']);
    expect(overlay.fs.readFileSync('/new', 'utf8')).toBe('new and more');
    const { mode, mtimeMs } = overlay.fs.statSync('/file');
    expect([mode & 0o777, mtimeMs]).toEqual([0o600, 2000]);
    overlay.close();
  });

  it('an upper that a process has is not taken from it by one that may not look at /proc', () => {
    const overlay = createOverlay({ lower: [], upper: path.join(directory, 'upper') });
    overlay.fs.writeFileSync('/file', 'mine');
    overlay.syncSync();
    expect(confined([], `return codeOf(() => createOverlay({ lower: [], upper: 'upper' }));`)).toBe('EBUSY');
    overlay.close();
  });
});

describe('with --frozen-intrinsics', () => {
  it('N2: errors are worded', () => {
    const body = `
      const overlay = createOverlay({ lower: 'all/lower', upper: 'upper', cwd: '/' });
      const { fs } = overlay;
      fs.cpSync('/file', '/copy');
      fs.mkdirSync('/directory');
      await overlay.sync();
      overlay.close();
      const codes = [];
      await fs.promises.readFile('/absent').catch((error) => codes.push(error.code));
      return [codeOf(() => fs.readFileSync('/absent')), codeOf(() => fs.cpSync('/directory', '/other')),
        codeOf(() => fs.rmSync('/absent')), ...codes, fs.readFileSync('/copy', 'utf8')];
    `;
    expect(resultOf(['--frozen-intrinsics'], body)).toEqual(['ENOENT', 'ERR_FS_EISDIR', 'ENOENT', 'ENOENT', 'below']);
  });
});

it('N1: bigints can be had in a process that has closed its standard input', () => {
  const body = `
    const { closeSync } = await import('node:fs');
    closeSync(0);
    return String(createOverlay({ lower: [] }).fs.statSync('/', { bigint: true }).ino);
  `;
  expect(resultOf([], body)).toBe('1');
});
