/** 100,000 small files: created, stat-ed, listed, read and removed, each peer in a process of its own. */
import assert from 'node:assert/strict';
import { runAlone } from '../alone.js';
import { lowerQuartile } from '../measure.js';
import { BASELINE, IMMUTABLE, KERNEL, MEMFS, NODE, REVALIDATING } from '../peers.js';

/** @typedef {import('../measure.js').Cell} Cell */
/** @typedef {import('../measure.js').Row} Row */
/** @typedef {import('../peers.js').Opened} Opened */

const PER_DIRECTORY = 1000;
const PHASES = ['create', 'stat', 'list', 'read', 'remove'];
const PEERS = [NODE, IMMUTABLE, REVALIDATING, BASELINE, KERNEL, MEMFS];

/**
 * Milliseconds of each phase. The same is done with some files first, untimed, to warm up.
 * @type {import('../alone.js').Alone}
 */
export function alone({ fs, root }, count) {
  runPhases(fs, `${root}/warm`, Math.min(count, 5000));
  return runPhases(fs, `${root}/many`, count);
}

/**
 * @param {Opened['fs']} fs
 * @param {string} root
 * @param {number} count
 */
function runPhases(fs, root, count) {
  const directories = Array.from({ length: Math.ceil(count / PER_DIRECTORY) }, (_, index) => `${root}/d${index}`);
  const paths = Array.from(
    { length: count },
    (_, index) => `${directories[Math.floor(index / PER_DIRECTORY)]}/file-${index}.txt`,
  );
  const content = 'a small file\n';
  const create = timed(() => {
    for (const directory of directories) fs.mkdirSync(directory, { recursive: true });
    for (const path of paths) fs.writeFileSync(path, content);
  });
  let bytes = 0;
  const stat = timed(() => {
    for (const path of paths) bytes += fs.statSync(path).size;
  });
  assert.equal(bytes, count * content.length);
  let listed = 0;
  const list = timed(() => {
    for (const directory of directories) listed += fs.readdirSync(directory).length;
  });
  assert.equal(listed, count);
  let right = 0;
  const read = timed(() => {
    for (const path of paths) if (fs.readFileSync(path, 'utf8') === content) right++;
  });
  assert.equal(right, count);
  const remove = timed(() => {
    for (const path of paths) fs.unlinkSync(path);
    for (const directory of directories) fs.rmdirSync(directory);
  });
  assert.deepEqual(fs.readdirSync(root), []);
  return { create, stat, list, read, remove };
}

/** @param {() => void} action */
function timed(action) {
  const started = performance.now();
  action();
  return performance.now() - started;
}

/**
 * One row for each phase and one for all.
 * @param {{ peers: readonly import('../peers.js').Peer[], lower: string, scratch: (peer: string) => string, rounds: number, count: number }} setting
 * @returns {Row[]}
 */
export function rows({ peers, lower, scratch, rounds, count }) {
  /** @type {Map<string, Record<string, number>[]>} */
  const samples = new Map();
  /** @type {Map<string, Cell>} */
  const failures = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) {
      if (!PEERS.includes(peer.name) || failures.has(peer.name)) continue;
      if (peer.absent !== undefined) {
        failures.set(peer.name, { missing: peer.absent });
        continue;
      }
      const errand = {
        module: import.meta.url,
        peer: peer.name,
        count,
        action: '',
        lower,
        scratch: scratch(peer.name),
      };
      const answer = runAlone(errand);
      if ('wrong' in answer) failures.set(peer.name, answer);
      else samples.set(peer.name, [...(samples.get(peer.name) ?? []), withTotal(answer.figures)]);
    }
  }
  return [...PHASES, 'in total'].map((phase) => ({
    name: `100,000 small files: ${phase}`,
    cells: new Map([...failures, ...cellsOf(phase, samples, count)]),
  }));
}

/** @param {Record<string, number>} figures */
function withTotal(figures) {
  return { ...figures, 'in total': PHASES.reduce((sum, phase) => sum + (figures[phase] ?? Number.NaN), 0) };
}

/**
 * @param {string} phase
 * @param {Map<string, Record<string, number>[]>} samples
 * @param {number} count
 * @returns {[string, Cell][]}
 */
function cellsOf(phase, samples, count) {
  const timeOf = (/** @type {Record<string, number>[]} */ runs) =>
    lowerQuartile(runs.map((run) => run[phase] ?? Number.NaN));
  const base = timeOf(samples.get(NODE) ?? []);
  return [...samples].map(([peer, runs]) => {
    const time = timeOf(runs);
    return [peer, { nanoseconds: (time * 1e6) / count, ratio: time / base }];
  });
}
