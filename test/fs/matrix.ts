/**
 * What the argument tests call: every function of `node:fs` with arguments that are right, and the values that take the
 * place of each of them.
 */

import nodeFs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

export type FileSystem = typeof nodeFs;

/** A directory of the real disk, made afresh for each case. */
export interface Scene {
  readonly root: string;
  /** An open file in it, of the filesystem that is tried. */
  readonly fd: number;
}

/** Names in the scene; the working directory is its root. */
const FILE = 'file';
const LINK = 'sym';
const NEW = 'new';
const DIRECTORY = 'empty';

/** A Buffer with memory of its own: one from the pool has an `offset`, which Node takes for an option. */
function bytes(...values: readonly number[]): Buffer {
  const made = Buffer.alloc(values.length);
  made.set(values);
  return made;
}

/** The URL of a name in the scene, which is the working directory: nothing outside of it may be touched. */
function urlTo(name: string): URL {
  return new URL(name, pathToFileURL(`${process.cwd()}/`));
}

const buffer = (): Buffer => Buffer.alloc(8, 'b');

/** Right arguments of the functions, and of several ways to call one where there are such. */
export const CALLS: Readonly<Record<string, readonly ((scene: Scene) => unknown[])[]>> = {
  access: [() => [FILE, 4]],
  appendFile: [() => [FILE, 'more', { mode: 0o600 }], ({ fd }) => [fd, buffer(), 'latin1']],
  chmod: [() => [FILE, 0o640]],
  chown: [() => [FILE, process.getuid?.() ?? 0, process.getgid?.() ?? 0]],
  close: [({ fd }) => [fd]],
  copyFile: [() => [FILE, NEW, 0]],
  exists: [() => [FILE]],
  fchmod: [({ fd }) => [fd, 0o640]],
  fchown: [({ fd }) => [fd, process.getuid?.() ?? 0, process.getgid?.() ?? 0]],
  fdatasync: [({ fd }) => [fd]],
  fstat: [({ fd }) => [fd, {}]],
  fsync: [({ fd }) => [fd]],
  ftruncate: [({ fd }) => [fd, 3]],
  futimes: [({ fd }) => [fd, 11, 22]],
  lchmod: [() => [FILE, 0o640]],
  lchown: [() => [LINK, process.getuid?.() ?? 0, process.getgid?.() ?? 0]],
  link: [() => [FILE, NEW]],
  lstat: [() => [LINK, {}]],
  lutimes: [() => [LINK, 11, 22]],
  mkdir: [() => [NEW, {}], () => [`${NEW}/below`, { recursive: true }], () => [NEW, 0o750]],
  mkdtemp: [() => ['made-', {}]],
  open: [() => [FILE, 'r', 0o600], () => [NEW, 'w']],
  opendir: [() => [DIRECTORY, {}]],
  read: [
    ({ fd }) => [fd, buffer(), 1, 3, 2],
    ({ fd }) => [fd, buffer(), { offset: 1, length: 3, position: 2 }],
    ({ fd }) => [fd, { buffer: buffer() }],
    ({ fd }) => [fd, buffer()],
  ],
  readFile: [() => [FILE, { encoding: 'utf8' }], () => [FILE, {}], ({ fd }) => [fd, 'utf8']],
  readdir: [() => ['.', {}]],
  readlink: [() => [LINK, {}]],
  readv: [({ fd }) => [fd, [buffer(), buffer()], 2]],
  realpath: [() => [LINK, {}]],
  rename: [() => [FILE, NEW]],
  rmdir: [() => [DIRECTORY, {}]],
  stat: [() => [FILE, {}]],
  statfs: [() => ['.', {}]],
  symlink: [() => [FILE, NEW, 'file']],
  truncate: [() => [FILE, 3]],
  unlink: [() => [FILE]],
  utimes: [() => [FILE, 11, 22]],
  write: [
    ({ fd }) => [fd, buffer(), 1, 3, 2],
    ({ fd }) => [fd, buffer(), { offset: 1, length: 3, position: 2 }],
    ({ fd }) => [fd, 'text', 2, 'latin1'],
    ({ fd }) => [fd, buffer()],
  ],
  writeFile: [() => [NEW, 'data', { encoding: 'utf8' }], () => [FILE, buffer(), {}], ({ fd }) => [fd, 'data']],
  writev: [({ fd }) => [fd, [buffer(), buffer()], 2]],
};

/** Where functions of the older forms take a descriptor. Those of the process itself are not to be tried there. */
const DESCRIPTORS = new Set(['appendFile', 'readFile', 'writeFile', 'truncate']);

export function takesDescriptor(name: string, position: number): boolean {
  if (position !== 0) return false;
  return (
    DESCRIPTORS.has(name) || ['close', 'read', 'readv', 'write', 'writev'].includes(name) || /^f[^s]|^fs[ty]/.test(name)
  );
}

