/** Permission bits, checked against the caller as the kernel does (N5). The owner of the tree is never root here. */

import { constants } from 'node:fs';
import { expect } from 'vitest';
import { fails, modeOf, type Scenario, scenarioAs, text } from '../scenario.ts';
import { dir, file, LONG_AGO, link } from '../tree.ts';

const closed = dir({ a: 'A' }, { mode: 0o600 });
const unwritable = dir({ a: 'A', e: dir() }, { mode: 0o555 });

export const owning: Scenario[] = [
  scenarioAs(
    'owner',
    'N5 reading wants the read bit of the owner',
    { a: file('A', { mode: 0o077 }) },
    async (fs, root) => {
      await fails(fs.readFile(`${root}/a`), 'EACCES', 'open', `${root}/a`);
      await fails(fs.open(`${root}/a`, 'r+'), 'EACCES', 'open', `${root}/a`);
      await fs.chmod(`${root}/a`, 0o400);
      expect(await text(fs, `${root}/a`)).toBe('A');
    },
  ),
  scenarioAs('owner', 'N5 writing wants the write bit', { a: file('A', { mode: 0o444 }) }, async (fs, root) => {
    for (const flag of ['w', 'a', 'r+']) {
      await fails(fs.writeFile(`${root}/a`, 'B', { flag }), 'EACCES', 'open', `${root}/a`);
    }
    await fails(fs.open(`${root}/a`, constants.O_RDONLY | constants.O_TRUNC), 'EACCES', 'open', `${root}/a`);
    expect(await text(fs, `${root}/a`)).toBe('A');
    expect((await fs.stat(`${root}/a`)).mtime).toEqual(LONG_AGO);
  }),
  scenarioAs(
    'owner',
    'N5 a descriptor keeps the access it was opened with',
    { a: file('A', { mode: 0o600 }) },
    async (fs, root) => {
      const handle = await fs.open(`${root}/a`, 'r+');
      await fs.chmod(`${root}/a`, 0);
      await handle.write('B');
      expect(await handle.read(Buffer.alloc(1), 0, 1, 0)).toBe(1);
      await fails(fs.readFile(`${root}/a`), 'EACCES', 'open', `${root}/a`);
    },
  ),
  scenarioAs('owner', 'N5 names below want the search bit', { d: closed, l: link('d/a') }, async (fs, root) => {
    for (const path of [`${root}/d/a`, `${root}/l`, `${root}/d/no`, `${root}/d/no/no`]) {
      await fails(fs.stat(path), 'EACCES', 'stat', path);
      await fails(fs.readFile(path), 'EACCES', 'open', path);
    }
    expect(await fs.readdir(`${root}/d`)).toEqual(['a']);
    await fails(fs.unlink(`${root}/d/a`), 'EACCES', 'unlink', `${root}/d/a`);
    await fails(fs.writeFile(`${root}/d/new`, ''), 'EACCES', 'open', `${root}/d/new`);
  }),
  scenarioAs(
    'owner',
    'N5 listing wants the read bit, not the search bit',
    { d: dir({ a: 'A' }, { mode: 0o300 }) },
    async (fs, root) => {
      await fails(fs.readdir(`${root}/d`), 'EACCES', 'scandir', `${root}/d`);
      expect(await text(fs, `${root}/d/a`)).toBe('A');
      await fs.writeFile(`${root}/d/new`, '');
    },
  ),
  scenarioAs(
    'owner',
    'N5 names change with the write bit of the directory',
    { d: unwritable, x: 'X' },
    async (fs, root) => {
      const d = `${root}/d`;
      await fails(fs.writeFile(`${d}/new`, ''), 'EACCES', 'open', `${d}/new`);
      await fails(fs.mkdir(`${d}/new`), 'EACCES', 'mkdir', `${d}/new`);
      await fails(fs.symlink('x', `${d}/new`), 'EACCES', 'symlink', 'x', `${d}/new`);
      await fails(fs.link(`${root}/x`, `${d}/new`), 'EACCES', 'link', `${root}/x`, `${d}/new`);
      await fails(fs.unlink(`${d}/a`), 'EACCES', 'unlink', `${d}/a`);
      await fails(fs.rmdir(`${d}/e`), 'EACCES', 'rmdir', `${d}/e`);
      await fails(fs.rename(`${d}/a`, `${root}/new`), 'EACCES', 'rename', `${d}/a`, `${root}/new`);
      await fails(fs.rename(`${root}/x`, `${d}/a`), 'EACCES', 'rename', `${root}/x`, `${d}/a`);
      await fails(
        fs.mkdtemp(`${root}/no-`).then(() => fs.mkdir(`${d}/x`)),
        'EACCES',
        'mkdir',
        `${d}/x`,
      );
      await fs.writeFile(`${d}/a`, 'content may change');
      expect(await fs.readdir(d)).toEqual(['a', 'e']);
    },
  ),
  scenarioAs(
    'owner',
    'N2 what exists or is missing is told before write permission',
    { d: unwritable },
    async (fs, root) => {
      const d = `${root}/d`;
      await fails(fs.mkdir(`${d}/e`), 'EEXIST', 'mkdir', `${d}/e`);
      await fails(fs.writeFile(`${d}/a`, '', { flag: 'wx' }), 'EEXIST', 'open', `${d}/a`);
      await fails(fs.unlink(`${d}/no`), 'ENOENT', 'unlink', `${d}/no`);
      await fails(fs.rmdir(`${d}/no`), 'ENOENT', 'rmdir', `${d}/no`);
    },
  ),
  scenarioAs(
    'owner',
    'N5 moving a directory to another parent wants its own write bit',
    { d: dir({ e: dir({}, { mode: 0o555 }) }), t: dir() },
    async (fs, root) => {
      await fails(fs.rename(`${root}/d/e`, `${root}/t/new`), 'EACCES', 'rename', `${root}/d/e`, `${root}/t/new`);
      await fs.rename(`${root}/d/e`, `${root}/d/new`);
      expect(await fs.readdir(`${root}/d`)).toEqual(['new']);
    },
  ),
  scenarioAs(
    'owner',
    'N5 the owner sets modes and times without the write bit',
    { a: file('A', { mode: 0 }) },
    async (fs, root) => {
      await fs.utimes(`${root}/a`, 1, 2);
      await fs.chmod(`${root}/a`, 0o600);
      expect((await fs.stat(`${root}/a`)).mtimeMs).toBe(2000);
      await fails(fs.chown(`${root}/a`, 4242, 4242), 'EPERM', 'chown', `${root}/a`);
    },
  ),
  scenarioAs(
    'owner',
    'N5 truncate wants the write bit, and the read bit, since Node opens the file',
    { a: file('A', { mode: 0o400 }) },
    async (fs, root) => {
      await fails(fs.truncate(`${root}/a`, 0), 'EACCES', 'open', `${root}/a`);
      await fs.chmod(`${root}/a`, 0o200);
      await fails(fs.truncate(`${root}/a`, 0), 'EACCES', 'open', `${root}/a`);
      await fs.chmod(`${root}/a`, 0o600);
      expect(await text(fs, `${root}/a`)).toBe('A');
    },
  ),
];

