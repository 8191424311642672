import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOverlay } from '../../../lib/index.ts';
import { call, FORMS, treeOf } from './twin.ts';

let lower: string;

beforeEach(() => {
  lower = nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-remove-'));
  nodeFs.mkdirSync(`${lower}/tree/sub/deep`, { recursive: true });
  for (const name of ['tree/a', 'tree/b', 'tree/sub/c', 'tree/sub/deep/d'])
    nodeFs.writeFileSync(`${lower}/${name}`, name);
  nodeFs.writeFileSync(`${lower}/beside`, 'beside');
});

afterEach(() => nodeFs.rmSync(lower, { recursive: true }));

/** A lower that counts what it is asked. */
function counted(): { readonly fs: typeof nodeFs; readonly asked: () => number } {
  let asked = 0;
  const count =
    <A extends unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      asked++;
      return call(...args);
    };
  const { lstatSync, readdirSync, openSync, readSync, closeSync, fstatSync, readlinkSync, readFileSync } = nodeFs;
  const fs = Object.fromEntries(
    Object.entries({
      lstatSync,
      readdirSync,
      openSync,
      readSync,
      closeSync,
      fstatSync,
      readlinkSync,
      readFileSync,
    }).map(([name, each]) => [name, count(each as (...args: unknown[]) => unknown)]),
  );
  return { fs: { ...fs, constants: nodeFs.constants } as unknown as typeof nodeFs, asked: () => asked };
}

const SOMEBODY = { uid: process.getuid?.() || 4321, gid: process.getgid?.() || 4321 };

describe('rm -r of a lower tree', () => {
  for (const form of FORMS) {
    for (const immutable of [true, false]) {
      it(`L1 L3 ${form} leaves one whiteout and the lower as it was (immutable: ${immutable})`, async () => {
        const before = treeOf(nodeFs, lower);
        using overlay = createOverlay({ lower: { root: lower, immutable } });
        await call(overlay.fs, form, 'rm', ['/tree', { recursive: true }]);
        expect([...overlay.changes()].map(({ kind, path: at }) => `${kind} ${at}`)).toEqual(['removed /tree']);
        expect(overlay.fs.readdirSync('/')).toEqual(['beside']);
        expect(overlay.fs.existsSync('/tree/a')).toBe(false);
        expect(treeOf(nodeFs, lower)).toEqual(before);
      });
    }

    it(`L5 ${form} lets nothing come back when the directory is made again`, async () => {
      using overlay = createOverlay({ lower: { root: lower } });
      overlay.fs.readFileSync('/tree/sub/c');
      await call(overlay.fs, form, 'rm', ['/tree', { recursive: true }]);
      overlay.fs.mkdirSync('/tree/sub', { recursive: true });
      expect(overlay.fs.readdirSync('/tree', { recursive: true })).toEqual(['sub']);
    });

    it(`N5 ${form} goes directory by directory where it has a plain user's rights`, async () => {
      nodeFs.chmodSync(lower, 0o777);
      for (const name of ['', '/sub', '/sub/deep']) nodeFs.chmodSync(`${lower}/tree${name}`, 0o777);
      using overlay = createOverlay({ lower: { root: lower }, credentials: SOMEBODY });
      await call(overlay.fs, form, 'rm', ['/tree', { recursive: true }]);
      expect(overlay.fs.readdirSync('/')).toEqual(['beside']);
      expect([...overlay.changes()].map(({ kind, path: at }) => `${kind} ${at}`)).toEqual(['removed /tree']);
    });
  }

  it('does not ask for what it does not show any more', () => {
    const { fs, asked } = counted();
    using overlay = createOverlay({ lower: { fs, root: lower, immutable: true }, credentials: { uid: 0, gid: 0 } });
    overlay.fs.statSync('/tree');
    const before = asked();
    overlay.fs.rmSync('/tree', { recursive: true });
    expect(asked()).toBe(before);
  });

  it('T4 leaves open files readable and writable, without a name', () => {
    using overlay = createOverlay({ lower: { root: lower } });
    const { fs } = overlay;
    const fd = fs.openSync('/tree/sub/c', 'r+');
    fs.rmSync('/tree', { recursive: true });
    expect(fs.fstatSync(fd).nlink).toBe(0);
    fs.writeSync(fd, 'TREE', 0);
    expect(fs.readFileSync(fd, 'utf8')).toBe('TREE/sub/c');
    fs.closeSync(fd);
  });

  it('P3 gives back what the tree held', () => {
    using overlay = createOverlay({ lower: { root: lower }, limits: { bytes: 1 << 20, inodes: 100 } });
    const { fs } = overlay;
    const free = () => [fs.statfsSync('/').bfree, fs.statfsSync('/').ffree];
    const before = free();
    fs.mkdirSync('/tree/new/er', { recursive: true });
    fs.writeFileSync('/tree/new/er/file', Buffer.alloc(100_000));
    fs.appendFileSync('/tree/a', Buffer.alloc(100_000));
    fs.linkSync('/tree/b', '/tree/new/b');
    expect(free()).not.toEqual(before);
    fs.rmSync('/tree', { recursive: true });
    expect(free()).toEqual(before);
  });

  it('P3 frees what was open when it is closed', () => {
    using overlay = createOverlay({ lower: [], limits: { bytes: 1 << 20, inodes: 100 } });
    const { fs } = overlay;
    const before = fs.statfsSync('/').ffree;
    fs.mkdirSync('/d');
    const fd = fs.openSync('/d/f', 'w');
    fs.rmSync('/d', { recursive: true });
    expect(fs.statfsSync('/').ffree).toBe(before - 1);
    fs.closeSync(fd);
    expect(fs.statfsSync('/').ffree).toBe(before);
  });
});

