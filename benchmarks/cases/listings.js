/** Listing directories: one of 1,000 entries, and a tree of 1,000 files. */
import assert from 'node:assert/strict';
import { FILES, thousand, wide } from '../trees.js';

/** @typedef {import('../measure.js').Case} Case */

/** @type {Case[]} */
export const cases = [
  {
    name: 'readdirSync, 1,000 entries',
    tree: wide,
    prepare({ fs, root }) {
      const path = `${root}/wide/all`;
      assert.deepEqual(
        fs.readdirSync(path).sort(),
        Array.from({ length: FILES }, (_, index) => `entry-${index}.txt`).sort(),
      );
      return { operation: () => fs.readdirSync(path) };
    },
  },
  {
    name: 'readdirSync, 1,000 entries, withFileTypes',
    tree: wide,
    prepare({ fs, root }) {
      const path = `${root}/wide/all`;
      const entries = fs.readdirSync(path, { withFileTypes: true });
      assert.equal(entries.length, FILES);
      for (const entry of entries) {
        assert.equal(entry.isFile(), true);
        assert.match(entry.name, /^entry-\d+\.txt$/);
      }
      return { operation: () => fs.readdirSync(path, { withFileTypes: true }) };
    },
  },
  {
    name: 'readdirSync, recursive, 1,000 files',
    tree: thousand,
    prepare({ fs, root }) {
      const names = new Set(fs.readdirSync(root, { recursive: true, encoding: 'utf8' }));
      assert.equal(names.size, FILES + 10);
      assert.equal(names.has('d3/f345.txt'), true);
      return { operation: () => fs.readdirSync(root, { recursive: true }) };
    },
  },
];