export const others: Scenario[] = [
  scenarioAs(
    'group',
    'N5 the group has the bits of the group',
    { a: file('A', { mode: 0o640 }), b: file('B', { mode: 0o604 }) },
    async (fs, root) => {
      expect(await text(fs, `${root}/a`)).toBe('A');
      await fails(fs.writeFile(`${root}/a`, ''), 'EACCES', 'open', `${root}/a`);
      await fails(fs.readFile(`${root}/b`), 'EACCES', 'open', `${root}/b`);
    },
  ),
  scenarioAs(
    'stranger',
    'N5 a stranger has the bits of the others',
    { a: file('A', { mode: 0o604 }), b: file('B', { mode: 0o660 }), d: dir({ c: 'C' }, { mode: 0o770 }) },
    async (fs, root) => {
      expect(await text(fs, `${root}/a`)).toBe('A');
      await fails(fs.readFile(`${root}/b`), 'EACCES', 'open', `${root}/b`);
      await fails(fs.readdir(`${root}/d`), 'EACCES', 'scandir', `${root}/d`);
      await fails(fs.stat(`${root}/d/c`), 'EACCES', 'stat', `${root}/d/c`);
    },
  ),
  scenarioAs(
    'stranger',
    'N5 only the owner changes modes, owners and times',
    { a: file('A', { mode: 0o666 }), b: file('B', { mode: 0o644 }) },
    async (fs, root) => {
      const path = `${root}/a`;
      await fails(fs.chmod(path, 0o600), 'EPERM', 'chmod', path);
      await fails(fs.utimes(path, 1, 2), 'EPERM', 'utime', path);
      await fails(fs.chown(path, 1001, 1001), 'EPERM', 'chown', path);
      await fs.writeFile(path, 'written');
      await fails((await fs.open(path, 'r+')).chmod(0o600), 'EPERM', 'fchmod');
      expect(await modeOf(fs, path)).toBe(0o666);
    },
  ),
  scenarioAs(
    'stranger',
    'N5 a sticky directory keeps names of others',
    { d: dir({ a: file('A', { mode: 0o666 }) }, { mode: 0o1777 }) },
    async (fs, root) => {
      const path = `${root}/d/a`;
      await fails(fs.unlink(path), 'EPERM', 'unlink', path);
      await fails(fs.rename(path, `${root}/d/new`), 'EPERM', 'rename', path, `${root}/d/new`);
      await fs.writeFile(`${root}/d/new`, 'mine');
      await fails(fs.rename(`${root}/d/new`, path), 'EPERM', 'rename', `${root}/d/new`, path);
      await fs.unlink(`${root}/d/new`);
      expect(await fs.readdir(`${root}/d`)).toEqual(['a']);
    },
  ),
  scenarioAs('stranger', 'N5 what a stranger makes is theirs', { d: dir({}, { mode: 0o777 }) }, async (fs, root) => {
    await fs.writeFile(`${root}/d/new`, '', { mode: 0o600 });
    await fs.mkdir(`${root}/d/new2`);
    const [file, directory] = [await fs.stat(`${root}/d/new`), await fs.stat(`${root}/d/new2`)];
    expect([file.uid, file.gid, directory.uid, directory.gid]).toEqual([1001, 1001, 1001, 1001]);
    await fs.chmod(`${root}/d/new`, 0o400);
  }),
  scenarioAs(
    'stranger',
    'N5 writing clears the set-id bits',
    { a: file('A', { mode: 0o6777 }), d: dir() },
    async (fs, root) => {
      await fs.appendFile(`${root}/a`, 'B');
      expect(await modeOf(fs, `${root}/a`)).toBe(0o777);
    },
  ),
];

/** access(2) asks with the real uid, which a process cannot change for a while; so here it must be the caller's. */
export const accessing: Scenario[] = [
  {
    ...scenarioAs(
      'owner',
      'N5 access tells what the caller may do',
      { a: file('A', { mode: 0o500 }) },
      async (fs, root) => {
        const path = `${root}/a`;
        await fs.access(path);
        await fs.access(path, constants.R_OK | constants.X_OK);
        await fails(fs.access(path, constants.W_OK), 'EACCES', 'access', path);
        await fails(fs.access(path, constants.R_OK | constants.W_OK), 'EACCES', 'access', path);
      },
    ),
    byRealUser: true,
  },
];
