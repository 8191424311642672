/**
 * The benchmarks: `node --expose-gc benchmarks/run.js [--short] [THEME ...]`.
 * A full run of all themes writes RESULTS.md, chart.svg and the figures of the README; a short one does everything a few times and
 * fails if something does not run, or if overfs or node:fs gives a wrong answer.
 */
import nodeFs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { rows as manyRows } from './cases/many.js';
import { rows as memoryRows } from './cases/memory.js';
import { chart } from './chart.js';
import { FULL, measure, SHORT } from './measure.js';
import { choosePeers, KERNEL, MEMFS, UNIONFS, ZENFS } from './peers.js';
import { Place } from './place.js';
import { withFigures } from './readme.js';
import {
  asMarkdown,
  asText,
  BYTES,
  comparisonTable,
  machine,
  memoryTable,
  NO_TARGETS,
  RATIOS,
  ratioTable,
  wrongAnswers,
} from './report.js';
import { empty } from './trees.js';

/** @typedef {import('./measure.js').Case} Case */
/** @typedef {import('./measure.js').Row} Row */
/** @typedef {import('./peers.js').Peer} Peer */
/** @typedef {import('./cases/memory.js').MemoryRow} MemoryRow */

/** Themes that are lists of cases: the modules in `cases/`, in the order of the report. */
const THEMES = [
  'lookups',
  'listings',
  'descriptors',
  'contents',
  'names',
  'cold',
  'copyup',
  'asynchronous',
  'writeback',
];
/** Themes that run each peer in a process of its own. */
const ALONE = ['many', 'memory'];
/** Whose wrong answers are not this project's fault. */
const OTHERS = [KERNEL, MEMFS, UNIONFS, ZENFS];

/** How often and how much, in a full run and in a short one. */
const PACES = {
  full: { pace: FULL, many: { rounds: 3, count: 100_000 }, memory: 200_000, ratios: RATIOS, bytes: BYTES },
  short: { pace: SHORT, many: { rounds: 1, count: 2000 }, memory: 2000, ratios: NO_TARGETS, bytes: NO_TARGETS },
};

/** @typedef {{ place: Place, peers: readonly Peer[], speed: typeof PACES.full }} Setting */

/**
 * Measures all cases of a theme. Every peer has a copy of the module to itself, so that none runs with the type
 * feedback that another one left.
 * @param {string} theme
 * @param {Setting} setting
 * @returns {Promise<Row[]>}
 */
async function measureTheme(theme, { place, peers, speed }) {
  /** @type {{ cases: Case[] }[]} */
  const copies = await Promise.all(peers.map((_, index) => import(`./cases/${theme}.js?peer=${index}`)));
  const rows = [];
  for (const [index, { tree, branches = 1, upper = false, levels = 1 }] of (copies[0]?.cases ?? []).entries()) {
    const entries = peers.flatMap((peer, copy) => {
      const subject = copies[copy]?.cases[index];
      return subject ? [{ peer, subject }] : [];
    });
    const lowers = place.lowersOf(tree, branches);
    const row = await measure(
      entries,
      async (peer) => peer.open({ tree, lowers, scratch: place.scratch(), upper, levels }),
      speed.pace,
    );
    place.tidy(row.name);
    rows.push(row);
    process.stderr.write(`${asText(ratioTable([row], speed.ratios).slice(1))}\n`);
  }
  return rows;
}

/** @param {Setting} setting @returns {Row[]} */
function measureMany({ place, peers, speed }) {
  const [lower] = place.lowersOf(empty, 1);
  return manyRows({ peers, lower, scratch: () => place.scratch(), ...speed.many });
}

/** @param {Setting} setting @returns {MemoryRow[]} */
function measureMemory({ place, peers, speed }) {
  const lower = place.scratch();
  nodeFs.mkdirSync(lower);
  return memoryRows({ peers, lower, scratch: () => place.scratch(), fs: nodeFs, count: speed.memory });
}

/**
 * @param {Setting} setting
 * @param {readonly string[]} wanted themes, all if empty
 */
async function run(setting, wanted) {
  const wants = (/** @type {string} */ theme) => wanted.length === 0 || wanted.includes(theme);
  const rows = [];
  const themes = wanted.length === 0 ? THEMES : wanted.filter((theme) => !ALONE.includes(theme));
  for (const theme of themes) rows.push(...(await measureTheme(theme, setting)));
  if (wants('many')) rows.push(...measureMany(setting));
  setting.place.tidy('many');
  return { rows, memory: wants('memory') ? measureMemory(setting) : [] };
}

/**
 * @param {readonly Row[]} rows
 * @param {readonly MemoryRow[]} memory
 * @param {ReturnType<typeof wrongAnswers>} wrong
 * @param {string} caption
 */
function save(rows, memory, wrong, caption) {
  const results = [
    '# Results of the benchmarks',
    '',
    'Written by `npm run bench`. Times of one operation (the lower quartile of all rounds), then ratios to node:fs in the same run: less is',
    'better, with the goal in parentheses. "wrong" means a wrong answer, "–" that it cannot be measured.',
    '',
    `${caption}.`,
    '',
    asMarkdown(ratioTable(rows, RATIOS)),
    '',
    asMarkdown(comparisonTable(rows)),
    '',
    asMarkdown(memoryTable(memory, BYTES)),
    '',
    ...wrong.map(({ text }) => `- wrong: ${text}`),
  ];
  const directory = fileURLToPath(new URL('.', import.meta.url));
  nodeFs.writeFileSync(`${directory}RESULTS.md`, `${results.join('\n').trimEnd()}\n`);
  nodeFs.writeFileSync(`${directory}chart.svg`, chart(rows, caption));
  const readme = fileURLToPath(new URL('../README.md', import.meta.url));
  nodeFs.writeFileSync(readme, withFigures(nodeFs.readFileSync(readme, 'utf8'), rows, caption));
}

/** @param {readonly string[]} words */
async function main(words) {
  const { values, positionals: wanted } = parseArgs({
    args: [...words],
    options: { short: { type: 'boolean' } },
    allowPositionals: true,
  });
  const themes = [...THEMES, ...ALONE];
  const unknown = wanted.find((theme) => !themes.includes(theme));
  if (unknown !== undefined) throw new Error(`no theme is called ${unknown}: there are ${themes.join(', ')}`);
  const speed = values.short ? PACES.short : PACES.full;
  const place = new Place();
  try {
    const peers = choosePeers(place.scratch());
    for (const { name, absent } of peers) if (absent) console.log(`left out: ${name}: ${absent}`);
    const { rows, memory } = await run({ place, peers, speed }, wanted);
    const caption = `${machine()}, files on ${place.description}`;
    console.log(`\n${caption}\n`);
    if (rows.length > 0) console.log(`${asText(ratioTable(rows, speed.ratios))}\n`);
    if (speed === PACES.full && comparisonTable(rows).length > 1) console.log(`${asText(comparisonTable(rows))}\n`);
    if (memory.length > 0) console.log(`${asText(memoryTable(memory, speed.bytes))}\n`);
    const wrong = wrongAnswers([...rows, ...memory], place.directory);
    for (const { text } of wrong) console.log(`wrong: ${text}`);
    if (speed === PACES.full && wanted.length === 0) save(rows, memory, wrong, caption);
    if (wrong.some(({ peer }) => !OTHERS.includes(peer))) process.exitCode = 1;
  } finally {
    place.remove();
  }
}

await main(process.argv.slice(2));
