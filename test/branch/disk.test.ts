// The disk as a branch: special files, files whose size lies, names that are not UTF-8, directories to start from.

import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SAME, UPPER } from '../../lib/branch/branch.ts';
import { directoryBranch } from '../../lib/branch/make-branch.ts';
import { Errno } from '../../lib/errno.ts';
import { branchOf, interposedPromises, interposedSync, present, rejectionOf, scratch, text, thrownBy } from './rig.ts';

const { O_RDONLY, O_RDWR, O_NONBLOCK, S_IFMT, S_IFCHR, S_IFIFO } = nodeFs.constants;
const NO_BYTES = new Uint8Array(0);

/** The disk in both forms, and by promises as well: what it is asked by makes no difference. */
function disks() {
  const [disk, promised] = [branchOf(nodeFs), branchOf(interposedPromises((_, given, goOn) => goOn(...given)))];
  if (disk.sync === undefined || disk.async === undefined || promised.async === undefined) throw new Error('no disk');
  return [
    { ask: disk.sync, branch: disk },
    { ask: disk.async, branch: disk },
    { ask: promised.async, branch: promised },
  ];
}

describe('files whose size lies', () => {
  it('of /proc are read to their end', async () => {
    if (!nodeFs.existsSync('/proc/version')) return expect(process.platform).not.toBe('linux');
    const content = nodeFs.readFileSync('/proc/version', 'utf8');
    for (const { ask } of disks()) {
      const print = present(await ask.lstat('/proc/version'));
      expect(print.size).toBe(0);
      expect(text(await ask.read('/proc/version', print, 0, 65_536))).toBe(content);
      expect(text(await ask.read('/proc/version', print, 6, 7))).toBe(content.slice(6, 13));
      expect(await ask.read('/proc/version', print, 65_536, 10)).toEqual(Buffer.from(NO_BYTES));
    }
  });

  it('and are larger than the content end with the content (sysfs)', async () => {
    const directory = scratch();
    const file = path.join(directory, 'file');
    nodeFs.writeFileSync(file, 'short');
    const larger = interposedSync((name, given, goOn) => {
      const stats = goOn(...given) as nodeFs.BigIntStats | nodeFs.Stats;
      if (name !== 'lstat' && name !== 'fstat') return stats;
      return Object.assign(stats, { size: typeof stats.size === 'bigint' ? 4096n : 4096 });
    });
    const ask = branchOf(larger).sync;
    const print = present(ask?.lstat(file));
    expect(print.size).toBe(4096);
    expect(text(ask?.read(file, print, 0, 65_536))).toBe('short');
    expect(text(ask?.read(file, print, 5, 65_536))).toBe('');
  });
});

