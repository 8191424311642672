/**
 * What the tests of write-back stand on: a lower that never changes, uppers that can be cut short or made to fail, and a survey of a
 * tree by which two states are compared.
 */

import nodeFs from 'node:fs';
import { Volume } from 'memfs';
import { createOverlay, type Overlay } from '../../lib/index.ts';
import type { OverlayOptions } from '../../lib/overlay/options.ts';
import type { Command } from '../../lib/writeback/commands.ts';

export type FileSystem = Overlay['fs'];

/** Small, so that a few kilobytes are several pages. */
export const PAGE = 4096;

/** The number of a process that cannot be there: the kernel's are smaller. */
const NO_PROCESS = 2 ** 30;

/** Bytes that tell where they belong. */
export function bytesOf(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (seed * 31 + i * 7 + (i >> 8)) & 0xff;
  return bytes;
}

function makeLower(): InstanceType<typeof Volume> {
  const volume = new Volume();
  volume.mkdirSync('/src/deep/deeper', { recursive: true });
  volume.mkdirSync('/lib/inner', { recursive: true });
  volume.mkdirSync('/empty');
  for (let i = 0; i < 4; i++) {
    volume.writeFileSync(`/src/f${i}`, bytesOf(i, 100 + i * 3000));
    volume.writeFileSync(`/src/deep/g${i}`, bytesOf(i + 10, 50 + i));
    volume.writeFileSync(`/lib/inner/h${i}`, bytesOf(i + 20, 10 + i));
  }
  volume.writeFileSync('/src/deep/deeper/x', 'deep');
  volume.writeFileSync('/big', bytesOf(77, 10 * PAGE + 123));
  volume.linkSync('/src/f1', '/lib/twin');
  volume.symlinkSync('src/f0', '/ln');
  return volume;
}

/** A lower that nobody changes. */
export function newLower(): { fs: object; immutable: true } {
  return { fs: makeLower(), immutable: true };
}

/** The lower of most of these tests; who leaves an overlay open takes one of its own. */
const LOWER = newLower();

/** An error as a filesystem throws it. */
export function failing(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** By which functions an upper is told. */
export type Form = 'at once' | 'later';

/** The functions of `node:fs` without these, in one of the forms. */
export function without(form: Form, ...missing: string[]): object {
  const names = Object.keys(nodeFs).filter((name) => !missing.includes(name.replace(/Sync$/, '')));
  const pick = (wanted: string[]) => Object.fromEntries(wanted.map((name) => [name, Reflect.get(nodeFs, name)]));
  const inForm = names.filter(
    (name) =>
      name.endsWith('Sync') === (form === 'at once') && (name.endsWith('Sync') || names.includes(`${name}Sync`)),
  );
  return { ...pick(inForm), constants: nodeFs.constants };
}

/** Writes bytes at a place of a file that is there. */
export function writeAt(fs: FileSystem, path: string, bytes: Uint8Array | string, at: number): void {
  const source = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const fd = fs.openSync(path, 'r+');
  try {
    fs.writeSync(fd, source, 0, source.length, at);
  } finally {
    fs.closeSync(fd);
  }
}

/** An overlay over `LOWER` and an upper. */
export function mount(upper: NonNullable<OverlayOptions['upper']>, options: OverlayOptions = {}): Overlay {
  return createOverlay({ lower: LOWER, upper, pageSize: PAGE, ...options });
}

/** What each path of a tree is: type, mode, owner, time, links and content. Two equal surveys are two equal trees. */
export function survey(fs: FileSystem, root = '/'): string[] {
  const lines: string[] = [];
  const firsts = new Map<bigint, string>();
  const visit = (path: string): void => {
    const stats = fs.lstatSync(path, { bigint: true });
    const time = path === root ? 0 : stats.mtimeNs;
    const head = `${path} ${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ${time}`;
    if (stats.isDirectory()) {
      lines.push(`${head} dir`);
      for (const name of fs.readdirSync(path)) visit(path === '/' ? `/${name}` : `${path}/${name}`);
    } else if (stats.isSymbolicLink()) {
      lines.push(`${head} -> ${fs.readlinkSync(path)}`);
    } else {
      const first = firsts.get(stats.ino) ?? path;
      firsts.set(stats.ino, first);
      const bytes = fs.readFileSync(path);
      lines.push(`${head} ${stats.nlink} =${first} ${bytes.length} ${digest(bytes)}`);
    }
  };
  visit(root);
  return lines;
}

function digest(bytes: Uint8Array): number {
  let sum = 2166136261;
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 16777619) >>> 0;
  return sum;
}

