/**
 * A disk that loses its power: an upper on the real disk, and beside it what would be on stable storage: of each file what it held when it was
 * last flushed, of each directory the names that it had then.
 */

import nodeFs from 'node:fs';

/** What stable storage has of one inode. */
type Stable =
  | {
      readonly kind: 'file';
      readonly bytes: Buffer;
      readonly mode: number;
      readonly atimeMs: number;
      readonly mtimeMs: number;
    }
  | {
      readonly kind: 'directory';
      readonly names: Map<string, number>;
      readonly mode: number;
      readonly atimeMs: number;
      readonly mtimeMs: number;
    }
  | {
      readonly kind: 'link';
      readonly target: string;
      readonly atime: number | string;
      readonly mtime: number | string;
    };

/** A rename that is on stable storage in both of its directories or in none, as every journaling filesystem has it. */
interface Rename {
  readonly ino: number;
  readonly from: { readonly directory: number; readonly name: string };
  readonly to: { readonly directory: number; readonly name: string };
}

/** See the file comment. */
export class PowerCut {
  readonly root: string;
  /** What is given as an upper. */
  readonly fs: Record<string, unknown>;
  readonly #stable = new Map<number, Stable>();
  /** Renames of which neither directory was flushed since. */
  #renames: Rename[] = [];
  /** The first name of each file in the directory that `cut` makes. */
  readonly #restored = new Map<number, string>();
  /** How often something was flushed. */
  flushes = 0;

  constructor(root: string) {
    this.root = root;
    this.#flush(root);
    const real = nodeFs as unknown as Record<string, unknown>;
    this.fs = { constants: nodeFs.constants };
    for (const name of Object.keys(real)) if (name.endsWith('Sync')) this.fs[name] = real[name];
    Object.assign(this.fs, {
      fsyncSync: (fd: number) => this.#flush(nodeFs.readlinkSync(`/proc/self/fd/${fd}`)),
      openSync: (path: string, flags: number, mode: number) => {
        const isNew = !nodeFs.existsSync(path);
        const fd = nodeFs.openSync(path, flags, mode);
        // A number that was another file's before.
        if (isNew) this.#stable.delete(nodeFs.fstatSync(fd).ino);
        return fd;
      },
      renameSync: (from: string, to: string) => {
        const { ino } = nodeFs.lstatSync(from);
        nodeFs.renameSync(from, to);
        this.#renames.push({ ino, from: placeOf(from), to: placeOf(to) });
      },
      mkdirSync: (path: string, options: object) => {
        nodeFs.mkdirSync(path, options);
        this.#stable.delete(nodeFs.lstatSync(path).ino);
      },
      symlinkSync: (target: string, path: string) => {
        nodeFs.symlinkSync(target, path);
        // What a link points at is in its inode, which goes down with its name; so do its times.
        this.#stable.set(nodeFs.lstatSync(path).ino, { kind: 'link', target, atime: 0, mtime: 0 });
      },
      lutimesSync: (path: string, atime: number | string, mtime: number | string) => {
        nodeFs.lutimesSync(path, atime, mtime);
        const { ino } = nodeFs.lstatSync(path);
        const stable = this.#stable.get(ino);
        if (stable?.kind === 'link') this.#stable.set(ino, { ...stable, atime, mtime });
      },
    });
  }

  #flush(path: string): void {
    this.flushes++;
    const { ino, mode, atimeMs, mtimeMs } = nodeFs.lstatSync(path);
    if ((mode & nodeFs.constants.S_IFMT) === nodeFs.constants.S_IFDIR) {
      const names = new Map<string, number>();
      for (const name of nodeFs.readdirSync(path)) names.set(name, nodeFs.lstatSync(`${path}/${name}`).ino);
      this.#stable.set(ino, { kind: 'directory', names, mode, atimeMs, mtimeMs });
      this.#settleRenames(ino);
    } else {
      this.#stable.set(ino, { kind: 'file', bytes: nodeFs.readFileSync(path), mode, atimeMs, mtimeMs });
    }
  }

  /** Brings the other directory of each rename to stable storage, as far as that is concerned. */
  #settleRenames(directory: number): void {
    const isDone = ({ from, to }: Rename) => from.directory === directory || to.directory === directory;
    for (const { ino, from, to } of this.#renames.filter(isDone)) {
      const [old, other] = [this.#stable.get(from.directory), this.#stable.get(to.directory)];
      if (from.directory !== directory && old?.kind === 'directory' && old.names.get(from.name) === ino)
        old.names.delete(from.name);
      if (to.directory !== directory && other?.kind === 'directory') other.names.set(to.name, ino);
    }
    this.#renames = this.#renames.filter((each) => !isDone(each));
  }

  /**
   * Makes a directory of what is left after a power cut.
   *
   * @param names `flushed`: only the names of directories that were flushed; `all`: all names that there are, as where they go down before
   *   the files do
   */
  cut(to: string, names: 'flushed' | 'all'): void {
    this.#restored.clear();
    this.#restore(nodeFs.lstatSync(this.root).ino, this.root, to, names);
  }

  #restore(ino: number, now: string | undefined, to: string, names: 'flushed' | 'all'): void {
    const stable = this.#stable.get(ino);
    const other = this.#restored.get(ino);
    if (other !== undefined) {
      nodeFs.linkSync(other, to);
      return;
    }
    if (stable?.kind === 'link') {
      nodeFs.symlinkSync(stable.target, to);
      nodeFs.lutimesSync(to, stable.atime, stable.mtime);
      return;
    }
    const isDirectory =
      stable === undefined ? now !== undefined && nodeFs.lstatSync(now).isDirectory() : stable.kind === 'directory';
    if (!isDirectory) {
      this.#restored.set(ino, to);
      nodeFs.writeFileSync(to, stable?.kind === 'file' ? stable.bytes : '');
    } else {
      nodeFs.mkdirSync(to);
      const inner = new Map(stable?.kind === 'directory' ? stable.names : []);
      if (names === 'all' && now !== undefined) {
        inner.clear();
        for (const name of nodeFs.readdirSync(now)) inner.set(name, nodeFs.lstatSync(`${now}/${name}`).ino);
      }
      for (const [name, number] of inner) {
        const path = now === undefined ? undefined : `${now}/${name}`;
        const isThere = path !== undefined && nodeFs.lstatSync(path, { throwIfNoEntry: false })?.ino === number;
        this.#restore(number, isThere ? path : undefined, `${to}/${name}`, names);
      }
    }
    if (stable === undefined) return;
    nodeFs.chmodSync(to, stable.mode & 0o7777);
    nodeFs.utimesSync(to, stable.atimeMs / 1000, inMicroseconds(stable.mtimeMs));
  }
}

/** A time in seconds of which the system keeps the same microsecond: it cuts off what is less. */
function inMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1e6 + 3e-7;
}

function placeOf(path: string): Rename['from'] {
  const cut = path.lastIndexOf('/');
  return { directory: nodeFs.lstatSync(path.slice(0, cut)).ino, name: path.slice(cut + 1) };
}
