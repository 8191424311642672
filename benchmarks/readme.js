/**
 * The part of the README that a full run writes: what is most wanted, in two tables, and the chart.
 */
import { IMMUTABLE, KERNEL } from './peers.js';
import { asMarkdown, duration, NO_TARGETS, ratioTable } from './report.js';
import { IMMUTABLE_TARGETS } from './targets.js';

/** @typedef {import('./measure.js').Row} Row */

const BEGIN = '<!-- written by npm run bench -->';
const END = '<!-- end of what npm run bench writes -->';

const SIZES = ['4 KiB', '64 MiB', '1 GiB'];
const TOUCHES = ['first 1-byte write', 'first chmod', 'first rename', 'first copyFile'];

/**
 * The README with the figures of a run in it.
 * @param {string} readme
 * @param {readonly Row[]} rows
 * @param {string} caption
 */
export function withFigures(readme, rows, caption) {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the README has no place for figures: ${BEGIN} ... ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${figures(rows, caption)}\n\n${readme.slice(end)}`;
}

/**
 * @param {readonly Row[]} rows
 * @param {string} caption
 */
function figures(rows, caption) {
  const chosen = rows.filter(({ name }) => name in IMMUTABLE_TARGETS);
  return [
    `${caption}. Times of one operation, then ratios to \`node:fs\` in the same run: less is better.`,
    '',
    asMarkdown(ratioTable(chosen, NO_TARGETS)),
    '',
    'What a file of a lower costs when it is first changed does not depend on its size:',
    '',
    asMarkdown(touchTable(rows)),
    '',
    '![Time of an operation beside node:fs, for each operation and each filesystem](benchmarks/chart.svg)',
    '',
    'All figures, with their goals, are in [benchmarks/RESULTS.md](benchmarks/RESULTS.md).',
  ].join('\n');
}

/** One line for each change, with its times for all sizes. @param {readonly Row[]} rows @returns {string[][]} */
function touchTable(rows) {
  const peers = /** @type {const} */ ([
    ['overfs', IMMUTABLE],
    ['kernel', KERNEL],
  ]);
  const lines = TOUCHES.map((touch) => [
    touch,
    ...peers.flatMap(([, peer]) => SIZES.map((size) => timeOf(rows, `${touch}, ${size}`, peer))),
  ]);
  return [['operation', ...peers.flatMap(([title]) => SIZES.map((size) => `${title}, ${size}`))], ...lines];
}

/**
 * @param {readonly Row[]} rows
 * @param {string} name
 * @param {string} peer
 */
function timeOf(rows, name, peer) {
  const cell = rows.find((row) => row.name === name)?.cells.get(peer);
  return cell && 'nanoseconds' in cell ? duration(cell.nanoseconds) : '–';
}