describe('C2 the names of a file, of which one was in a removed tree', () => {
  beforeEach(() => {
    nodeFs.linkSync(`${lower}/beside`, `${lower}/tree/sub/deep/twin`);
    nodeFs.linkSync(`${lower}/beside`, `${lower}/tree/twin`);
    nodeFs.linkSync(`${lower}/beside`, `${lower}/twin`);
  });

  for (const form of FORMS) {
    for (const immutable of [true, false]) {
      it(`are counted when nobody had looked at any (${form}, immutable: ${immutable})`, async () => {
        using overlay = createOverlay({ lower: { root: lower, immutable } });
        const { fs } = overlay;
        await call(fs, form, 'rm', ['/tree', { recursive: true }]);
        expect(await call(fs, form, 'stat', ['/beside', undefined])).toMatchObject({ nlink: 2 });
        expect(await call(fs, form, 'lstat', ['/twin', undefined])).toMatchObject({ nlink: 2 });
      });
    }
  }

  it('are counted when some were looked at before', () => {
    using overlay = createOverlay({ lower: { root: lower } });
    const { fs } = overlay;
    expect(fs.statSync('/tree/twin').nlink).toBe(4);
    expect(fs.statSync('/beside').nlink).toBe(4);
    fs.rmSync('/tree', { recursive: true });
    const fd = fs.openSync('/twin', 'r');
    expect(fs.fstatSync(fd).nlink).toBe(2);
    fs.closeSync(fd);
  });

  it('are counted for a descriptor that was open', () => {
    using overlay = createOverlay({ lower: { root: lower } });
    const { fs } = overlay;
    const fd = fs.openSync('/tree/twin', 'r');
    fs.rmSync('/tree', { recursive: true });
    expect(fs.fstatSync(fd).nlink).toBe(2);
    fs.closeSync(fd);
  });

  it('P3 are counted before the last of them goes, with all that the file held', () => {
    using overlay = createOverlay({ lower: { root: lower }, limits: { bytes: 1 << 20, inodes: 100 } });
    const { fs } = overlay;
    const before = fs.statfsSync('/').bfree;
    fs.writeFileSync('/beside', Buffer.alloc(100_000));
    fs.rmSync('/tree', { recursive: true });
    fs.unlinkSync('/beside');
    expect(fs.readFileSync('/twin').length).toBe(100_000);
    fs.writeFileSync('/other', '');
    fs.renameSync('/other', '/twin');
    expect(fs.statfsSync('/').bfree).toBe(before);
  });

  it('never are less than there are', () => {
    using overlay = createOverlay({ lower: { root: lower } });
    const { fs } = overlay;
    fs.unlinkSync('/tree/twin');
    fs.rmSync('/tree', { recursive: true });
    fs.mkdirSync('/tree');
    fs.linkSync('/beside', '/tree/twin');
    expect(fs.statSync('/beside').nlink).toBe(3);
    fs.rmSync('/tree', { recursive: true });
    expect(fs.statSync('/twin').nlink).toBe(2);
  });
});
