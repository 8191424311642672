/**
 * One promise-shaped face over the three forms of a filesystem, so that a scenario is written once and runs
 * through the synchronous, the callback and the promise functions.
 */

import type { BigIntOptions, BigIntStats, StatOptions, Stats, TimeLike } from 'node:fs';
import nodeFs from 'node:fs';

/** Anything with the `node:fs` API: the real one, an overlay's, memfs. */
export type FileSystem = typeof import('node:fs');

export type Form = 'sync' | 'callback' | 'promise';

export const FORMS: readonly Form[] = ['sync', 'callback', 'promise'];

const CALLS = [
  'access',
  'appendFile',
  'chmod',
  'chown',
  'copyFile',
  'cp',
  'lchown',
  'link',
  'lstat',
  'lutimes',
  'mkdir',
  'mkdtemp',
  'opendir',
  'readFile',
  'readdir',
  'readlink',
  'realpath',
  'rename',
  'rm',
  'rmdir',
  'stat',
  'statfs',
  'symlink',
  'truncate',
  'unlink',
  'utimes',
  'writeFile',
] as const;

type Call = (typeof CALLS)[number];
type Loose = (...args: unknown[]) => unknown;
type LooseFs = Record<string, Loose>;

/** What an open file can do; positions are null for "the current one". */
export interface Handle {
  readonly fd: number;
  read(buffer: Uint8Array, offset?: number, length?: number, position?: number | null): Promise<number>;
  readv(buffers: readonly Uint8Array[], position?: number | null): Promise<number>;
  write(data: Uint8Array | string, position?: number | null): Promise<number>;
  writev(buffers: readonly Uint8Array[], position?: number | null): Promise<number>;
  stat(): Promise<Stats>;
  stat(options: StatOptions & { bigint: true }): Promise<BigIntStats>;
  truncate(length?: number): Promise<void>;
  chmod(mode: number): Promise<void>;
  chown(uid: number, gid: number): Promise<void>;
  utimes(atime: TimeLike, mtime: TimeLike): Promise<void>;
  sync(): Promise<void>;
  datasync(): Promise<void>;
  readFile(options?: unknown): Promise<Buffer | string>;
  writeFile(data: string | Uint8Array, options?: unknown): Promise<void>;
  appendFile(data: string | Uint8Array, options?: unknown): Promise<void>;
  close(): Promise<void>;
}

/** A filesystem seen through one form. */
export interface Face extends Pick<FileSystem['promises'], Call> {
  readonly form: Form;
  /** The filesystem itself, for what has only one form. */
  readonly raw: FileSystem;
  /** Where relative paths start. */
  readonly start: string;
  exists(path: string): Promise<boolean>;
  open(path: string | Buffer | URL, flags?: string | number, mode?: number): Promise<Handle>;
  /** `lstat` with the numbers as bigints, which every form spells alike. */
  precise(path: string, options?: BigIntOptions): Promise<BigIntStats>;
  /** Closes what a scenario left open. */
  finish(): Promise<void>;
}

/** How one form calls one function by its plain name. */
type Caller = (name: string, args: readonly unknown[]) => Promise<unknown>;

/**
 * Passes on what a callback brings. A callback in the turn of its call breaks N6 and is an error, except in Node
 * itself, whose recursive readdir is synchronous at heart.
 */
function throughCallback(fs: LooseFs, name: string, args: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let returned = (fs as unknown) === nodeFs;
    const settle = (error: unknown, value: unknown): void => {
      if (!returned) reject(new Error(`${name} called back in the turn of the call`));
      else if (error) reject(error);
      else resolve(value);
    };
    functionOf(fs, name)(...args, settle);
    returned = true;
  });
}

function functionOf(fs: LooseFs, name: string): Loose {
  const found = fs[name];
  if (found === undefined) throw new TypeError(`there is no ${name}`);
  return (...args) => found.apply(fs, args);
}

function callerOf(fs: FileSystem, form: Form): Caller {
  const loose = fs as unknown as LooseFs;
  if (form === 'sync') return async (name, args) => functionOf(loose, `${name}Sync`)(...args);
  if (form === 'callback') return (name, args) => throughCallback(loose, name, args);
  const promises = fs.promises as unknown as LooseFs;
  return async (name, args) => functionOf(promises, name)(...args);
}

