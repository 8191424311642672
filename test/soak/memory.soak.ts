// Memory does not grow over a million calls, and stays within the bounds of `cache` over a lower that is far larger: a
// child process makes the calls, in all forms, and tells its heap.

import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { transpileLibrary } from '../transpiled.ts';

const SHORT = process.env.OVERFS_SOAK === 'short';
const CALLS = SHORT ? 200_000 : 4_000_000;
/** What may come of the engine's own moods, in bytes. */
const SLACK = 1_500_000;

const scratch = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-memory-'));
afterAll(() => nodeFs.rmSync(scratch, { recursive: true }));

/** One round of calls; `i` makes names that have not been before. Each is played in its form so often that all together are CALLS. */
const WORKLOADS: Readonly<Record<string, string>> = {
  'promises.stat': 'await fs.promises.stat("/d/f0")',
  'promises.readFile': 'await fs.promises.readFile("/d/f1")',
  'callback stat': 'await new Promise((done) => fs.stat("/d/f0", done))',
  'absent names': 'await fs.promises.stat("/d/none" + i).catch(() => {})',
  'absent names, at once': 'fs.existsSync("/d/none" + i)',
  'create and unlink': 'fs.writeFileSync("/d/new" + i, "x"); fs.unlinkSync("/d/new" + i)',
  'create and unlink in a new directory':
    'fs.mkdirSync("/n" + i); fs.writeFileSync("/n" + i + "/x", "x"); fs.rmSync("/n" + i, { recursive: true })',
  'write a temporary, rename it over':
    'await fs.promises.writeFile("/d/tmp" + i, "x".repeat(i % 9000)); await fs.promises.rename("/d/tmp" + i, "/d/f2")',
  'rename to and fro': 'fs.renameSync("/e", "/e2"); fs.renameSync("/e2", "/e")',
  'open, write, close': 'const fd = fs.openSync("/d/f3", "r+"); fs.writeSync(fd, "x", i % 20000); fs.closeSync(fd)',
  'truncate and append': 'fs.truncateSync("/d/f4", 0); await fs.promises.appendFile("/d/f4", "x".repeat(i % 5000))',
  copies: 'fs.copyFileSync("/d/f5", "/copy"); fs.unlinkSync("/copy")',
  'anonymous files': 'fs.closeSync(fs.openSync("/d", fs.constants.O_RDWR | fs.constants.O_TMPFILE))',
  links: 'fs.linkSync("/d/f6", "/l" + i); fs.unlinkSync("/l" + i)',
  FileHandle: 'const h = await fs.promises.open("/d/f0"); await h.read(Buffer.alloc(10), 0, 10, 0); await h.close()',
  readdir: 'await fs.promises.readdir("/d")',
  changes: 'fs.chmodSync("/d/f7", i % 2 ? 0o600 : 0o644); for (const change of overlay.changes()) void change',
  'a lower that changes': 'lower.writeFileSync("/d/f8", "x".repeat(i % 6000)); fs.readFileSync("/d/f8")',
};

function programFor(library: string, body: string, calls: number, immutable: boolean): string {
  return `
    import { createOverlay } from ${JSON.stringify(library)};
    import { Volume } from 'memfs';
    const lower = Volume.fromJSON(Object.fromEntries(Array.from({ length: 10 }, (_, i) => ['/d/f' + i, 'f'.repeat(i * 1000)])));
    lower.fromJSON({ '/e/x': 'x' });
    const promises = Object.fromEntries(['lstat', 'readdir', 'readlink', 'readFile'].map((name) =>
      [name, async (...given) => lower[name + 'Sync'](...given)]));
    const both = Object.fromEntries(['lstat', 'readdir', 'readlink', 'readFile', 'open', 'read', 'fstat', 'close'].map((name) =>
      [name + 'Sync', lower[name + 'Sync'].bind(lower)]));
    const overlay = createOverlay({ lower: { fs: { ...both, promises }, immutable: ${immutable} }, pageSize: 4096 });
    const { fs } = overlay;
    const round = async (i) => { ${body} };
    const heap = () => { gc(); gc(); const { heapUsed, external } = process.memoryUsage(); return heapUsed + external; };
    for (let i = 0; i < 5000; i++) await round(i);
    const before = heap();
    for (let i = 5000; i < ${calls}; i++) await round(i);
    console.log(heap() - before);
  `;
}

