// Loaded in a context of node:vm, as Jest does for each test file: what Node's own modules give and throw is of other
// classes there.

import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { transpileLibrary } from '../transpiled.ts';

let directory = '';
let library = '';

beforeAll(() => {
  directory = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
  for (const name of ['library', 'lower', 'upper']) nodeFs.mkdirSync(path.join(directory, name));
  nodeFs.writeFileSync(path.join(directory, 'lower/file'), 'below');
  nodeFs.symlinkSync('file', path.join(directory, 'lower/link'));
  library = transpileLibrary(path.join(directory, 'library'));
});

afterAll(() => nodeFs.rmSync(directory, { recursive: true }));

/** Loads overfs in each of `count` contexts and hands what they export to the body; gives what it returned. */
function resultOf(count: number, body: string): unknown {
  const script = `
    import fs from 'node:fs';
    import vm from 'node:vm';
    import { fileURLToPath } from 'node:url';
    const GLOBALS = ['process', 'Buffer', 'URL', 'AbortSignal', 'AbortController', 'setTimeout', 'clearTimeout',
      'setImmediate', 'clearImmediate', 'queueMicrotask', 'structuredClone', 'performance', 'TextDecoder', 'TextEncoder'];
    const codeOf = (call) => { try { return call() ?? 'done'; } catch (error) { return error.code ?? error.message; } };
    async function load() {
      const globals = Object.fromEntries(GLOBALS.map((name) => [name, globalThis[name]]));
      const context = vm.createContext(globals);
      const modules = new Map();
      const made = async (address) => {
        if (!address.startsWith('node:')) {
          const source = fs.readFileSync(fileURLToPath(address), 'utf8');
          return new vm.SourceTextModule(source, {
            context,
            identifier: address,
            initializeImportMeta: (meta) => { meta.url = address; },
          });
        }
        const given = await import(address);
        return new vm.SyntheticModule(Object.keys(given), function () {
          for (const name of Object.keys(given)) this.setExport(name, given[name]);
        }, { context });
      };
      const find = (name, from) => {
        const address = name.startsWith('.') ? new URL(name, from.identifier).href : name;
        if (!modules.has(address)) modules.set(address, made(address));
        return modules.get(address);
      };
      const entry = await find(${JSON.stringify(library)});
      await entry.link(find);
      await entry.evaluate();
      return entry.namespace;
    }
    const copies = [];
    for (let i = 0; i < ${count}; i++) copies.push(await load());
    const result = await (async ([{ createOverlay }, other]) => { ${body} })(copies);
    process.stdout.write(JSON.stringify(result), () => process.exit());
  `;
  const flags = ['--experimental-vm-modules', '--no-warnings', '--input-type=module'];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', script], {
    cwd: directory,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

it('N1: Node is asked about arguments, and its answers are understood', () => {
  const body = `
    const { fs } = createOverlay({ lower: 'lower', cwd: '/' });
    const handle = await fs.promises.open('/file', 'r+');
    return [
      codeOf(() => fs.mkdirSync('/a', { mode: '0000000000700' })),
      codeOf(() => fs.mkdirSync('/b', { mode: 'rwx' })),
      codeOf(() => fs.truncateSync('/file', 1.5)),
      (await fs.promises.readdir('/', { recursive: 0 })).join(),
      await fs.promises.readFile(handle, { encoding: 'utf8', flag: 'zz' }),
      codeOf(() => fs.cpSync('/file', '/copy', { filter: async () => true })),
      codeOf(() => fs.rmSync('/absent')),
    ];
  `;
  const codes = ['ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE', 'a,file,link', 'below', 'ERR_INVALID_RETURN_VALUE'];
  expect(resultOf(1, body)).toEqual(['done', ...codes, 'ENOENT']);
});

it('L12: what the disk says is understood', () => {
  const body = `
    const { fs } = createOverlay({ lower: 'lower', cwd: '/' });
    return [
      fs.readlinkSync('/link'),
      fs.readFileSync('/link', 'utf8'),
      await fs.promises.readFile('/file', 'utf8'),
      codeOf(() => createOverlay({ lower: 'absent' })),
    ];
  `;
  expect(resultOf(1, body)).toEqual(['file', 'below', 'below', 'ENOENT']);
});

it('an upper that an overlay of one context has is not taken from it by one of another', () => {
  const body = `
    const overlay = createOverlay({ lower: [], upper: 'upper' });
    const refused = codeOf(() => other.createOverlay({ lower: [], upper: 'upper' }));
    overlay.close();
    const later = other.createOverlay({ lower: [], upper: 'upper' });
    later.close();
    return refused;
  `;
  expect(resultOf(2, body)).toBe('EBUSY');
});
