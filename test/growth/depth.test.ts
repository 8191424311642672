// Directories nest more deeply than calls can: nothing that goes down a tree may need stack for each level.

import nodeFs from 'node:fs';
import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { createOverlay } from '../../lib/index.ts';

/** As many as fit in a path. */
const LEVELS = 2000;
const DEEP = '/a'.repeat(LEVELS);

function deepTree() {
  const overlay = createOverlay({ lower: [] });
  overlay.fs.mkdirSync(DEEP, { recursive: true });
  overlay.fs.writeFileSync(`${DEEP}/file`, 'bytes');
  return overlay;
}

it('changes() of a deep tree lists all of it, parents first', () => {
  const overlay = deepTree();
  const paths = [...overlay.changes()].map(({ path }) => path);
  expect(paths.length).toBe(LEVELS + 1);
  expect(paths[1]).toBe('/a/a');
  expect(paths.at(-1)).toBe(`${DEEP}/file`);
});

it('changes() of a tree that is deeper than any path', () => {
  const overlay = createOverlay({ lower: [] });
  const { fs } = overlay;
  fs.mkdirSync('/top');
  for (let i = 1; i < 10_000; i++) {
    fs.mkdirSync('/above');
    fs.renameSync('/top', '/above/inner');
    fs.renameSync('/above', '/top');
  }
  expect([...overlay.changes()].length).toBe(10_000);
});

it.each(['cpSync', 'cp'] as const)('%s of a deep tree', async (form) => {
  const { fs } = deepTree();
  if (form === 'cpSync') fs.cpSync('/a', '/b', { recursive: true });
  else await fs.promises.cp('/a', '/b', { recursive: true });
  expect(fs.readFileSync(`/b${DEEP.slice(2)}/file`, 'utf8')).toBe('bytes');
});

it.each(['rmSync', 'rm'] as const)('%s of a deep tree, name by name and at once', async (form) => {
  const { fs } = deepTree();
  fs.mkdirSync('/b');
  fs.renameSync('/a', '/b/a');
  const watcher = fs.watch('/b', { persistent: false });
  if (form === 'rmSync') fs.rmSync('/b/a', { recursive: true });
  else await fs.promises.rm('/b/a', { recursive: true });
  watcher.close();
  expect(fs.readdirSync('/b')).toEqual([]);
});

it('rm of a deep tree by a user who is not root', () => {
  const overlay = createOverlay({ lower: [] });
  overlay.fs.chmodSync('/', 0o777);
  const fs = overlay.as({ uid: 1001, gid: 1001 });
  fs.mkdirSync(DEEP, { recursive: true });
  fs.rmSync('/a', { recursive: true });
  expect(fs.readdirSync('/')).toEqual([]);
});

it('a listing, a glob and a write-back of a deep tree', () => {
  const upper = new Volume();
  const overlay = createOverlay({ lower: [], upper, cwd: '/' });
  const { fs } = overlay;
  const some = '/a'.repeat(500);
  fs.mkdirSync(some, { recursive: true });
  fs.writeFileSync(`${some}/file`, 'bytes');
  expect(fs.readdirSync('/', { recursive: true }).length).toBe(501);
  if ('globSync' in nodeFs) {
    const { globSync } = fs as unknown as { globSync(pattern: string): string[] };
    expect(globSync('**/file')).toEqual([`${some.slice(1)}/file`]);
  }
  overlay.syncSync();
  expect(upper.readFileSync(`${some}/file`, 'utf8')).toBe('bytes');
  fs.rmSync('/a', { recursive: true });
  overlay.syncSync();
  expect(upper.existsSync('/a')).toBe(false);
});

it('a lower that loses a deep tree', () => {
  const volume = new Volume();
  volume.mkdirSync(DEEP, { recursive: true });
  const { fs } = createOverlay({ lower: volume });
  fs.statSync(DEEP);
  volume.rmSync('/a', { recursive: true });
  expect(fs.existsSync('/a')).toBe(false);
  volume.mkdirSync(DEEP, { recursive: true });
  fs.writeFileSync(`${DEEP}/mine`, 'bytes');
  volume.rmSync('/a', { recursive: true });
  expect(fs.readFileSync(`${DEEP}/mine`, 'utf8')).toBe('bytes');
});