for (const immutable of [false, true]) {
  it(`memory does not grow, ${immutable ? 'immutable' : 'may change'}`, () => {
    const library = transpileLibrary(nodeFs.mkdtempSync(path.join(scratch, 'lib-')));
    const grown: Record<string, number> = {};
    for (const [name, body] of Object.entries(WORKLOADS)) {
      const script = path.join(path.dirname(new URL(library).pathname), 'program.mjs');
      nodeFs.writeFileSync(script, programFor(library, body, CALLS / 20 + 5000, immutable));
      const told = Number(execFileSync(process.execPath, ['--expose-gc', script], { encoding: 'utf8' }));
      if (told > SLACK) grown[name] = told;
    }
    expect(grown).toEqual({});
  });
}

/** Runs a program with the library in a process of its own; what it tells. */
function tell(program: (library: string) => string): Record<string, number> {
  const library = transpileLibrary(nodeFs.mkdtempSync(path.join(scratch, 'lib-')));
  const script = path.join(path.dirname(new URL(library).pathname), 'program.mjs');
  nodeFs.writeFileSync(script, program(library));
  return JSON.parse(execFileSync(process.execPath, ['--expose-gc', script], { encoding: 'utf8' }));
}

/** What every program begins with: how much memory is in use, and the most that was. */
const PREAMBLE = `
  const used = () => { gc(); gc(); const { heapUsed, external } = process.memoryUsage(); return heapUsed + external; };
  const first = used();
  const most = { grown: 0, cachedBytes: 0, entries: 0 };
  const look = (overlay) => {
    const { cachedBytes, entries } = overlay.statistics();
    most.grown = Math.max(most.grown, used() - first);
    most.cachedBytes = Math.max(most.cachedBytes, cachedBytes);
    most.entries = Math.max(most.entries, entries);
  };
`;

const MIB = 2 ** 20;

