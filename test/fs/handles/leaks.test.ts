// N7: a FileHandle that is garbage-collected while open is closed, and the program is told. In a process of its own,
// since the test must call the garbage collector.

import { execFile } from 'node:child_process';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transpileLibrary } from '../../transpiled.ts';

const run = promisify(execFile);

/** What the child does: `fs` is the filesystem that is tried, `file` the path of a file. */
const PROGRAM = `
  const told = [];
  process.on('warning', ({ name, code, message }) => told.push(['warning', name, code, message]));
  process.on('uncaughtException', ({ name, code, message }) => told.push(['error', name, code, message]));
  const numbers = [];
  async function leak() {
    for (let i = 0; i < 3; i++) numbers.push((await fs.promises.open(file)).fd);
    const closed = await fs.promises.open(file);
    await closed.close();
    // Node's own cannot close what was closed by its number, and the process ends.
    if (isOurs) fs.closeSync((await fs.promises.open(file)).fd);
  }
  const used = await fs.promises.open(file);
  await leak();
  for (let i = 0; i < 20; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const open = numbers.filter((fd) => {
    try {
      fs.fstatSync(fd);
      return true;
    } catch {
      return false;
    }
  });
  for (const entry of told) entry[3] = entry[3].replace(/descriptor:? \\d+/i, 'descriptor #').replace(/\\(.*\\)/, '(path)');
  console.log(JSON.stringify({ told: told.sort(), open: open.length, stillUsed: (await used.stat()).isFile() }));
  await used.close();
`;

let scratch: string;
beforeAll(() => {
  scratch = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
});
afterAll(() => nodeFs.rmSync(scratch, { recursive: true }));

async function tell(name: string, preamble: string): Promise<{ told: unknown[][]; open: number; stillUsed: boolean }> {
  const script = path.join(scratch, `${name}.mjs`);
  nodeFs.writeFileSync(script, `${preamble}\nconst file = ${JSON.stringify(script)};\n${PROGRAM}`);
  const { stdout } = await run(process.execPath, ['--expose-gc', '--no-warnings', script]);
  return JSON.parse(stdout);
}

describe('N7 FileHandles that are collected open', () => {
  it('are closed, and told of as Node does', async () => {
    const library = transpileLibrary(scratch);
    const theirs = await tell('theirs', "import fs from 'node:fs'; const isOurs = false;");
    const preamble = `import { createOverlay } from ${JSON.stringify(library)}; const { fs } = createOverlay();`;
    const ours = await tell('ours', `${preamble} const isOurs = true;`);
    expect(ours.told).toEqual(theirs.told);
    expect(ours.told.length).toBeGreaterThanOrEqual(3);
    expect(ours).toMatchObject({ open: 0, stillUsed: true });
  });
});
