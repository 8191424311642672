// fs-extra over overlay.fs: every function of its documentation gives what it gives on the disk, and leaves the same
// files.

import nodeFs from 'node:fs';
import path from 'node:path';
import type FsExtra from 'fs-extra';
import { describe, expect, it } from 'vitest';
import { requireOver } from './require-over.ts';
import { type FileSystem, inBothPlaces } from './two-places.ts';

type Extra = typeof FsExtra;

/** What a call came to, with the directory it ran in cut out. */
type Outcome = { readonly value: unknown } | { readonly error: string };

/** A call of fs-extra on a directory, in the promise form and in the synchronous one. */
interface Deed {
  readonly name: string;
  readonly later: (extra: Extra, at: (name: string) => string) => Promise<unknown>;
  readonly now: (extra: Extra, at: (name: string) => string) => unknown;
}

function prepare(root: string): void {
  nodeFs.mkdirSync(path.join(root, 'tree/deep/deeper'), { recursive: true });
  nodeFs.writeFileSync(path.join(root, 'tree/a.txt'), 'a');
  nodeFs.writeFileSync(path.join(root, 'tree/deep/b.json'), '{ "b": [1, 2] }\n');
  nodeFs.writeFileSync(path.join(root, 'tree/deep/deeper/c'), 'c'.repeat(100_000));
  nodeFs.chmodSync(path.join(root, 'tree/a.txt'), 0o640);
  nodeFs.symlinkSync('a.txt', path.join(root, 'tree/link'));
  nodeFs.writeFileSync(path.join(root, 'broken.json'), '{');
}

const NO_C = (from: string): boolean => path.basename(from) !== 'c';

