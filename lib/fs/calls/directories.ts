/**
 * `opendir`; and `rmdir` with the option `recursive`, where the running Node still has it.
 */

import { type Errno, isErrno } from '../../errno.ts';
import type { Io } from '../../fault.ts';
import { listTyped } from '../../ops/list.ts';
import type { Listing } from '../../tree/inode.ts';
import { takePath } from '../arguments.ts';
import type { Blame, Call, Callback, Row } from '../call.ts';
import { dryRun, dryRunPromise, type Kind } from '../dry-run.ts';
import { callbackForm, deliver, promiseForm, syncForm } from '../forms.ts';
import { type Encoding, encodingIn, takeOptions } from '../options.ts';
import { checkDirOptions, Dir, type DirSource } from '../results/dir.ts';
import { type Parent, parentOf } from '../results/dirent.ts';
import type { FileSystem, Parts, Session } from '../session.ts';
import { rmdir } from './names.ts';

interface OpendirRequest {
  readonly path: string;
  readonly parent: Parent;
  readonly encoding: Encoding;
  readonly depth: DirSource['depth'];
  /** The options as given, where something in them will be refused; Node does that once the directory is open. */
  readonly doubtful: unknown;
}

function isPlainSize(size: unknown): boolean {
  return size === undefined || (Number.isInteger(size) && Number(size) > 0 && Number(size) < 2 ** 32);
}

function opendirCall(blame: Blame | undefined): Call<OpendirRequest, Dir> {
  return {
    name: 'opendir',
    takes: ['path'],
    syscall: 'opendir',
    parse(session, path, given) {
      // What options inherit does not count.
      const options = { ...takeOptions(given) };
      return {
        encoding: encodingIn(options),
        depth: options.recursive ? 'all' : 'one',
        doubtful: isPlainSize(options.bufferSize) ? undefined : given,
        path: takePath(session, path),
        parent: parentOf(path),
      };
    },
    run(io, { caller }, { path, parent, encoding, depth, doubtful }) {
      const list = (inner: Io, relative: string): Listing | Errno =>
        listTyped(inner, caller, relative === '' ? path : `${path}/${relative}`);
      const listing = list(io, '');
      if (isErrno(listing)) return listing;
      if (doubtful !== undefined) checkDirOptions(doubtful);
      return new Dir({ parent, encoding, depth, list }, listing);
    },
    blame: () => blame,
  };
}

const later = opendirCall(undefined);

/** `opendir`. An error of `opendirSync` does not name the path (node src/node_dir.cc). */
export const opendirRow: Row = {
  name: 'opendir',
  sync: opendirCall({ syscall: 'opendir' }),
  callback: later,
  promise: later,
};

const TAKES: readonly Kind[] = ['path'];

type Path = Parameters<FileSystem['rmdirSync']>[0];

/** `recursive: true` in the options of `rmdir`: deprecated, and gone since Node 26, which the dry run tells. */
function isRecursive(options: unknown): options is { readonly recursive: true } {
  return typeof options === 'object' && options !== null && 'recursive' in options && options.recursive === true;
}

/**
 * `rmdir`, which with `recursive: true` is `rm` for directories, and fails as `rmdir` for anything else (node
 * lib/fs.js).
 */
export function recursiveRmdir(session: Session, fs: FileSystem): Parts {
  const [regularSync, regular, regularPromise] = [
    syncForm(session, rmdir.sync),
    callbackForm(session, rmdir.callback),
    promiseForm(session, rmdir.callback),
  ];
  // The promise form follows a link, and then removes that.
  const later = async (look: 'stat' | 'lstat', path: Path, options: object): Promise<unknown> => {
    const stats = await fs.promises[look](path);
    return stats.isDirectory() ? await fs.promises.rm(path, { ...options, force: false }) : await regularPromise(path);
  };
  return {
    fs: {
      rmdirSync(path: Path, options: unknown) {
        if (!isRecursive(options)) return regularSync(path, options);
        dryRun('rmdirSync', TAKES, [path, options]);
        if (!fs.lstatSync(path).isDirectory()) return regularSync(path);
        return fs.rmSync(path, { ...options, force: false });
      },
      rmdir(path: Path, options: unknown, callback: unknown) {
        if (!isRecursive(options)) return regular(path, options, callback);
        dryRun('rmdir', TAKES, [path, options, callback]);
        return deliver(later('lstat', path, options), callback as Callback);
      },
    },
    promises: {
      async rmdir(path: Path, options: unknown) {
        if (!isRecursive(options)) return await regularPromise(path, options);
        await dryRunPromise('rmdir', TAKES, [path, options]);
        return await later('stat', path, options);
      },
    },
  };
}
