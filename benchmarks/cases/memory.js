/** Bytes of memory for each of 200,000 files: created and empty, only stat-ed in a lower, of 1 KiB. Each in a process of its own. */
import assert from 'node:assert/strict';
import { runAlone } from '../alone.js';
import { BASELINE, IMMUTABLE, MEMFS, REVALIDATING, ZENFS } from '../peers.js';
import { KIB, text } from '../trees.js';

/** @typedef {import('../peers.js').Opened} Opened */
/** @typedef {{ bytes: number } | { wrong: string } | { missing: string }} MemoryCell */
/** @typedef {{ name: string, cells: Map<string, MemoryCell> }} MemoryRow */

const PER_DIRECTORY = 1000;
const PEERS = [IMMUTABLE, REVALIDATING, BASELINE, MEMFS, ZENFS];
const NO_LOWER = 'is not opened over a lower here';
/** Who makes fewer files: minutes would be spent on what a tenth shows as well. */
const SLOW = [ZENFS];
const FEWER = 10;

/**
 * What is done for each file, how many bytes of it are the user's own, and who cannot do it.
 * @type {Readonly<Record<string, { name: string, own: number, without: readonly string[], act: (fs: Opened['fs'], path: string) => void }>>}
 */
const KINDS = {
  created: {
    name: 'an empty file, created',
    own: 0,
    without: [],
    act: (fs, path) => fs.closeSync(fs.openSync(path, 'wx')),
  },
  looked: {
    name: 'a lower file, stat-ed',
    own: 0,
    without: [MEMFS, ZENFS],
    act: (fs, path) => assert.equal(fs.statSync(path).size, 0),
  },
  filled: {
    name: 'a file of 1 KiB, beyond its content',
    own: KIB,
    without: [],
    act: (fs, path) => fs.writeFileSync(path, text(path, KIB)),
  },
};

/**
 * @param {string} root
 * @param {number} index
 */
function pathOf(root, index) {
  return `${root}/d${Math.floor(index / PER_DIRECTORY)}/file-${index}.txt`;
}

/**
 * @param {Opened['fs']} fs
 * @param {string} root
 * @param {number} count
 */
function makeDirectories(fs, root, count) {
  for (let directory = 0; directory * PER_DIRECTORY < count; directory++) {
    fs.mkdirSync(`${root}/d${directory}`, { recursive: true });
  }
}

/**
 * Makes the empty files that are to be stat-ed.
 * @param {Opened['fs']} fs
 * @param {string} root
 * @param {number} count
 */
function makeLookedAt(fs, root, count) {
  makeDirectories(fs, root, count);
  for (let index = 0; index < count; index++) fs.writeFileSync(pathOf(root, index), '');
}

/** Bytes in use after all garbage is gone, those outside the heap included. Requires: `--expose-gc`. */
function bytesInUse() {
  for (let turn = 0; turn < 3; turn++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes for each of `count` files. @type {import('../alone.js').Alone} */
export function alone({ fs, root }, count, action) {
  const kind = KINDS[action];
  assert(kind && globalThis.gc);
  const warm = `${root}/warm`;
  const place = action === 'looked' ? root : `${root}/memory`;
  makeDirectories(fs, warm, PER_DIRECTORY);
  if (action !== 'looked') {
    makeDirectories(fs, place, count);
    for (let index = 0; index < PER_DIRECTORY; index++) kind.act(fs, pathOf(warm, index));
  }
  const before = bytesInUse();
  for (let index = 0; index < count; index++) kind.act(fs, pathOf(place, index));
  const bytes = (bytesInUse() - before) / count - kind.own;
  assert.equal(fs.statSync(pathOf(place, count - 1)).size, kind.own);
  return { bytes };
}

/**
 * @param {{ peers: readonly import('../peers.js').Peer[], lower: string, scratch: (peer: string) => string, fs: Opened['fs'], count: number }} setting
 *   `lower` is an empty directory of this benchmark's own, which is filled through `fs`
 * @returns {MemoryRow[]}
 */
export function rows({ peers, lower, scratch, fs, count }) {
  makeLookedAt(fs, lower, count);
  return Object.entries(KINDS).map(([action, { name, without }]) => {
    /** @type {Map<string, MemoryCell>} */
    const cells = new Map();
    for (const peer of peers) {
      if (!PEERS.includes(peer.name)) continue;
      const files = SLOW.includes(peer.name) ? count / FEWER : count;
      const errand = {
        module: import.meta.url,
        peer: peer.name,
        count: files,
        action,
        lower,
        scratch: scratch(peer.name),
      };
      cells.set(peer.name, without.includes(peer.name) ? { missing: NO_LOWER } : cellOf(runAlone(errand)));
    }
    return { name, cells };
  });
}

/** @param {ReturnType<typeof runAlone>} answer @returns {MemoryCell} */
function cellOf(answer) {
  return 'figures' in answer ? { bytes: answer.figures.bytes ?? Number.NaN } : answer;
}