/** In an order in which each finds what those before it left. */
const DEEDS: readonly Deed[] = [
  { name: 'pathExists', later: (x, at) => x.pathExists(at('tree')), now: (x, at) => x.pathExistsSync(at('tree')) },
  { name: 'pathExists, absent', later: (x, at) => x.pathExists(at('no')), now: (x, at) => x.pathExistsSync(at('no')) },
  {
    name: 'copy a tree',
    later: (x, at) => x.copy(at('tree'), at('copy')),
    now: (x, at) => x.copySync(at('tree'), at('copy')),
  },
  {
    name: 'copy a file',
    later: (x, at) => x.copy(at('tree/a.txt'), at('new/a.txt')),
    now: (x, at) => x.copySync(at('tree/a.txt'), at('new/a.txt')),
  },
  {
    name: 'copy, filtered, with times',
    later: (x, at) => x.copy(at('tree'), at('some'), { filter: NO_C, preserveTimestamps: true }),
    now: (x, at) => x.copySync(at('tree'), at('some'), { filter: NO_C, preserveTimestamps: true }),
  },
  {
    name: 'copy onto what exists',
    later: (x, at) => x.copy(at('tree/a.txt'), at('new/a.txt'), { overwrite: false, errorOnExist: true }),
    now: (x, at) => x.copySync(at('tree/a.txt'), at('new/a.txt'), { overwrite: false, errorOnExist: true }),
  },
  {
    name: 'copy into itself',
    later: (x, at) => x.copy(at('tree'), at('tree/deep/x')),
    now: (x, at) => x.copySync(at('tree'), at('tree/deep/x')),
  },
  {
    name: 'copy what is absent',
    later: (x, at) => x.copy(at('no'), at('nowhere')),
    now: (x, at) => x.copySync(at('no'), at('nowhere')),
  },
  {
    name: 'copy with links followed',
    later: (x, at) => x.copy(at('tree'), at('real'), { dereference: true }),
    now: (x, at) => x.copySync(at('tree'), at('real'), { dereference: true }),
  },
  {
    name: 'move a tree',
    later: (x, at) => x.move(at('copy/deep'), at('moved/here')),
    now: (x, at) => x.moveSync(at('copy/deep'), at('moved/here')),
  },
  {
    name: 'move onto what exists',
    later: (x, at) => x.move(at('new/a.txt'), at('some/a.txt')),
    now: (x, at) => x.moveSync(at('new/a.txt'), at('some/a.txt')),
  },
  {
    name: 'move over what exists',
    later: (x, at) => x.move(at('new/a.txt'), at('some/a.txt'), { overwrite: true }),
    now: (x, at) => x.moveSync(at('new/a.txt'), at('some/a.txt'), { overwrite: true }),
  },
  {
    name: 'ensureFile',
    later: (x, at) => x.ensureFile(at('made/by/ensure.txt')),
    now: (x, at) => x.ensureFileSync(at('made/by/ensure.txt')),
  },
  {
    name: 'ensureFile of a directory',
    later: (x, at) => x.ensureFile(at('tree')),
    now: (x, at) => x.ensureFileSync(at('tree')),
  },
  {
    name: 'createFile',
    later: (x, at) => x.createFile(at('made/by/create.txt')),
    now: (x, at) => x.createFileSync(at('made/by/create.txt')),
  },
  {
    name: 'ensureDir',
    later: (x, at) => x.ensureDir(at('dirs/one/two'), { mode: 0o2775 }),
    now: (x, at) => x.ensureDirSync(at('dirs/one/two'), { mode: 0o2775 }),
  },
  {
    name: 'ensureDir through a file',
    later: (x, at) => x.ensureDir(at('tree/a.txt/x')),
    now: (x, at) => x.ensureDirSync(at('tree/a.txt/x')),
  },
  { name: 'mkdirp', later: (x, at) => x.mkdirp(at('dirs/three')), now: (x, at) => x.mkdirpSync(at('dirs/three')) },
  {
    name: 'ensureLink',
    later: (x, at) => x.ensureLink(at('tree/a.txt'), at('links/hard.txt')),
    now: (x, at) => x.ensureLinkSync(at('tree/a.txt'), at('links/hard.txt')),
  },
  {
    name: 'ensureLink again',
    later: (x, at) => x.ensureLink(at('tree/a.txt'), at('links/hard.txt')),
    now: (x, at) => x.ensureLinkSync(at('tree/a.txt'), at('links/hard.txt')),
  },
  {
    name: 'ensureSymlink',
    later: (x, at) => x.ensureSymlink(at('tree/deep'), at('links/soft')),
    now: (x, at) => x.ensureSymlinkSync(at('tree/deep'), at('links/soft')),
  },
  {
    name: 'ensureSymlink to nothing',
    later: (x, at) => x.ensureSymlink(at('no'), at('links/none')),
    now: (x, at) => x.ensureSymlinkSync(at('no'), at('links/none')),
  },
  {
    name: 'outputFile',
    later: (x, at) => x.outputFile(at('out/put.txt'), 'text', { mode: 0o600 }),
    now: (x, at) => x.outputFileSync(at('out/put.txt'), 'text', { mode: 0o600 }),
  },
  {
    name: 'outputJson',
    later: (x, at) => x.outputJson(at('out/put.json'), { a: 1 }, { spaces: 2 }),
    now: (x, at) => x.outputJsonSync(at('out/put.json'), { a: 1 }, { spaces: 2 }),
  },
  {
    name: 'writeJson',
    later: (x, at) => x.writeJson(at('out/write.json'), [1], { EOL: '\r\n' }),
    now: (x, at) => x.writeJsonSync(at('out/write.json'), [1], { EOL: '\r\n' }),
  },
  {
    name: 'writeJson nowhere',
    later: (x, at) => x.writeJson(at('no/write.json'), [1]),
    now: (x, at) => x.writeJsonSync(at('no/write.json'), [1]),
  },
  {
    name: 'readJson',
    later: (x, at) => x.readJson(at('tree/deep/b.json')),
    now: (x, at) => x.readJsonSync(at('tree/deep/b.json')),
  },
  {
    name: 'readJson, absent',
    later: (x, at) => x.readJson(at('no.json')),
    now: (x, at) => x.readJsonSync(at('no.json')),
  },
  {
    name: 'readJson, broken, forgiven',
    later: (x, at) => x.readJson(at('broken.json'), { throws: false }),
    now: (x, at) => x.readJsonSync(at('broken.json'), { throws: false }),
  },
  { name: 'emptyDir', later: (x, at) => x.emptyDir(at('real')), now: (x, at) => x.emptyDirSync(at('real')) },
  { name: 'emptyDir, absent', later: (x, at) => x.emptyDir(at('fresh')), now: (x, at) => x.emptyDirSync(at('fresh')) },
  {
    name: 'emptyDir of a lower tree',
    later: (x, at) => x.emptyDir(at('tree/deep/deeper')),
    now: (x, at) => x.emptyDirSync(at('tree/deep/deeper')),
  },
  { name: 'remove', later: (x, at) => x.remove(at('tree')), now: (x, at) => x.removeSync(at('tree')) },
  { name: 'remove, absent', later: (x, at) => x.remove(at('no')), now: (x, at) => x.removeSync(at('no')) },
];

