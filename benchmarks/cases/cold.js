/** The first look at files of a lower: what a build or a test pays that opens a fresh overlay. */
import assert from 'node:assert/strict';
import { KERNEL, MEMFS, UNIONFS, ZENFS } from '../peers.js';
import { FILES, filesOf, KIB, MIB, sixtyFour, thousand, twoHundredFiftySix } from '../trees.js';

/** @typedef {import('../measure.js').Case} Case */

const WITHOUT = { [MEMFS]: 'has no lower', [ZENFS]: 'has its lower in memory' };
const WITHOUT_LEVELS = { ...WITHOUT, [UNIONFS]: 'is not stacked here', [KERNEL]: 'is not stacked here' };
const PIECE = 64 * KIB;

/**
 * Reads a large file piece by piece.
 *
 * @param {typeof import('node:fs')} fs
 * @param {string} path
 * @param {number} size in bytes
 */
function inSequence(fs, path, size) {
  const buffer = Buffer.alloc(PIECE);
  let bytes = 0;
  return {
    operation() {
      const fd = fs.openSync(path, 'r');
      for (let read = PIECE; read === PIECE; bytes += read) read = fs.readSync(fd, buffer, 0, PIECE, null);
      fs.closeSync(fd);
    },
    verify: () => assert.equal(bytes, size),
  };
}

/**
 * Reads each of many files whole.
 *
 * @param {typeof import('node:fs')} fs
 * @param {string} root
 */
function eachWhole(fs, root) {
  const paths = filesOf(root);
  let bytes = 0;
  return {
    operation() {
      for (const path of paths) bytes += fs.readFileSync(path).length;
    },
    verify: () => assert.equal(bytes, FILES * 4 * KIB),
  };
}

/** @type {Case[]} */
export const cases = [
  {
    name: 'statSync of 1,000 cold files',
    tree: thousand,
    once: true,
    without: WITHOUT,
    prepare({ fs, root }) {
      const paths = filesOf(root);
      let bytes = 0;
      return {
        operation() {
          for (const path of paths) bytes += fs.statSync(path).size;
        },
        verify: () => assert.equal(bytes, FILES * 4 * KIB),
      };
    },
  },
  {
    name: 'readFileSync of 1,000 cold files',
    tree: thousand,
    once: true,
    without: WITHOUT,
    prepare: ({ fs, root }) => eachWhole(fs, root),
  },
  {
    name: 'readSync 64 KiB, in sequence, cold 256 MiB file',
    tree: twoHundredFiftySix,
    once: true,
    without: WITHOUT,
    prepare: ({ fs, root }) => inSequence(fs, `${root}/large/file.bin`, 256 * MIB),
  },
  {
    name: 'readSync 64 KiB, in sequence, cold 64 MiB file, three overlays',
    tree: sixtyFour,
    once: true,
    levels: 3,
    without: WITHOUT_LEVELS,
    prepare: ({ fs, root }) => inSequence(fs, `${root}/large/sixty-four.bin`, 64 * MIB),
  },
  {
    name: 'readFileSync of 1,000 cold files, three overlays',
    tree: thousand,
    once: true,
    levels: 3,
    without: WITHOUT_LEVELS,
    prepare: ({ fs, root }) => eachWhole(fs, root),
  },
];
