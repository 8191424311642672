/** The promise and callback forms, and streams: one call after another, and 32 at a time. */
import assert from 'node:assert/strict';
import { ZENFS } from '../peers.js';
import { contentOf, FILES, filesOf, KIB, MIB, sixtyFour, text, thousand, turn } from '../trees.js';

/** @typedef {import('../measure.js').Case} Case */
/** @typedef {typeof import('node:fs')} Fs */
/** @typedef {(index: number) => Promise<unknown>} Call */

const PARALLEL = 32;

/**
 * @param {Call} call
 * @param {number} operations
 */
async function oneAfterAnother(call, operations) {
  for (let index = 0; index < operations; index++) await call(index);
}

/**
 * Keeps 32 calls under way.
 * @param {Call} call
 * @param {number} operations
 */
async function inParallel(call, operations) {
  let next = 0;
  async function work() {
    while (next < operations) await call(next++);
  }
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

/**
 * @param {string} name
 * @param {(call: Call, operations: number) => Promise<unknown>} run
 * @returns {Case[]}
 */
function promiseCases(name, run) {
  return [
    {
      name: `promises.stat, ${name}`,
      tree: thousand,
      async prepare({ fs, root }) {
        const paths = filesOf(root);
        for (const path of paths) assert.equal((await fs.promises.stat(path)).size, 4 * KIB);
        return { batch: (operations) => run((index) => fs.promises.stat(turn(paths, index)), operations) };
      },
    },
    {
      name: `promises.readFile 4 KiB, ${name}`,
      tree: thousand,
      async prepare({ fs, root }) {
        const paths = filesOf(root);
        for (const [index, path] of paths.entries()) {
          assert.equal((await fs.promises.readFile(path)).toString(), contentOf(index * 101));
        }
        return { batch: (operations) => run((index) => fs.promises.readFile(turn(paths, index)), operations) };
      },
    },
  ];
}

/**
 * Calls `stat` with a callback, each call from the callback of the one before.
 * @param {Fs} fs
 * @param {readonly string[]} paths
 * @param {number} operations
 * @returns {Promise<void>}
 */
function chained(fs, paths, operations) {
  return new Promise((resolve, reject) => {
    let index = 0;
    /** @param {Error | null} error @param {import('node:fs').Stats} stats */
    function next(error, stats) {
      if (error) reject(error);
      else if (stats.size !== 4 * KIB) reject(new Error(`size ${stats.size}`));
      else if (++index === operations) resolve();
      else fs.stat(turn(paths, index), next);
    }
    fs.stat(turn(paths, index), next);
  });
}

/**
 * Reads a stream to its end.
 * @param {Fs} fs
 * @param {string} path
 * @returns {Promise<number>} the bytes seen
 */
function streamed(fs, path) {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    fs.createReadStream(path)
      .on('data', (chunk) => {
        bytes += chunk.length;
      })
      .on('error', reject)
      .on('end', () => resolve(bytes));
  });
}

/** @type {Case[]} */
export const cases = [
  ...promiseCases('one after another', oneAfterAnother),
  ...promiseCases('32 at a time', inParallel),
  {
    name: 'promises.writeFile 4 KiB, one after another',
    tree: thousand,
    async prepare({ fs, root }) {
      const paths = filesOf(root);
      const content = Buffer.from(text('written', 4 * KIB));
      for (const path of paths) await fs.promises.writeFile(path, content);
      return {
        batch: (operations) =>
          oneAfterAnother((index) => fs.promises.writeFile(turn(paths, index), content), operations),
        verify() {
          for (const path of paths) assert.equal(content.equals(fs.readFileSync(path)), true);
        },
      };
    },
  },
  {
    name: 'stat with a callback, one after another',
    tree: thousand,
    prepare({ fs, root }) {
      const paths = filesOf(root);
      return { batch: (operations) => chained(fs, paths, operations) };
    },
  },
  {
    name: 'createReadStream, 64 MiB',
    tree: sixtyFour,
    async prepare({ fs, root }) {
      const path = `${root}/large/sixty-four.bin`;
      assert.equal(await streamed(fs, path), 64 * MIB);
      return { batch: (operations) => oneAfterAnother(() => streamed(fs, path), operations) };
    },
  },
  {
    name: 'promises.readFile of 1,000 cold files, 32 at a time',
    tree: thousand,
    once: true,
    without: { [ZENFS]: 'has its lower in memory' },
    prepare({ fs, root }) {
      const paths = filesOf(root);
      let right = 0;
      /** @param {number} index */
      async function call(index) {
        const content = await fs.promises.readFile(turn(paths, index));
        if (content.length === 4 * KIB) right++;
      }
      return { batch: () => inParallel(call, FILES), verify: () => assert.equal(right, FILES) };
    },
  },
];