/** Node's own functions that fs-extra gives promises, and those with several results. */
async function useDescriptors(extra: Extra, at: (name: string) => string): Promise<unknown> {
  const fd = await extra.open(at('numbers'), 'w+');
  const written = await extra.write(fd, Buffer.from('0123456789'));
  const { bytesWritten } = await extra.writev(fd, [Buffer.from('ab'), Buffer.from('cd')]);
  const read = await extra.read(fd, Buffer.alloc(4), 0, 4, 8);
  const many = await extra.readv(fd, [Buffer.alloc(3), Buffer.alloc(3)], 0);
  const { size } = await extra.fstat(fd);
  await extra.close(fd);
  return { written, bytesWritten, read, many, size, exists: await extra.exists(at('numbers')) };
}

/** A copy of the filesystem's functions, since graceful-fs, which lies between, changes some of those it is given. */
function extraOver(fs: FileSystem): Extra {
  return requireOver({ ...fs, promises: { ...fs.promises } }, 'fs-extra') as Extra;
}

async function outcome(root: string, deed: () => unknown): Promise<Outcome> {
  const plain = (text: string) => text.replaceAll(root, '@');
  try {
    const value = await deed();
    return { value: typeof value === 'string' ? plain(value) : value };
  } catch (error) {
    return { error: plain(String(error)) };
  }
}

async function play(fs: FileSystem, root: string, form: 'later' | 'now'): Promise<Map<string, Outcome>> {
  const extra = extraOver(fs);
  const at = (name: string) => path.join(root, name);
  const outcomes = new Map<string, Outcome>();
  for (const deed of DEEDS) outcomes.set(deed.name, await outcome(root, () => deed[form](extra, at)));
  outcomes.set('descriptors', await outcome(root, () => useDescriptors(extra, at)));
  return outcomes;
}

describe('fs-extra', () => {
  it.each(['later', 'now'] as const)('does %s what it does on the disk', async (form) => {
    const { inOverlay, onDisk } = await inBothPlaces(prepare, (fs, root) => play(fs, root, form));
    expect(inOverlay.result.get('readJson')).toEqual({ value: { b: [1, 2] } });
    expect(inOverlay.result.get('descriptors')).toMatchObject({ value: { size: 14 } });
    expect(inOverlay).toEqual(onDisk);
  });

  it('has no documented function that is not tried', () => {
    const extra = extraOver(nodeFs);
    const own = Object.keys(extra).filter((name) => !(name in nodeFs) && !name.startsWith('_') && !/Sync$/.test(name));
    const tried = DEEDS.map(({ later }) => later.toString()).join('\n');
    // Other names of functions that are tried.
    const aliases = [
      'createLink',
      'createSymlink',
      'mkdirs',
      'emptydir',
      'outputJSON',
      'readJSON',
      'writeJSON',
      'gracefulify',
      'default',
    ];
    expect(own.filter((name) => !tried.includes(`x.${name}(`) && !aliases.includes(name))).toEqual([]);
  });
});
