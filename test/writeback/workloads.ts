/**
 * Workloads of write-back: what programs do, in phases; after each phase the overlay is synced. Deterministic.
 */

import { bytesOf, type FileSystem, PAGE } from './rig.ts';

export type Phase = (fs: FileSystem) => void;

/** A build: sources from the lower, outputs in directories of their own, rebuilt in part. */
const BUILD: readonly Phase[] = [
  (fs) => {
    fs.mkdirSync('/dist/deep', { recursive: true });
    for (let i = 0; i < 4; i++) {
      fs.writeFileSync(`/dist/f${i}.js`, Buffer.concat([fs.readFileSync(`/src/f${i}`), Buffer.from('//')]));
      fs.writeFileSync(`/dist/deep/g${i}.js`, fs.readFileSync(`/src/deep/g${i}`));
    }
    fs.writeFileSync('/dist/empty', '');
    fs.chmodSync('/dist/f0.js', 0o755);
  },
  (fs) => {
    fs.appendFileSync('/src/f2', 'edited');
    fs.writeFileSync('/dist/f2.js', fs.readFileSync('/src/f2'));
    fs.rmSync('/dist/deep', { recursive: true });
    fs.mkdirSync('/dist/deep');
    fs.writeFileSync('/dist/deep/new.js', 'new');
  },
  (fs) => {
    fs.rmSync('/dist', { recursive: true });
    fs.mkdirSync('/dist');
    fs.writeFileSync('/dist/only', 'only');
  },
];

/** An install: a tree under a temporary name, renamed into place, then replaced by another version. */
const INSTALL: readonly Phase[] = [
  (fs) => {
    for (const name of ['a', 'b']) {
      fs.mkdirSync(`/node_modules/.tmp-${name}/bin`, { recursive: true });
      fs.writeFileSync(`/node_modules/.tmp-${name}/package.json`, `{"name":"${name}"}`);
      fs.writeFileSync(`/node_modules/.tmp-${name}/bin/run`, '#!', { mode: 0o755 });
      fs.renameSync(`/node_modules/.tmp-${name}`, `/node_modules/${name}`);
    }
    fs.mkdirSync('/node_modules/.bin');
    fs.symlinkSync('../a/bin/run', '/node_modules/.bin/a');
    fs.linkSync('/node_modules/a/package.json', '/node_modules/b/shared.json');
  },
  (fs) => {
    fs.renameSync('/node_modules/a', '/node_modules/.old');
    fs.mkdirSync('/node_modules/a');
    fs.writeFileSync('/node_modules/a/package.json', '{"version":2}');
    fs.rmSync('/node_modules/.old', { recursive: true });
    fs.unlinkSync('/node_modules/.bin/a');
    fs.symlinkSync('../b/bin/run', '/node_modules/.bin/a');
    fs.appendFileSync('/node_modules/b/shared.json', ' ');
  },
  (fs) => {
    fs.renameSync('/node_modules/b', '/node_modules/c');
    fs.writeFileSync('/node_modules/c/more', 'more');
    fs.renameSync('/node_modules', '/modules');
  },
];

/** Commits: objects that never change, and refs and an index that are replaced by rename. */
const COMMITS: readonly Phase[] = [1, 2, 3].map(
  (round): Phase =>
    (fs) => {
      fs.mkdirSync('/.git/refs', { recursive: true });
      for (let i = 0; i < 3; i++) {
        const name = `${round}${i}`;
        fs.mkdirSync(`/.git/objects/${name}`, { recursive: true });
        fs.writeFileSync(`/.git/objects/${name}/tmp`, bytesOf(round * 10 + i, 200));
        fs.renameSync(`/.git/objects/${name}/tmp`, `/.git/objects/${name}/object`);
        fs.chmodSync(`/.git/objects/${name}/object`, 0o444);
      }
      for (const name of ['HEAD', 'index', 'refs/main']) {
        fs.writeFileSync(`/.git/${name}.lock`, `${name} ${round}`);
        fs.renameSync(`/.git/${name}.lock`, `/.git/${name}`);
      }
      fs.appendFileSync('/.git/log', `round ${round}\n`);
    },
);