/** Which of two states a survey shows; where it is neither, what is wrong with it. */
export function whichOf(shown: readonly string[], before: readonly string[], after: readonly string[]): string {
  const differences = (wanted: readonly string[]) => [
    ...wanted.filter((line) => !shown.includes(line)).map((line) => `- ${line}`),
    ...shown.filter((line) => !wanted.includes(line)).map((line) => `+ ${line}`),
  ];
  const [fromBefore, fromAfter] = [differences(before), differences(after)];
  if (fromAfter.length === 0) return 'after';
  if (fromBefore.length === 0) return 'before';
  return fromAfter.length < fromBefore.length
    ? `neither; from after:\n${fromAfter.join('\n')}`
    : `neither; from before:\n${fromBefore.join('\n')}`;
}

/** Inode numbers by path. */
export function numbersOf(fs: FileSystem): Map<string, number> {
  const numbers = new Map<string, number>();
  const visit = (path: string): void => {
    const stats = fs.lstatSync(path === '' ? '/' : path);
    numbers.set(path, stats.ino);
    if (stats.isDirectory()) for (const name of fs.readdirSync(path === '' ? '/' : path)) visit(`${path}/${name}`);
  };
  visit('');
  return numbers;
}

/** What an fs-like upper needs for these helpers; `node:fs` and a memfs volume both have it. */
export type UpperFs = Pick<typeof import('node:fs'), 'readFileSync' | 'writeFileSync' | 'readdirSync' | 'existsSync'>;

/** Makes the lock of an overlay of this process look like that of one that died. */
export function forgetLock(fs: UpperFs, root = '', area = '.overfs'): void {
  const path = `${root}/${area}/lock`;
  if (!fs.existsSync(path)) return;
  let lock: object = {};
  try {
    lock = JSON.parse(`${fs.readFileSync(path, 'utf8')}`);
  } catch {
    return;
  }
  fs.writeFileSync(path, JSON.stringify({ ...lock, pid: NO_PROCESS }));
}

/** What is left in the work area beside what belongs there. */
export function leftovers(fs: UpperFs, root = '', area = '.overfs'): string[] {
  const found = fs
    .readdirSync(`${root}/${area}`)
    .filter((name) => !['format', 'lock', 'stage', 'numbers', 'room'].includes(`${name}`));
  return [...found.map(String), ...fs.readdirSync(`${root}/${area}/stage`).map((name) => `stage/${name}`)];
}

/** The bytes that a command gives to the upper; undefined where it gives none. */
export function bytesTold(command: Command): Buffer | undefined {
  if (command.kind === 'put') return Buffer.concat(command.pieces);
  return command.kind === 'write' ? Buffer.from(command.bytes) : undefined;
}

/** Counts commands, and lets one of them (and all further ones) fail. */
export class Fault {
  /** How many commands went by. */
  count = 0;
  /** From which command on it strikes; counted from 1. */
  from = Number.POSITIVE_INFINITY;
  /** Up to which command it strikes. */
  to = Number.POSITIVE_INFINITY;
  /** What is thrown. */
  what: unknown = new Error('cut');
  /** What went by. */
  readonly seen: Command[] = [];
  readonly #listener = (command: Command): void => {
    this.count++;
    this.seen.push(command);
    if (this.count >= this.from && this.count <= this.to) throw this.what;
  };

  constructor(overlay: Overlay) {
    overlay.on('command', this.#listener);
  }

  /** Starts to count anew. */
  arm(from: number, to: number, what: unknown): void {
    this.count = 0;
    this.seen.length = 0;
    this.from = from;
    this.to = to;
    this.what = what;
  }

  disarm(): void {
    this.arm(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, undefined);
  }
}

/** Syncs an overlay, cut from a command on; whether it came to its end. */
export function cutSync(overlay: Overlay, from: number): boolean {
  const fault = new Fault(overlay);
  fault.arm(from, Number.POSITIVE_INFINITY, new Error('cut'));
  const isDone = comesToEnd(overlay);
  fault.disarm();
  return isDone;
}

/** Syncs an overlay; whether that came to its end. */
export function comesToEnd(overlay: Overlay): boolean {
  try {
    overlay.syncSync();
    return true;
  } catch {
    return false;
  }
}

/** Plays phases, each with a sync, and the last one without; answers what showed before that. */
export function playUpTo(
  overlay: Overlay,
  phases: readonly ((fs: FileSystem) => void)[],
  last: number,
  look: (fs: FileSystem) => string[] = survey,
): string[] {
  let before = look(overlay.fs);
  for (const phase of phases.slice(0, last)) {
    phase(overlay.fs);
    overlay.syncSync();
    before = look(overlay.fs);
  }
  phases[last]?.(overlay.fs);
  return before;
}
