/** `copyFile`: one operation, except where the source or the target is used straight through its branch. */

import { constants } from 'node:fs';
import { isErrno } from '../../errno.ts';
import { copyFile, type Opened, readFile, writeFile } from '../../ops/data/whole.ts';
import type { Caller } from '../../tree/caller.ts';
import { takeBits, takePath } from '../arguments.ts';
import { inAllForms, type Row, Sequel } from '../call.ts';
import type { Sequence } from '../sequences/steps.ts';
import { operation, readBytes, thenClose, writeBytes } from './pieces.ts';

const { COPYFILE_EXCL, COPYFILE_FICLONE, COPYFILE_FICLONE_FORCE } = constants;
const { O_RDONLY, O_WRONLY, O_CREAT, O_TRUNC, O_EXCL } = constants;

const PERMISSIONS = 0o7777;

interface CopyRequest {
  readonly from: string;
  readonly to: string;
  readonly mode: number;
}

/** Copies a source that is open and can only be read piece by piece. */
function* copyFrom(caller: Caller, { to, mode }: CopyRequest, { file }: Opened): Sequence<void> {
  const bytes = yield* thenClose(caller, file, readBytes(caller, file, undefined));
  const flags = O_WRONLY | O_CREAT | O_TRUNC | ((mode & COPYFILE_EXCL) !== 0 ? O_EXCL : 0);
  const permissions = file.inode.mode & PERMISSIONS;
  const target = yield* operation(caller, (io) => writeFile(io, caller, to, bytes, flags, permissions));
  if (isErrno(target)) throw target;
  if (target !== undefined) yield* thenClose(caller, target.file, writeBytes(caller, target.file, bytes, undefined));
}

/** Copies to a target that is open and can only be written piece by piece. */
function* copyTo(caller: Caller, { from }: CopyRequest, { file }: Opened): Sequence<void> {
  const bytes = yield* operation(caller, (io) => readFile(io, caller, from, O_RDONLY));
  if (isErrno(bytes)) throw bytes;
  if (Buffer.isBuffer(bytes)) yield* writeBytes(caller, file, bytes, undefined);
}

/** `copyFile`. */
export const copyFileRow: Row = inAllForms<CopyRequest, undefined>({
  name: 'copyFile',
  takes: ['path', 'path'],
  syscall: 'copyfile',
  parse: (session, from, to, mode) => ({
    mode: takeBits(mode, COPYFILE_EXCL | COPYFILE_FICLONE | COPYFILE_FICLONE_FORCE),
    from: takePath(session, from),
    to: takePath(session, to),
  }),
  run(io, { caller }, request) {
    const opened = copyFile(io, caller, request.from, request.to, request.mode);
    if (opened === undefined) return undefined;
    if (opened.file.readable) return new Sequel(undefined, copyFrom(caller, request, opened));
    return new Sequel(undefined, thenClose(caller, opened.file, copyTo(caller, request, opened)));
  },
});
