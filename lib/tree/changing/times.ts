/**
 * The times of what changes: which of them move on, and to when. Each function here also says that the upper is to hear of the inode.
 */

import type { Directory, Inode } from '../inode.ts';
import type { Tree } from '../tree.ts';

/** The whole seconds in milliseconds. */
function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/** What is left of `ms` beside `sec` seconds. */
function nanoseconds(ms: number, sec: number): number {
  return Math.floor((ms - sec * 1000) * 1e6);
}

/** The inode's attributes have changed now: `ctime`. */
export function touchCtime(tree: Tree, inode: Inode): void {
  tree.dirty?.addInode(inode);
  const ms = tree.clock();
  const sec = seconds(ms);
  setCtime(inode, sec, nanoseconds(ms, sec));
}

/** A clock of whole milliseconds may lag behind the `ctime` of a lower, which then stays: it does not go back within the millisecond. */
function setCtime(inode: Inode, sec: number, nsec: number): void {
  const ahead = inode.ctimeSec === sec ? inode.ctimeNsec - nsec : 0;
  if (ahead > 0 && ahead < 1e6) return;
  inode.ctimeSec = sec;
  inode.ctimeNsec = nsec;
}

/** The inode's content has changed now: `mtime` and `ctime`. */
export function touchMtime(tree: Tree, inode: Inode): void {
  tree.dirty?.addInode(inode);
  setMtime(tree, inode);
}

/** The names in a directory have changed now: its `mtime` and `ctime`. */
export function touchMtimeOfNames(tree: Tree, directory: Directory): void {
  tree.dirty?.timed.add(directory);
  setMtime(tree, directory);
}

function setMtime(tree: Tree, inode: Inode): void {
  const ms = tree.clock();
  const sec = seconds(ms);
  const nsec = nanoseconds(ms, sec);
  inode.mtimeSec = sec;
  inode.mtimeNsec = nsec;
  setCtime(inode, sec, nsec);
}

/** The inode begins now: all four times. */
export function touchAll(tree: Tree, inode: Inode): void {
  tree.dirty?.addInode(inode);
  const ms = tree.clock();
  const sec = seconds(ms);
  inode.atimeSec = inode.mtimeSec = inode.ctimeSec = inode.birthtimeSec = sec;
  inode.atimeNsec = inode.mtimeNsec = inode.ctimeNsec = inode.birthtimeNsec = nanoseconds(ms, sec);
}
