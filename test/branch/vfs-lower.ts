// Run by fs-like.test.ts in a Node that has node:vfs: asks a branch made of one, and prints what it told.

import { SAME } from '../../lib/branch/branch.ts';
import { makeBranch } from '../../lib/branch/make-branch.ts';

// Through a variable: the types of the oldest Node that is supported do not know the module.
const specifier: string = 'node:vfs';
const { create } = await import(specifier);
const vfs = create();
vfs.mkdirSync('/a');
vfs.writeFileSync('/a/f', 'hello');
vfs.symlinkSync('f', '/a/l');

const branch = makeBranch({ fs: vfs, id: 1, name: 'vfs', immutable: false, layered: false });
const attributes = branch.sync?.lstat('/a/f');
if (branch.sync === undefined || branch.async === undefined || attributes === undefined) throw new Error('no answer');
const told = {
  size: attributes.size,
  ino: attributes.ino,
  same: branch.sync.revalidate('/a/f', attributes) === SAME,
  absent: branch.sync.lstat('/a/none') === undefined && (await branch.async.lstat('/a/f/none')) === undefined,
  names: branch.sync
    .list('/a')
    ?.map(({ name }) => name)
    .sort(),
  target: await branch.async.readlink('/a/l'),
  read: Buffer.from(branch.sync.read('/a/f', attributes, 1, 3) ?? []).toString(),
  later: Buffer.from((await branch.async.read('/a/f', attributes, 1, 3)) ?? []).toString(),
};
process.stdout.write(JSON.stringify(told));
branch.close();