describe('within bounds', () => {
  const bound = (SHORT ? 4 : 64) * MIB;
  const files = SHORT ? 32 : 1024;

  it('P6 reading a lower of 4 GiB keeps maxBytes and a constant', () => {
    const root = nodeFs.mkdtempSync(path.join(scratch, 'large-'));
    for (let i = 0; i < files; i++) {
      nodeFs.writeFileSync(path.join(root, `f${i}`), '');
      // Nothing but a hole: it costs the disk nothing.
      nodeFs.truncateSync(path.join(root, `f${i}`), 4 * MIB);
    }
    const told = tell(
      (library) => `
        import { createOverlay } from ${JSON.stringify(library)};
        ${PREAMBLE}
        const overlay = createOverlay({ lower: ${JSON.stringify(root)}, cache: { maxBytes: ${bound} } });
        const { fs } = overlay;
        // Long reads of a file that is large beside the cache would go past it.
        const buffer = Buffer.alloc(32768);
        let bytes = 0;
        for (let i = 0; i < ${files}; i++) {
          if (i % 3 === 0) {
            const fd = fs.openSync('/f' + i);
            for (let got; (got = fs.readSync(fd, buffer)) > 0; ) bytes += got;
            fs.closeSync(fd);
          } else if (i % 3 === 1) {
            const handle = await fs.promises.open('/f' + i);
            for (let got; (got = (await handle.read(buffer)).bytesRead) > 0; ) bytes += got;
            await handle.close();
          } else {
            bytes += (await fs.promises.readFile('/f' + i)).length;
          }
          look(overlay);
        }
        console.log(JSON.stringify({ ...most, bytes, ...overlay.statistics() }));
      `,
    );
    expect(told.bytes).toBe(files * 4 * MIB);
    expect(told.reclaimed).toBeGreaterThan(0);
    expect(told.cachedBytes).toBeLessThanOrEqual(bound);
    // One file that is read whole, what is under way, and what the engine keeps for itself.
    expect(told.grown).toBeLessThanOrEqual(bound + 16 * MIB);
  });

  const names = SHORT ? 200_000 : 2_000_000;

  it('P6 names that come and go cost nothing for good, where something was forgotten before', () => {
    const root = nodeFs.mkdtempSync(path.join(scratch, 'churn-'));
    for (let i = 0; i < 3000; i++) nodeFs.writeFileSync(path.join(root, `f${i}`), '');
    const told = tell(
      (library) => `
        import { createOverlay } from ${JSON.stringify(library)};
        ${PREAMBLE}
        const lower = { root: ${JSON.stringify(root)}, immutable: true };
        const overlay = createOverlay({ lower, cache: { maxEntries: 2000 } });
        const { fs } = overlay;
        for (let i = 0; i < 2500; i++) fs.statSync('/f' + i);
        await null;
        for (let i = 0; i < ${names}; i++) {
          fs.writeFileSync('/new' + i, '');
          fs.unlinkSync('/new' + i);
        }
        look(overlay);
        console.log(JSON.stringify({ ...overlay.statistics(), ...most }));
      `,
    );
    expect(told.forgotten).toBeGreaterThan(0);
    expect(told.grown).toBeLessThanOrEqual(2000 * 500 + 4 * MIB);
  });

  it('P6 looking at files of a branch without inode numbers keeps maxEntries and a constant', () => {
    const told = tell(
      (library) => `
        import { createOverlay } from ${JSON.stringify(library)};
        ${PREAMBLE}
        const stat = (path) => ({ size: 0, isFile: () => path !== '/', isDirectory: () => path === '/' });
        const fs = { statSync: stat, readdirSync: () => [], readFileSync: () => Buffer.alloc(0) };
        const overlay = createOverlay({ lower: { fs }, cache: { maxEntries: 1000 } });
        for (let i = 0; i < ${names}; i++) overlay.fs.statSync('/file' + i);
        look(overlay);
        console.log(JSON.stringify({ ...overlay.statistics(), ...most }));
      `,
    );
    expect(told.forgotten).toBeGreaterThan(names / 2);
    expect(told.grown).toBeLessThanOrEqual(1000 * 500 + 4 * MIB);
  });

  it('P6 looking at 200,000 files keeps maxEntries and a constant', () => {
    const root = nodeFs.mkdtempSync(path.join(scratch, 'many-'));
    const directories = SHORT ? 20 : 200;
    for (let d = 0; d < directories; d++) {
      nodeFs.mkdirSync(path.join(root, `d${d}`));
      for (let i = 0; i < 1000; i++) nodeFs.writeFileSync(path.join(root, `d${d}/file-${i}.txt`), '');
    }
    for (const immutable of [false, true]) {
      const told = tell(
        (library) => `
          import { createOverlay } from ${JSON.stringify(library)};
          ${PREAMBLE}
          const overlay = createOverlay({
            lower: { root: ${JSON.stringify(root)}, immutable: ${immutable} },
            cache: { maxEntries: 5000 },
          });
          const { fs } = overlay;
          for (let d = 0; d < ${directories}; d++) {
            const names = fs.readdirSync('/d' + d);
            for (const name of names) fs.statSync('/d' + d + '/' + name);
            await Promise.all(names.map((name) => fs.promises.readFile('/d' + d + '/' + name)));
            if (d % 4 === 0) look(overlay);
          }
          console.log(JSON.stringify({ ...overlay.statistics(), ...most }));
        `,
      );
      expect(told.forgotten).toBeGreaterThan(directories * 1000 - 5000);
      expect(told.entries).toBeLessThanOrEqual(5001);
      expect(told.grown).toBeLessThanOrEqual(5000 * 500 + 4 * MIB);
    }
  });
});
