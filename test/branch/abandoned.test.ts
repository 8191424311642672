// Overlays that are let go without being closed leave nothing open in their branches. In a process of its own, since
// the collector must be called.

import { execFile } from 'node:child_process';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { transpileLibrary } from '../transpiled.ts';

const run = promisify(execFile);

let scratch = '';
afterEach(() => nodeFs.rmSync(scratch, { recursive: true }));

/** Reads a file through many overlays of each kind, synchronously and not, and lets them go. */
const PROGRAM = `
  import fs from 'node:fs';
  const told = [];
  process.on('warning', ({ message }) => told.push(message));
  process.on('uncaughtException', ({ message }) => told.push(message));
  const kinds = [
    () => createOverlay({ lower: directory }),
    () => createOverlay({ lower: { fs: { promises: fs.promises }, root: directory } }),
    () => createOverlay({ lower: createOverlay({ lower: directory }) }),
  ];
  async function use() {
    for (let i = 0; i < 30; i++) {
      const overlay = kinds[i % 3]();
      await overlay.fs.promises.readFile('/file');
      if (i % 3 !== 1) overlay.fs.readFileSync('/file');
    }
  }
  const openHere = () =>
    fs.readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return fs.readlinkSync('/proc/self/fd/' + fd) === directory + '/file';
      } catch {
        return false;
      }
    }).length;
  await use();
  const before = openHere();
  for (let i = 0; i < 20; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  console.log(JSON.stringify({ told, wereOpen: before > 0, open: openHere() }));
`;

it('branches that nobody has any more close what they have open, and nobody is warned', async () => {
  if (!nodeFs.existsSync('/proc/self/fd')) return expect(process.platform).not.toBe('linux');
  scratch = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-abandoned-')));
  nodeFs.writeFileSync(path.join(scratch, 'file'), 'x'.repeat(50_000));
  const library = transpileLibrary(scratch);
  const script = path.join(scratch, 'program.mjs');
  const preamble = `import { createOverlay } from ${JSON.stringify(library)}; const directory = ${JSON.stringify(scratch)};`;
  nodeFs.writeFileSync(script, preamble + PROGRAM);
  const { stdout } = await run(process.execPath, ['--expose-gc', '--no-warnings', script]);
  expect(JSON.parse(stdout)).toEqual({ told: [], wereOpen: true, open: 0 });
});
