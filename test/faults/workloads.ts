/** Scripted workloads for fault injection: calls that are one operation each, with the system call that their errors name. */

import { constants } from 'node:fs';
import type { Given } from '../chaos/history.ts';
import type { Face, FileSystem, Handle } from '../grounds/face.ts';

export interface Workload {
  readonly name: string;
  /** What its errors say: `scandir '/d'`, or with a second path `rename '/a' -> '/b'`. */
  readonly blames: readonly string[];
  /** Opened before the call, for calls on what is open. */
  readonly opens?: readonly [path: string, flags: string];
  run(face: Face, handle: Handle | undefined): Promise<unknown>;
}

const BIG = 'a'.repeat(4096) + 'b'.repeat(4096) + 'c'.repeat(808);

/** A lower with a bit of everything, in which the overlay has removed, moved and changed something. */
export const given: Given = {
  files: {
    '/d/f': 'first',
    '/d/big': BIG,
    '/d/empty': '',
    '/d/own': BIG,
    '/d/sub/deep': 'deep',
    '/d/gone': 'gone',
    '/m/inner/x': 'x',
    '/m/y': 'y',
  },
  furnish: (volume) => {
    volume.symlinkSync('/d/big', '/d/link');
    volume.symlinkSync('../moved', '/d/way');
    volume.linkSync('/d/f', '/d/twin');
    volume.mkdirSync('/bare');
  },
  before: (fs: FileSystem) => {
    fs.unlinkSync('/d/gone');
    fs.renameSync('/m', '/moved');
    const fd = fs.openSync('/d/own', 'r+');
    fs.writeSync(fd, 'OWN', 5000);
    fs.closeSync(fd);
  },
};

type Run = (face: Face) => Promise<unknown>;

function onPath(name: string, blames: string | readonly string[], run: Run): Workload {
  return { name, blames: typeof blames === 'string' ? [blames] : blames, run };
}

function onHandle(
  name: string,
  blames: string,
  opens: readonly [string, string],
  run: (handle: Handle) => Promise<unknown>,
): Workload {
  const needed = (handle: Handle | undefined) => handle ?? Promise.reject(new Error('nothing is open'));
  return { name, blames: [blames], opens, run: async (_face, handle) => run(await needed(handle)) };
}

/** Opens a file and closes it again; the lower is not asked about closing. */
const opened =
  (...args: readonly [path: string, flags: string | number]): Run =>
  async (face) => {
    await (await face.open(...args)).close();
  };

async function bytesFrom(handle: Handle, length: number, position: number | null): Promise<string> {
  const buffer = Buffer.alloc(length);
  return buffer.toString('latin1', 0, await handle.read(buffer, 0, length, position));
}

const { O_RDWR, O_CREAT, O_EXCL } = constants;

