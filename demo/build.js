/**
 * One build of the demo, in a thread of its own so that neither build runs with what the other has warmed up:
 * changes a source, empties `dist`, compiles, and tells how long that took and what was written.
 */

import { createHash } from 'node:crypto';
import nodeFs from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { createOverlay } from 'overfs';
import { compile, systemOver } from './system.js';

/** @typedef {{ place: 'overlay' | 'disk', project: string }} Order */
/** @typedef {{ milliseconds: number, processor: number, sources: number, errors: string[], written: Map<string, string>, changes: import('overfs').PathChange[] }} Result */

/** What is added to `lib/index.ts`, to be seen in what the compiler makes of it. */
const EDIT = "\n/** Added by the demo. */\nexport const madeBy = 'the demo';\n";

/** @type {Order} */
const { place, project } = workerData;
const overlay = place === 'overlay' ? createOverlay() : undefined;
const fs = overlay?.fs ?? nodeFs;
const dist = path.join(project, 'dist');

const began = performance.now();
const usedBefore = process.cpuUsage();
fs.appendFileSync(path.join(project, 'lib/index.ts'), EDIT);
fs.rmSync(dist, { recursive: true, force: true });
const { sources, errors } = compile(systemOver(fs, project), path.join(project, 'tsconfig.build.json'));
const milliseconds = performance.now() - began;
const { user, system } = process.cpuUsage(usedBefore);

/** @type {Map<string, string>} */
const written = new Map();
for (const name of fs.readdirSync(dist, { recursive: true, encoding: 'utf8' }).sort()) {
  const file = path.join(dist, name);
  if (fs.statSync(file).isFile()) written.set(name, createHash('sha256').update(fs.readFileSync(file)).digest('hex'));
}

/** @type {Result} */
const result = {
  milliseconds,
  processor: (user + system) / 1000,
  sources,
  errors,
  written,
  changes: [...(overlay?.changes() ?? [])],
};
parentPort?.postMessage(result);
