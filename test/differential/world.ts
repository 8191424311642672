/**
 * A world is one filesystem with a few open files, on which commands are played. Two worlds that are given the same
 * commands must tell the same results, whatever their paths and file numbers are.
 */

import { createHash } from 'node:crypto';
import type { Dir, Dirent, Stats } from 'node:fs';
import { type Face, type Form, faceOf, type Handle } from '../grounds/face.ts';
import type { Stage } from '../grounds/ground.ts';

/** What stands for the root of a world in the arguments of commands. */
export const HERE = '@';

export type Argument =
  | string
  | number
  | boolean
  | null
  | undefined
  | Uint8Array
  | readonly Uint8Array[]
  | { readonly [key: string]: Argument };

/** One call as data: of a path function, or, with a slot, of the file that is open there. */
export interface Command {
  readonly call: string;
  readonly slot?: number;
  readonly args: readonly Argument[];
}

/** What a call came to, free of everything in which two worlds may differ. */
export type Outcome = string;

/** Whether an outcome is what the real fs gave. What Node 24 and later have no name for, ours has (CHANGELOG, Known differences). */
export function isSame(real: Outcome, told: Outcome): boolean {
  return real === told || (real.includes('Unknown error') && told.startsWith('error'));
}

/** Before this, a time was set by a command or by the given tree; after it, by the clock. */
const CLOCK = Date.UTC(2015, 0);

export class World {
  readonly #face: Face;
  readonly #stage: Stage;
  /** What is open, by slot; changed by `open` and `close` commands only. */
  readonly #slots = new Map<number, Handle>();

  constructor(stage: Stage, form: Form) {
    this.#stage = stage;
    this.#face = faceOf(stage.fs, form, stage.start);
  }

  /** Plays one command and tells what came of it. */
  async play(command: Command): Promise<Outcome> {
    try {
      return `ok ${this.#plain(await this.#run(command))}`;
    } catch (error) {
      if (this.#isSaidTwoWays(command, error as NodeJS.ErrnoException)) return 'error of a link that leads nowhere';
      return `error ${this.#plainError(error as NodeJS.ErrnoException)}`;
    }
  }

  /** Everything under the root: types, modes, owners, times, links and contents, and which names are one file. */
  #survey(): string {
    const { fs, root } = this.#stage;
    const lines: string[] = [];
    const firstNames = new Map<bigint, string>();
    const visit = (path: string, name: string): void => {
      const stats = fs.lstatSync(path);
      const head = `${name} ${this.#plain(stats)}`;
      if (stats.isDirectory()) {
        lines.push(head);
        for (const child of fs.readdirSync(path)) visit(`${path}/${child}`, `${name}/${child}`);
        return;
      }
      const { ino } = fs.lstatSync(path, { bigint: true });
      const first = firstNames.get(ino) ?? name;
      firstNames.set(ino, first);
      const body = stats.isSymbolicLink() ? fs.readlinkSync(path) : fs.readFileSync(path);
      lines.push(`${head} ${this.#plain(body)} first ${first}`);
    };
    visit(root, HERE);
    return lines.join('\n');
  }

  /** Closes what is open and gives the world back, after seeing that its lowers are as they were. */
  async end(): Promise<void> {
    try {
      await this.#face.finish();
      this.#stage.verify();
    } finally {
      this.#stage.leave();
    }
  }

  async #run({ call, slot, args }: Command): Promise<unknown> {
    const own = args.map((argument) => this.#own(argument));
    if (call === 'survey') return this.#survey();
    if (slot === undefined) return this.#runPath(call, own);
    if (call === 'open') return this.#open(slot, own);
    const handle = this.#slots.get(slot);
    if (handle === undefined) return 'nothing open';
    if (call === 'close') this.#slots.delete(slot);
    // Node's callback form forgets the error of a descriptor that cannot be read.
    if (call === 'readFile' && this.#face.form === 'callback') return 'not asked';
    if (call === 'read') return this.#read(handle, own[0] as number, own[1] as number | null);
    if (call === 'linkNameless') return this.#linkNameless(handle, own[0] as string);
    return (handle as unknown as Record<string, (...args: unknown[]) => unknown>)[call]?.(...own);
  }

  async #runPath(call: string, args: unknown[]): Promise<unknown> {
    // A copy of a directory fails, but libuv makes, empties or removes the target all the same.
    if (call === 'copyFile' && this.#isDirectory(args[0] as string)) return 'a directory';
    const result = await (this.#face as unknown as Record<string, (...args: unknown[]) => unknown>)[call]?.(...args);
    return call === 'opendir' ? drain(result as Dir) : result;
  }

  async #open(slot: number, args: unknown[]): Promise<string> {
    await this.#slots.get(slot)?.close();
    this.#slots.delete(slot);
    this.#slots.set(slot, await this.#face.open(...(args as [string, string, number])));
    return 'open';
  }

  /** No words but the code: the real fs is asked through a program, which has words of its own. */
  async #linkNameless(handle: Handle, path: string): Promise<string> {
    // The program does not ask the kernel to link a directory.
    if ((await handle.stat()).isDirectory()) return 'not asked';
    try {
      this.#stage.linkNameless?.(handle.fd, path);
      return 'named';
    } catch (error) {
      return `refused ${(error as NodeJS.ErrnoException).code}`;
    }
  }

