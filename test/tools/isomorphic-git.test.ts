// isomorphic-git on overlay.fs: a repository of 1,000 files with the same commits, objects and working tree as on the
// disk.

import nodeFs from 'node:fs';
import path from 'node:path';
import git from 'isomorphic-git';
import { describe, expect, it } from 'vitest';
import { type FileSystem, inBothPlaces, type Run } from './two-places.ts';

const FOLDERS = 20;

function withoutPromises({ promises: _, ...callbacks }: FileSystem): git.CallbackFsClient {
  return callbacks;
}

/** isomorphic-git uses `fs.promises` where there is one; without it, the callback functions. */
const FORMS = [
  { form: 'promises', count: 1000, clientOf: (fs: FileSystem): git.FsClient => fs },
  { form: 'callbacks', count: 200, clientOf: withoutPromises },
];

/** Everybody commits at the same time, so that the commits have the same names. */
const AUTHOR = { name: 'A', email: 'a@example.org', timestamp: 1_000_000_000, timezoneOffset: 0 };

function nameOf(index: number): string {
  return `folder${index % FOLDERS}/file${index}.txt`;
}

/** A working tree that nobody has committed yet. */
function makeFiles(root: string, count: number): void {
  for (let i = 0; i < FOLDERS; i++) nodeFs.mkdirSync(path.join(root, `folder${i}`));
  for (let i = 0; i < count; i++)
    nodeFs.writeFileSync(path.join(root, nameOf(i)), `the text of file ${i}\n`.repeat(i % 50));
}

/** Commits all files, then changes on a branch, and goes back and forth between the two. */
async function work(fs: FileSystem, client: git.FsClient, dir: string, count: number) {
  const repository = { fs: client, dir, cache: {} };
  const commit = (message: string) => git.commit({ ...repository, message, author: AUTHOR });
  await git.init({ ...repository, defaultBranch: 'main' });
  const names = Array.from({ length: count }, (_, index) => nameOf(index));
  await git.add({ ...repository, filepath: names });
  const first = await commit('all');

  await git.branch({ ...repository, ref: 'other', checkout: true });
  fs.appendFileSync(path.join(dir, nameOf(1)), 'one line more\n');
  fs.unlinkSync(path.join(dir, nameOf(2)));
  fs.chmodSync(path.join(dir, nameOf(3)), 0o755);
  fs.symlinkSync(path.basename(nameOf(4)), path.join(dir, 'folder4/link'));
  await git.add({ ...repository, filepath: [nameOf(1), nameOf(3), 'folder4/link'] });
  await git.remove({ ...repository, filepath: nameOf(2) });
  const second = await commit('some');

  for (const name of names) if (name !== nameOf(2)) fs.unlinkSync(path.join(dir, name));
  await git.checkout({ ...repository, ref: 'main', force: true });
  const onMain = await git.statusMatrix(repository);
  await git.checkout({ ...repository, ref: 'other' });
  const onOther = await git.statusMatrix(repository);
  const log = await git.log(repository);
  return { first, second, onMain, onOther, log, files: await git.listFiles(repository) };
}

/** The index holds times and numbers of files; what it says otherwise is in `statusMatrix` and `listFiles`. */
function withoutIndex<R>({ result, left }: Run<R>): Run<R> {
  return { result, left: new Map([...left].filter(([name]) => name !== '.git/index')) };
}

describe('isomorphic-git', () => {
  it.each(FORMS)(
    'commits and checks out $count files as on the disk, with $form',
    { timeout: 60_000 },
    async (given) => {
      const { count, clientOf } = given;
      const { inOverlay, onDisk } = await inBothPlaces(
        (root) => makeFiles(root, count),
        (fs, root) => work(fs, clientOf(fs), root, count),
      );
      const { log, onMain, onOther, files } = inOverlay.result;
      expect(log.map(({ commit }) => commit.message)).toEqual(['some\n', 'all\n']);
      expect(files).toHaveLength(count);
      expect(onMain.every(([, head, workdir, stage]) => head === 1 && workdir === 1 && stage === 1)).toBe(true);
      expect(onOther).toHaveLength(count);
      expect(withoutIndex(inOverlay)).toEqual(withoutIndex(onDisk));
    },
  );
});
