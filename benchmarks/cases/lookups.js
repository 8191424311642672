/** Looking up names: found, absent, resolved. */
import assert from 'node:assert/strict';
import { filesOf, KIB, thousand, turn } from '../trees.js';

/** @typedef {import('../measure.js').Case} Case */
/** @typedef {typeof import('node:fs')} Fs */

/** @param {string} root */
function absentOf(root) {
  return filesOf(root).map((path) => `${path}.absent`);
}

/**
 * @param {Fs} fs
 * @param {string} path
 */
function statAbsent(fs, path) {
  try {
    fs.statSync(path);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error);
  }
  throw new Error(`${path} is found, and should not be`);
}

/** @type {Case[]} */
export const cases = [
  {
    name: 'statSync, found in a lower',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = filesOf(root);
      for (const path of paths) {
        const stats = fs.statSync(path);
        assert.equal(stats.size, 4 * KIB);
        assert.equal(stats.isFile(), true);
      }
      return { operation: (index) => fs.statSync(turn(paths, index)) };
    },
  },
  {
    name: 'statSync, throwing ENOENT',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = absentOf(root);
      for (const path of paths) assert.equal(statAbsent(fs, path).code, 'ENOENT');
      return { operation: (index) => statAbsent(fs, turn(paths, index)) };
    },
  },
  {
    name: 'existsSync, present',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = filesOf(root);
      for (const path of paths) assert.equal(fs.existsSync(path), true);
      return { operation: (index) => fs.existsSync(turn(paths, index)) };
    },
  },
  {
    name: 'existsSync, absent',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = absentOf(root);
      for (const path of paths) assert.equal(fs.existsSync(path), false);
      return { operation: (index) => fs.existsSync(turn(paths, index)) };
    },
  },
  {
    name: 'realpathSync',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = filesOf(root);
      for (const path of paths) assert.equal(fs.realpathSync(path), path);
      return { operation: (index) => fs.realpathSync(turn(paths, index)) };
    },
  },
];