describe('special files', () => {
  it('are read and written straight through', async () => {
    for (const { ask, branch } of disks()) {
      const print = present(await ask.lstat('/dev/zero'));
      expect(print.mode & S_IFMT).toBe(S_IFCHR);
      expect(print.rdev).toBe(nodeFs.lstatSync('/dev/zero').rdev);
      const handle = await ask.openThrough('/dev/zero', O_RDWR);
      const target = Buffer.alloc(5, 1);
      expect(await ask.readThrough(handle, target, -1)).toBe(5);
      expect([...target]).toEqual([0, 0, 0, 0, 0]);
      expect(await ask.writeThrough(handle, Buffer.from('abc'), -1)).toBe(3);
      branch.closeThrough(handle);
    }
  });

  it('keep their position, or are read where it is said', async () => {
    const file = path.join(scratch(), 'file');
    nodeFs.writeFileSync(file, 'abcdef');
    for (const { ask, branch } of disks()) {
      const handle = await ask.openThrough(file, O_RDONLY);
      const target = Buffer.alloc(2);
      await ask.readThrough(handle, target, -1);
      await ask.readThrough(handle, target, -1);
      expect(String(target)).toBe('cd');
      await ask.readThrough(handle, target, 0);
      expect(String(target)).toBe('ab');
      branch.closeThrough(handle);
    }
  });

  it('fail with a bare error', async () => {
    const fifo = path.join(scratch(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    for (const { ask, branch } of disks()) {
      expect(present(await ask.lstat(fifo)).mode & S_IFMT).toBe(S_IFIFO);
      const failing = async (run: () => unknown) => rejectionOf((async () => run())());
      const refused = await failing(() => ask.openThrough(`${fifo}x`, O_RDONLY));
      expect(refused).toBeInstanceOf(Errno);
      expect(refused).toMatchObject({ code: 'ENOENT' });
      const handle = await ask.openThrough(fifo, O_RDONLY | O_NONBLOCK);
      expect(await ask.readThrough(handle, Buffer.alloc(3), -1)).toBe(0);
      expect(await failing(() => ask.writeThrough(handle, Buffer.from('x'), -1))).toMatchObject({ code: 'EIO' });
      branch.closeThrough(handle);
    }
  });

  it('left open are closed with the branch', async () => {
    const directory = `/proc/${process.pid}/fd`;
    if (!nodeFs.existsSync(directory)) return expect(process.platform).not.toBe('linux');
    const file = path.join(nodeFs.realpathSync(scratch()), 'file');
    nodeFs.writeFileSync(file, 'content');
    // Of these two only, which nobody else opens: what other tests have let go of is closed at any time.
    const count = () => nodeFs.readdirSync(directory).filter((fd) => isOneOf(`${directory}/${fd}`)).length;
    const isOneOf = (fd: string) => {
      try {
        return ['/dev/full', file].includes(nodeFs.readlinkSync(fd));
      } catch {
        return false;
      }
    };
    expect(count()).toBe(0);
    const branch = branchOf(nodeFs);
    branch.sync?.openThrough('/dev/full', O_RDONLY);
    await branch.async?.openThrough('/dev/full', O_RDONLY);
    const print = present(branch.sync?.lstat(file));
    branch.sync?.read(file, print, 0, 1);
    await branch.async?.read(file, print, 0, 1);
    expect(count()).toBe(4);
    branch.close();
    for (let turn = 0; turn < 200 && count() > 0; turn++) await new Promise((done) => setTimeout(done, 5));
    expect(count()).toBe(0);
  });
});

describe('names that are not UTF-8', () => {
  it('go up and down as they are', async () => {
    const directory = scratch();
    const inside = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0x64, 0xff]), Buffer.from('/')]);
    nodeFs.mkdirSync(inside);
    nodeFs.writeFileSync(Buffer.concat([inside, Buffer.from([0x66, 0xfe])]), 'content');
    nodeFs.writeFileSync(Buffer.concat([inside, Buffer.from('\uFFFD')]), '');
    nodeFs.symlinkSync(Buffer.from([0x66, 0xfe]), Buffer.concat([inside, Buffer.from('link')]));
    for (const { ask } of disks()) {
      expect((await ask.list(directory))?.map(({ name }) => name)).toEqual(['d\uDCFF']);
      const at = `${directory}/d\uDCFF`;
      const names = (await ask.list(at))?.map(({ name, type }) => `${name} ${type === nodeFs.constants.S_IFREG}`);
      expect(names?.sort()).toEqual(['f\uDCFE true', 'link false', '\uFFFD true']);
      const print = present(await ask.lstat(`${at}/f\uDCFE`));
      if ('revalidate' in ask) expect(ask.revalidate(`${at}/f\uDCFE`, print)).toBe(SAME);
      expect(text(await ask.read(`${at}/f\uDCFE`, print, 0, 10))).toBe('content');
      expect(await ask.readlink(`${at}/link`)).toBe('f\uDCFE');
      expect(await ask.lstat(`${at}/f\uDCFD`)).toBeUndefined();
    }
  });
});

