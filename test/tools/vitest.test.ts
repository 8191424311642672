// The README's mocks for a Vitest test, word for word, in a project of their own: what the test imports gets the
// overlay, by every way to `fs`, and the disk stays as it is.

import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { transpileLibrary } from '../transpiled.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** What somebody wants to test: it writes by the default import, by a named one and by promises, and reads by the others. */
const SUBJECT = `
import fs, { appendFileSync } from 'node:fs';
import { readFile } from 'fs/promises';
export async function note(file) {
  fs.writeFileSync(file, 'one ');
  appendFileSync(file, 'two ');
  await fs.promises.appendFile(file, 'three');
  return readFile(file, 'utf8');
}
`;

const TEST = `
import { expect, it } from 'vitest';
import { note } from './subject.mjs';
it('writes', async () => {
  const file = import.meta.dirname + '/notes.txt';
  expect(await note(file)).toBe('one two three');
  expect([...overlay.changes()].map(({ kind, path }) => [kind, path])).toEqual([['added', file]]);
});
`;

/** The README's block that mocks with Vitest. */
function mocks(): string {
  const readme = nodeFs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const block = [...readme.matchAll(/```mjs\n(.*?)```/gs)]
    .map(([, code = '']) => code)
    .find((code) => /vi\.mock/.test(code));
  if (block === undefined) throw new Error('the README has no block that mocks with Vitest');
  return block;
}

let project = '';
beforeAll(() => {
  project = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-vitest-')));
  const installed = path.join(project, 'node_modules/overfs');
  nodeFs.mkdirSync(installed, { recursive: true });
  transpileLibrary(installed);
  nodeFs.symlinkSync(path.join(ROOT, 'node_modules/vitest'), path.join(project, 'node_modules/vitest'));
  nodeFs.writeFileSync(path.join(project, 'package.json'), '{ "type": "module" }');
  nodeFs.writeFileSync(path.join(project, 'subject.mjs'), SUBJECT);
});
afterAll(() => nodeFs.rmSync(project, { recursive: true }));

function run(name: string, text: string): { status: number | null; output: string } {
  nodeFs.writeFileSync(path.join(project, name), text);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', project, name],
    { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', VITEST: undefined } },
  );
  return { status, output: stdout + stderr };
}

it("the README's mocks put an overlay in the place of node:fs", () => {
  const { status, output } = run('mocked.test.mjs', mocks() + TEST);
  expect(output).toContain('1 passed');
  expect(status).toBe(0);
  expect(nodeFs.existsSync(path.join(project, 'notes.txt'))).toBe(false);
});

it('without them the same test writes to the disk', () => {
  const { status } = run('plain.test.mjs', `const overlay = { changes: () => [] };${TEST}`);
  expect(status).toBe(1);
  expect(nodeFs.readFileSync(path.join(project, 'notes.txt'), 'utf8')).toBe('one two three');
});