/** Values that take the place of right ones; made for each case, since a call may change them. */
export const VALUES: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  false: () => false,
  '{}': () => ({}),
  '[]': () => [],
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  '-1': () => -1,
  '-5': () => -5,
  '-0': () => -0,
  '0': () => 0,
  '1': () => 1,
  '1.5': () => 1.5,
  '4096': () => 4096,
  '2**31': () => 2 ** 31,
  '2**32-1': () => 2 ** 32 - 1,
  '2**32': () => 2 ** 32,
  '2**53': () => 2 ** 53,
  '1n': () => 1n,
  '-2n**63n': () => -(2n ** 63n),
  "''": () => '',
  "'x'": () => 'x',
  "'777'": () => '777',
  "'0o777'": () => '0o777',
  "'99999999999'": () => '77777777777',
  "'1.5'": () => '1.5',
  "'r'": () => 'r',
  "'w+'": () => 'w+',
  "'utf8'": () => 'utf8',
  "'UTF-8'": () => 'UTF-8',
  "'hex'": () => 'hex',
  "'buffer'": () => 'buffer',
  "'bogus'": () => 'bogus',
  'a NUL in text': () => 'a\0b',
  'a NUL in bytes': () => bytes(...Buffer.from('a\0b')),
  'a lone surrogate': () => 'a\uD800b',
  'a very long name': () => 'n'.repeat(300),
  'a very long path': () => `${'p/'.repeat(3000)}p`,
  'a Buffer': () => bytes(...Buffer.from(FILE)),
  'bytes that are no text': () => bytes(0x66, 0xff, 0xfe),
  'an empty Buffer': () => Buffer.alloc(0),
  'a Uint8Array': () => Uint8Array.from(Buffer.from(FILE)),
  'a Float64Array': () => new Float64Array(2),
  'a DataView': () => new DataView(new ArrayBuffer(4)),
  'an ArrayBuffer': () => new ArrayBuffer(4),
  'a web URL': () => new URL('http://example.org/file'),
  'a file URL': () => urlTo(FILE),
  'a file URL with a NUL': () => urlTo('a%00b'),
  'a file URL with a slash': () => urlTo('a%2fb'),
  'a file URL with a host': () => new URL('file://host/file'),
  'a Date': () => new Date(12_345),
  'an invalid Date': () => new Date(Number.NaN),
  'a symbol': () => Symbol('s'),
  'an object without prototype': () => Object.create(null),
  'an instance of a class': () => new Map(),
  'a RegExp': () => /x/,
  'an array of text': () => ['x'],
  'an array of bytes': () => [Buffer.alloc(2)],
  'an array of many': () => [Buffer.alloc(2), 'x'],
  'an AbortSignal': () => AbortSignal.abort(),
  '{ encoding: bogus }': () => ({ encoding: 'bogus' }),
  '{ encoding: buffer }': () => ({ encoding: 'buffer' }),
  '{ encoding: null }': () => ({ encoding: null }),
  '{ encoding: 1 }': () => ({ encoding: 1 }),
  '{ flag: bogus }': () => ({ flag: 'bogus' }),
  '{ flag: null }': () => ({ flag: null }),
  "{ flag: '' }": () => ({ flag: '' }),
  '{ flag: 2 }': () => ({ flag: 2 }),
  '{ flag: 2**40 }': () => ({ flag: 2 ** 40 }),
  '{ mode: 640 }': () => ({ mode: '640' }),
  '{ mode: 9 }': () => ({ mode: '9' }),
  '{ mode: -1 }': () => ({ mode: -1 }),
  '{ mode: null }': () => ({ mode: null }),
  '{ mode: {} }': () => ({ mode: {} }),
  '{ flush: true }': () => ({ flush: true }),
  '{ flush: 1 }': () => ({ flush: 1 }),
  '{ flush: null }': () => ({ flush: null }),
  '{ recursive: true }': () => ({ recursive: true }),
  '{ recursive: 1 }': () => ({ recursive: 1 }),
  '{ recursive: null }': () => ({ recursive: null }),
  '{ withFileTypes: 1 }': () => ({ withFileTypes: 1 }),
  '{ bigint: true }': () => ({ bigint: true }),
  '{ bigint: 1 }': () => ({ bigint: 1 }),
  '{ throwIfNoEntry: false }': () => ({ throwIfNoEntry: false }),
  '{ signal: {} }': () => ({ signal: {} }),
  '{ signal: null }': () => ({ signal: null }),
  '{ signal: aborted }': () => ({ signal: AbortSignal.abort() }),
  '{ signal: waiting }': () => ({ signal: new AbortController().signal }),
  '{ buffer: 1 }': () => ({ buffer: 1 }),
  '{ buffer: small }': () => ({ buffer: Buffer.alloc(2) }),
  '{ buffer: large }': () => ({ buffer: Buffer.alloc(64) }),
  '{ offset: -1 }': () => ({ offset: -1 }),
  '{ offset: 9 }': () => ({ offset: 9 }),
  '{ length: 9 }': () => ({ length: 9 }),
  '{ length: -1 }': () => ({ length: -1 }),
  '{ length: 1.5 }': () => ({ length: 1.5 }),
  '{ position: x }': () => ({ position: 'x' }),
  '{ position: 1n }': () => ({ position: 1n }),
  '{ position: -2 }': () => ({ position: -2 }),
  '{ maxRetries: -1 }': () => ({ maxRetries: -1 }),
};

/** Makes the scene's directory and goes there. */
export function enterScene(): { readonly root: string; readonly renew: () => void; readonly leave: () => void } {
  const root = nodeFs.realpathSync(nodeFs.mkdtempSync(path.join(os.tmpdir(), 'overfs-')));
  const before = process.cwd();
  const umask = process.umask(0o022);
  const renew = (): void => {
    for (const name of nodeFs.readdirSync(root, 'buffer')) {
      nodeFs.rmSync(Buffer.concat([Buffer.from(`${root}/`), name]), { recursive: true });
    }
    nodeFs.writeFileSync(path.join(root, FILE), 'content');
    nodeFs.symlinkSync(FILE, path.join(root, LINK));
    nodeFs.mkdirSync(path.join(root, DIRECTORY));
  };
  process.chdir(root);
  renew();
  return {
    root,
    renew,
    leave: () => {
      process.chdir(before);
      process.umask(umask);
      nodeFs.rmSync(root, { recursive: true });
    },
  };
}
