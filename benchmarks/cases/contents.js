/** Reading and writing whole files. */
import assert from 'node:assert/strict';
import { contentOf, filesOf, KIB, MIB, mebibytes, text, thousand, turn } from '../trees.js';

/** @typedef {import('../measure.js').Case} Case */

const LARGE_FILES = 8;

/** @param {string} root */
function largeFilesOf(root) {
  return Array.from({ length: LARGE_FILES }, (_, index) => `${root}/large/m${index}.txt`);
}

/** @type {Case[]} */
export const cases = [
  {
    name: 'readFileSync 4 KiB, buffer',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = filesOf(root);
      paths.forEach((path, index) => {
        assert.equal(fs.readFileSync(path).toString(), contentOf(index * 101));
      });
      return { operation: (index) => fs.readFileSync(turn(paths, index)) };
    },
  },
  {
    name: 'readFileSync 4 KiB, utf8',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = filesOf(root);
      paths.forEach((path, index) => {
        assert.equal(fs.readFileSync(path, 'utf8'), contentOf(index * 101));
      });
      return { operation: (index) => fs.readFileSync(turn(paths, index), 'utf8') };
    },
  },
  {
    name: 'readFileSync 1 MiB',
    tree: mebibytes,
    prepare({ fs, root }) {
      const paths = largeFilesOf(root);
      paths.forEach((path, index) => {
        assert.equal(fs.readFileSync(path, 'utf8'), text(`file ${index}`, MIB));
      });
      return { operation: (index) => fs.readFileSync(turn(paths, index)) };
    },
  },
  {
    name: 'writeFileSync 4 KiB',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = filesOf(root);
      const content = Buffer.from(text('written', 4 * KIB));
      for (const path of paths) fs.writeFileSync(path, content);
      return {
        operation: (index) => fs.writeFileSync(turn(paths, index), content),
        verify() {
          for (const path of paths) assert.equal(content.equals(fs.readFileSync(path)), true);
        },
      };
    },
  },
  {
    name: 'writeFileSync 1 MiB',
    tree: mebibytes,
    prepare({ fs, root }) {
      const paths = largeFilesOf(root);
      const content = Buffer.from(text('written', MIB));
      for (const path of paths) fs.writeFileSync(path, content);
      return {
        operation: (index) => fs.writeFileSync(turn(paths, index), content),
        verify() {
          for (const path of paths) assert.equal(content.equals(fs.readFileSync(path)), true);
        },
      };
    },
  },
];