/** Whiteouts, opaque directories, and what is made over them. */
const REMOVALS: readonly Phase[] = [
  (fs) => {
    fs.rmSync('/src', { recursive: true });
    fs.unlinkSync('/big');
    fs.rmdirSync('/empty');
    fs.unlinkSync('/lib/inner/h0');
  },
  (fs) => {
    fs.mkdirSync('/src/deep', { recursive: true });
    fs.writeFileSync('/src/deep/g0', 'mine');
    fs.writeFileSync('/big', 'small');
    fs.writeFileSync('/empty', 'a file now');
    fs.mkdirSync('/lib/inner/h0');
    fs.writeFileSync('/lib/inner/h0/in', 'in');
  },
  (fs) => {
    fs.rmSync('/src', { recursive: true });
    fs.unlinkSync('/empty');
    fs.mkdirSync('/empty');
    fs.rmSync('/lib', { recursive: true });
    fs.symlinkSync('/big', '/lib');
  },
  (fs) => {
    fs.unlinkSync('/lib');
    fs.mkdirSync('/lib');
    fs.mkdirSync('/src');
  },
];

/** Renames of what the lower has, of what the upper has, swaps, and of directories over one another. */
const RENAMES: readonly Phase[] = [
  (fs) => {
    fs.renameSync('/src', '/moved');
    fs.renameSync('/lib/inner', '/inner');
    fs.renameSync('/ln', '/ln2');
    fs.renameSync('/big', '/moved/big');
    fs.writeFileSync('/moved/deep/own', 'own');
  },
  (fs) => {
    fs.renameSync('/moved', '/swap');
    fs.renameSync('/inner', '/moved');
    fs.renameSync('/swap', '/inner');
  },
  (fs) => {
    fs.renameSync('/inner/deep', '/deep');
    fs.renameSync('/inner/f0', '/swap');
    fs.renameSync('/inner/f1', '/inner/f0');
    fs.renameSync('/swap', '/inner/f1');
    fs.mkdirSync('/inner/deep');
    fs.renameSync('/inner', '/deep/inner');
  },
  (fs) => {
    fs.renameSync('/deep/inner', '/src');
    fs.renameSync('/deep/g1', '/src/f2');
    fs.renameSync('/src/deep', '/empty');
    fs.renameSync('/deep/deeper', '/src/deep');
    fs.rmSync('/deep', { recursive: true });
  },
];

/** Links, truncations, pages of files that the upper has, attributes, copies. */
const CONTENTS: readonly Phase[] = [
  (fs) => {
    fs.appendFileSync('/lib/twin', 'both names');
    fs.linkSync('/src/f3', '/third');
    fs.truncateSync('/big', 5 * PAGE + 7);
    fs.copyFileSync('/src/f2', '/copy');
    fs.writeFileSync('/pages', bytesOf(5, 12 * PAGE));
    fs.utimesSync('/src/f0', 1_000_000.5, 2_000_000.25);
  },
  (fs) => {
    const fd = fs.openSync('/pages', 'r+');
    fs.writeSync(fd, Buffer.from('patched'), 0, 7, 3 * PAGE + 10);
    fs.closeSync(fd);
    fs.truncateSync('/big', 2 * PAGE);
    fs.truncateSync('/big', 4 * PAGE);
    fs.unlinkSync('/lib/twin');
    fs.linkSync('/third', '/fourth');
    fs.copyFileSync('/pages', '/pages2');
    fs.chmodSync('/src/f0', 0o600);
  },
  (fs) => {
    const fd = fs.openSync('/pages2', 'r+');
    fs.writeSync(fd, Buffer.from('also'), 0, 4, 8 * PAGE);
    fs.closeSync(fd);
    fs.renameSync('/pages', '/pages3');
    fs.appendFileSync('/pages3', 'end');
    fs.renameSync('/fourth', '/src/f3');
    fs.unlinkSync('/third');
    fs.appendFileSync('/src/f3', 'more');
    fs.copyFileSync('/pages3', '/copy');
    fs.unlinkSync('/pages3');
    fs.utimesSync('/copy', 5, 6);
  },
  (fs) => {
    fs.chmodSync('/copy', 0o640);
    fs.utimesSync('/pages2', 7, 8);
    fs.writeFileSync('/lone', 'a single new file');
  },
  (fs) => {
    fs.chmodSync('/lone', 0o600);
    fs.utimesSync('/lone', 7.25, 8.5);
  },
];

export const WORKLOADS: Readonly<Record<string, readonly Phase[]>> = {
  build: BUILD,
  install: INSTALL,
  commits: COMMITS,
  removals: REMOVALS,
  renames: RENAMES,
  contents: CONTENTS,
};
