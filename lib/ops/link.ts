/** Giving a file another name (POSIX link), and an anonymous file its first (Linux `I_LINKABLE`). */

import { ENOENT, EPERM, isErrno } from '../errno.ts';
import type { Io } from '../fault.ts';
import type { Caller } from '../tree/caller.ts';
import { addName } from '../tree/changing/names.ts';
import { ownQuietly } from '../tree/changing/own.ts';
import { type Inode, isDirectory, LINKABLE } from '../tree/inode.ts';
import { NOFOLLOW, walk } from '../tree/walk.ts';
import { inodeOf, type OpenFile } from './open.ts';
import { type Spot, spotFor } from './spot.ts';

/** Makes `to` a name of the file at `from`; a link there is not followed. */
export function link(io: Io, caller: Caller, from: string, to: string): void {
  const inode = walk(io, caller, from, NOFOLLOW);
  if (isErrno(inode)) throw inode;
  const spot = spotFor(io, caller, to, 'no slash');
  // The filesystem does not support hard links (Linux vfs_link).
  if (isDirectory(inode) || !caller.tree.can.link) throw EPERM;
  // From here on nothing stops or fails.
  linkNow(caller, inode, spot);
}

/** Gives an open file a name, even if it has none; never over an existing name (T3). */
export function linkTmpfile(io: Io, caller: Caller, file: OpenFile, path: string): void {
  const inode = inodeOf(file);
  const spot = spotFor(io, caller, path, 'no slash');
  if (isDirectory(inode) || (inode.nlink > 0 && !caller.tree.can.link)) throw EPERM;
  if (inode.nlink === 0 && (inode.state & LINKABLE) === 0) throw ENOENT;
  // From here on nothing stops or fails.
  caller.tree.undo?.keep(inode);
  inode.state &= ~LINKABLE;
  linkNow(caller, inode, spot);
}

function linkNow(caller: Caller, inode: Inode, { directory, name, cover }: Spot): void {
  caller.tree.undo?.keep(inode);
  caller.tree.undo?.keepName(directory, name);
  inode.nlink++;
  caller.tree.onChange?.({ kind: 'links', inode });
  ownQuietly(caller.tree, inode);
  addName(caller.tree, directory, name, inode, cover);
}