  /** Below a dangling link Node's recursive mkdir says ENOTDIR of the link in the asynchronous forms, else ENOENT. */
  #isSaidTwoWays({ call, args }: Command, { code }: NodeJS.ErrnoException): boolean {
    const isRecursive = call === 'mkdir' && typeof args[1] === 'object';
    return isRecursive && this.#face.form !== 'sync' && (code === 'ENOENT' || code === 'ENOTDIR');
  }

  async #read(handle: Handle, length: number, position: number | null): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, await handle.read(buffer, 0, length, position));
  }

  #isDirectory(path: string): boolean {
    try {
      return this.#stage.fs.statSync(path).isDirectory();
    } catch {
      return false;
    }
  }

  /** The argument as this world spells it. */
  #own(argument: Argument): unknown {
    return typeof argument === 'string' && argument.startsWith(HERE)
      ? this.#stage.root + argument.slice(HERE.length)
      : argument;
  }

  /** A result as every world spells it. */
  #plain(value: unknown): string {
    if (typeof value === 'string') return this.#stage.base === '' ? value : value.replaceAll(this.#stage.base, '');
    if (value instanceof Uint8Array) return plainBytes(Buffer.from(value));
    if (Array.isArray(value)) return `[${value.map((item) => this.#plain(item)).join(', ')}]`;
    if (isStats(value)) return plainStats(value);
    if (isDirent(value)) return `${this.#plain(value.parentPath)}/${value.name}:${typeOf(value)}`;
    return String(value);
  }

  #plainError(error: NodeJS.ErrnoException): string {
    const { name, message, code, errno, syscall } = error;
    return this.#plain(`${name} ${code} ${errno} ${syscall} ${message}`);
  }
}

async function drain(directory: Dir): Promise<string[]> {
  const lines: string[] = [];
  for await (const entry of directory) lines.push(`${entry.name}:${typeOf(entry)}`);
  return lines.sort();
}

function plainBytes(bytes: Buffer): string {
  const told =
    bytes.length <= 80 ? JSON.stringify(bytes.toString('latin1')) : createHash('sha1').update(bytes).digest('hex');
  return `${bytes.length}:${told}`;
}

type Typed = Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink'>;

function typeOf(value: Typed): string {
  if (value.isFile()) return 'file';
  if (value.isDirectory()) return 'directory';
  return value.isSymbolicLink() ? 'link' : 'other';
}

/**
 * The links of directories, their sizes, those of absolute links and the modes of links are each filesystem's own affair;
 * and when the names in a removed directory went is nobody's.
 */
function plainStats(stats: Stats): string {
  const isGone = stats.isDirectory() && stats.nlink === 0;
  const time = isGone ? 'gone' : stats.mtimeMs < CLOCK ? stats.mtimeMs : 'now';
  const body = stats.isFile() ? ` size ${stats.size}` : '';
  const links = stats.isDirectory() ? '' : ` nlink ${stats.nlink}`;
  const mode = stats.isSymbolicLink() ? '' : stats.mode.toString(8);
  return `${typeOf(stats)} ${mode} ${stats.uid}:${stats.gid}${links}${body} ${time}`;
}

function isStats(value: unknown): value is Stats {
  return typeof value === 'object' && value !== null && 'mtimeMs' in value;
}

function isDirent(value: unknown): value is Dirent {
  return typeof value === 'object' && value !== null && 'parentPath' in value;
}
