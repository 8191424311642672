// A process that has few descriptors: what is kept open without need is closed before anything fails.

import nodeFs from 'node:fs';
import { expect, it } from 'vitest';
import { closeIdle, OpenFiles } from '../../../lib/branch/files/open-files.ts';
import { sparing, sparingLater } from '../../../lib/branch/files/spare.ts';
import { createOverlay } from '../../../lib/index.ts';
import { useDirectories } from '../../writeback/directories.ts';

const newDirectory = useDirectories();
const FILES = 30;

type Open = (path: string, flags: number | string, mode?: number) => number;

/** node:fs where no more than so many files may be open. */
function scarce(most: number) {
  let open = 0;
  const mayOpen = () => {
    if (open === most) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE', errno: -24 });
    open++;
  };
  const close = (fd: number) => {
    open--;
    nodeFs.closeSync(fd);
  };
  const openFile: Open = (path, flags, mode) => {
    mayOpen();
    return nodeFs.openSync(path, flags, mode);
  };
  /** As the kernel opens it to list it. */
  const list = (path: string, options: object) => {
    mayOpen();
    open--;
    return nodeFs.readdirSync(path, options as { withFileTypes: true });
  };
  const later =
    <Given extends unknown[]>(run: (...given: Given) => unknown) =>
    async (...given: Given) =>
      run(...given);
  const { lstatSync, fstatSync, readSync, readFileSync, statSync, readlinkSync } = nodeFs;
  const read = (...given: Parameters<typeof nodeFs.readSync>) => ({ bytesRead: nodeFs.readSync(...given) });
  const now = { lstatSync, fstatSync, readSync, readFileSync, statSync, readlinkSync };
  return {
    ...now,
    openSync: openFile,
    closeSync: close,
    readdirSync: list,
    open: later(openFile),
    close: later(close),
    readdir: later(list),
    read: later(read),
    lstat: later(lstatSync),
    stat: later(statSync),
    fstat: later(fstatSync),
    readlink: later(readlinkSync),
    readFile: later(readFileSync),
  };
}

function directoryOfFiles(): string {
  const directory = newDirectory();
  for (let i = 0; i < FILES; i++) nodeFs.writeFileSync(`${directory}/f${i}`, 'x'.repeat(100_000));
  return directory;
}

it('a file is read, and a directory listed, where all descriptors are those of files kept open', async () => {
  closeIdle();
  const root = directoryOfFiles();
  const lower = scarce(8);
  const overlays = Array.from({ length: 4 }, () => createOverlay({ lower: { fs: lower, root } }));
  for (const { fs } of overlays) {
    for (let i = 0; i < FILES; i++) {
      const fd = fs.openSync(`/f${i}`, 'r');
      expect(fs.readSync(fd, Buffer.alloc(9), 0, 9, 50_000)).toBe(9);
      fs.closeSync(fd);
    }
    expect(fs.readdirSync('/')).toHaveLength(FILES);
  }
  const [first] = overlays;
  await first?.fs.promises.appendFile('/f0', '!');
  const later = createOverlay({ lower: { fs: lower, root } });
  for (let i = 0; i < FILES; i++) expect((await later.fs.promises.readFile(`/f${i}`)).length).toBe(100_000);
  expect(await later.fs.promises.readdir('/')).toHaveLength(FILES);
  for (const overlay of [...overlays, later]) overlay.close();
});

it('what fails for want of a descriptor is tried once more where there was one to give back, and nothing else is', async () => {
  closeIdle();
  const files = new OpenFiles(() => {});
  const keepOne = () => files.release(files.add('/kept', 1));
  /** How often a function that fails is called by one call, at once and later. */
  const callsOf = async (name: string, code: string, prepare: () => void) => {
    let calls = 0;
    const fail = () => {
      calls++;
      throw Object.assign(new Error(code), { code });
    };
    prepare();
    expect(sparing(name, fail)).toThrow(code);
    prepare();
    await expect(sparingLater(name, async () => fail())()).rejects.toThrow(code);
    return calls;
  };
  expect(await callsOf('open', 'EMFILE', keepOne)).toBe(4);
  expect(await callsOf('readdir', 'ENFILE', keepOne)).toBe(4);
  expect(await callsOf('open', 'EMFILE', closeIdle)).toBe(2);
  expect(await callsOf('open', 'EACCES', keepOne)).toBe(2);
  expect(await callsOf('rename', 'EMFILE', keepOne)).toBe(2);
});