/** A handle over descriptor functions, for the synchronous and the callback form. */
function descriptorHandle(fd: number, call: Caller): Handle {
  const run = <T>(name: string, ...args: unknown[]): Promise<T> => call(name, [fd, ...args]) as Promise<T>;
  return {
    fd,
    read: (buffer, offset = 0, length = buffer.byteLength - offset, position = null) =>
      run('read', buffer, offset, length, position),
    readv: (buffers, position = null) => run('readv', buffers, position),
    write: (data, position = null) =>
      typeof data === 'string' ? run('write', data, position) : run('write', data, 0, data.byteLength, position),
    writev: (buffers, position = null) => run('writev', buffers, position),
    stat: (options?: StatOptions) => run<never>('fstat', options),
    truncate: (length) => run('ftruncate', length),
    chmod: (mode) => run('fchmod', mode),
    chown: (uid, gid) => run('fchown', uid, gid),
    utimes: (atime, mtime) => run('futimes', atime, mtime),
    sync: () => run('fsync'),
    datasync: () => run('fdatasync'),
    readFile: (options) => run('readFile', options),
    writeFile: (data, options) => run('writeFile', data, options),
    appendFile: (data, options) => run('appendFile', data, options),
    close: () => run('close'),
  };
}

type FileHandle = import('node:fs/promises').FileHandle;

function promiseHandle(handle: FileHandle): Handle {
  return {
    fd: handle.fd,
    read: async (buffer, offset = 0, length = buffer.byteLength - offset, position = null) =>
      (await handle.read(buffer, offset, length, position)).bytesRead,
    readv: async (buffers, position) => (await handle.readv(buffers, position ?? undefined)).bytesRead,
    write: async (data, position = null) =>
      typeof data === 'string'
        ? (await handle.write(data, position)).bytesWritten
        : (await handle.write(data, 0, data.byteLength, position)).bytesWritten,
    writev: async (buffers, position) => (await handle.writev(buffers, position ?? undefined)).bytesWritten,
    stat: (options?: StatOptions) => handle.stat(options) as Promise<never>,
    truncate: (length) => handle.truncate(length),
    chmod: (mode) => handle.chmod(mode),
    chown: (uid, gid) => handle.chown(uid, gid),
    utimes: (atime, mtime) => handle.utimes(atime, mtime),
    sync: () => handle.sync(),
    datasync: () => handle.datasync(),
    readFile: (options) => handle.readFile(options as BufferEncoding),
    writeFile: (data, options) => handle.writeFile(data, options as BufferEncoding),
    appendFile: (data, options) => handle.appendFile(data, options as BufferEncoding),
    close: () => handle.close(),
  };
}

async function openHandle(form: Form, call: Caller, args: readonly unknown[]): Promise<Handle> {
  const opened = await call('open', args);
  return form === 'promise' ? promiseHandle(opened as FileHandle) : descriptorHandle(opened as number, call);
}

async function exists(fs: FileSystem, form: Form, path: string): Promise<boolean> {
  if (form === 'sync') return fs.existsSync(path);
  if (form === 'callback') return new Promise((resolve) => fs.exists(path, resolve));
  return fs.promises.access(path).then(
    () => true,
    () => false,
  );
}

/** The filesystem seen through one form. */
export function faceOf(fs: FileSystem, form: Form, start: string): Face {
  const call = callerOf(fs, form);
  const open = new Set<Handle>();
  const paths = Object.fromEntries(CALLS.map((name) => [name, (...args: unknown[]) => call(name, args)]));
  return {
    ...(paths as unknown as Pick<FileSystem['promises'], Call>),
    form,
    raw: fs,
    start,
    exists: (path) => exists(fs, form, path),
    precise: (path) => call('lstat', [path, { bigint: true }]) as Promise<BigIntStats>,
    open: async (...args) => {
      const handle = await openHandle(form, call, args);
      const close = async (): Promise<void> => {
        open.delete(tracked);
        await handle.close();
      };
      const tracked: Handle = { ...handle, close };
      open.add(tracked);
      return tracked;
    },
    finish: async () => {
      for (const handle of [...open]) await handle.close();
    },
  };
}
