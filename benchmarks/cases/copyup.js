/**
 * The first change of something in a lower: a byte, an attribute, a name; and lookups through many branches.
 * The cost must not depend on the size of what is changed, nor on the number of branches.
 */
import assert from 'node:assert/strict';
import { MEMFS, UNIONFS, ZENFS } from '../peers.js';
import {
  branch,
  directoryOfTen,
  directoryOfThousand,
  GIB,
  KIB,
  MIB,
  oneOf1GiB,
  oneOf4KiB,
  oneOf64MiB,
  WARM_FILES,
  warmFileOf,
} from '../trees.js';

/** @typedef {import('../measure.js').Case} Case */
/** @typedef {typeof import('node:fs')} Fs */
/** @typedef {(fs: Fs, path: string, size: number) => void} Change */

const BRANCHES = 32;
const NO_LOWER = { [MEMFS]: 'has no lower' };
const WRITES_NOTHING_BELOW = { ...NO_LOWER, [UNIONFS]: 'cannot change a file of a lower' };
const TOO_LARGE = { ...WRITES_NOTHING_BELOW, [ZENFS]: 'holds the whole file in memory' };

const SIZES = [
  { label: '4 KiB', size: 4 * KIB, tree: oneOf4KiB, without: WRITES_NOTHING_BELOW },
  { label: '64 MiB', size: 64 * MIB, tree: oneOf64MiB, without: WRITES_NOTHING_BELOW },
  { label: '1 GiB', size: GIB, tree: oneOf1GiB, without: TOO_LARGE },
];

/** @type {Change} */
function writeByte(fs, path, size) {
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, 'X', size / 2);
  fs.closeSync(fd);
}

/** @type {Change} */
function changeMode(fs, path) {
  fs.chmodSync(path, 0o640);
}

/** @type {Change} */
function move(fs, path) {
  fs.renameSync(path, `${path}.moved`);
}

/** @type {Change} */
function copy(fs, path) {
  fs.copyFileSync(path, `${path}.copy`);
}

/**
 * Throws unless the file of `size` bytes at `path` is as the tree made it, but for `mode` if that is given.
 * @param {Fs} fs
 * @param {string} path
 * @param {number} size
 */
function checkContent(fs, path, size) {
  assert.equal(fs.statSync(path).size, size);
  const fd = fs.openSync(path, 'r');
  const ends = Buffer.alloc(9);
  fs.readSync(fd, ends, 0, 5, 0);
  fs.readSync(fd, ends, 5, 4, size - 4);
  fs.closeSync(fd);
  assert.equal(ends.toString(), 'firstlast');
}

/** @type {Change} */
function checkByte(fs, path, size) {
  checkContent(fs, path, size);
  const fd = fs.openSync(path, 'r');
  const byte = Buffer.alloc(1);
  fs.readSync(fd, byte, 0, 1, size / 2);
  fs.closeSync(fd);
  assert.equal(byte.toString(), 'X');
}

/** @type {Change} */
function checkMode(fs, path, size) {
  assert.equal(fs.statSync(path).mode & 0o777, 0o640);
  checkContent(fs, path, size);
}

/** @type {Change} */
function checkMoved(fs, path, size) {
  assert.equal(fs.existsSync(path), false);
  checkContent(fs, `${path}.moved`, size);
}

/** @type {Change} */
function checkCopied(fs, path, size) {
  checkContent(fs, path, size);
  checkContent(fs, `${path}.copy`, size);
}

/**
 * One change for each of the sizes, each time on a fresh peer that has made the same change to small files before.
 * @param {string} name
 * @param {Change} change
 * @param {Change} check
 * @returns {Case[]}
 */
function ofEverySize(name, change, check) {
  return SIZES.map(({ label, size, tree, without }) => ({
    name: `${name}, ${label}`,
    tree,
    once: true,
    without,
    prepare({ fs, root }) {
      for (let index = 0; index < WARM_FILES; index++) change(fs, warmFileOf(root, index), 4 * KIB);
      const path = `${root}/large/file.bin`;
      // It is found, and nothing of it read: a page of the smallest would be all of it, and be there already.
      assert.equal(fs.statSync(path).size, size);
      return { operation: () => change(fs, path, size), verify: () => check(fs, path, size) };
    },
  }));
}

/**
 * @param {string} name
 * @param {import('../trees.js').Tree} tree
 * @param {number} files
 * @returns {Case}
 */
function renameOfDirectory(name, tree, files) {
  return {
    name,
    tree,
    once: true,
    without: { ...NO_LOWER, [UNIONFS]: 'cannot rename a directory of a lower' },
    prepare({ fs, root }) {
      fs.renameSync(`${root}/moved/warm`, `${root}/moved/warmed`);
      return {
        operation: () => fs.renameSync(`${root}/moved/from`, `${root}/moved/to`),
        verify() {
          assert.deepEqual(fs.readdirSync(`${root}/moved`).sort(), ['to', 'warmed']);
          assert.equal(fs.readdirSync(`${root}/moved/to`).length, files);
        },
      };
    },
  };
}

/**
 * @param {string} name
 * @param {number} number
 * @returns {Case}
 */
function statInBranch(name, number) {
  const oneLower = 'is opened over one lower here';
  return {
    name,
    tree: branch,
    branches: BRANCHES,
    without: { ...NO_LOWER, [UNIONFS]: oneLower, [ZENFS]: oneLower },
    prepare({ fs, root }) {
      const path = `${root}/shared/of-branch-${number}.txt`;
      for (let index = 0; index < BRANCHES; index++) {
        assert.equal(fs.statSync(`${root}/shared/of-branch-${index}.txt`).size, 4 * KIB);
      }
      return { operation: () => fs.statSync(path) };
    },
  };
}

/** @type {Case[]} */
export const cases = [
  ...ofEverySize('first 1-byte write', writeByte, checkByte),
  ...ofEverySize('first chmod', changeMode, checkMode),
  ...ofEverySize('first rename', move, checkMoved),
  ...ofEverySize('first copyFile', copy, checkCopied),
  renameOfDirectory('rename of a lower directory of 10 files', directoryOfTen, 10),
  renameOfDirectory('rename of a lower directory of 1,000 files', directoryOfThousand, 1000),
  statInBranch('statSync in the first of 32 branches', 0),
  statInBranch('statSync in the last of 32 branches', BRANCHES - 1),
];
