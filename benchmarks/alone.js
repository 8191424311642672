/**
 * Runs one part of a benchmark in a process of its own, so that heaps are fresh and nobody's garbage is another's:
 * `node --expose-gc alone.js MODULE PEER COUNT ACTION LOWER SCRATCH` prints what the module's `alone` returns, as JSON.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { choosePeers } from './peers.js';
import { empty } from './trees.js';

/** @typedef {import('./peers.js').Opened} Opened */
/** @typedef {Record<string, number>} Figures */
/** @typedef {(opened: Opened, count: number, action: string) => Figures | Promise<Figures>} Alone */
/** @typedef {{ module: string, peer: string, count: number, action: string, lower: string, scratch: string }} Errand */

/**
 * Starts the process and returns its figures, or why there are none.
 * @param {Errand} errand
 * @returns {{ figures: Figures } | { wrong: string }}
 */
export function runAlone({ module, peer, count, action, lower, scratch }) {
  const script = fileURLToPath(import.meta.url);
  const heap = ['--expose-gc', '--max-old-space-size=8192'];
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...heap, script, module, peer, String(count), action, lower, scratch],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status === 0) return { figures: JSON.parse(stdout) };
  const reason = stderr.split('\n').find((line) => /Error/.test(line)) ?? `exit code ${status}`;
  return { wrong: reason.trim() };
}

/** @param {readonly string[]} words */
async function main(words) {
  const [module = '', name, count, action = '', lower = '', scratch = ''] = words;
  const peer = choosePeers(`${scratch}-try`).find((candidate) => candidate.name === name);
  if (!peer) throw new Error(`no peer is called ${name}`);
  /** @type {{ alone: Alone }} */
  const { alone } = await import(module);
  const opened = await peer.open({ tree: empty, lowers: [lower], scratch, upper: false, levels: 1 });
  const figures = await alone(opened, Number(count), action);
  await opened.close();
  process.stdout.write(JSON.stringify(figures));
}

// Not awaited here: the module that `main` imports imports this one.
if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
