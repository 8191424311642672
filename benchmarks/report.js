/** The figures as tables: on the console, and as Markdown. */
import os from 'node:os';
import { BASELINE, IMMUTABLE, KERNEL, MEMFS, NODE, REVALIDATING, UNIONFS, ZENFS } from './peers.js';
import { COMPARISONS, IMMUTABLE_TARGETS, MEMORY_TARGETS, REVALIDATING_TARGETS } from './targets.js';

/** @typedef {import('./measure.js').Row} Row */
/** @typedef {import('./measure.js').Cell} Cell */
/** @typedef {import('./cases/memory.js').MemoryRow} MemoryRow */
/** @typedef {import('./cases/memory.js').MemoryCell} MemoryCell */

/** Column heads in order, and the peer that each shows. @type {readonly (readonly [string, string])[]} */
const COLUMNS = [
  ['overfs', IMMUTABLE],
  ['re-validating', REVALIDATING],
  ['other build', BASELINE],
  ['kernel', KERNEL],
  ['memfs', MEMFS],
  ['unionfs', UNIONFS],
  ['ZenFS', ZENFS],
];

/** By peer and name. @typedef {Readonly<Record<string, Readonly<Record<string, number>>>>} Targets */

/** What ratios may be at most. @type {Targets} */
export const RATIOS = {
  [IMMUTABLE]: IMMUTABLE_TARGETS,
  [REVALIDATING]: REVALIDATING_TARGETS,
  [BASELINE]: IMMUTABLE_TARGETS,
};

/** What bytes may be at most. @type {Targets} */
export const BYTES = { [IMMUTABLE]: MEMORY_TARGETS, [REVALIDATING]: MEMORY_TARGETS, [BASELINE]: MEMORY_TARGETS };

/** For figures that say nothing. @type {Targets} */
export const NO_TARGETS = {};

/** @param {number} nanoseconds */
export function duration(nanoseconds) {
  if (nanoseconds < 1e3) return `${Math.round(nanoseconds)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toPrecision(3)} µs`;
  if (nanoseconds < 1e9) return `${(nanoseconds / 1e6).toPrecision(3)} ms`;
  return `${(nanoseconds / 1e9).toPrecision(3)} s`;
}

/** @param {number} ratio */
function ratioText(ratio) {
  if (ratio >= 99.5) return Math.round(ratio).toString();
  return ratio < 0.0995 ? ratio.toFixed(3) : ratio.toPrecision(2);
}

/**
 * @param {number | undefined} target
 * @param {number} value
 */
function verdict(target, value) {
  if (target === undefined) return '';
  return value <= target ? ` (ok ≤ ${target})` : ` (OVER ${target})`;
}

/**
 * @param {Cell | undefined} cell
 * @param {number | undefined} target
 */
function ratioCell(cell, target) {
  if (!cell || 'missing' in cell) return '–';
  return 'wrong' in cell ? 'wrong' : ratioText(cell.ratio) + verdict(target, cell.ratio);
}

/** @param {readonly (Row | MemoryRow)[]} rows */
function columnsIn(rows) {
  return COLUMNS.filter(([, peer]) => rows.some((row) => row.cells.has(peer)));
}

/**
 * One line for each case: the time of node:fs and of overfs, then the ratios.
 * @param {readonly Row[]} rows
 * @param {Targets} targets
 * @returns {string[][]}
 */
export function ratioTable(rows, targets) {
  const columns = columnsIn(rows);
  const head = ['operation', 'node:fs', 'overfs takes', ...columns.map(([title]) => title)];
  return [
    head,
    ...rows.map(({ name, cells }) => [
      name,
      durationCell(cells.get(NODE)),
      durationCell(cells.get(IMMUTABLE)),
      ...columns.map(([, peer]) => ratioCell(cells.get(peer), targets[peer]?.[name])),
    ]),
  ];
}

/** @param {Cell | undefined} cell */
function durationCell(cell) {
  return cell && 'nanoseconds' in cell ? duration(cell.nanoseconds) : '–';
}

/**
 * One line for each kind of file: bytes for each.
 * @param {readonly MemoryRow[]} rows
 * @param {Targets} targets
 * @returns {string[][]}
 */
export function memoryTable(rows, targets) {
  const columns = columnsIn(rows);
  return [
    ['bytes for each', ...columns.map(([title]) => title)],
    ...rows.map(({ name, cells }) => [
      name,
      ...columns.map(([, peer]) => bytesCell(cells.get(peer), targets[peer]?.[name])),
    ]),
  ];
}

/**
 * @param {MemoryCell | undefined} cell
 * @param {number | undefined} target
 */
function bytesCell(cell, target) {
  if (!cell || 'missing' in cell) return '–';
  return 'wrong' in cell ? 'wrong' : Math.round(cell.bytes) + verdict(target, cell.bytes);
}

/**
 * What is to cost no more than something else, as far as both have been measured.
 * @param {readonly Row[]} rows
 * @returns {string[][]}
 */
export function comparisonTable(rows) {
  const measured = COMPARISONS.flatMap(({ name, beside, atMost }) => {
    const [one, other] = [name, beside].map((wanted) => rows.find((row) => row.name === wanted)?.cells.get(IMMUTABLE));
    if (!one || !other || !('nanoseconds' in one) || !('nanoseconds' in other)) return [];
    const times = one.nanoseconds / other.nanoseconds;
    return [[name, beside, ratioText(times) + verdict(atMost, times)]];
  });
  return [['overfs', 'beside', 'times as much'], ...measured];
}

/**
 * What is wrong with whom, a line each.
 * @param {readonly (Row | MemoryRow)[]} rows
 * @param {string} directory where the run was, of no interest to the reader
 */
export function wrongAnswers(rows, directory) {
  return rows.flatMap(({ name, cells }) =>
    [...cells].flatMap(([peer, cell]) =>
      'wrong' in cell ? [{ peer, text: `${peer}: ${name}: ${cell.wrong.replaceAll(directory, '')}` }] : [],
    ),
  );
}

/** @param {readonly string[][]} table */
export function asText(table) {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)));
  return table
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** @param {readonly string[][]} table */
export function asMarkdown(table) {
  const [head = [], ...lines] = table;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** The machine, in a line. */
export function machine() {
  return `Node ${process.version}, ${os.type()} ${os.release()} ${os.arch()}, ${os.availableParallelism()} cores`;
}
