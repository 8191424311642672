/** Work through descriptors: opening, attributes, positioned reads and writes, appending. */
import assert from 'node:assert/strict';
import { KERNEL, MEMFS, REVALIDATING, UNIONFS, ZENFS } from '../peers.js';
import { contentOf, empty, FILES, fileOf, filesOf, KIB, MIB, sixtyFour, text, thousand, turn } from '../trees.js';

/** @typedef {import('../measure.js').Case} Case */

const PIECE = 4 * KIB;
const PIECES = (64 * MIB) / PIECE;

/** Every piece of the large file once, in an order that no read-ahead can guess: the same for all peers. */
function shuffledOffsets() {
  const offsets = Array.from({ length: PIECES }, (_, index) => index * PIECE);
  let state = 12345;
  for (let last = PIECES - 1; last > 0; last--) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const other = state % (last + 1);
    const offset = offsets[last];
    offsets[last] = /** @type {number} */ (offsets[other]);
    offsets[other] = /** @type {number} */ (offset);
  }
  return offsets;
}

/**
 * What the large file holds in the piece at `offset`.
 * @param {number} offset
 */
function pieceAt(offset) {
  const start = offset % MIB;
  return text(`part ${Math.floor(offset / MIB)}`, MIB).slice(start, start + PIECE);
}

/** @param {Buffer} large @param {Buffer} piece @param {number} offset */
function copyOut(large, piece, offset) {
  return large.copy(piece, 0, offset, offset + PIECE);
}

/** @param {Buffer} large @param {Buffer} piece @param {number} offset */
function copyIn(large, piece, offset) {
  return piece.copy(large, offset);
}

const NO_FILES = 'copies memory, not files';

/**
 * What a random read or write cannot do without: the copy alone, between one Buffer of 64 MiB and one of 4 KiB. There is no filesystem in
 * it, so it is measured twice only, where node:fs and overfs stand.
 * @param {string} name
 * @param {typeof copyOut} copy
 * @returns {Case}
 */
function bareCopy(name, copy) {
  return {
    name,
    tree: empty,
    without: Object.fromEntries([REVALIDATING, KERNEL, MEMFS, UNIONFS, ZENFS].map((peer) => [peer, NO_FILES])),
    prepare() {
      const large = Buffer.alloc(64 * MIB, text('copied', PIECE));
      const offsets = shuffledOffsets();
      const piece = Buffer.from(text('copied', PIECE));
      return {
        operation: (index) => copy(large, piece, /** @type {number} */ (offsets[index % PIECES])),
        verify: () => assert.equal(large.subarray(-PIECE).equals(piece), true),
      };
    },
  };
}

/** @type {Case[]} */
export const cases = [
  {
    name: 'openSync + readSync 4 KiB + closeSync',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = filesOf(root);
      const buffer = Buffer.alloc(PIECE);
      /** @param {number} index */
      function operation(index) {
        const fd = fs.openSync(turn(paths, index), 'r');
        const read = fs.readSync(fd, buffer, 0, PIECE, 0);
        fs.closeSync(fd);
        return read;
      }
      for (let index = 0; index < FILES; index++) {
        assert.equal(operation(index), PIECE);
        assert.equal(paths[index], fileOf(root, index * 101));
        assert.equal(buffer.toString(), contentOf(index * 101));
      }
      return { operation };
    },
  },
  {
    name: 'fstatSync',
    tree: thousand,
    prepare({ fs, root }) {
      const fd = fs.openSync(fileOf(root, 7), 'r');
      assert.equal(fs.fstatSync(fd).size, PIECE);
      assert.equal(fs.fstatSync(fd).ino, fs.statSync(fileOf(root, 7)).ino);
      return { operation: () => fs.fstatSync(fd), verify: () => fs.closeSync(fd) };
    },
  },
  {
    name: 'readSync 4 KiB, random, 64 MiB file',
    tree: sixtyFour,
    prepare({ fs, root }) {
      const fd = fs.openSync(`${root}/large/sixty-four.bin`, 'r');
      const offsets = shuffledOffsets();
      const buffer = Buffer.alloc(PIECE);
      for (let index = 0; index < PIECES; index++) {
        const offset = /** @type {number} */ (offsets[index]);
        assert.equal(fs.readSync(fd, buffer, 0, PIECE, offset), PIECE);
        if (index % 64 === 0) assert.equal(buffer.toString(), pieceAt(offset));
      }
      return {
        operation: (index) => fs.readSync(fd, buffer, 0, PIECE, /** @type {number} */ (offsets[index % PIECES])),
        verify: () => fs.closeSync(fd),
      };
    },
  },
  {
    name: 'writeSync 4 KiB, random, 64 MiB file',
    tree: sixtyFour,
    prepare({ fs, root }) {
      const path = `${root}/large/sixty-four.bin`;
      const fd = fs.openSync(path, 'r+');
      const offsets = shuffledOffsets();
      const piece = Buffer.from(text('rewritten', PIECE));
      /** @param {number} index */
      function operation(index) {
        return fs.writeSync(fd, piece, 0, PIECE, /** @type {number} */ (offsets[index % PIECES]));
      }
      const untouched = Buffer.alloc(PIECE);
      assert.equal(operation(0), PIECE);
      fs.readSync(fd, untouched, 0, PIECE, /** @type {number} */ (offsets[1]));
      assert.equal(untouched.toString(), pieceAt(/** @type {number} */ (offsets[1])));
      for (let index = 0; index < PIECES; index++) operation(index);
      return {
        operation,
        verify() {
          fs.closeSync(fd);
          const content = fs.readFileSync(path);
          assert.equal(content.length, 64 * MIB);
          for (let offset = 0; offset < 64 * MIB; offset += PIECE) {
            assert.equal(piece.compare(content, offset, offset + PIECE), 0);
          }
        },
      };
    },
  },
  bareCopy('copying 4 KiB, random, out of 64 MiB', copyOut),
  bareCopy('copying 4 KiB, random, into 64 MiB', copyIn),
  {
    name: 'writeSync, appending 4 KiB',
    tree: thousand,
    prepare({ fs, root }) {
      const path = `${root}/d0/appended.txt`;
      const fd = fs.openSync(path, 'a');
      const piece = Buffer.from(text('appended', PIECE));
      let pieces = 0;
      return {
        reset() {
          fs.ftruncateSync(fd, 0);
          pieces = 0;
        },
        operation() {
          pieces++;
          return fs.writeSync(fd, piece);
        },
        verify() {
          fs.closeSync(fd);
          const content = fs.readFileSync(path);
          assert.equal(content.length, pieces * PIECE);
          assert.equal(piece.compare(content, content.length - PIECE, content.length), 0);
        },
      };
    },
  },
];
