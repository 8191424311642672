/** Changing the tree: creating, removing, renaming, copying. */
import assert from 'node:assert/strict';
import { contentOf, FILES, fileOf, filesOf, KIB, thousand, turn } from '../trees.js';

/** @typedef {import('../measure.js').Case} Case */

const COPIES = 100;

/** @type {Case[]} */
export const cases = [
  {
    name: 'create + unlink',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = filesOf(root).map((path) => `${path}.new`);
      /** @param {number} index */
      function create(index) {
        fs.closeSync(fs.openSync(turn(paths, index), 'wx'));
      }
      create(0);
      assert.equal(fs.statSync(turn(paths, 0)).size, 0);
      assert.throws(() => create(0), { code: 'EEXIST' });
      fs.unlinkSync(turn(paths, 0));
      return {
        operation(index) {
          create(index);
          fs.unlinkSync(turn(paths, index));
        },
        verify: () => assert.equal(fs.readdirSync(`${root}/d4`).length, FILES / 10),
      };
    },
  },
  {
    name: 'mkdir + rmdir',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = filesOf(root).map((path) => `${path}.dir`);
      fs.mkdirSync(turn(paths, 0));
      assert.equal(fs.statSync(turn(paths, 0)).isDirectory(), true);
      fs.rmdirSync(turn(paths, 0));
      return {
        operation(index) {
          const path = turn(paths, index);
          fs.mkdirSync(path);
          fs.rmdirSync(path);
        },
        verify: () => assert.equal(fs.readdirSync(`${root}/d4`).length, FILES / 10),
      };
    },
  },
  {
    name: 'rename',
    tree: thousand,
    prepare({ fs, root }) {
      const here = filesOf(root);
      const there = here.map((path) => `${path}.moved`);
      /** The run of names, forth or back, that the next operation goes on with. */
      let renamed = 0;
      /** Renames each file forth in one turn of 1,000 and back in the next. */
      function operation() {
        const forth = renamed % (2 * FILES) < FILES;
        fs.renameSync(turn(forth ? here : there, renamed), turn(forth ? there : here, renamed));
        renamed++;
      }
      for (let index = 0; index < FILES; index++) operation();
      assert.deepEqual(fs.readdirSync(`${root}/d9`).length, FILES / 10);
      assert.equal(fs.existsSync(fileOf(root, 5)), false);
      assert.equal(fs.readFileSync(`${fileOf(root, 5)}.moved`, 'utf8'), contentOf(5));
      return {
        operation,
        verify() {
          while (renamed % (2 * FILES) !== 0) operation();
          assert.equal(fs.readFileSync(fileOf(root, 5), 'utf8'), contentOf(5));
        },
      };
    },
  },
  {
    name: 'copyFileSync 4 KiB',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = filesOf(root);
      const copies = Array.from({ length: COPIES }, (_, index) => `${root}/d${index % 10}/copy-${index}.txt`);
      /** @param {number} index */
      function operation(index) {
        const from = turn(paths, index);
        fs.copyFileSync(from, turn(copies, index));
      }
      for (let index = 0; index < COPIES; index++) operation(index);
      copies.forEach((copy, index) => {
        assert.equal(fs.readFileSync(copy, 'utf8'), contentOf(index * 101));
      });
      return {
        operation,
        verify: () => assert.equal(fs.statSync(turn(copies, 0)).size, 4 * KIB),
      };
    },
  },
  {
    name: 'rm -r of a lower tree of 1,000 files',
    tree: thousand,
    once: true,
    prepare({ fs, root }) {
      const directories = Array.from({ length: 10 }, (_, index) => `${root}/d${index}`);
      return {
        operation() {
          for (const directory of directories) fs.rmSync(directory, { recursive: true });
        },
        verify: () => assert.deepEqual(fs.readdirSync(root), []),
      };
    },
  },
];
