/**
 * The demo: overfs compiles itself, once through an overlay of the real disk and once on the disk, and shows what the
 * overlay holds, that the disk is as it was, and what both took. `npm run demo` builds and runs it.
 */

import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import ts from 'typescript';
import { fingerprint } from './fingerprint.js';
import { drawTree, painter } from './tree.js';

const PROJECT = path.resolve(import.meta.dirname, '..');
const BOLD = 1;
const RED = 31;
const GREEN = 32;
const paint = painter(process.stdout);

/** Builds, and says so when it is done. @param {import('./build.js').Order} order @returns {Promise<import('./build.js').Result>} */
async function build(order) {
  const worker = new Worker(new URL('build.js', import.meta.url), { workerData: order });
  const [result] = await once(worker, 'message');
  console.log(`  ${order.place === 'overlay' ? 'in the overlay' : 'on the disk'}: ${seconds(result.milliseconds)}`);
  return result;
}

/** Builds a copy of the project in a temporary directory, on the disk. */
async function buildOnDisk() {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'overfs-demo-'));
  try {
    for (const name of ['lib', 'package.json', 'tsconfig.json', 'tsconfig.build.json']) {
      fs.cpSync(path.join(PROJECT, name), path.join(copy, name), { recursive: true });
    }
    fs.symlinkSync(path.join(PROJECT, 'node_modules'), path.join(copy, 'node_modules'));
    return await build({ place: 'disk', project: copy });
  } finally {
    fs.rmSync(copy, { recursive: true });
  }
}

/** @param {number} milliseconds */
function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** Says whether something that must hold does. @param {boolean} holds @param {string} yes @param {string} no */
function verdict(holds, yes, no) {
  if (!holds) process.exitCode = 1;
  console.log(holds ? paint(`✓ ${yes}`, GREEN) : paint(`✗ ${no}`, RED));
}

/**
 * The better of two builds, since the first one may have had to wait for the disk.
 * @param {readonly import('./build.js').Result[]} builds
 */
function bestOf(builds) {
  return {
    time: Math.min(...builds.map(({ milliseconds }) => milliseconds)),
    processor: Math.min(...builds.map(({ processor }) => processor)),
  };
}

console.log(
  paint(`overfs compiles itself twice through overlay.fs and twice on the disk (TypeScript ${ts.version})`, BOLD),
);
const before = fingerprint(PROJECT);
const inMemory = await build({ place: 'overlay', project: PROJECT });
const onDisk = await buildOnDisk();
const onDiskAgain = await buildOnDisk();
const inMemoryAgain = await build({ place: 'overlay', project: PROJECT });
const after = fingerprint(PROJECT);

for (const error of [...inMemory.errors, ...onDisk.errors]) verdict(false, '', error);
console.log('\nWhat the overlay holds (+ added, ~ modified, - removed):\n');
console.log(drawTree(inMemory.changes, PROJECT, paint).join('\n'));

const { size } = inMemory.written;
const isEqual = JSON.stringify([...inMemory.written]) === JSON.stringify([...onDisk.written]);
console.log();
verdict(
  before.hash === after.hash,
  `the disk is as it was: ${before.names.toLocaleString('en')} names, sha256 ${before.hash.slice(0, 12)} before and after`,
  `the disk has changed: sha256 ${before.hash.slice(0, 12)} before, ${after.hash.slice(0, 12)} after`,
);
verdict(
  isEqual && size > 0,
  `${size} files made of ${inMemory.sources}, byte for byte those that the same build writes to the disk`,
  `the ${size} files made differ from the ${onDisk.written.size} that the same build writes to the disk`,
);
const ours = bestOf([inMemory, inMemoryAgain]);
const theirs = bestOf([onDisk, onDiskAgain]);
console.log(`  it took ${seconds(ours.time)} in the overlay (${seconds(ours.processor)} of processor time)`);
console.log(`  it took ${seconds(theirs.time)} on the disk (${seconds(theirs.processor)} of processor time)`);
