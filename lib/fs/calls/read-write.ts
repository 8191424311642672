/**
 * The synchronous and callback forms of `read`, `readv`, `write`, `writev`. They are not in the table because their
 * callbacks get two values, the count and the buffers, even with an error; and `util.promisify` makes an object of the
 * two.
 */

import { promisify } from 'node:util';
import { isUint8Array } from 'node:util/types';
import { Errno, isErrno } from '../../errno.ts';
import { type Io, runCallback, settleNow, syncIo } from '../../fault.ts';
import { originalFs } from '../../node/original-fs.ts';
import { read, readv } from '../../ops/data/read.ts';
import { write, writev } from '../../ops/data/write.ts';
import type { OpenFile } from '../../ops/open.ts';
import type { Caller } from '../../tree/caller.ts';
import { bytesOf, DOUBT, readTaken } from '../arguments.ts';
import { type Callback, parseOrThrow } from '../call.ts';
import { dryRun, type Kind } from '../dry-run.ts';
import { systemError } from '../errors.ts';
import type { CallbackFunction } from '../forms.ts';
import type { Session } from '../session.ts';
import {
  parseRead,
  parseReadSync,
  parseReadv,
  parseWrite,
  parseWriteLater,
  parseWritev,
  type Transfer,
} from './transfers.ts';

const TAKES: readonly Kind[] = ['descriptor', 'other', 'other', 'count'];

type Parse = (session: Session, fd: unknown, data: unknown, rest: readonly unknown[]) => Transfer;
type MoveOne = (io: Io, caller: Caller, file: OpenFile, piece: Uint8Array, position: number) => number;
type MoveMany = (io: Io, caller: Caller, file: OpenFile, pieces: readonly Uint8Array[], position: number) => number;

/** A function of this family. */
export interface DataCall {
  readonly name: 'read' | 'readv' | 'write' | 'writev';
  readonly syscall: string;
  readonly parseSync: Parse;
  readonly parse: Parse;
  readonly one: MoveOne;
  readonly many: MoveMany;
  /** What `util.promisify` calls the two values. */
  readonly values: readonly [string, string];
}

/** The calls of this family. */
export const dataCalls: readonly DataCall[] = [
  {
    name: 'read',
    syscall: 'read',
    parseSync: parseReadSync,
    parse: parseRead,
    one: read,
    many: readv,
    values: ['bytesRead', 'buffer'],
  },
  {
    name: 'readv',
    syscall: 'read',
    parseSync: parseReadv,
    parse: parseReadv,
    one: read,
    many: readv,
    values: ['bytesRead', 'buffers'],
  },
  {
    name: 'write',
    syscall: 'write',
    parseSync: parseWrite,
    parse: parseWriteLater,
    one: write,
    many: writev,
    values: ['bytesWritten', 'buffer'],
  },
  {
    name: 'writev',
    syscall: 'write',
    parseSync: parseWritev,
    parse: parseWritev,
    one: write,
    many: writev,
    values: ['bytesWritten', 'buffer'],
  },
];

/** Moves the bytes that were asked for, and returns their number. */
export function transfer(io: Io, session: Session, call: DataCall, asked: Transfer): number {
  const { file, pieces, position } = asked;
  if (file === undefined) return 0;
  if (isErrno(file)) throw file;
  const [piece] = pieces;
  if (piece !== undefined && pieces.length === 1) return call.one(io, session.caller, file, piece, position);
  return call.many(io, session.caller, file, pieces, position);
}

/** Whether the arguments after a descriptor say plainly that all bytes of `data` are meant. */
function isWhole(data: unknown, rest: readonly unknown[]): data is Uint8Array {
  if (rest[0] !== 0 || !isUint8Array(data) || bytesOf(data) !== data) return false;
  const { length } = data;
  return length === rest[1] && length > 0 && (length | 0) === length;
}

/** Whether an argument is plainly a place in a file. */
function isPlace(position: unknown): position is number {
  return typeof position === 'number' && position >= 0 && Number.isSafeInteger(position);
}

/**
 * The synchronous form. Where the arguments are plain, as most are, no `Transfer` is made of them: that would take as
 * long as to move a page.
 */
export function syncDataForm(session: Session, call: DataCall): (...args: unknown[]) => number {
  const { caller, descriptors } = session;
  const { tree } = caller;
  const again = (fd: unknown, data: unknown, rest: readonly unknown[]): number => {
    dryRun(`${call.name}Sync`, TAKES, [fd, data, ...rest]);
    try {
      const asked = readTaken(() => call.parseSync(session, fd, data, rest));
      return settleNow(tree, transfer(syncIo, session, call, asked));
    } catch (thrown) {
      throw thrown instanceof Errno ? systemError(thrown, call.syscall, undefined, undefined, form) : thrown;
    }
  };
  const form = (fd?: unknown, data?: unknown, ...rest: unknown[]): number => {
    try {
      const position = rest[2];
      if (typeof fd === 'number' && isWhole(data, rest) && isPlace(position)) {
        const file = descriptors.get(fd);
        if (file !== undefined) return settleNow(tree, call.one(syncIo, caller, file, data, position));
      }
      return settleNow(tree, transfer(syncIo, session, call, call.parseSync(session, fd, data, rest)));
    } catch (thrown) {
      if (thrown === DOUBT) return again(fd, data, rest);
      throw thrown instanceof Errno ? systemError(thrown, call.syscall, undefined, undefined, form) : thrown;
    }
  };
  return form;
}

/** The callback form. */
export function callbackDataForm(session: Session, call: DataCall): CallbackFunction {
  const { length: most } = originalFs[call.name];
  const form = (...all: unknown[]): void => {
    // What comes after the place of the callback does not count.
    const args = all.length > most ? all.slice(0, most) : all;
    // A function before the last one is a wrong argument.
    const at = args.findLastIndex((value) => typeof value === 'function');
    if (at < 1) dryRun(call.name, TAKES, args);
    const callback = args[at] as Callback;
    const [fd, data, ...rest] = args.slice(0, at);
    const asked = parseOrThrow(call.name, TAKES, args, () => call.parse(session, fd, data, rest));
    runCallback(
      (io) => transfer(io, session, call, asked),
      (thrown, count) => {
        if (thrown === undefined) callback(null, count, asked.shown);
        else
          callback(
            thrown instanceof Errno ? systemError(thrown, call.syscall, undefined, undefined, form) : thrown,
            0,
            asked.shown,
          );
      },
    );
  };
  const promised = (...args: unknown[]): Promise<object> =>
    new Promise((resolve, reject) => {
      form(...args, (error: unknown, count: unknown, shown: unknown) => {
        if (error) reject(error);
        else resolve({ [call.values[0]]: count, [call.values[1]]: shown });
      });
    });
  return Object.defineProperty(form, promisify.custom, { value: promised });
}