describe('an open file', () => {
  it('is looked at after each read, once where only we change it, not at all where nobody does', () => {
    const file = path.join(scratch(), 'file');
    nodeFs.writeFileSync(file, '0123456789');
    for (const [origin, looks] of [
      [{ immutable: false }, 5],
      [{ immutable: true, id: UPPER }, 1],
      [{ immutable: true }, 0],
    ] as const) {
      let count = 0;
      const counting = interposedSync((name, given, goOn) => {
        if (name === 'fstat') count += 1;
        return goOn(...given);
      });
      const ask = branchOf(counting, origin).sync;
      const print = present(ask?.lstat(file));
      for (let at = 0; at < 5; at++) expect(text(ask?.read(file, print, at, 1))).toBe(String(at));
      expect(count).toBe(looks);
    }
  });
});

describe('a file read by many at once', () => {
  it('is opened once', async () => {
    const file = path.join(scratch(), 'file');
    nodeFs.writeFileSync(file, '0123456789');
    let opened = 0;
    const counting = interposedPromises((name, given, goOn) => {
      if (name === 'open') opened += 1;
      return goOn(...given);
    });
    const ask = branchOf(counting).async;
    const print = present(await ask?.lstat(file));
    const parts = await Promise.all([0, 2, 4, 6, 8].map((at) => ask?.read(file, print, at, 2)));
    expect(parts.map(text).join('')).toBe('0123456789');
    expect(opened).toBe(1);
  });

  it('C9 is opened again where the first to open it failed', async () => {
    const file = path.join(scratch(), 'file');
    nodeFs.writeFileSync(file, '0123456789');
    let opened = 0;
    const failingOnce = interposedPromises((name, given, goOn) => {
      if (name === 'open' && opened++ === 0) throw Object.assign(new Error('no'), { code: 'EMFILE' });
      return goOn(...given);
    });
    const ask = branchOf(failingOnce).async;
    if (ask === undefined) throw new Error('cannot be asked');
    const print = present(await ask.lstat(file));
    const [first, second] = await Promise.allSettled([ask.read(file, print, 0, 5), ask.read(file, print, 5, 5)]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'EMFILE' } });
    expect(second.status === 'fulfilled' && text(second.value)).toBe('56789');
  });

  it('replaced while somebody opens the old one is opened anew by who knows better', async () => {
    const file = path.join(scratch(), 'file');
    nodeFs.writeFileSync(file, 'old');
    let hold = Promise.resolve();
    const held = interposedPromises(async (name, given, goOn) => {
      const answer = await goOn(...given);
      if (name === 'open') await hold;
      return answer;
    });
    const ask = branchOf(held).async;
    if (ask === undefined) throw new Error('cannot be asked');
    const old = present(await ask.lstat(file));
    let letGo = () => {};
    hold = new Promise((resolve) => {
      letGo = resolve;
    });
    const first = ask.read(file, old, 0, 10);
    await new Promise((done) => setTimeout(done, 20));
    nodeFs.writeFileSync(`${file}2`, 'newer');
    nodeFs.renameSync(`${file}2`, file);
    const second = ask.read(file, present(await ask.lstat(file)), 0, 10);
    letGo();
    expect(text(await first)).toBe('old');
    expect(text(await second)).toBe('newer');
  });
});

describe('a directory to start from', () => {
  const traits = { id: 1, name: 'dir', immutable: false, layered: false };

  it('is found through links, as a path, bytes or a URL', () => {
    const directory = scratch();
    nodeFs.mkdirSync(`${directory}/real`);
    nodeFs.symlinkSync('real', `${directory}/link`);
    const given = [`${directory}/link/`, Buffer.from(`${directory}/link`), pathToFileURL(`${directory}/link`)];
    for (const each of given) {
      const { branch, root } = directoryBranch(each, traits);
      expect(root).toBe(`${directory}/real`);
      expect(branch.sync?.list(root)).toEqual([]);
      expect(branch).toMatchObject(traits);
      branch.close();
    }
  });

  it('that is none is an error of Node', () => {
    const directory = scratch();
    nodeFs.writeFileSync(`${directory}/file`, '');
    expect(thrownBy(() => directoryBranch(`${directory}/none`, traits))).toMatchObject({ code: 'ENOENT' });
    expect(thrownBy(() => directoryBranch(`${directory}/file`, traits))).toMatchObject({ code: 'ENOTDIR' });
  });
});
