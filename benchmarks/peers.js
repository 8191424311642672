/**
 * The filesystems that are measured side by side. Each is opened over a lower tree and gives an `fs` and the path
 * under which that tree stands in it; all have the same number of path components.
 */
import { spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import { pathToFileURL } from 'node:url';
import * as zenfs from '@zenfs/core';
import { createFsFromVolume, Volume } from 'memfs';
import { Union } from 'unionfs';

/** @typedef {typeof import('node:fs')} Fs */
/** @typedef {import('./trees.js').Tree} Tree */
/** @typedef {typeof import('../lib/index.ts')} Overfs */

/**
 * What a peer is opened over: the tree as a function, and as real directories that must not change, the topmost first;
 * and a path of its own where nothing is yet. With `upper` an overlay is to write back to a directory there. With several `levels` an
 * overlay is to lie over overlays.
 * @typedef {{ tree: Tree, lowers: readonly [string, ...string[]], scratch: string, upper: boolean, levels: number }} Ground
 */
/**
 * `sync` brings everything written to its place, where that is another; `commands` tells how many were given to the upper.
 * @typedef {{ fs: Fs, root: string, close: () => void | Promise<void>, sync: () => void | Promise<void>, commands: () => number }} Opened
 */
/** @typedef {{ name: string, open: (ground: Ground) => Opened | Promise<Opened>, absent?: string }} Peer */

export const NODE = 'node:fs';
export const IMMUTABLE = 'overfs, immutable lower';
export const REVALIDATING = 'overfs, re-validating lower';
export const KERNEL = 'kernel overlayfs';
export const MEMFS = 'memfs';
export const UNIONFS = 'unionfs';
export const ZENFS = 'ZenFS';
export const BASELINE = 'overfs, another build';

/**
 * The built package, or another build of it to compare with.
 * @param {string} url
 * @returns {Promise<Overfs>}
 */
function load(url) {
  return import(url);
}

/** @param {unknown} object @returns {Fs} */
function asFs(object) {
  return /** @type {Fs} */ (object);
}

function nothing() {}

/** For peers that write at once. */
const AT_ONCE = { close: nothing, sync: nothing, commands: () => 0 };

/** @type {Peer} */
const node = {
  name: NODE,
  open({ tree, lowers, scratch }) {
    nodeFs.mkdirSync(scratch);
    lowers.forEach((_, branch) => {
      tree(nodeFs, scratch, branch);
    });
    return { ...AT_ONCE, fs: nodeFs, root: scratch };
  },
};

/**
 * overfs over the whole disk, as `createOverlay()` without a lower gives it, so paths are the real ones;
 * several lowers are laid over each other at the path of the first.
 * @param {string} name
 * @param {string} url
 * @param {boolean} immutable
 * @returns {Peer}
 */
function overfs(name, url, immutable) {
  return {
    name,
    async open({ lowers, scratch, upper, levels }) {
      const { createOverlay } = await load(url);
      const [at] = lowers;
      if (upper) {
        nodeFs.mkdirSync(scratch);
        return overUpper(createOverlay({ lower: { fs: nodeFs, root: at, immutable }, upper: scratch }));
      }
      const several = lowers.map((root) => ({ fs: nodeFs, root, at, immutable }));
      let overlay = createOverlay({ lower: lowers.length > 1 ? several : [{ fs: nodeFs, root: '/', immutable }] });
      for (let level = 1; level < levels; level++) overlay = createOverlay({ lower: { fs: overlay.fs, immutable } });
      return { ...AT_ONCE, fs: overlay.fs, root: at, close: () => overlay.close() };
    },
  };
}

/** @param {import('../lib/index.ts').Overlay} overlay @returns {Opened} */
function overUpper(overlay) {
  let commands = 0;
  overlay.on('command', () => {
    commands++;
  });
  return {
    fs: overlay.fs,
    root: '',
    close: () => overlay.close(),
    // At once, as node:fs beside it writes.
    sync: () => overlay.syncSync(),
    commands: () => commands,
  };
}

/** @type {Peer} */
const kernel = {
  name: KERNEL,
  open({ lowers, scratch }) {
    return { ...AT_ONCE, fs: nodeFs, root: scratch, close: mountOverlay(lowers, scratch) };
  },
};

/**
 * Mounts the kernel's overlayfs at `root`, with its upper beside it, and returns how to unmount it. Requires: root rights, and a kernel that has it.
 * @param {readonly string[]} lowers the topmost first
 * @param {string} root a path that does not exist
 */
function mountOverlay(lowers, root) {
  const upper = `${root}-upper`;
  const work = `${root}-work`;
  for (const directory of [root, upper, work]) nodeFs.mkdirSync(directory);
  const options = `lowerdir=${lowers.join(':')},upperdir=${upper},workdir=${work}`;
  const { status, stderr, error } = spawnSync('mount', ['-t', 'overlay', 'overlay', '-o', options, root]);
  if (status !== 0) throw new Error(`mount -t overlay: ${error?.message ?? String(stderr).trim()}`);
  return () => {
    spawnSync('umount', [root]);
  };
}

/** @type {Peer} */
const memfs = {
  name: MEMFS,
  open({ tree, lowers: [lower] }) {
    const fs = asFs(createFsFromVolume(new Volume()));
    fs.mkdirSync(lower, { recursive: true });
    tree(fs, lower, 0);
    return { ...AT_ONCE, fs, root: lower };
  },
};

function refuse() {
  throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS', errno: -30 });
}

/** node:fs that refuses to write: unionfs writes into whichever member lets it, and the lower tree must stay as it is. */
const readingFs = asFs({
  ...nodeFs,
  openSync: (/** @type {string} */ path, /** @type {string} */ flags) =>
    flags === 'r' ? nodeFs.openSync(path, 'r') : refuse(),
  ...Object.fromEntries(
    [
      'appendFileSync',
      'chmodSync',
      'copyFileSync',
      'ftruncateSync',
      'mkdirSync',
      'renameSync',
      'rmSync',
      'rmdirSync',
    ].map((name) => [name, refuse]),
  ),
  ...Object.fromEntries(['truncateSync', 'unlinkSync', 'writeFileSync', 'writeSync'].map((name) => [name, refuse])),
  promises: { ...nodeFs.promises, writeFile: async () => refuse() },
});

/** memfs over node:fs. The lower's directories are made in memfs first: unionfs has no copy-up that would make them. @type {Peer} */
const unionfs = {
  name: UNIONFS,
  open({ lowers: [lower] }) {
    const upper = asFs(createFsFromVolume(new Volume()));
    upper.mkdirSync(lower, { recursive: true });
    for (const entry of nodeFs.readdirSync(lower, { withFileTypes: true, recursive: true })) {
      if (entry.isDirectory()) upper.mkdirSync(`${entry.parentPath}/${entry.name}`, { recursive: true });
    }
    const union = new Union().use(readingFs).use(upper);
    return { ...AT_ONCE, fs: asFs(union), root: lower };
  },
};

/** ZenFS copy-on-write. Its lower is in memory: copying up from its Passthrough backend throws (@zenfs/core 2.7). @type {Peer} */
const zen = {
  name: ZENFS,
  async open({ tree, lowers: [lower] }) {
    const fs = asFs(zenfs.fs);
    const readable = await zenfs.resolveMountConfig({ backend: zenfs.InMemory, label: 'lower' });
    fs.mkdirSync(lower, { recursive: true });
    zenfs.mount(lower, readable);
    tree(fs, lower, 0);
    zenfs.umount(lower);
    const writable = await zenfs.resolveMountConfig({ backend: zenfs.InMemory, label: 'upper' });
    zenfs.mount(lower, await zenfs.resolveMountConfig({ backend: zenfs.CopyOnWrite, readable, writable }));
    return { ...AT_ONCE, fs, root: lower, close: () => zenfs.umount(lower) };
  },
};

/**
 * The peers of this run, node:fs first; one that cannot be had here says why in `absent`.
 * OVERFS_BUILD names the entry file of the build to measure (`dist/index.js` if it is not set), OVERFS_BASELINE that of
 * another build to run beside it.
 * @param {string} scratch a path where nothing is yet, to try things at
 * @returns {Peer[]}
 */
export function choosePeers(scratch) {
  const { OVERFS_BUILD: build, OVERFS_BASELINE: baseline } = process.env;
  const entry = build ? pathToFileURL(build).href : new URL('../dist/index.js', import.meta.url).href;
  const peers = [node, overfs(IMMUTABLE, entry, true), overfs(REVALIDATING, entry, false)];
  if (baseline) peers.push(overfs(BASELINE, pathToFileURL(baseline).href, true));
  return [...peers, tryKernel(scratch), memfs, unionfs, zen];
}

/** @param {string} scratch @returns {Peer} */
function tryKernel(scratch) {
  const lower = `${scratch}-lower`;
  nodeFs.mkdirSync(lower);
  try {
    mountOverlay([lower], scratch)();
    return kernel;
  } catch (error) {
    return { ...kernel, absent: error instanceof Error ? error.message : String(error) };
  }
}
