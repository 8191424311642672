/**
 * Writing back to an upper that is a directory: what reaches it, and what that costs beside writing there with node:fs.
 */
import assert from 'node:assert/strict';
import { KERNEL, MEMFS, REVALIDATING, UNIONFS, ZENFS } from '../peers.js';
import { empty, KIB, MIB, text } from '../trees.js';

/** @typedef {import('../measure.js').Case} Case */
/** @typedef {typeof import('node:fs')} Fs */

const WITHOUT = {
  [REVALIDATING]: 'as with an immutable lower',
  [KERNEL]: 'writes at once',
  [MEMFS]: 'has no upper',
  [UNIONFS]: 'writes at once',
  [ZENFS]: 'writes at once',
};
const DIRECTORIES = 20;
const FILES = 2000;
const TEMPORARY = 100_000;
const LARGE = 256 * MIB;
const PAGE = 16 * KIB;
const PAGES = LARGE / PAGE;

/**
 * Writes files under temporary names and renames them into place, as build tools and package managers do.
 * @param {Fs} fs
 * @param {string} root
 * @param {number} count
 * @param {Buffer} content
 */
function writeAndRename(fs, root, count, content) {
  for (let index = 0; index < DIRECTORIES; index++) fs.mkdirSync(`${root}/d${index}`, { recursive: true });
  for (let index = 0; index < count; index++) {
    const path = `${root}/d${index % DIRECTORIES}/f${index}.txt`;
    fs.writeFileSync(`${path}.tmp`, content);
    fs.renameSync(`${path}.tmp`, path);
  }
}

/**
 * @param {string} name
 * @param {number} step one page of so many is rewritten
 * @returns {Case}
 */
function rewriting(name, step) {
  return {
    name,
    tree: empty,
    upper: true,
    without: WITHOUT,
    async prepare({ fs, root, sync }) {
      const path = `${root}/large.bin`;
      const first = fs.openSync(path, 'w');
      for (let index = 0; index < LARGE / MIB; index++) fs.writeSync(first, Buffer.alloc(MIB, index));
      fs.closeSync(first);
      await sync();
      const page = Buffer.from(text('rewritten', PAGE));
      return {
        async batch(operations) {
          for (let operation = 0; operation < operations; operation++) {
            const fd = fs.openSync(path, 'r+');
            for (let index = 0; index < PAGES; index += step) fs.writeSync(fd, page, 0, PAGE, index * PAGE);
            fs.closeSync(fd);
            await sync();
          }
        },
        verify() {
          const content = fs.readFileSync(path);
          assert.equal(content.length, LARGE);
          for (let index = 0; index < PAGES; index += step) {
            assert.equal(page.compare(content, index * PAGE, (index + 1) * PAGE), 0);
          }
        },
      };
    },
  };
}

/**
 * @param {string} name
 * @param {number} count
 * @returns {Case}
 */
function changingOneOf(name, count) {
  return {
    name,
    tree: empty,
    upper: true,
    without: WITHOUT,
    async prepare({ fs, root, sync }) {
      for (let index = 0; index < count; index++) {
        if (index % 1000 === 0) fs.mkdirSync(`${root}/d${index / 1000}`);
        fs.writeFileSync(`${root}/d${Math.floor(index / 1000)}/f${index}.txt`, 'as it was');
      }
      await sync();
      const path = `${root}/d0/f7.txt`;
      /** What the file holds now. */
      let content = '';
      let changes = 0;
      return {
        async batch(operations) {
          for (let index = 0; index < operations; index++) {
            content = `changed ${changes++}`;
            fs.writeFileSync(path, content);
            await sync();
          }
        },
        verify: () => assert.equal(fs.readFileSync(path, 'utf8'), content),
      };
    },
  };
}

/** @type {Case[]} */
export const cases = [
  {
    name: '2,000 files with tmp + rename, then sync',
    tree: empty,
    upper: true,
    once: true,
    without: WITHOUT,
    async prepare({ fs, root, sync }) {
      const content = Buffer.from(text('content', KIB));
      writeAndRename(fs, `${root}/warm`, FILES / 10, content);
      await sync();
      return {
        async batch() {
          writeAndRename(fs, `${root}/done`, FILES, content);
          await sync();
        },
        verify() {
          let found = 0;
          for (const name of fs.readdirSync(`${root}/done`)) {
            for (const file of fs.readdirSync(`${root}/done/${name}`)) {
              assert.equal(content.equals(fs.readFileSync(`${root}/done/${name}/${file}`)), true);
              found++;
            }
          }
          assert.equal(found, FILES);
        },
      };
    },
  },
  {
    name: '100,000 temporary files made and removed, then sync',
    tree: empty,
    upper: true,
    once: true,
    without: WITHOUT,
    async prepare({ fs, root, sync, commands }) {
      fs.mkdirSync(`${root}/temporary`);
      await sync();
      const before = commands();
      return {
        async batch() {
          for (let index = 0; index < TEMPORARY; index++) {
            fs.writeFileSync(`${root}/temporary/f${index}.tmp`, 'gone soon');
            fs.unlinkSync(`${root}/temporary/f${index}.tmp`);
          }
          await sync();
        },
        verify: () => assert.equal(commands(), before),
      };
    },
  },
  rewriting('rewriting 1 % of the pages of 256 MiB, then sync', 100),
  rewriting('rewriting all pages of 256 MiB, then sync', 1),
  changingOneOf('changing 1 of 1,000 synced files, then sync', 1000),
  changingOneOf('changing 1 of 100,000 synced files, then sync', 100_000),
];
