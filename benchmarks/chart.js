/**
 * The ratios as a chart: one line for each operation, one dot for each peer, on a logarithmic scale on which node:fs stands at 1.
 * The SVG follows the reader's light or dark colours.
 */
import { IMMUTABLE, KERNEL, MEMFS, REVALIDATING, UNIONFS, ZENFS } from './peers.js';
import { IMMUTABLE_TARGETS } from './targets.js';

/** @typedef {import('./measure.js').Row} Row */

const WIDTH = 960;
const LEFT = 350;
const RIGHT = 30;
const TOP = 64;
const LINE = 20;
const FROM = 0.003;
const TO = 1000;

/** Series in drawing order: who, what it is called, light colour, dark colour, radius of its dots. */
const SERIES = [
  { peer: ZENFS, label: 'ZenFS', light: '#a06a00', dark: '#e0a93b', radius: 4 },
  { peer: UNIONFS, label: 'unionfs', light: '#8a4fbf', dark: '#c39af0', radius: 4 },
  { peer: MEMFS, label: 'memfs', light: '#1769c2', dark: '#6db3ff', radius: 4 },
  { peer: KERNEL, label: 'kernel overlayfs', light: '#6b7280', dark: '#9ca3af', radius: 4 },
  { peer: REVALIDATING, label: 'overfs, re-validating', light: '#4b9c6a', dark: '#5fbf83', radius: 4 },
  { peer: IMMUTABLE, label: 'overfs', light: '#c0262d', dark: '#ff6b6b', radius: 6 },
];

/** @param {number} ratio */
function across(ratio) {
  const part = Math.log(Math.min(TO, Math.max(FROM, ratio)) / FROM) / Math.log(TO / FROM);
  return (LEFT + part * (WIDTH - LEFT - RIGHT)).toFixed(1);
}

/** @param {string} words */
function escaped(words) {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function style() {
  const light = SERIES.map(({ light }, index) => `.s${index}{fill:${light}}`).join('');
  const dark = SERIES.map(({ dark }, index) => `.s${index}{fill:${dark}}`).join('');
  return [
    '<style>',
    'text{font:12px system-ui,sans-serif;fill:#1f2328}.grid{stroke:#d0d7de}.base{stroke:#1f2328}.target{stroke:#c0262d;stroke-width:2}',
    light,
    '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#30363d}.base{stroke:#e6edf3}.target{stroke:#ff6b6b}',
    `${dark}}`,
    '</style>',
  ].join('');
}

function legend() {
  let x = 16;
  const marks = SERIES.toReversed().map(({ label }, index) => {
    const mark = `<circle class="s${SERIES.length - 1 - index}" cx="${x}" cy="18" r="5"/><text x="${x + 10}" y="22">${label}</text>`;
    x += 34 + label.length * 7;
    return mark;
  });
  const target = `<line class="target" x1="${x}" x2="${x}" y1="11" y2="25"/><text x="${x + 8}" y="22">goal</text>`;
  return [...marks, target].join('');
}

/** @param {number} bottom */
function grid(bottom) {
  const marks = [0.01, 0.1, 1, 10, 100, 1000].map((ratio) => {
    const x = across(ratio);
    const label = ratio === 1 ? 'node:fs = 1' : `${ratio}`;
    const line = `<line class="${ratio === 1 ? 'base' : 'grid'}" x1="${x}" x2="${x}" y1="${TOP - 12}" y2="${bottom}"/>`;
    return `${line}<text x="${x}" y="${TOP - 18}" text-anchor="middle">${label}</text>`;
  });
  return marks.join('');
}

/**
 * @param {Row} row
 * @param {number} y
 */
function drawn({ name, cells }, y) {
  const parts = [`<text x="${LEFT - 12}" y="${y + 4}" text-anchor="end">${escaped(name)}</text>`];
  const target = IMMUTABLE_TARGETS[name];
  if (target !== undefined) {
    parts.push(`<line class="target" x1="${across(target)}" x2="${across(target)}" y1="${y - 8}" y2="${y + 8}"/>`);
  }
  SERIES.forEach(({ peer, radius }, index) => {
    const cell = cells.get(peer);
    if (!cell || !('ratio' in cell)) return;
    const title = `<title>${escaped(`${peer}, ${name}: ${cell.ratio.toPrecision(2)}`)}</title>`;
    parts.push(`<circle class="s${index}" cx="${across(cell.ratio)}" cy="${y}" r="${radius}">${title}</circle>`);
  });
  return parts.join('');
}

/**
 * The chart as an SVG document.
 * @param {readonly Row[]} rows
 * @param {string} caption
 */
export function chart(rows, caption) {
  const bottom = TOP + rows.length * LINE;
  const lines = rows.map((row, index) => drawn(row, TOP + index * LINE));
  const height = bottom + 42;
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="Time relative to node:fs, less is better">`,
    style(),
    legend(),
    grid(bottom),
    ...lines,
    `<text x="16" y="${bottom + 14}">Time of an operation beside node:fs: less is better.</text>`,
    `<text x="16" y="${bottom + 32}">${escaped(caption)}.</text>`,
    '</svg>',
    '',
  ].join('\n');
}