export const workloads: readonly Workload[] = [
  onPath('stat', "stat '/d/sub/deep'", (fs) => fs.stat('/d/sub/deep')),
  onPath('stat through links', "stat '/d/way/inner/../y'", (fs) => fs.stat('/d/way/inner/../y')),
  onPath('lstat', "lstat '/d/link'", (fs) => fs.lstat('/d/link')),
  onPath('access', "access '/d/f'", (fs) => fs.access('/d/f', constants.W_OK)),
  onPath('readdir', "scandir '/d'", (fs) => fs.readdir('/d')),
  onPath('readdir with types', "scandir '/d'", async (fs) => {
    const entries = await fs.readdir('/d', { withFileTypes: true });
    return entries.map((entry) => `${entry.name} ${entry.isFile()}`);
  }),
  onPath('readlink', "readlink '/d/link'", (fs) => fs.readlink('/d/link')),
  onPath('readFile', ["open '/d/big'"], (fs) => fs.readFile('/d/big')),
  onPath('readFile through a link, of what was moved', ["open '/d/way/y'"], (fs) => fs.readFile('/d/way/y', 'utf8')),
  onPath('readFile of a file owned in part', "open '/d/own'", (fs) => fs.readFile('/d/own')),
  onPath('open', "open '/d/big'", opened('/d/big', 'r')),
  onPath('open with O_TRUNC', "open '/d/big'", opened('/d/big', 'w')),
  onPath('open with O_EXCL', "open '/d/none'", opened('/d/none', O_RDWR | O_CREAT | O_EXCL)),
  onPath('writeFile, new', "open '/d/none'", (fs) => fs.writeFile('/d/none', 'new')),
  onPath('writeFile, over a whiteout', "open '/d/gone'", (fs) => fs.writeFile('/d/gone', 'new')),
  onPath('writeFile, existing', "open '/d/big'", (fs) => fs.writeFile('/d/big', 'shorter')),
  onPath('appendFile', "open '/d/big'", (fs) => fs.appendFile('/d/big', 'more')),
  onPath('appendFile to a file with two names', "open '/d/twin'", (fs) => fs.appendFile('/d/twin', 'more')),
  onPath('truncate', ["truncate '/d/big'", "open '/d/big'"], (fs) => fs.truncate('/d/big', 5000)),
  onPath('chmod', "chmod '/d/big'", (fs) => fs.chmod('/d/big', 0o600)),
  onPath('chown', "chown '/d/big'", (fs) => fs.chown('/d/big', 7, 8)),
  onPath('utimes', "utime '/d/big'", (fs) => fs.utimes('/d/big', 1, 2)),
  onPath('lutimes', "lutime '/d/link'", (fs) => fs.lutimes('/d/link', 1, 2)),
  onPath('mkdir', "mkdir '/d/sub/n'", (fs) => fs.mkdir('/d/sub/n')),
  onPath('mkdir of several', "mkdir '/d/sub/n/m/o'", (fs) => fs.mkdir('/d/sub/n/m/o', { recursive: true })),
  onPath('symlink', "symlink 'f' -> '/d/sub/n'", (fs) => fs.symlink('f', '/d/sub/n')),
  onPath('link', "link '/d/big' -> '/d/sub/n'", (fs) => fs.link('/d/big', '/d/sub/n')),
  onPath('unlink', "unlink '/d/big'", (fs) => fs.unlink('/d/big')),
  onPath('unlink of one of two names', "unlink '/d/twin'", (fs) => fs.unlink('/d/twin')),
  onPath('rmdir', "rmdir '/bare'", (fs) => fs.rmdir('/bare')),
  onPath('rename of a file', "rename '/d/big' -> '/moved/z'", (fs) => fs.rename('/d/big', '/moved/z')),
  onPath('rename over', "rename '/d/big' -> '/moved/y'", (fs) => fs.rename('/d/big', '/moved/y')),
  onPath('rename over one of two names', "rename '/d/big' -> '/d/f'", (fs) => fs.rename('/d/big', '/d/f')),
  onPath('rename of a directory', "rename '/d/sub' -> '/bare'", (fs) => fs.rename('/d/sub', '/bare')),
  onPath('copyFile', "copyfile '/d/big' -> '/d/none'", (fs) => fs.copyFile('/d/big', '/d/none')),
  onPath('copyFile over', "copyfile '/d/own' -> '/d/big'", (fs) => fs.copyFile('/d/own', '/d/big')),
  onHandle('read', 'read', ['/d/big', 'r'], (handle) => bytesFrom(handle, 6000, 100)),
  onHandle('readFile of a descriptor', 'read', ['/d/big', 'r'], (handle) => handle.readFile()),
  onHandle('write in the middle', 'write', ['/d/big', 'r+'], (handle) => handle.write('w', 5000)),
  onHandle('write across pages', 'write', ['/d/big', 'r+'], (handle) => handle.write('w'.repeat(5000), 2000)),
  onHandle('write with O_APPEND', 'write', ['/d/big', 'a'], (handle) => handle.write('appended')),
  onHandle('truncate of a descriptor', 'ftruncate', ['/d/big', 'r+'], (handle) => handle.truncate(4000)),
];
