/** The times of what changes: which of them move on, and to when. Each function here also notes the inode as dirty. */

import type { Directory, Inode } from '../inode.ts';
import type { Tree } from '../tree.ts';

/** The whole seconds in a time in milliseconds. */
function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/** The nanoseconds in a time in milliseconds beyond `sec` seconds. */
function nanoseconds(ms: number, sec: number): number {
  return Math.floor((ms - sec * 1000) * 1e6);
}

/** Sets `ctime`: the attributes have changed now. */
export function touchCtime(tree: Tree, inode: Inode): void {
  tree.dirty?.addInode(inode);
  const ms = tree.clock();
  const sec = seconds(ms);
  setCtime(inode, sec, nanoseconds(ms, sec));
}

/**
 * Sets `ctime`. A clock of whole milliseconds may lag behind the `ctime` of a lower, which then stays: it never goes
 * back within a millisecond.
 */
function setCtime(inode: Inode, sec: number, nsec: number): void {
  const ahead = inode.ctimeSec === sec ? inode.ctimeNsec - nsec : 0;
  if (ahead > 0 && ahead < 1e6) return;
  inode.ctimeSec = sec;
  inode.ctimeNsec = nsec;
}

/** Sets `mtime` and `ctime`: the content has changed now. */
export function touchMtime(tree: Tree, inode: Inode): void {
  tree.dirty?.addInode(inode);
  setMtime(tree, inode);
}

/** Sets the `mtime` and `ctime` of a directory: its names have changed now. */
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

/** Sets all four times: the inode begins now. */
export function touchAll(tree: Tree, inode: Inode): void {
  tree.dirty?.addInode(inode);
  const ms = tree.clock();
  const sec = seconds(ms);
  inode.atimeSec = inode.mtimeSec = inode.ctimeSec = inode.birthtimeSec = sec;
  inode.atimeNsec = inode.mtimeNsec = inode.ctimeNsec = inode.birthtimeNsec = nanoseconds(ms, sec);
}
